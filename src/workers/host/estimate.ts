/**
 * What is known of one function: what an item costs, what its crossing costs, and what follows for batches. Pure.
 *
 * A batch should take about {@link targetMs}: long enough that the crossing of a message (25–400 µs) does not show, short enough
 * that the load stays balanced; joblib sizes batches the same way, at 0.2–2 s because its workers are processes. At most half of what the
 * worker would do if all shared equally what is left, as Taskflow's guided partitioning does, so that the last batches are small; but not so
 * small that their messages cost more. What the worker has before it already counts as done by it, so that all end together. Growth is bounded,
 * because the first measurement of a cold function says little.
 *
 * Where the items are done best follows from the same numbers: see plan.ts.
 */

import { type Costs, longestHereMs, type Plan, Planner } from './plan.ts'
import { Typical } from './typical.ts'

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
/** A first guess of what copying a small item costs this thread, each way. */
const firstCopyMs = 0.000_15
/** What a message costs this thread that has next to nothing in it. */
const messageMs = 0.03
/** To be able to stop a call that never returns costs so much. */
const guardMs = 0.05
/** Objects of a few fields: 3 to 10 ns per byte each way. */
const dearByteMs = 0.000_01
/** Writing one batch takes this thread no longer, so that the event loop turns. Chosen. */
const longestWriteMs = 4
/** What is tried again because its crossing was measured long ago may cost this much. Chosen. */
const trialMs = 0.3

/** Of the first slices here, and of the first batches of each worker, some are of code that is not compiled yet. Chosen. */
const [surelyMeasured, surelyOfEach] = [4, 2]
/** Batches there between two slices here that only measure. Chosen: a hundredth of the work. */
const measuredEvery = 12

export class Estimate {
  /** Busy milliseconds per item on a worker, or wherever the first ones ran, on average; undefined until measured. */
  itemMs: number | undefined
  readonly planner = new Planner()
  /** What they usually are on a worker, and on this thread, which has other caches, another heap, and code that was compiled at another time. */
  readonly #there = new Typical()
  readonly #here = new Typical()
  /** Batches there since the last slice here. */
  #sinceHere = 0
  /** Batches there, and slices of work here, that were measured. */
  #batches = 0
  #slices = 0
  /** Milliseconds of this thread per item: for writing its arguments, and for reading its result. */
  writeMs = firstCopyMs
  readMs = firstCopyMs
  /** Milliseconds of a worker per item for copying, where that was measured. */
  workerCopyMs: number | undefined
  async = false
  #lastBatch = 0
  #readMeasured = false
  /** What the crossing cost when it was last measured, where that is long ago. */
  #staleMs: number | undefined
  readonly #posts = new Typical()

  /**
   * A batch has come back.
   * @param cold it was the first of its worker: what it took says little of what the next ones take
   */
  record(items: number, busyMs: number, async: boolean, cold = false): void {
    if (items === 0) return
    if (async) this.async = true
    this.itemMs = this.#averaged(this.itemMs, items, busyMs)
    if (!cold) {
      this.#there.add(busyMs / items)
      this.#batches++
    }
    this.#lastBatch = items
    this.#sinceHere++
  }

