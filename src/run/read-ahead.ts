/**
 * Items that have come and that no worker has taken yet. A message costs as much as a thousand small items, so what comes promptly travels
 * together: it is offered when there is as much as was asked for last, or when the event loop turns, whichever is sooner. Nothing waits for more.
 */
import { setImmediate } from '../base/globals.js'
import { Ring } from '../base/ring.ts'

export class ReadAhead<T> {
  readonly #items = new Ring<T>()
  readonly #offer: () => void
  #wanted = 1
  #scheduled = false

  /** @param offer says that there is something to take */
  constructor(offer: () => void) {
    this.#offer = offer
  }

  get size(): number {
    return this.#items.size
  }

  get head(): T | undefined {
    return this.#items.head
  }

  /** How many may be here: what was asked for, and as much again while that is under way. */
  get most(): number {
    return 2 * this.#wanted
  }

  /** The consumer would take this many; as many should be at hand. */
  want(count: number): void {
    this.#wanted = Math.max(1, Math.min(count, wantedAtMost))
  }

  push(item: T): void {
    this.#items.push(item)
    if (this.#items.size === this.#wanted) this.#offer()
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#items.size > 0) this.#offer()
    })
  }

  /** The oldest; only when there is one. */
  shift(): T {
    return this.#items.shift()
  }
}

/** As many as the largest batch; a source that is never dry gives no more at a time. */
const wantedAtMost = 8_192
