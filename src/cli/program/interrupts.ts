import { setTimeout as sleep } from 'node:timers/promises'
import { Cancelled } from '../../base/errors.ts'
import { cancelProgram } from '../../base/frame.ts'
import { note } from '../../base/observer.ts'
import { type EndingSignal, exitCodeOf } from '../interface/exit-codes.ts'
import { say } from '../terminal/say.ts'
import { sameSignalMs } from './drain-signals.ts'
import { Watchdog } from './watchdog.ts'

/** How long a program may take to settle its tasks after Ctrl-C. Chosen so that the process ends within a second. */
const drainMs = 700

/** A thread starts in 20 to 40 ms; a machine that is so busy is not waited for. */
const readyMaxMs = 500

const signals = Object.keys(exitCodeOf) as EndingSignal[]

/**
 * Ctrl-C, SIGTERM and the end of the terminal. The first cancels everything that runs and lets it drain; the second, or the end of the time for
 * draining, ends the process. Signals arrive between turns; what becomes of a thread that has none is in `watchdog.ts`.
 *
 * A signal that the program listens for itself is the program's, as under plain Node: heddle does not listen for it as long as somebody else does.
 */
export class Interrupts {
  readonly #force: (code: number) => void
  #code: number | undefined
  #last: { readonly signal: EndingSignal; readonly at: number } | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #watchdog = new Watchdog(signals)
  readonly #own = new Map<string | symbol, () => void>()

  #stopped = false
  /** Settles when signals are listened for, or when that takes too long to wait for it. */
  readonly ready: Promise<void>

  constructor(force: (code: number) => void) {
    this.#force = force
    for (const signal of signals) this.#own.set(signal, () => this.#on(signal))
    const begun = this.#watchdog.ready.then(() => this.#begin())
    this.ready = Promise.race([begun, sleep(readyMaxMs, undefined, { ref: false })])
  }

  /** Until the watchdog listens, signals do what they do under plain Node: end the process, also one whose thread is held. */
  #begin(): void {
    if (this.#stopped) return
    for (const signal of signals) if (process.listenerCount(signal) === 0) this.#listen(signal)
    process.on('newListener', this.#onAdded)
    process.on('removeListener', this.#onRemoved)
  }

  /** The exit code, once there was a signal. */
  get code(): number | undefined {
    return this.#code
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#watchdog.stop()
    process.off('newListener', this.#onAdded)
    process.off('removeListener', this.#onRemoved)
    // Between the report and the end, the second of two equal signals must not end the process under its report.
    if (this.#code === undefined) for (const signal of signals) this.#leave(signal)
  }

  #listen(signal: EndingSignal): void {
    process.on(signal, this.#ownListener(signal))
    this.#watchdog.watch(signal, true)
  }

  #leave(signal: EndingSignal): void {
    this.#watchdog.watch(signal, false)
    process.off(signal, this.#ownListener(signal))
  }

  #ownListener(signal: EndingSignal): () => void {
    return this.#own.get(signal) as () => void
  }

  #onAdded = (event: string | symbol, listener: unknown): void => {
    const own = this.#own.get(event)
    if (own === undefined || own === listener) return
    const signal = event as EndingSignal
    // It is added after this; without any listener for a moment, the signal would end the process.
    queueMicrotask(() => {
      if (process.listeners(signal).some((other) => other !== own)) this.#leave(signal)
    })
  }

  #onRemoved = (event: string | symbol, listener: unknown): void => {
    const own = this.#own.get(event)
    if (own === undefined || own === listener) return
    if (process.listenerCount(event) === 0) this.#listen(event as EndingSignal)
  }

  #on(signal: EndingSignal): void {
    const at = performance.now()
    const last = this.#last
    this.#last = { signal, at }
    if (last?.signal === signal && at - last.at < sameSignalMs) return
    if (this.#code !== undefined) return this.#force(this.#code)
    const code = exitCodeOf[signal]
    this.#code = code
    say(process.stderr, '', 'draining, press again to force')
    this.#timer = setTimeout(() => this.#force(code), drainMs).unref()
    note('signal', 0, `${signal}: the program was asked to end`)
    cancelProgram(new Cancelled(`The program was cancelled by ${signal}`))
  }
}
