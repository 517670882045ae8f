/**
 * Direct calls of one worker function, as work that the pool pulls: the calls of one turn of the event loop travel together.
 */
import { Cancellation, cancelled } from '../../base/abort.ts'
import { observed } from '../../base/observer.ts'
import type { Batch, CallOptions } from '../../run/executor.ts'
import type { JobWork } from './job.ts'

interface Call {
  readonly args: readonly unknown[]
  readonly options: CallOptions
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  unsubscribe: (() => void) | undefined
  waiting: boolean
}

export class Calls implements JobWork {
  readonly spread = true
  readonly run = 0
  readonly timeoutMs: number | undefined
  readonly cancellation = new Cancellation()
  readonly #calls = new Map<number, Call>()
  /** Gives up a call that a worker has: the pool's part of a cancellation. */
  readonly #giveUp: (index: number, error: Error) => void
  #head = 0
  #tail = 0
  #waiting = 0
  /** True when some call has an index, an attempt or a deadline of its own. */
  #special = false

  constructor(timeoutMs: number | undefined, giveUp: (index: number, error: Error) => void) {
    this.timeoutMs = timeoutMs
    this.#giveUp = giveUp
  }

  get observed(): boolean {
    return observed()
  }

  /** Of a batch the contexts share one deadline; a cancellation comes from the caller's side anyway. */
  get deadline(): number {
    return Number.POSITIVE_INFINITY
  }

  add(args: readonly unknown[], options: CallOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { cancellation } = options
      if (cancellation?.aborted) return reject(cancelled(cancellation.reason))
      const index = this.#tail++
      const call: Call = { args, options, resolve, reject, unsubscribe: undefined, waiting: true }
      this.#calls.set(index, call)
      this.#waiting++
      if ((options.index ?? 0) !== 0 || (options.attempt ?? 1) !== 1) this.#special = true
      if (cancellation) call.unsubscribe = cancellation.subscribe((reason) => this.#cancel(index, call, cancelled(reason)))
    })
  }

  #cancel(index: number, call: Call, error: Error): void {
    if (!call.waiting) return this.#giveUp(index, error)
    this.#waiting--
    this.#calls.delete(index)
    call.reject(error)
  }

  remaining(): number {
    return this.#waiting
  }

  exhausted(): boolean {
    return this.#waiting === 0
  }

  onMore(): void {}

  finished(): void {}

  take(max: number): Batch | undefined {
    // Calls that were cancelled while they waited have left holes.
    while (this.#head < this.#tail && !this.#calls.has(this.#head)) this.#head++
    const first = this.#head
    const items: unknown[] = []
    while (items.length < max && this.#head < this.#tail) {
      const call = this.#calls.get(this.#head)
      if (!call) break
      call.waiting = false
      items.push(call.args)
      this.#head++
    }
    this.#waiting -= items.length
    return items.length > 0 ? { first, items } : undefined
  }

  meta(batch: Batch): Int32Array | undefined {
    if (!this.#special) return undefined
    return Int32Array.from({ length: batch.items.length * 2 }, (_, i) => {
      const options = this.#calls.get(batch.first + (i >> 1))?.options
      return i % 2 === 0 ? (options?.index ?? 0) : (options?.attempt ?? 1)
    })
  }

  succeed(
    first: number,
    values: ArrayLike<unknown>,
    row: number,
    startedAt?: ArrayLike<number>,
    settledAt?: ArrayLike<number>,
  ): void {
    for (let i = 0; i < values.length; i++) this.#settle(first + i, row, startedAt?.[i], settledAt?.[i])?.resolve(values[i])
  }

  fail(index: number, error: unknown, row: number, startedAt?: number, settledAt?: number): void {
    this.#settle(index, row, startedAt, settledAt)?.reject(error)
  }

  skip(index: number): void {
    const call = this.#settle(index, 0)
    call?.reject(cancelled(call.options.cancellation?.reason))
  }

  #settle(index: number, row: number, startedAt?: number, settledAt?: number): Call | undefined {
    const call = this.#calls.get(index)
    if (!call) return undefined
    this.#calls.delete(index)
    call.unsubscribe?.()
    const { timing } = call.options
    if (timing) {
      timing.row = row
      if (startedAt !== undefined) timing.startedAt = startedAt
      if (settledAt !== undefined) timing.settledAt = settledAt
    }
    return call
  }
}
