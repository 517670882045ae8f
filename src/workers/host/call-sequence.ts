/** Calls of a function on this thread, one after the other; may be stopped at any point, and then still says what was done. */
import { performance } from '../../base/globals.js'
import { Cancellation } from '../../base/abort.ts'
import type { TaskContext } from '../../base/frame.ts'
import { itemKey, keyOf } from '../../base/idempotency.js'
import { isThenable } from '../../base/look.js'
import type { Batch, BulkWork } from '../../run/executor.ts'
import { messageBytes } from '../../encoding/message-size.js'
import { withContext } from '../../base/with-context.js'
import { copied, type Shares } from '../copied.ts'
import { type Merged, mergeNeighbours } from '../thread/merging.js'

export type Callable = (item: unknown, context: TaskContext) => unknown
type Merge = (...args: readonly unknown[]) => unknown

/** One object for all items, as in a worker; each has a signal of its own, made when it is read. */
export class InlineContext implements TaskContext {
  index = 0
  readonly attempt = 1
  readonly deadline: number
  readonly #work: BulkWork
  #own: Cancellation | undefined
  #ownOf = -1

  constructor(work: BulkWork) {
    this.#work = work
    this.deadline = work.deadline
  }

  get idempotencyKey(): string {
    return itemKey(this.#work.idempotencyKey ?? keyOf(this.#work), this.index)
  }

  get signal(): AbortSignal {
    if (this.#own === undefined || this.#ownOf !== this.index) {
      this.close()
      this.#own = new Cancellation(this.#work.cancellation)
      this.#ownOf = this.index
    }
    return this.#own.signal
  }

  /** Its last item has settled. */
  close(): void {
    this.#own?.close()
    this.#own = undefined
  }
}

export interface StretchTime {
  /** Milliseconds of `performance.now()`; undefined until the first stretch has begun. */
  until: number | undefined
  /** How long that is. Counted from when the function is called: watching it starts a thread, which takes long on a busy machine. */
  readonly lengthMs: number
  /** Milliseconds for which functions were called. */
  busyMs: number
  /** Items between two looks at the clock, because a look costs as much as a tiny item. */
  readonly looksEvery: number
}

/** Of one function. */
export interface SharesOf {
  readonly items: Shares
  readonly results: Shares
}

/** What is larger may take longer to copy than a call may hold this thread. Chosen: some milliseconds of copying. */
const largeBytes = 2 ** 20

export class CallSequence {
  /** Index of the first item. */
  readonly first: number
  /** How many results lie in `work.into` already. */
  stored = 0
  /** The results behind those. */
  readonly values: unknown[] = []
  readonly startedAt: number[] | undefined
  readonly settledAt: number[] | undefined
  /** What ended it before its time, at the item `reached`. */
  failure: { readonly error: unknown } | undefined
  promise: PromiseLike<unknown> | undefined
  /** True when the next argument is so large that it is to be copied first, where nobody counts the time. */
  large = false
  /** All that it called has returned. */
  ended = false
  /** It has begun to merge {@link values}; what came of it, or what was thrown. */
  merging = false
  merged: Merged | Promise<Merged> | undefined
  mergeFailure: { readonly error: unknown } | undefined
  /** A result that is being copied: the function is done, and what takes long is heddle's own work. */
  given: { readonly value: unknown } | undefined
  readonly #prepared: { readonly argument: unknown } | undefined
  readonly #call: Callable
  readonly #batch: Batch
  readonly #from: number
  readonly #context: InlineContext
  readonly #work: BulkWork
  readonly #time: StretchTime
  readonly #shares: SharesOf

  /**
   * Of `batch` from position `from` on, up to about `time.until`.
   * @param shares which values need no copy
   * @param prepared the copied argument of the first item
   */
  constructor(
    call: Callable,
    batch: Batch,
    from: number,
    context: InlineContext,
    work: BulkWork,
    time: StretchTime,
    shares: SharesOf,
    prepared?: { readonly argument: unknown },
  ) {
    this.#prepared = prepared
    this.#call = call
    this.#batch = batch
    this.#from = from
    this.first = batch.first + from
    this.#context = context
    this.#work = work
    this.#time = time
    this.#shares = shares
    if (work.observed) {
      this.startedAt = []
      this.settledAt = []
    }
  }

