/**
 * What runs beside what on one machine. As many batches as it has slots, because what waits behind a long one may run elsewhere at once; and at times a single batch,
 * because machines were lost with it and it is not known whose doing that was. What cannot be begun is given back, and nothing is fetched until it could be.
 */
import { clearTimeout, setTimeout } from '../../base/globals.js'

/** Everything of one worker that fetches. */
export interface Fetching {
  pause(): Promise<void>
  resume(): void
}

/** A batch that was fetched ahead waits so long for a slot: chosen, as some batches of usual length. */
const aheadMs = 500

interface Waiting {
  readonly whose: Fetching
  readonly timer: NodeJS.Timeout | undefined
  readonly settle: (enters: boolean) => void
}

export class Company {
  readonly #places: number
  /** With how many batches of each are here. */
  readonly #fetching = new Map<Fetching, number>()
  readonly #waiting: Waiting[] = []
  #here = 0
  #alone = false
  #paused = false
  #emptied: (() => void) | undefined

  /** @param places batches at once */
  constructor(places: number) {
    this.#places = places
  }

  add(fetching: Fetching): void {
    this.#fetching.set(fetching, 0)
  }

  remove(fetching: Fetching): void {
    this.#fetching.delete(fetching)
  }

  /** What is to be called when the batch has ended; undefined where it cannot be begun here now. */
  async enter(whose: Fetching, alone: boolean): Promise<(() => void) | undefined> {
    if (this.#alone) return undefined
    if (alone) return this.#enterAlone()
    if (this.#here < this.#places) this.#count(whose, 1)
    else if (!(await this.#place(whose))) return undefined
    return () => this.#leave(whose)
  }

  #count(whose: Fetching, change: number): void {
    this.#here += change
    const own = this.#fetching.get(whose)
    if (own !== undefined) this.#fetching.set(whose, own + change)
  }

  /** The first who waits gets the place of whoever leaves. */
  #leave(whose: Fetching): void {
    this.#count(whose, -1)
    const next = this.#waiting.shift()
    if (next) {
      this.#count(next.whose, 1)
      next.settle(true)
    } else {
      if (this.#here === 0) this.#emptied?.()
      if (!this.#alone) this.#resume()
    }
  }

  #place(whose: Fetching): Promise<boolean> {
    return new Promise((resolve) => {
      // Whoever has nothing here keeps its turn: others would always be before it.
      const timer = this.#fetching.get(whose) === 0 ? undefined : setTimeout(() => void this.#giveUp(waiting), aheadMs)
      const waiting: Waiting = {
        whose,
        timer,
        settle(enters) {
          clearTimeout(timer)
          resolve(enters)
        },
      }
      this.#waiting.push(waiting)
    })
  }

  /** First nothing more is fetched, or it would come back at once. */
  async #giveUp(waiting: Waiting): Promise<void> {
    await this.#pause()
    const at = this.#waiting.indexOf(waiting)
    if (at === -1) return
    this.#waiting.splice(at, 1)
    waiting.settle(false)
  }

  async #enterAlone(): Promise<() => void> {
    this.#alone = true
    await this.#pause()
    for (const waiting of this.#waiting.splice(0)) waiting.settle(false)
    if (this.#here > 0) await new Promise<void>((resolve) => (this.#emptied = resolve))
    this.#emptied = undefined
    return () => {
      this.#alone = false
      this.#resume()
    }
  }

  async #pause(): Promise<void> {
    this.#paused = true
    await Promise.allSettled([...this.#fetching.keys()].map((each) => each.pause()))
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    for (const each of this.#fetching.keys()) each.resume()
  }
}
