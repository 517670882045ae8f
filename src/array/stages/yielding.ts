/** Lets timers and I/O of this thread get their turn during long work. */
import { performance, setImmediate } from '../../base/globals.js'

/** How long work may hold the thread. */
export const turnMs = 5

export class Yielding {
  /** Until when the work may go on, on the clock of `performance.now()`. */
  until = performance.now() + turnMs

  /** Waits for the others when the time is up. */
  async take(): Promise<void> {
    if (performance.now() <= this.until) return
    await new Promise((resolve) => setImmediate(resolve))
    this.until = performance.now() + turnMs
  }
}
