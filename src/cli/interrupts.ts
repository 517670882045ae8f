import { Cancelled } from '../base/errors.ts'
import { cancelProgram } from '../base/frame.ts'
import { exitCodes } from './exit-codes.ts'
import { HeldThreadGuard } from './held-thread.ts'

/** How long a program may take to settle its tasks after Ctrl-C. Chosen so that the process ends within a second. */
const drainMs = 700

/**
 * Ctrl-C and SIGTERM. The first cancels everything that runs and lets it drain; the second, or the end of the time for
 * draining, ends the process. Signals arrive between turns; what becomes of a thread that has none is in `held-thread.ts`.
 */
export class Interrupts {
  readonly #force: (code: number) => void
  #code: number | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #guard = new HeldThreadGuard()

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
    this.#guard.stop()
    process.off('SIGINT', this.#onInterrupt)
    process.off('SIGTERM', this.#onTerminate)
  }

  #onInterrupt = (): void => this.#on('SIGINT', exitCodes.interrupted)
  #onTerminate = (): void => this.#on('SIGTERM', exitCodes.terminated)

  #on(signal: 'SIGINT' | 'SIGTERM', code: number): void {
    this.#guard.stop()
    if (this.#code !== undefined) return this.#force(code)
    this.#code = code
    process.stderr.write('\ndraining, press again to force\n')
    this.#timer = setTimeout(() => this.#force(code), drainMs).unref()
    cancelProgram(new Cancelled(`The program was cancelled by ${signal}`))
  }
}
