/** Calls of a stage's function: how many are under way, in which frame each runs, and what becomes of its outcome. */
import { Cancellation } from '../base/abort.ts'
import { type Entrance, type Frame, innerEntranceOf, type TaskContext } from '../base/frame.ts'
import { keyOf } from '../base/idempotency.js'
import { adopt, isA, isThenable, nameOf } from '../base/look.js'
import type { TaskRecord } from '../base/observer.ts'
import { closeFrame, openFrame } from '../base/wait-graph.ts'
import { AdaptiveConcurrency } from '../limits/adaptive.ts'
import type { Policy } from '../limits/policy.ts'
import { measured } from '../run/lanes.ts'
import type { RemoteCalls } from '../run/storing.ts'
import { runTask } from '../run/task.ts'
import type { Segment } from './segment.ts'
import type { Origin } from './stage.ts'

export type StageFunction = (item: unknown, context: TaskContext) => unknown

export interface CallSpec {
  readonly fn: StageFunction
  /** The name of the stage in traces and messages. */
  readonly name: string
  readonly policy: Policy | undefined
  /** A failure is an item like any other, as `PromiseSettledResult`; else it stops the run. */
  readonly settles: boolean
  /** Most calls under way; `'auto'` finds out. */
  readonly concurrency: number | 'auto'
  /** Where `fn` calls a worker function. */
  readonly remote?: RemoteCalls | undefined
}

/** The stage that the calls belong to. */
export interface CallReceiver {
  /** One call has settled with `value`; `subject` is what the stage started it for. */
  settled(place: number, subject: unknown, value: unknown, origin: Origin): void
  /** Calls have settled since the stage looked last. */
  advance(): void
}

export class StageCalls {
  underWay = 0
  /** Most calls under way, at this moment. */
  limit: number
  readonly #segment: Segment
  readonly #spec: CallSpec
  readonly #receiver: CallReceiver
  readonly #fn: StageFunction
  readonly #bare: boolean
  /** Name of the async function that awaits what the calls await; see {@link bodyOf}. */
  readonly #body: string
  /** Gets each call here; with a policy, each attempt instead. */
  readonly #adaptive: AdaptiveConcurrency | undefined
  /** Runners without a call. There are as many as calls were ever under way at once. */
  readonly #idle: Runner[] = []
  #next = 0

  constructor(segment: Segment, spec: CallSpec, receiver: CallReceiver) {
    this.#segment = segment
    this.#spec = spec
    this.#receiver = receiver
    this.#bare = !spec.policy && !segment.run.observed
    this.#body = this.#bare ? bodyOf(spec.fn) : runTask.name
    const adaptive = spec.concurrency === 'auto' ? this.#adapt() : undefined
    this.limit = adaptive?.limit ?? Number(spec.concurrency)
    this.#fn = adaptive && spec.policy ? measured(spec.fn, adaptive) : spec.fn
    if (!spec.policy) this.#adaptive = adaptive
  }

