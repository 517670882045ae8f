/**
 * Keeps turns of the event loop short where large answers are written as JSON: a vector takes microseconds, two thousand of them a tenth of a second, and many requests that are answered at one
 * moment would hold up everybody else for all of them together.
 */
import { performance, setImmediate } from '../../../base/globals.js'

/** How long one turn may write: `/health` answers within twice of that. Chosen. */
const turnMs = 5

export class Breath {
  readonly #waiting: (() => void)[] = []
  /** What the present turn has written for so far. */
  #spentMs = 0
  #scheduled = false

  /** Does the work now while the present turn is short, else in a later one, in the order in which it came. Rejects with what it throws. */
  do<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        const began = performance.now()
        try {
          resolve(work())
        } catch (error) {
          reject(error as Error)
        }
        this.#spentMs += performance.now() - began
        if (this.#scheduled) return
        this.#scheduled = true
        setImmediate(() => this.#turn())
      }
      if (this.#waiting.length > 0 || this.#spentMs >= turnMs) this.#waiting.push(run)
      else run()
    })
  }

  #turn(): void {
    this.#scheduled = false
    this.#spentMs = 0
    while (this.#spentMs < turnMs) {
      const next = this.#waiting.shift()
      if (!next) return
      next()
    }
  }
}
