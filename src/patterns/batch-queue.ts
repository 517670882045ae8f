/**
 * The line in front of a batched function: who waits, and when the next batch is due. Pure: it is told the time.
 *
 * A batch is due when the waiting items together reach `size`, or the oldest has waited for `withinMs`. Items leave in the order
 * in which they came; one that costs more than `size` goes alone.
 */
export interface Waiting {
  readonly cost: number
  /** When it came, in milliseconds. */
  readonly at: number
}

export class BatchQueue<E extends Waiting> {
  readonly #size: number
  readonly #withinMs: number
  /** In the order in which they came; a set, because items in the middle are taken out when their callers give up. */
  readonly #waiting = new Set<E>()
  #cost = 0

  constructor(size: number, withinMs: number) {
    this.#size = size
    this.#withinMs = withinMs
  }

  get length(): number {
    return this.#waiting.size
  }

  add(entry: E): void {
    this.#waiting.add(entry)
    this.#cost += entry.cost
  }

  /** False when it has left already. */
  remove(entry: E): boolean {
    if (!this.#waiting.delete(entry)) return false
    this.#cost = this.#waiting.size === 0 ? 0 : this.#cost - entry.cost
    return true
  }

  /** Whether there is enough for a whole batch. */
  get full(): boolean {
    return this.#waiting.size > 0 && this.#cost >= this.#size
  }

  /** Milliseconds until the oldest has waited long enough; `Infinity` while nobody waits. */
  dueInMs(now: number): number {
    for (const oldest of this.#waiting) return Math.max(0, oldest.at + this.#withinMs - now)
    return Number.POSITIVE_INFINITY
  }

  /** Takes the next batch out; empty when nobody waits. */
  take(): E[] {
    const batch: E[] = []
    let cost = 0
    for (const entry of this.#waiting) {
      if (batch.length > 0 && cost + entry.cost > this.#size) break
      batch.push(entry)
      cost += entry.cost
      this.remove(entry)
      if (cost >= this.#size) break
    }
    return batch
  }
}
