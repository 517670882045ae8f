/** Many single calls, few batches: what DataLoader does, with bounds, cancellation, and failures that stay with their items. */
import { cancelled, onAbort } from '../base/abort.ts'
import { type Clock, systemClock, type TimerHandle } from '../base/clock.ts'
import { type Duration, durationMs } from '../base/duration.ts'
import { describe, InvalidOption, Overflow } from '../base/errors.ts'
import { currentFrame, type Entrance, entranceOf, isTaskContext, rootFrame, type TaskContext } from '../base/frame.ts'
import { nameOf } from '../base/look.js'
import { checkFunction, checkOptions, type OptionRules, rules } from '../base/options.ts'
import { call, contextOptions } from '../run/call.ts'
import { refOf } from '../run/executor.ts'
import { Group } from '../run/group.ts'
import { runTask } from '../run/task.ts'
import { BatchQueue, type Waiting } from './batch-queue.ts'
import { type Recipient, sendSplit } from './split.ts'

/** Options of {@link batched}. */
export interface BatchedOptions<I = never> {
  /** A batch is sent when its items together cost this much. Minimum 1. @default 64 */
  readonly size?: number
  /** … or when its oldest item has waited this long. @default 0: at the end of the turn */
  readonly within?: Duration
  /** What an item counts for in `size`, such as its tokens. @default 1 for each */
  readonly cost?: (item: I) => number
  /** How many items may wait to be sent; calls beyond are rejected with `Overflow`. Minimum 1. @default 10_000 */
  readonly maxQueue?: number
  /** How many batches may be under way. Minimum 1. @default 16 */
  readonly concurrency?: number
  /** The name in messages and traces. @default the function's name */
  readonly name?: string
}

const batchedRules: OptionRules<BatchedOptions> = {
  size: rules.whole(1),
  within: rules.duration,
  cost: rules.function,
  maxQueue: rules.whole(1),
  concurrency: rules.whole(1),
  name: rules.string,
}

/** One call. It leaves the line, or gives up its result, when the task that makes it or `signal` is cancelled. */
export type BatchedCall<I, T> = (item: I, options?: { readonly signal?: AbortSignal }) => Promise<T>

/**
 * Makes single calls out of a function that takes many items at once.
 *
 * @param fn gets the items, and a `TaskContext` whose signal aborts when none of its callers waits any more. Gives a list with the
 *   result of each item at its position; an `Error` there fails that call alone. When it rejects, the batch is sent again in two
 *   halves, until the items that it rejects are alone; see `split.ts` for when it gives up. So it must be safe to call again
 * @throws {InvalidOption} at once, for a wrong option
 * @throws {Overflow} (as a rejection) when `maxQueue` items wait
 *
 * @example
 * const embed = batched(embedMany, { size: 64, within: '5ms' })
 * const vector = await embed('one text')
 */
export function batched<I, T>(
  fn: (items: I[], context: TaskContext) => PromiseLike<readonly (T | Error)[]> | readonly (T | Error)[],
  options: BatchedOptions<I> = {},
): BatchedCall<I, T> {
  return batchedWith(fn, options, systemClock)
}

/** @internal With a clock of the caller's. */
export function batchedWith<I, T>(
  fn: (items: I[], context: TaskContext) => PromiseLike<readonly (T | Error)[]> | readonly (T | Error)[],
  options: BatchedOptions<I>,
  clock: Clock,
): BatchedCall<I, T> {
  checkFunction(fn, 'fn', 'batched')
  checkOptions<BatchedOptions>(options, batchedRules, 'batched')
  const batcher = new Batcher(fn as unknown as BatchFunction, options as BatchedOptions<unknown>, clock)
  const single = (item: I, given?: { readonly signal?: AbortSignal }): Promise<T> =>
    // The signal of a context is that of the task, which is known without making it.
    batcher.add(item, isTaskContext(given) ? undefined : given?.signal) as Promise<T>
  Object.defineProperty(single, 'name', { value: batcher.name, configurable: true })
  return single
}

type BatchFunction = (items: unknown[], context: TaskContext) => unknown

class Batcher {
  readonly name: string
  readonly #fn: BatchFunction
  readonly #clock: Clock
  readonly #cost: ((item: unknown) => number) | undefined
  readonly #maxQueue: number
  readonly #concurrency: number
  readonly #queue: BatchQueue<Caller>
  /** A batch belongs to none of its callers: none of their runs may cancel it, and it sees nobody's AsyncLocalStorage but that of whoever made the function. */
  readonly #enter: Entrance = entranceOf(rootFrame)
  #underWay = 0
  #timer: TimerHandle | undefined

