/** When work at home lets the event loop turn. */
import { performance, setImmediate } from '../../base/globals.js'

/** The event loop turns as often. Chosen as everywhere on a thread of the user's. */
const heldMs = 10
/** The most items between two looks at the clock. */
const longestStride = 128

export class Breathing {
  #pause: Promise<void> | undefined
  #at = performance.now()
  #stride = 1
  #steps = 0

  /** Somebody waits for the event loop to turn, and goes on by itself. */
  get paused(): boolean {
    return this.#pause !== undefined
  }

  /** The event loop has turned. */
  turned(now: number): void {
    this.#at = now
  }

  /** The pause for which whatever runs here is to wait now and then, so that the event loop turns; undefined mostly. */
  due(): Promise<void> | undefined {
    if (this.#pause) return this.#pause
    if (++this.#steps < this.#stride) return undefined
    this.#steps = 0
    const now = performance.now()
    const heldFor = now - this.#at
    this.#stride = heldFor > heldMs / 4 ? 1 : Math.min(longestStride, this.#stride * 2)
    if (heldFor < heldMs) return undefined
    return (this.#pause = new Promise((resolve) => {
      setImmediate(() => {
        this.#pause = undefined
        this.#at = performance.now()
        resolve()
      })
    }))
  }
}
