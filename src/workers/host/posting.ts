/** How long this thread has written arguments in a turn of the event loop, so that other things get theirs. */
import { performance, setImmediate } from '../../base/globals.js'

/** In one turn arguments are written for so long; after so much time without a look, another turn is taken to have begun. Chosen. */
const [longestMs, turnMs] = [3, 6]

export class Posting {
  readonly #goOn: () => void
  #since = 0
  #ms = 0
  #pausing = false

  /** `goOn` is called in the next turn, when {@link enough} has said that this one is over. */
  constructor(goOn: () => void) {
    this.#goOn = goOn
  }

  /** A message was written from `at` on, in milliseconds of `performance.now()`. Gives how long that took. */
  note(at: number): number {
    const ms = performance.now() - at
    if (at - this.#since > turnMs) {
      this.#since = at
      this.#ms = 0
    }
    this.#ms += ms
    return ms
  }

  /** Has it been long enough for this turn? */
  enough(): boolean {
    if (this.#ms < longestMs) return false
    if (this.#pausing) return true
    this.#pausing = true
    setImmediate(() => {
      this.#pausing = false
      this.#ms = 0
      this.#goOn()
    })
    return true
  }
}
