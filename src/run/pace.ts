/**
 * How many results may be on their way to somebody who is slow to take them. A number alone bounds no memory: sixty-four calls at once are nothing when
 * they give numbers, and 300 MB when they give pictures.
 *
 * Policy. As long as whoever takes the results keeps up, all calls that there is room for may be under way, however large their results. While some
 * wait, none starts that would bring more than the bytes that may be held. Where that many wait when the event loop has turned, it stays the bound
 * also when none waits, or else the calls would start all at once each time that the last one was taken. The bound doubles each time that the taker
 * had to wait for a result.
 */
import { setImmediate } from '../base/globals.js'
import { heldBytes, type Sizes, within } from './sizes.ts'

/** Beyond it nothing is bounded in number any more; chosen above what anybody has under way. */
const unbounded = 2 ** 20

export class Pace {
  readonly #sizes: Sizes
  readonly #waiting: () => number
  #most = Number.POSITIVE_INFINITY
  #looks = false

  /**
   * @param sizes of the results
   * @param waiting how many results wait
   */
  constructor(sizes: Sizes, waiting: () => number) {
    this.#sizes = sizes
    this.#waiting = waiting
  }

  /**
   * Whether no call may start.
   * @param held results that wait, and calls under way
   */
  full(held: number): boolean {
    const waiting = this.#waiting()
    if (waiting > 0 && held >= this.#bound) {
      if (waiting >= this.#bound) this.#lookAgain()
      return true
    }
    return held >= this.#most
  }

  get #bound(): number {
    return within(heldBytes, this.#sizes)
  }

  /** Results that come together are taken one after the other: that is not slow yet. */
  #lookAgain(): void {
    if (this.#looks || this.#most <= this.#bound) return
    this.#looks = true
    setImmediate(() => {
      this.#looks = false
      if (this.#waiting() >= this.#bound) this.#most = Math.min(this.#most, this.#bound)
    })
  }

  /** The consumer of the results found none. */
  starved(): void {
    if (this.#most === Number.POSITIVE_INFINITY) return
    this.#most = this.#most >= unbounded ? Number.POSITIVE_INFINITY : 2 * this.#most
  }
}
