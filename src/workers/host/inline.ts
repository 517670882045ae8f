/**
 * Finishes a map on this thread where threads would lose, in slices that let the event loop turn.
 *
 * A function must not notice where it ran: what is no primitive is copied both ways, as a crossing would copy it.
 */
import { type Frame, enterFrame, rootFrame, type TaskContext } from '../../base/frame.ts'
import { findUncloneable } from '../thread/wire.js'
import { Unserializable } from '../../base/errors.ts'
import type { Job } from './job.ts'

/** The event loop is held for about this long at most; well below the 10 ms that a person or a server could notice. */
const sliceMs = 5

type Callable = (item: unknown, context: TaskContext) => unknown

export class InlineRun {
  readonly #job: Job
  readonly #call: Callable
  readonly #goOn: () => boolean
  readonly #done: () => void
  readonly #context: { index: number; readonly attempt: number; readonly deadline: number; readonly signal: AbortSignal }
  readonly #frame: Frame

  /** `goOn` is asked after each slice; `done` is called when it says no, or when nothing is left. */
  constructor(job: Job, goOn: () => boolean, done: () => void) {
    this.#job = job
    this.#call = job.ref.local as Callable
    this.#goOn = goOn
    this.#done = done
    const { cancellation, deadline } = job.work
    this.#context = {
      index: 0,
      attempt: 1,
      deadline,
      get signal(): AbortSignal {
        return cancellation.signal
      },
    }
    const context = this.#context
    const label = (): string => `${job.ref.name} item ${context.index}`
    this.#frame = { parent: rootFrame, context, cancellation, run: job.work.run, task: 0, label, children: 0, waits: 0 }
    this.#slice()
  }

  #slice(): void {
    const job = this.#job
    const itemMs = job.estimate.itemMs ?? sliceMs
    const began = performance.now()
    let items = 0
    do {
      // Looking at the clock costs as much as a tiny item: once per half millisecond is enough.
      const batch = job.take(Math.max(1, Math.min(8_192, Math.floor(0.5 / itemMs))))
      if (!batch) break
      enterFrame(this.#frame, () => this.#runBatch(batch.first, batch.items))
      items += batch.items.length
    } while (performance.now() - began < sliceMs && !job.work.cancellation.aborted)
    job.estimate.record(items, performance.now() - began, false)
    job.inlineItems += items
    if (items > 0 && !job.work.exhausted() && this.#goOn()) setImmediate(() => this.#slice())
    else this.#done()
  }

  #runBatch(first: number, items: ArrayLike<unknown>): void {
    const call = this.#call
    const context = this.#context
    const { work } = this.#job
    const { observed } = work
    const values: unknown[] = Array.from({ length: items.length })
    const startedAt = observed ? new Float64Array(items.length) : undefined
    const settledAt = observed ? new Float64Array(items.length) : undefined
    let from = 0
    for (let i = 0; i < items.length; i++) {
      context.index = first + i
      if (startedAt) startedAt[i] = performance.now()
      try {
        const value = call(copied(items[i], 'argument'), context)
        // A function that gave no promise so far gives one now: it is awaited, and no more are started here.
        values[i] = isPromise(value) ? value : copied(value, 'result')
        if (isPromise(value)) {
          this.#succeed(first, from, i, values, startedAt, settledAt)
          this.#await(first + i, value)
          from = i + 1
        }
      } catch (error) {
        this.#succeed(first, from, i, values, startedAt, settledAt)
        this.#job.underWay--
        work.fail(first + i, error, 0, startedAt?.[i], observed ? performance.now() : undefined)
        from = i + 1
      }
      if (settledAt) settledAt[i] = performance.now()
    }
    this.#succeed(first, from, items.length, values, startedAt, settledAt)
  }

  #succeed(first: number, from: number, to: number, values: unknown[], startedAt?: Float64Array, settledAt?: Float64Array): void {
    if (to <= from) return
    this.#job.underWay -= to - from
    const whole = from === 0 && to === values.length
    this.#job.work.succeed(
      first + from,
      whole ? values : values.slice(from, to),
      0,
      startedAt?.subarray(from, to),
      settledAt?.subarray(from, to),
    )
  }

  #await(index: number, value: PromiseLike<unknown>): void {
    this.#job.estimate.async = true
    const { work } = this.#job
    value.then(
      (result) => {
        this.#job.underWay--
        work.succeed(index, [copied(result, 'result')], 0)
        this.#done()
      },
      (error: unknown) => {
        this.#job.underWay--
        work.fail(index, error, 0)
        this.#done()
      },
    )
  }
}

function copied(value: unknown, what: string): unknown {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') throw uncloneable(value, what)
    return value
  }
  try {
    return structuredClone(value)
  } catch (cause) {
    throw uncloneable(value, what, cause)
  }
}

export function uncloneable(value: unknown, what: string, cause?: unknown): Unserializable {
  const where = findUncloneable(value, what) ?? `${what} cannot be copied`
  return new Unserializable(`The ${what} cannot cross to the worker: ${where}`, {
    cause,
    hint: 'Worker functions take and give data: pass what the function needs, and leave functions and handles on their own side.',
  })
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function'
}