  constructor(fn: BatchFunction, options: BatchedOptions<unknown>, clock: Clock) {
    const ref = refOf(fn)
    this.name = options.name ?? ref?.name ?? nameOf(fn)
    this.#fn = ref ? (items, context) => call(ref, [items], contextOptions(context)) : fn
    this.#clock = clock
    this.#cost = options.cost
    this.#maxQueue = options.maxQueue ?? 10_000
    this.#concurrency = options.concurrency ?? 16
    this.#queue = new BatchQueue(options.size ?? 64, durationMs(options.within ?? 0, 'within'))
  }

  async add(item: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    const { cancellation } = currentFrame()
    if (cancellation.aborted) throw cancelled(cancellation.reason, `The call of "${this.name}"`)
    if (this.#queue.length >= this.#maxQueue) {
      throw new Overflow(`Refused by "${this.name}": ${this.#maxQueue} items wait already`, {
        hint: 'Call it from `map` or `stream`, which wait for a place, or raise `maxQueue`.',
      })
    }
    const caller = new Caller(item, checkedCost(this.#cost?.(item) ?? 1), this.#clock.now())
    const leave = (reason: unknown): void => {
      if (!caller.open) return
      this.#queue.remove(caller)
      caller.fail(cancelled(reason, `The call of "${this.name}"`))
      caller.batch?.leave(reason)
      this.#pump(false)
    }
    this.#queue.add(caller)
    const unsubscribe = [cancellation.subscribe(leave), onAbort(signal, leave)]
    this.#pump(false)
    try {
      return await caller.promise
    } finally {
      for (const each of unsubscribe) each()
    }
  }

  /** Sends what is full, or what has waited long enough when `timeIsUp`, as far as there is a place; sets the timer for the rest. */
  #pump(timeIsUp: boolean): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer)
    this.#timer = undefined
    for (let ripe = timeIsUp; this.#underWay < this.#concurrency && this.#queue.length > 0; ripe = false) {
      if (!ripe && !this.#queue.full) {
        this.#timer = this.#clock.schedule(this.#queue.dueInMs(this.#clock.now()), () => this.#pump(true))
        return
      }
      this.#underWay++
      void this.#enter(() => this.#send(this.#queue.take()))
    }
  }

  /** Never rejects. */
  async #send(callers: readonly Caller[]): Promise<void> {
    const group = new Group('call', this.name, {}, -1, 1)
    let waiting = callers.length
    const batch: Batch = {
      leave: (reason) => {
        if (--waiting === 0) group.cancel(reason)
      },
    }
    for (const caller of callers) caller.batch = batch
    let index = 0
    const send = (part: readonly Caller[]): Promise<unknown> => {
      const items = part.map(({ item }) => item)
      return runTask({ group, index: index++, args: [items] }, (context) => this.#fn(items, context))
    }
    try {
      await group.settled(sendSplit(callers, send))
    } catch (error) {
      for (const caller of callers) caller.fail(error)
    }
    for (const caller of callers) caller.fail(group.cancelError())
    group.close()
    this.#underWay--
    this.#pump(this.#queue.dueInMs(this.#clock.now()) === 0)
  }
}

interface Batch {
  /** One of its callers does not wait any more. */
  leave(reason: unknown): void
}

/** Somebody who waits for the result of an item; the first of `succeed` and `fail` counts. */
class Caller implements Waiting, Recipient {
  readonly item: unknown
  readonly cost: number
  readonly at: number
  readonly promise: Promise<unknown>
  open = true
  /** Once it has been sent. */
  batch: Batch | undefined
  #resolve: (value: unknown) => void = () => {}
  #reject: (error: unknown) => void = () => {}

  constructor(item: unknown, cost: number, at: number) {
    this.item = item
    this.cost = cost
    this.at = at
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  succeed(value: unknown): void {
    this.open = false
    this.#resolve(value)
  }

  fail(error: unknown): void {
    this.open = false
    this.#reject(error)
  }
}

function checkedCost(cost: number): number {
  if (typeof cost === 'number' && cost >= 0 && cost < Number.POSITIVE_INFINITY) return cost
  throw new InvalidOption(`Expected \`cost\` of batched to give a number from 0 up, got ${describe(cost)}`)
}
