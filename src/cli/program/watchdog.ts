/**
 * Signals for a program that holds its main thread, in a loop or in a call that blocks: Node runs the listeners of signals on that thread, and because
 * there is a listener, the signal does not end the process either. So a small thread listens as well, and ends the process when the main thread
 * does not answer.
 *
 * Node gives `process.on(signal)` to the main thread only. libuv has no such limit, so the thread uses the binding that lies below it, which only
 * internal modules may load. Where there is none, the process has no watchdog. At a signal the thread asks the main thread, whose answer says that its event loop turns.
 */
import { constants } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { EndingSignal } from '../interface/exit-codes.ts'

/** With what it takes to get there, the program ends within a second. */
const answerMs = 800

/** Places in the shared memory. */
const listening = 0
const answered = 1

const script = `
process.emitWarning = () => {}
const { writeSync } = require('node:fs')
const { parentPort, workerData } = require('node:worker_threads')
const { Signal } = require('internal/test/binding').internalBinding('signal_wrap')
const shared = new Int32Array(workerData.shared)
let asked = 0
for (const [name, number] of workerData.signals) {
  const signal = new Signal()
  signal.onsignal = () => {
    const question = ++asked
    parentPort.postMessage(question)
    setTimeout(() => {
      if (Atomics.load(shared, ${answered}) >= question || !(Atomics.load(shared, ${listening}) & (1 << number))) return
      try {
        writeSync(2, 'ended: synchronous code held the main thread, and it did not hear ' + name + '\\n')
      } finally {
        process.kill(process.pid, 'SIGKILL')
      }
    }, ${answerMs})
  }
  signal.start(number)
}
parentPort.postMessage(asked)
`

export class Watchdog {
  readonly #shared = new Int32Array(new SharedArrayBuffer(8))
  readonly #worker: Worker | undefined

  /** Settles when it listens, or when there is none. A listener for signals may lose one before that. */
  readonly ready: Promise<void>

  constructor(signals: readonly EndingSignal[]) {
    let settle = (): void => {}
    this.ready = new Promise((resolve) => (settle = resolve))
    // Until then it keeps the process; nothing else may be there that does.
    const ready = (): void => {
      this.#worker?.unref()
      settle()
    }
    const numbers = signals.map((name) => [name, constants.signals[name]] as const)
    try {
      this.#worker = new Worker(script, {
        eval: true,
        name: 'heddle watchdog',
        execArgv: ['--expose-internals', '--no-warnings'],
        workerData: { shared: this.#shared.buffer, signals: numbers },
      })
      for (const event of ['message', 'error', 'exit'] as const) this.#worker.once(event, ready)
      this.#worker.on('message', (question: number) => Atomics.store(this.#shared, answered, question))
    } catch {
      // Another runtime, which takes no such flags.
      ready()
    }
  }

  /** Whether a signal is heddle's to hear: with a listener of its own, the program decides, as under plain Node. */
  watch(signal: EndingSignal, on: boolean): void {
    const bit = 1 << constants.signals[signal]
    if (on) Atomics.or(this.#shared, listening, bit)
    else Atomics.and(this.#shared, listening, ~bit)
  }

  stop(): void {
    Atomics.store(this.#shared, listening, 0)
    void this.#worker?.terminate()
  }
}