  #averaged(known: number | undefined, items: number, busyMs: number): number {
    const measured = busyMs / items
    if (known === undefined) return measured
    // A batch counts by its size: one slow item must not outweigh a thousand, and a warm function forgets its cold start.
    const weight = Math.min(0.8, Math.max(0.2, items / (items + this.#lastBatch)))
    return known + weight * (measured - known)
  }

  /**
   * What this thread spent on posting a batch.
   * @param itemBytes about how large the arguments of an item are
   * @param resultBytes about how large its result is
   */
  recordPost(items: number, ms: number, itemBytes = 0, resultBytes = itemBytes): void {
    // Of a few small ones it is the message that was measured.
    const own = items < 8 ? ms - messageMs : ms
    if (items < 8 && own < messageMs) return
    this.#staleMs = undefined
    // A thread that lost its core while it posted has measured the machine, not the crossing: one sample can double it at most, or
    // come to what such an item costs where copying is dear.
    const measured = Math.min(this.#posts.add(own / items), Math.max(2 * this.writeMs, itemBytes * dearByteMs))
    this.writeMs += 0.3 * (measured - this.writeMs)
    // Results that are small are read with their message. Like is taken to cost like.
    if (!this.#readMeasured) {
      const likely = measured * (itemBytes > 0 ? Math.min(1, resultBytes / itemBytes) : 1)
      this.readMs += 0.3 * (likely - this.readMs)
    }
  }

  /** What this thread spent on reading results that came as bytes. */
  recordRead(items: number, ms: number, bytes = 0): void {
    const measured = Math.min(ms / items, Math.max(2 * this.readMs, (bytes / items) * 2 * dearByteMs))
    this.readMs += (this.#readMeasured ? 0.3 : 1) * (measured - this.readMs)
    this.#readMeasured = true
  }

  /** What a worker spent on reading arguments and writing results that were bytes. */
  recordCopy(items: number, ms: number): void {
    const measured = ms / items
    this.workerCopyMs = this.workerCopyMs === undefined ? measured : this.workerCopyMs + 0.3 * (measured - this.workerCopyMs)
  }

  /**
   * Items ran on this thread: nothing was learned of the crossing, and what is known of it grows old.
   * @param busyMs what the function took, without what watching it took
   */
  recordInline(items: number, busyMs: number): void {
    if (items === 0) return
    this.#slices++
    this.#sinceHere = 0
    const hereMs = this.#here.add(busyMs / items)
    this.itemMs ??= hereMs
    this.#lastBatch = items
    // So a crossing that once seemed dear is tried again after a few dozen slices, with a few items, and then measured.
    this.#staleMs ??= this.crossingMs
    this.writeMs = Math.max(firstCopyMs, 0.95 * this.writeMs)
    this.readMs = Math.max(firstCopyMs, 0.95 * this.readMs)
  }

  /** Milliseconds that an item takes here. Until that has been measured a few times it is at most what it takes there. */
  get hereMs(): number | undefined {
    const [here, there] = [this.#here.usual, this.#there.usual]
    return this.#slices < surelyMeasured ? least(here, there ?? this.itemMs) : here
  }

  /** Milliseconds that an item takes on one of `slots` workers; likewise. */
  thereMs(slots: number): number | undefined {
    const [here, there] = [this.#here.usual, this.#there.usual]
    return this.#batches < Math.max(surelyMeasured, surelyOfEach * slots) ? least(here, there ?? this.itemMs) : there
  }

  /** Has it been measured often enough on both sides to be believed? */
  sure(slots: number): boolean {
    return this.#slices >= surelyMeasured && this.#batches >= Math.max(surelyMeasured, surelyOfEach * slots)
  }

  /** Whether it should be measured what an item takes here: it is not known, or was long ago, and is not long. */
  get unknownHere(): boolean {
    return (
      (this.#here.usual === undefined || this.#sinceHere >= measuredEvery) &&
      !this.async &&
      this.itemMs !== undefined &&
      this.itemMs < targetMs
    )
  }

  /** Milliseconds of this thread per item for copying it there and its result back. */
  get crossingMs(): number {
    return this.writeMs + this.readMs
  }

  /**
   * How many items the next batch should have; `remaining` may be `Infinity`. 0 where the worker has as much before it as all would have if they
   * shared what is left.
   * @param ahead items of the same work that have been handed out and have not started
   * @param own how many of these wait at the worker for which the batch is
   * @param batchMs how long it should take
   * @param shared this thread does a part too, in place of one of the workers
   */
  batchSize(remaining: number, slots: number, ahead = 0, own = 0, batchMs = targetMs, shared = false): number {
    if (this.itemMs === undefined) return 1
    const itemMs = Math.max(this.itemMs + (this.workerCopyMs ?? 0), 1e-6)
    const hands = shared ? slots - 1 + itemMs / Math.max(this.hereMs ?? itemMs, 1e-6) : slots
    const byTime = batchMs / itemMs
    const byGrowth = Math.max(1, this.#lastBatch) * largestGrowth
    // Into equal parts, none below `leastMs`.
    const left = remaining + ahead
    const parts = Math.max(1, Math.min(hands, Math.floor((left * itemMs) / leastMs)))
    const share = Math.ceil(left / parts) - own
    if (share <= 0) return 0
    const byShare = share * itemMs < lastShareMs ? share : Math.ceil(share / 2)
    const byCopying = this.#staleMs === undefined ? longestWriteMs / this.writeMs : trialMs / this.#staleMs
    const most = this.async ? largestAsyncBatch : largestBatch
    return Math.max(1, Math.min(Math.floor(byTime), byGrowth, byShare, Math.floor(byCopying), most))
  }

  /**
   * What an item costs; undefined where nothing is known of it, or where it waits for something.
   * @param stays results stay with the workers: this thread reads none
   */
  costs(slots: number, stays: boolean): Costs | undefined {
    const [hereMs, thereMs] = [this.hereMs, this.thereMs(slots)]
    if (this.async || hereMs === undefined || thereMs === undefined) return undefined
    return { hereMs, thereMs, crossingMs: stays ? this.writeMs : this.crossingMs, workerCopyMs: this.workerCopyMs }
  }

  /** Where the `remaining` items are done soonest, if they may be done here, as far as is known. */
  plan(remaining: number, slots: number, stays = false): Plan {
    const costs = this.costs(slots, stays)
    if (!costs) return 'there'
    if (remaining !== Number.POSITIVE_INFINITY) return this.planner.choose(costs, remaining, slots)
    const { hereMs, thereMs, crossingMs, workerCopyMs } = costs
    if (hereMs > Math.max(longestHereMs, crossingMs)) return 'there'
    // As many come at a time as came the last time.
    const together = Math.max(1, this.#lastBatch)
    const itemsThereMs = Math.max(crossingMs + messageMs / together, (thereMs + (workerCopyMs ?? crossingMs)) / slots)
    return hereMs + guardMs / together <= itemsThereMs ? 'here' : 'there'
  }

  /** Are its results what makes it dear to send? They need not come here where workers go on with them. */
  get dearResults(): boolean {
    return this.#readMeasured && this.readMs > 2 * this.writeMs
  }

  /** Does a single call take this thread less than sending it, with what watching it costs? */
  get callWins(): boolean {
    const each = this.hereMs
    return each !== undefined && !this.async && each <= longestHereMs && each + guardMs <= this.crossingMs
  }

  /** True when a second batch should wait at the worker: only where a message would be felt, and the wait is short. */
  get prefetches(): boolean {
    return this.itemMs !== undefined && this.itemMs < targetMs
  }
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}