  #adapt(): AdaptiveConcurrency {
    const { clock, group } = this.#segment.run
    const name = `${group.label()} stage "${this.#spec.name}"`
    const adaptive = new AdaptiveConcurrency({}, { clock, name, run: group.record.id })
    // It changes only when a call settles, and then the stage looks anyway.
    const follow = (limit: number): void => void (this.limit = limit)
    adaptive.onChange = follow
    return adaptive
  }

  /**
   * Calls the function. True when it has settled already; then the receiver has got it, but was not asked to {@link CallReceiver.advance}.
   * @param subject what the receiver gets then
   */
  start(item: unknown, place: number, needs: Origin, index = this.#next++, subject = item): boolean {
    const context = new ItemContext(this.#segment, index)
    const runner = this.#idle.pop() ?? this.#runner(context)
    runner.item = item
    runner.subject = subject
    runner.place = place
    runner.context = context
    runner.frame.context = context
    this.underWay++
    openFrame(runner.frame)
    this.#segment.opened()
    if (this.#adaptive) runner.ticket = this.#adaptive.start()
    const { run } = this.#segment
    const around = run.runner
    // To enter a frame costs as much as all the rest; where a call has just settled, its frame is entered already.
    if (around === runner) return this.#call(runner, needs)
    run.runner = runner
    const settled = runner.enter(this.#call, runner, needs)
    run.runner = around
    return settled
  }

  /** Made in the context of the run: that of a call may have been changed by its function, with `enterWith`. */
  #runner(context: ItemContext): Runner {
    return this.#segment.run.enter(() => {
      const frame = this.#frame()
      return new Runner(this, frame, context, innerEntranceOf(frame))
    })
  }

  readonly #call = (runner: Runner, needs: Origin): boolean => {
    const { item, context } = runner
    try {
      const result = this.#bare ? this.#fn(item, context) : this.#runTask(runner, context, needs)
      const promise = promiseOf(result)
      if (promise) {
        ;(this.#body === awaitedCall.name ? awaitedCall(promise) : promise).then(runner.succeed, runner.fail)
        return false
      }
      this.#settle(runner, result)
    } catch (error) {
      this.#fail(runner, error)
    }
    return true
  }

  /** Through policies and observers. */
  #runTask(runner: Runner, context: ItemContext, needs: Origin): Promise<unknown> {
    const { group } = this.#segment.run
    const { name, policy } = this.#spec
    const { frame, item } = runner
    const onRecord = (record: TaskRecord): void => {
      runner.origin = [record.id]
      context.record = record
    }
    const args = [item]
    return runTask({ group, index: context.index, name, policy, args, needs, frame, context, onRecord }, (own) =>
      this.#fn(item, own),
    )
  }

  /** @internal */
  succeedLater(runner: Runner, value: unknown): void {
    const { run } = this.#segment
    run.runner = runner
    this.#settle(runner, value)
    this.#receiver.advance()
    run.runner = undefined
  }

  /** @internal */
  failLater(runner: Runner, error: unknown): void {
    const { run } = this.#segment
    run.runner = runner
    this.#fail(runner, error)
    this.#receiver.advance()
    run.runner = undefined
  }

  #settle(runner: Runner, value: unknown): void {
    const { subject, place, origin } = runner
    this.#adaptive?.settle(runner.ticket, false)
    this.#release(runner)
    if (!this.#segment.stopped) {
      this.#receiver.settled(place, subject, this.#spec.settles ? { status: 'fulfilled', value } : value, origin)
    }
    this.#segment.settled()
  }

  #fail(runner: Runner, error: unknown): void {
    const { subject, place, origin, context } = runner
    this.#adaptive?.settled(runner.ticket, error)
    this.#release(runner)
    // A failure in a stopped segment was asked for.
    if (!this.#segment.stopped) {
      if (this.#spec.settles) this.#receiver.settled(place, subject, { status: 'rejected', reason: error }, origin)
      else this.#segment.run.fail(error, context.index)
    }
    this.#segment.settled()
  }

  #release(runner: Runner): void {
    this.underWay--
    closeFrame(runner.frame)
    runner.context.close()
    runner.item = undefined
    runner.subject = undefined
    runner.origin = undefined
    this.#idle.push(runner)
  }

  #frame(): Frame {
    const { group } = this.#segment.run
    const { name } = this.#spec
    const frame = group.frame((context) => `${group.label()} stage "${name}" item ${context.index}`, this.#body)
    frame.cancellation = this.#segment.cancellation
    return frame
  }
}

/**
 * Whom the deadlock detector finds on the trail of awaits: the function itself where it is asynchronous and has a name that
 * shows there, else {@link awaitedCall}, at the price of a promise.
 */
function bodyOf(fn: StageFunction): string {
  const name = nameOf(fn)
  return isA(fn, AsyncFunction) && /^#?[\p{L}_$][\p{L}\d_$]*$/u.test(name) ? name : awaitedCall.name
}

const AsyncFunction = (async () => {}).constructor as new () => object

async function awaitedCall<T>(call: PromiseLike<T>): Promise<T> {
  return await call
}

/** One place for a call, with a frame of its own. Its callbacks run in that frame; they are made once, not once per item. */
export class Runner {
  place = 0
  ticket = 0
  item: unknown
  subject: unknown
  origin: Origin
  context: ItemContext
  readonly frame: Frame
  readonly enter: Entrance
  readonly succeed: (value: unknown) => void
  readonly fail: (error: unknown) => void

  constructor(calls: StageCalls, frame: Frame, context: ItemContext, enter: Entrance) {
    this.frame = frame
    this.enter = enter
    this.context = context
    const succeed = (value: unknown): void => calls.succeedLater(this, value)
    const fail = (error: unknown): void => calls.failLater(this, error)
    this.succeed = succeed
    this.fail = fail
  }
}

const { then } = Promise.prototype

/** The result as a promise, when it is one. A foreign `then` may call back at once or twice; a promise does so later and once. */
function promiseOf(result: unknown): Promise<unknown> | undefined {
  if (!isThenable(result)) return undefined
  return result.then === then && isA(result, Promise) ? result : adopt(result)
}

/**
 * An item as its function sees it. The signal is the call's own, made only when asked for: what a finished call has given,
 * such as a response that is still to be read, must not break because the stream needs no more items.
 */
export class ItemContext implements TaskContext {
  readonly #segment: Segment
  readonly index: number
  /** Of the call, when it is observed. */
  record: TaskRecord | undefined
  #own: Cancellation | undefined

  constructor(segment: Segment, index: number) {
    this.#segment = segment
    this.index = index
  }

  get signal(): AbortSignal {
    return (this.#own ??= new Cancellation(this.#segment.cancellation)).signal
  }

  get cancellation(): Cancellation {
    return this.#segment.cancellation
  }

  get attempt(): number {
    return 1
  }

  get deadline(): number {
    return this.#segment.run.group.deadline
  }

  get idempotencyKey(): string {
    return keyOf(this)
  }

  /** The call has settled: its signal stays as it is. */
  close(): void {
    this.#own?.close()
  }
}
