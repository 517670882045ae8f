/**
 * How many items a batch for another machine gets. A trip through the store costs milliseconds on every side, so that a batch should take a fifth of a
 * second of one slot; at the end of a map batches shrink, so that all slots end together. Pure.
 */

/** One percent of it is what a trip costs. */
const targetMs = 200
/** At the end of a map batches are not divided below it: each costs a trip of some milliseconds, which is more than it would even out. */
const leastMs = 10
/** While little is known. */
const firstMs = 50
const mostItems = 10_000
/** Of text. Larger messages are not faster: 89 MB/s with 1 MiB, 71 with 4. */
export const targetBytes = 256 * 1_024
const weight = 0.4
/** Batches that are out at most: enough for any fleet. */
const windowMost = 1_000

export class Sizing {
  #itemMs: number | undefined
  #itemBytes = 0
  #last = 1
  #measured = 0

  sent(items: number, bytes: number): void {
    const each = bytes / Math.max(1, items)
    // Larger ones count at once: a batch must not be far too large.
    this.#itemBytes = each > this.#itemBytes ? each : this.#itemBytes + weight * (each - this.#itemBytes)
  }

  took(items: number, ms: number): void {
    if (items === 0) return
    const each = ms / items
    this.#itemMs = this.#itemMs === undefined ? each : this.#itemMs + weight * (each - this.#itemMs)
    this.#measured++
    this.#last = Math.max(this.#last, items)
  }

  /** How many batches may be out: two for each slot, so that none waits for the next one to arrive. More changed nothing, of large items or of small ones: measured. */
  window(slots: number, share: number): number {
    return Math.min(windowMost, Math.max(4, Math.ceil(2 * slots * share)))
  }

  /** @param remaining items that are still to be sent; `Infinity` where nobody knows @param slots of the whole fleet */
  next(remaining: number, slots: number): number {
    if (this.#itemMs === undefined) return 1
    const byTime = (this.#measured < 3 ? firstMs : targetMs) / Math.max(this.#itemMs, 1e-6)
    const byBytes = this.#itemBytes > 0 ? targetBytes / this.#itemBytes : mostItems
    const least = leastMs / Math.max(this.#itemMs, 1e-6)
    const share = Number.isFinite(remaining) ? Math.max(least, Math.ceil(remaining / (2 * Math.max(1, slots)))) : mostItems
    const most = Math.min(byTime, byBytes, share, 2 * this.#last, mostItems)
    return Math.max(1, Math.floor(most))
  }
}
