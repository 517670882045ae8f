/**
 * What is known of one function: what an item costs, what its crossing costs, and what follows for batches. Pure.
 *
 * A batch should take about {@link targetMs}: long enough that the crossing of a message (25–400 µs) does not show, short enough
 * that the load stays balanced; joblib sizes batches the same way, at 0.2–2 s because its workers are processes. At most half of what the
 * worker would do if all shared equally what is left, as Taskflow's guided partitioning does, so that the last batches are small; but not so
 * small that their messages cost more. What the worker has before it already counts as done by it, so that all end together. Growth is bounded,
 * because the first measurement of a cold function says little.
 */

/** Where waking a thread is dear, as in a virtual machine, a batch costs 0.1 to 0.4 ms: 10 % of one of 2 ms, 3 % of this. A short map never gets here. */
const targetMs = 10
/** Larger batches save nothing: 15 µs of crossing over this many items is 2 ns each. */
const largestBatch = 8_192
const largestGrowth = 8
/** What takes less is not divided: the second message would cost more than the time that it saves. */
const leastMs = 0.1
/** A last share may take this long: halving it again evens out less than the messages cost. */
const lastShareMs = 1
/** Items of a function that waits (I/O): as many under way per batch as most servers take from one client. */
const largestAsyncBatch = 16
/** A first guess of what copying a small item costs this thread, both ways. */
const firstCrossingMs = 0.000_3
/**
 * What a map may lose to threads that are slow to wake: a message there and back takes 0.05 ms on a quiet machine and ten times that on a
 * busy one, so that a map that would win less is not worth the risk.
 */
const roundTripMs = 0.5
/** Objects of a few fields: 5 to 10 ns per byte each way. */
const dearByteMs = 0.000_02

export class Estimate {
  /** Busy milliseconds per item; undefined until measured. */
  itemMs: number | undefined
  /** Milliseconds of this thread per item for copying it there and its result back. */
  crossingMs = firstCrossingMs
  async = false
  #lastBatch = 0

  /** A batch has come back. */
  record(items: number, busyMs: number, async: boolean): void {
    if (items === 0) return
    if (async) this.async = true
    const measured = busyMs / items
    if (this.itemMs === undefined) this.itemMs = measured
    else {
      // A batch counts by its size: one slow item must not outweigh a thousand, and a warm function forgets its cold start.
      const weight = Math.min(0.8, Math.max(0.2, items / (items + this.#lastBatch)))
      this.itemMs += weight * (measured - this.itemMs)
    }
    this.#lastBatch = items
  }

  /**
   * What this thread spent on posting a batch; receiving the results costs about the same.
   * @param bytes about how large an item and its result are
   */
  recordPost(items: number, ms: number, bytes = 0): void {
    if (items < 8) return
    // A thread that lost its core while it posted has measured the machine, not the crossing: one sample can double it at most, or
    // come to what such an item costs where copying is dear.
    const measured = Math.min((2 * ms) / items, Math.max(2 * this.crossingMs, bytes * dearByteMs))
    this.crossingMs += 0.3 * (measured - this.crossingMs)
  }

  /** Items ran on this thread: nothing was learned of the crossing, and what is known of it grows old. */
  recordInline(items: number, busyMs: number): void {
    this.record(items, busyMs, false)
    // So a crossing that once seemed dear is tried again after a few dozen slices, and then measured.
    this.crossingMs = Math.max(firstCrossingMs, 0.95 * this.crossingMs)
  }

  /**
   * How many items the next batch should have; `remaining` may be `Infinity`. 0 where the worker has as much before it as all would have if they
   * shared what is left.
   * @param ahead items of the same work that have been handed out and have not started
   * @param own how many of these wait at the worker for which the batch is
   * @param batchMs how long it should take
   */
  batchSize(remaining: number, slots: number, ahead = 0, own = 0, batchMs = targetMs): number {
    if (this.itemMs === undefined) return 1
    const byTime = batchMs / Math.max(this.itemMs, 1e-6)
    const byGrowth = Math.max(1, this.#lastBatch) * largestGrowth
    // Into equal parts, none below `leastMs`.
    const left = remaining + ahead
    const parts = Math.max(1, Math.min(slots, Math.floor((left * Math.max(this.itemMs, 1e-6)) / leastMs)))
    const share = Math.ceil(left / parts) - own
    if (share <= 0) return 0
    const byShare = share * this.itemMs < lastShareMs ? share : Math.ceil(share / 2)
    const most = this.async ? largestAsyncBatch : largestBatch
    return Math.max(1, Math.min(Math.floor(byTime), byGrowth, byShare, most))
  }

  /** True when finishing `remaining` items on this thread takes no longer than sending them to `slots` workers. */
  inlineWins(remaining: number, slots: number): boolean {
    const { itemMs, crossingMs } = this
    if (itemMs === undefined || this.async || remaining === Number.POSITIVE_INFINITY) return false
    // The crossing is paid on this thread alone and on the workers again; only the work itself is shared.
    const parallelMs = roundTripMs + Math.max(remaining * crossingMs, (remaining * (itemMs + crossingMs)) / slots)
    return remaining * itemMs <= parallelMs
  }

  /** True when a second batch should wait at the worker: only where a message would be felt, and the wait is short. */
  get prefetches(): boolean {
    return this.itemMs !== undefined && this.itemMs < targetMs
  }
}
