import { Cancelled } from '../base/errors.ts'
import { cancelProgram } from '../base/frame.ts'
import { exitCodes } from './exit-codes.ts'

/** How long a program may take to settle its tasks after Ctrl-C. Chosen so that the process ends within a second. */
const drainMs = 700

/**
 * Ctrl-C and SIGTERM. The first cancels everything that runs and lets it drain; the second, or the end of the time for
 * draining, ends the process. (Synchronous code on this thread cannot be interrupted: signals arrive between turns.)
 */
export class Interrupts {
  readonly #force: (code: number) => void
  #code: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(force: (code: number) => void) {
    this.#force = force
    process.on('SIGINT', this.#onInterrupt)
    process.on('SIGTERM', this.#onTerminate)
  }

  /** The exit code, once there was a signal. */
  get code(): number | undefined {
    return this.#code
  }

  stop(): void {
    clearTimeout(this.#timer)
    process.off('SIGINT', this.#onInterrupt)
    process.off('SIGTERM', this.#onTerminate)
  }

  #onInterrupt = (): void => this.#on('SIGINT', exitCodes.interrupted)
  #onTerminate = (): void => this.#on('SIGTERM', exitCodes.terminated)

  #on(signal: 'SIGINT' | 'SIGTERM', code: number): void {
    if (this.#code !== undefined) return this.#force(code)
    this.#code = code
    process.stderr.write('\ndraining, press again to force\n')
    this.#timer = setTimeout(() => this.#force(code), drainMs).unref()
    cancelProgram(new Cancelled(`The program was cancelled by ${signal}`))
  }
}
