/**
 * The line in front of a batched function: who waits, and when the next batch is due. Pure: it is given the time.
 *
 * A batch is due when the waiting items together reach `size`, or the oldest has waited for `withinMs`. Items leave in the order
 * in which they came; one that costs more than `size` goes alone.
 */
import { type Place, WaitQueue } from '../limits/wait-queue.ts'

export interface Waiting {
  readonly cost: number
  /** When it came, in milliseconds. */
  readonly at: number
}

export class BatchQueue<E extends Waiting> {
  readonly #size: number
  readonly #withinMs: number
  /** In the order in which they came. */
  readonly #waiting = new WaitQueue<E>()
  /** Where each waits, to be taken out when its caller gives up. Not the queue itself: a set keeps holes where its first ones were. */
  readonly #places = new Map<E, Place<E>>()
  #cost = 0

  constructor(size: number, withinMs: number) {
    this.#size = size
    this.#withinMs = withinMs
  }

  get length(): number {
    return this.#waiting.size
  }

  add(entry: E): void {
    this.#places.set(entry, this.#waiting.add(entry, 0))
    this.#cost += entry.cost
  }

  /** False when it has left already. */
  remove(entry: E): boolean {
    const place = this.#places.get(entry)
    if (!place) return false
    this.#places.delete(entry)
    this.#waiting.remove(place)
    this.#cost = this.#waiting.size === 0 ? 0 : this.#cost - entry.cost
    return true
  }

  /** Whether there is enough for a whole batch. */
  get full(): boolean {
    return this.#waiting.size > 0 && this.#cost >= this.#size
  }

  /** Milliseconds until the oldest has waited long enough; `Infinity` while nobody waits. */
  dueInMs(now: number): number {
    const oldest = this.#waiting.head
    return oldest ? Math.max(0, oldest.at + this.#withinMs - now) : Number.POSITIVE_INFINITY
  }

  /** Takes the next batch out; empty when nobody waits. */
  take(): E[] {
    const batch: E[] = []
    let cost = 0
    for (let entry = this.#waiting.head; entry; entry = this.#waiting.head) {
      if (batch.length > 0 && cost + entry.cost > this.#size) break
      batch.push(entry)
      cost += entry.cost
      this.remove(entry)
      if (cost >= this.#size) break
    }
    return batch
  }
}