  /**
   * Merges what lies next to each other, with `merge` of the caller, in the tree that workers merge in. Under the same watch as the calls before: what is
   * begun and not {@link merged} was stopped.
   */
  merge(merge: Callable): void {
    if (this.values.length === 0 || this.failure || this.promise || this.given || this.#work.cancellation.aborted) return
    const began = performance.now()
    this.merging = true
    const context = this.#context
    const call =
      merge.length > 2
        ? (left: unknown, right: unknown): unknown => (merge as Merge)(...withContext(merge.length, [left, right], context))
        : (merge as Merge)
    try {
      this.merged = mergeNeighbours(this.first, this.values, call)
    } catch (error) {
      this.mergeFailure = { error }
    }
    this.#time.busyMs += performance.now() - began
  }

  /** Position in the batch of the first item that has no result here. */
  get reached(): number {
    return this.#from + this.stored + this.values.length
  }

  run(): void {
    const began = performance.now()
    this.#run((this.#time.until ??= began + this.#time.lengthMs))
    this.#time.busyMs += performance.now() - began
    this.ended = true
  }

  #run(until: number): void {
    const { into } = this.#work
    const { items, first } = this.#batch
    const { looksEvery } = this.#time
    try {
      let at = this.#from
      if (into) {
        const other = callPlain(this.#call, items, at, this.#context, first, into, this, until, looksEvery)
        if (other && this.#settle(other.value)) return
        at = this.reached
        if (performance.now() >= until) return
      }
      for (let looks = looksEvery; at < items.length; at++) {
        if (this.#work.cancellation.aborted) return
        if (--looks < 0) {
          looks = looksEvery
          if (performance.now() >= until) return
        }
        const item = items[at]
        const prepared = at === this.#from ? this.#prepared : undefined
        const shared = !prepared && (isPlain(item) || this.#shares.items.has(item))
        if (!prepared && !shared && messageBytes(item) > largeBytes) {
          this.large = true
          return
        }
        this.#context.index = first + at
        this.startedAt?.push(performance.now())
        const argument = prepared ? prepared.argument : shared ? item : copied(item, 'argument')
        if (this.#settle(this.#call(argument, this.#context), argument)) return
      }
    } catch (error) {
      this.failure = { error }
    }
  }

  /** True when it is a promise. */
  #settle(value: unknown, argument?: unknown): boolean {
    if (isThenable(value)) {
      this.promise = value
      return true
    }
    const own = isPlain(value) || (value !== argument && this.#shares.results.has(value))
    if (!own) this.given = { value }
    const result = own ? value : copied(value, 'result')
    this.given = undefined
    this.settledAt?.push(performance.now())
    this.values.push(result)
    return false
  }
}

/**
 * Puts results into `into` as long as arguments and results are plain, at a few nanoseconds beyond the call, and counts them in `stretch.stored`;
 * a result that is not plain is handed back.
 */
function callPlain(
  call: Callable,
  items: ArrayLike<unknown>,
  from: number,
  context: InlineContext,
  first: number,
  into: unknown[],
  stretch: CallSequence,
  until: number,
  looksEvery: number,
): { readonly value: unknown } | undefined {
  const { length } = items
  let looks = looksEvery
  for (let i = from; i < length; i++) {
    const item = items[i]
    if (!isPlain(item)) return undefined
    if (--looks < 0) {
      looks = looksEvery
      if (performance.now() >= until) return undefined
    }
    context.index = first + i
    const value = call(item, context)
    if (!isPlain(value)) return { value }
    into[first + i] = value
    stretch.stored++
  }
  return undefined
}

/** What a crossing would not change. */
function isPlain(value: unknown): boolean {
  const type = typeof value
  return type === 'number' || type === 'string' || type === 'boolean' || type === 'undefined'
}
