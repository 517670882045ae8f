/** One batch on this machine: its items go to the machine's own pool, and what becomes of each goes into the outcome. */
import { clearTimeout, performance, setTimeout } from '../../base/globals.js'
import { Cancellation } from '../../base/abort.ts'
import type { WireError } from '../../encoding/encoded.ts'
import { packError, unserializable } from '../../encoding/errors.js'
import { findUncloneable } from '../../encoding/cloning.js'
import { writable } from '../../encoding/tagged.ts'
import type { Batch, BulkWork, FunctionRef } from '../../run/executor.ts'
import { type BatchMessage, type Done, wireVersion } from '../protocol/message.ts'

/** Places of this machine in the order in which they first gave a result, by their rows here. */
const slots = new Map<number, number>()

function slotOf(row: number): number {
  let slot = slots.get(row)
  if (slot === undefined) slots.set(row, (slot = slots.size))
  return slot
}

export interface BatchClock {
  /** Milliseconds from this machine's clock to the store's. */
  readonly offsetMs: number
}

export class BatchRun {
  readonly message: BatchMessage
  readonly #cancellation = new Cancellation()
  readonly #calls = new Map<number, Cancellation>()
  readonly #values: unknown[] = []
  readonly #at: number[] = []
  readonly #errors: [number, WireError][] = []
  readonly #returned: number[] = []
  readonly #times: number[] = []
  readonly #slots: number[] = []
  readonly #offsetMs: number
  #givesBack = false

  constructor(message: BatchMessage, { offsetMs }: BatchClock) {
    this.message = message
    this.#offsetMs = offsetMs
  }

  /** Stops all of it: what has not begun is given back. @param givesBack what has begun too, where it may run again */
  abort(reason: unknown, givesBack = false): void {
    this.#givesBack = givesBack && this.message.again === true
    this.#cancellation.abort(reason)
    for (const call of this.#calls.values()) call.abort(reason)
  }

  /** Stops one call. */
  abortItem(at: number, reason: unknown): void {
    this.#calls.get(at)?.abort(reason)
  }

  /** Waits before it is run; less where it is stopped meanwhile. */
  async wait(ms: number): Promise<void> {
    if (ms <= 0 || this.#cancellation.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#cancellation.subscribe(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  async run(ref: FunctionRef, worker: string): Promise<Done> {
    const began = performance.now()
    // Nothing has begun, and nothing does.
    if (this.#cancellation.aborted) this.#returned.push(...this.message.items.keys())
    else if (this.message.spread) await this.#runCalls(ref)
    else await this.#runItems(ref)
    const count = this.message.items.length
    const inOrder = this.#at.length === count && this.#at.every((at, i) => at === i)
    return {
      v: wireVersion,
      kind: 'done',
      worker,
      tookMs: performance.now() - began,
      values: this.#values,
      ...(!inOrder && { at: this.#at }),
      ...(this.#errors.length > 0 && { errors: this.#errors }),
      ...(this.#returned.length > 0 && { returned: this.#returned }),
      ...(this.message.observed && { times: this.#times, slots: this.#slots }),
    }
  }

  #runItems(ref: FunctionRef): Promise<void> {
    // The pool gets the places that the items have in the run: functions see them in their context.
    const { items, timeoutMs, observed, first: offset, key } = this.message
    let taken = 0
    return new Promise((finished) => {
      const work: BulkWork = {
        cancellation: this.#cancellation,
        timeoutMs,
        deadline: this.#deadline(),
        observed: observed === true,
        run: 0,
        ...(typeof key === 'string' && { idempotencyKey: key }),
        remaining: () => (this.#cancellation.aborted ? 0 : items.length - taken),
        exhausted: () => this.#cancellation.aborted || taken === items.length,
        take: (max): Batch | undefined => {
          if (this.#cancellation.aborted || taken === items.length) return undefined
          const first = taken
          taken = Math.min(items.length, taken + max)
          return { first: offset + first, items: items.slice(first, taken) }
        },
        onMore: () => {},
        succeed: (first, values, row, startedAt, settledAt) => {
          for (let i = 0; i < values.length; i++)
            this.#succeed(first - offset + i, values[i], row, startedAt?.[i], settledAt?.[i])
        },
        fail: (index, error) => this.#fail(index - offset, error),
        skip: (index) => void this.#returned.push(index - offset),
        finished: () => {
          // What the pool never asked for has not begun.
          for (let at = taken; at < items.length; at++) this.#returned.push(at)
          finished()
        },
      }
      ref.executor.bulk(ref, work)
    })
  }

  async #runCalls(ref: FunctionRef): Promise<void> {
    const { items, meta, timeoutMs, first, observed, key } = this.message
    const deadline = this.#deadline()
    await Promise.all(
      items.map(async (args, at) => {
        const cancellation = new Cancellation()
        if (this.#cancellation.aborted) cancellation.abort(this.#cancellation.reason)
        this.#calls.set(at, cancellation)
        const timing = { row: 0, startedAt: 0, settledAt: 0 }
        const index = meta?.[2 * at] ?? (meta ? first + at : 0)
        const attempt = meta?.[2 * at + 1] ?? 1
        try {
          const idempotencyKey = typeof key === 'string' ? undefined : key?.[at]
          const options = { cancellation, timeoutMs, index, attempt, deadline, idempotencyKey, ...(observed && { timing }) }
          const value = await ref.executor.call(ref, args as readonly unknown[], options)
          this.#succeed(at, value, timing.row, timing.startedAt, timing.settledAt)
        } catch (error) {
          this.#fail(at, error)
        }
      }),
    )
  }

  #succeed(at: number, value: unknown, row: number, startedAt = 0, settledAt = 0): void {
    const bad = typeof value === 'object' && value !== null && !writable(value)
    if (bad) {
      const where = findUncloneable(value, 'result', writable) ?? 'result cannot be copied'
      this.#errors.push([at, unserializable(where, 'result')])
      return
    }
    this.#at.push(at)
    this.#values.push(value)
    if (!this.message.observed) return
    this.#times.push(this.#toStore(startedAt), this.#toStore(settledAt))
    this.#slots.push(slotOf(row))
  }

  #fail(at: number, error: unknown): void {
    if (this.#givesBack) this.#returned.push(at)
    else this.#errors.push([at, packError(error, writable)])
  }

  #toStore(time: number): number {
    return performance.timeOrigin + time + this.#offsetMs
  }

  /** On this machine's own clock. */
  #deadline(): number {
    const { deadline } = this.message
    return deadline === undefined ? Number.POSITIVE_INFINITY : deadline - this.#offsetMs - performance.timeOrigin
  }
}
