/**
 * Keeps turns of the event loop short where large answers are written as JSON: a vector takes microseconds, two thousand of them a tenth of a second, and many requests that are answered at one
 * moment would hold up everybody else for all of them together.
 *
 * Node accepts one connection in each round of its loop, so that whoever comes behind three hundred others would wait for three hundred turns of writing before it is as much as seen. So
 * while connections arrive, writing waits for them: `arrivalsMs` at the first, then as long as has been written since, so that it always has half of the time.
 */
import { performance, setImmediate } from '../../../base/globals.js'

/** How long one turn may write: `/health` answers within twice of that. Chosen. */
const turnMs = 5
/** How long answers wait for connections that arrive: longer than accepting hundreds of them takes, shorter than clients notice. Chosen. */
const arrivalsMs = 100

export class Yielding {
  readonly #waiting: (() => void)[] = []
  /** What the present turn has written for so far. */
  #spentMs = 0
  #scheduled = false
  /** A connection has come since the last turn. */
  #arrived = false
  /** How long writing may still wait for those that arrive. */
  #patienceMs = arrivalsMs
  /** When it began to. */
  #leftAt: number | undefined

  /** A connection has come, and more may lie behind it. */
  arrived(): void {
    this.#arrived = true
  }

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
        const ms = performance.now() - began
        this.#spentMs += ms
        this.#patienceMs = Math.min(arrivalsMs, this.#patienceMs + ms)
        if (this.#scheduled) return
        this.#scheduled = true
        setImmediate(() => this.#turn())
      }
      if (this.#waiting.length > 0 || this.#spentMs >= turnMs) this.#waiting.push(run)
      else run()
    })
  }

  #turn(): void {
    if (this.#waiting.length > 0 && this.#leaves()) return void setImmediate(() => this.#turn())
    this.#scheduled = false
    this.#spentMs = 0
    while (this.#spentMs < turnMs) {
      const next = this.#waiting.shift()
      if (!next) return
      next()
    }
  }

  /** This turn belongs to connections. */
  #leaves(): boolean {
    const now = performance.now()
    if (this.#leftAt !== undefined) this.#patienceMs -= now - this.#leftAt
    const leaves = this.#arrived && this.#patienceMs > 0
    this.#arrived = false
    this.#leftAt = leaves ? now : undefined
    return leaves
  }
}
