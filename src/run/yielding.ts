import { performance, setImmediate } from '../base/globals.js'

/** Tasks that settle in microtasks alone would keep timers and I/O waiting; chosen well below what a person notices. */
const heldMs = 10

/** How many tasks pass between two looks at the clock. */
export const tasksPerLook = 128

/** Lets the event loop turn when tasks that never wait for it have held it for too long; every lane of the run waits along. */
export class Yielding {
  /** To wait for, when there is one. A field, because a lane reads it before each of its items. */
  pause: Promise<void> | undefined
  #since = performance.now()
  #tasks = 0

  /** After each task: the pause to wait for, when there is one. */
  due(): Promise<void> | undefined {
    if (++this.#tasks % tasksPerLook === 0) this.look()
    return this.pause
  }

  /** Looks at the clock: for those who count their tasks themselves. */
  look(): void {
    if (!this.pause && performance.now() - this.#since >= heldMs) this.pause = this.#turn()
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.pause = undefined
        this.#since = performance.now()
        resolve()
      })
    })
  }
}
