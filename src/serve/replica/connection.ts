/** Calls to one worker that is nobody else's: a thread or a process of the same kind that pools have, without a pool. */
import { Cancelled, Unserializable, WorkerCrashed } from '../../base/errors.ts'
import { findUncloneable } from '../../encoding/cloning.js'
import { fromWire } from '../../encoding/from-wire.ts'
import { packError } from '../../encoding/errors.js'
import { readWritten } from '../../encoding/written.js'
import type { Link, LinkExit, OpenLink } from '../../workers/host/link.ts'
import type { LoadFailedMessage, ResultMessage, WorkerMessage } from '../../workers/protocol.ts'

/** Longer timers fire at once in Node; a function that was cancelled may take its time here, because the host does not wait for it. */
const noGraceMs = 2 ** 31 - 1

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly onPart: ((part: unknown) => void) | undefined
}

export interface CallHandle {
  /** Number of the call, by which the worker knows it. */
  readonly id: number
  readonly result: Promise<unknown>
  cancel(reason: unknown): void
}

export class Connection {
  readonly #module: string
  readonly #link: Link
  readonly #pending = new Map<number, Pending>()
  readonly #functions = new Map<string, number>()
  readonly #label: string
  readonly #gone: (exit: LinkExit) => void
  #last = 0
  #exit: LinkExit | undefined
  #ending = false

  /** @param label for messages, such as `replica 0 of "embedder"` */
  constructor(open: OpenLink, module: string, label: string, gone: (exit: LinkExit) => void) {
    this.#module = module
    this.#label = label
    this.#gone = gone
    const idle = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    this.#link = open(
      { memoryLimitMb: undefined, slots: 1, idle },
      { message: (message) => this.#receive(message), exit: (exit) => this.#left(exit) },
    )
    this.#link.unref()
  }

  get pid(): number | undefined {
    return this.#link.process
  }

  /** @throws {Unserializable} (as a rejection) when the argument cannot cross */
  call(name: string, argument: unknown, onPart?: (part: unknown) => void): CallHandle {
    const id = ++this.#last
    const result = new Promise<unknown>((resolve, reject) => {
      if (this.#exit) return reject(this.#crash(this.#exit))
      try {
        this.#post(id, name, argument)
      } catch (cause) {
        return reject(this.#unserializable(argument, cause))
      }
      // The program is kept alive while something is under way.
      if (this.#pending.size === 0) this.#link.ref()
      this.#pending.set(id, { resolve, reject, onPart })
    })
    return { id, result, cancel: (reason) => this.#cancel(id, reason) }
  }

  /** Ends it at once; a thread inside a native call ends when it comes back, and counts as gone from here on. */
  kill(): void {
    if (this.#exit || this.#ending) return
    this.#ending = true
    if (this.#link.progress()?.native && this.#link.end()) {
      this.#link.unref()
      this.#left({ code: undefined, reason: 'it was set aside inside a native call', error: undefined })
    } else this.#link.kill()
  }

  #post(id: number, name: string, argument: unknown): void {
    let fn = this.#functions.get(name)
    if (fn === undefined) {
      fn = this.#functions.size + 1
      this.#functions.set(name, fn)
      this.#link.post({ type: 'load', fn, module: this.#module, name })
    }
    this.#link.post({
      type: 'run',
      batch: id,
      fn,
      first: 0,
      items: [argument],
      spread: false,
      direct: true,
      meta: undefined,
      timeoutMs: undefined,
      graceMs: noGraceMs,
      deadline: Number.POSITIVE_INFINITY,
      observed: false,
      flush: false,
    })
  }

  #cancel(id: number, reason: unknown): void {
    if (!this.#pending.has(id) || this.#exit) return
    this.#link.control({ type: 'cancel', batch: id, index: -1, reason: packError(reason) })
  }

  #receive(message: WorkerMessage): void {
    if (message.type === 'part') this.#pending.get(message.batch)?.onPart?.(message.value)
    else if (message.type === 'result' || message.type === 'load-failed') this.#settle(message)
  }

  #settle(message: ResultMessage | LoadFailedMessage): void {
    const pending = this.#pending.get(message.batch)
    if (!pending) return
    this.#pending.delete(message.batch)
    if (this.#pending.size === 0 && !this.#exit) this.#link.unref()
    if (message.type === 'load-failed') return pending.reject(fromWire(message.error))
    const failed = message.errors?.[0]
    const values = message.pieces?.[0] ? readWritten(message.pieces[0].bytes) : message.values
    if (failed) pending.reject(fromWire(failed.error))
    else if (values.length === 1) pending.resolve(values[0])
    else pending.reject(new Cancelled(`${this.#label} did not begin the call: it was cancelled first`))
  }

  #left(exit: LinkExit): void {
    if (this.#exit) return
    this.#exit = exit
    const lost = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of lost) reject(this.#crash(exit))
    this.#gone(exit)
  }

  /** Whether the worker can get this value. */
  clones(value: unknown): boolean {
    return this.#link.clones(value)
  }

  #unserializable(argument: unknown, cause: unknown): Unserializable {
    const where = findUncloneable(argument, 'the call', this.#link.clones) ?? 'a value of the call'
    return new Unserializable(`Cannot be sent to ${this.#label}: ${where}`, { cause })
  }

  #crash({ reason, error, code }: LinkExit): WorkerCrashed {
    return new WorkerCrashed(`${this.#label} ended before its calls did: ${reason}`, {
      cause: error,
      exitCode: code,
      hint: 'It is started again. `retry` of replicas tries calls again that were lost with it.',
    })
  }
}
