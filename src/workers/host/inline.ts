/**
 * Finishes a map on this thread where threads would lose, in slices that let the event loop turn.
 *
 * A function must not notice where it ran: what is no primitive is copied both ways, as a crossing would copy it.
 */
import { fromElsewhere } from '../../base/call-site.ts'
import { sized } from '../../base/sized.ts'
import { type Frame, enterFrame, rootFrame, type TaskContext } from '../../base/frame.ts'
import { copied } from '../copied.ts'
import { type Job, sliceBatch } from './job.ts'

/** The event loop is held for about this long at most; well below the 10 ms that a person or a server could notice. */
const sliceMs = 4
/** The first slice belongs to the turn in which the map was called, and the second comes before timers get theirs: together they are one hold. */
const firstSliceMs = 1

/** May this thread do it as well as a worker? A setup runs in workers only, and a timeout is kept by another thread than the one that works. */
export function mayRunInline(job: Job): boolean {
  const { ref, work } = job
  if (job.inline || job.cancelReason || ref.local === undefined || ref.setup || work.spread || work.timeoutMs !== undefined)
    return false
  return job.remaining() > 0
}

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
    this.#slice(firstSliceMs)
  }

  #slice(lengthMs: number): void {
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
    } while (performance.now() - began < lengthMs && !job.work.cancellation.aborted && !job.estimate.async)
    job.estimate.recordInline(items, performance.now() - began)
    job.inlineItems += items
    if (items > 0 && !job.work.exhausted() && !job.estimate.async && this.#goOn()) setImmediate(() => this.#slice(sliceMs))
    else this.#done()
  }

  #runBatch(first: number, items: ArrayLike<unknown>): void {
    const call = this.#call
    const context = this.#context
    const { work } = this.#job
    const { observed } = work
    const plain = this.#runPlain(first, items)
    if (plain === items.length) return
    if (this.#job.estimate.async) return this.#giveBack(first, items, plain)
    const values = sized<unknown>(items.length)
    const startedAt = observed ? new Float64Array(items.length) : undefined
    const settledAt = observed ? new Float64Array(items.length) : undefined
    let from = plain
    for (let i = plain; i < items.length; i++) {
      if (work.cancellation.aborted) {
        this.#succeed(first, from, i, values, startedAt, settledAt)
        return this.#leave(first, items, i)
      }
      context.index = first + i
      if (startedAt) startedAt[i] = performance.now()
      try {
        const item = items[i]
        const value = call(isPlain(item) ? item : copied(item, 'argument'), context)
        if (isPlain(value)) values[i] = value
        else if (!isPromise(value)) values[i] = copied(value, 'result')
        else {
          this.#succeed(first, from, i, values, startedAt, settledAt)
          this.#await(first + i, value)
          return this.#giveBack(first, items, i + 1)
        }
      } catch (error) {
        this.#succeed(first, from, i, values, startedAt, settledAt)
        this.#fail(first + i, error, startedAt?.[i], observed ? performance.now() : undefined)
        from = i + 1
      }
      if (settledAt) settledAt[i] = performance.now()
    }
    this.#succeed(first, from, items.length, values, startedAt, settledAt)
  }

  /**
   * Calls the function for the items from the front on that need no copy, at a few nanoseconds beyond the call, until one gives
   * something that does, or throws. Gives how many items are dealt with.
   */
  #runPlain(first: number, items: ArrayLike<unknown>): number {
    const { work } = this.#job
    if (!work.into) return 0
    const context = this.#context
    context.index = first - 1
    let other: { readonly value: unknown } | undefined
    let failure: { readonly error: unknown } | undefined
    try {
      other = callPlain(this.#call, items, context, first, work.into)
    } catch (error) {
      failure = { error }
    }
    const called = context.index - first + 1
    const stored = other || failure ? called - 1 : called
    this.#job.underWay -= stored
    work.stored?.(first, stored)
    if (failure) this.#fail(first + stored, failure.error)
    else if (other) this.#settle(first + stored, other.value)
    return called
  }

  /** A result that cannot be stored as it is. */
  #settle(index: number, value: unknown): void {
    if (isPromise(value)) return this.#await(index, value)
    try {
      const copy = copied(value, 'result')
      this.#job.underWay--
      this.#job.work.succeed(index, [copy], 0)
    } catch (error) {
      this.#fail(index, error)
    }
  }

  #fail(index: number, error: unknown, startedAt?: number, settledAt?: number): void {
    this.#job.underWay--
    this.#job.work.fail(index, fromElsewhere(error), 0, startedAt, settledAt)
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

  /** Gives back the items of a batch that have not been started. */
  #leave(first: number, items: ArrayLike<unknown>, from: number): void {
    const job = this.#job
    if (from >= items.length) return
    if (!job.work.cancellation.aborted) return void job.requeued.push(sliceBatch({ first, items }, from, items.length))
    job.underWay -= items.length - from
    for (let i = from; i < items.length; i++) job.work.skip(first + i)
  }

  /** A function that gave no promise so far gives one now: it is awaited, and no more are started here. */
  #giveBack(first: number, items: ArrayLike<unknown>, from: number): void {
    if (from < items.length) this.#job.requeued.push(sliceBatch({ first, items }, from, items.length))
  }

  #await(index: number, value: PromiseLike<unknown>): void {
    this.#job.estimate.async = true
    void this.#settleLater(index, value).then(this.#done)
  }

  async #settleLater(index: number, value: PromiseLike<unknown>): Promise<void> {
    const { work } = this.#job
    try {
      const result = copied(await value, 'result')
      this.#job.underWay--
      work.succeed(index, [result], 0)
    } catch (error) {
      this.#fail(index, error)
    }
  }
}

/**
 * Puts results into `into` as long as arguments and results are plain. `context.index` ends as the last item that was called; its result is
 * handed back when it is not plain.
 */
function callPlain(
  call: Callable,
  items: ArrayLike<unknown>,
  context: { index: number } & TaskContext,
  first: number,
  into: unknown[],
): { readonly value: unknown } | undefined {
  const { length } = items
  for (let i = 0; i < length; i++) {
    const item = items[i]
    if (!isPlain(item)) return undefined
    context.index = first + i
    const value = call(item, context)
    if (!isPlain(value)) return { value }
    into[first + i] = value
  }
  return undefined
}

/** What a crossing would not change. */
function isPlain(value: unknown): boolean {
  const type = typeof value
  return type === 'number' || type === 'string' || type === 'boolean' || type === 'undefined'
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function'
}
