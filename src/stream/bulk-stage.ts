import { performance, queueMicrotask } from '../base/globals.js'
import type { Cancellation } from '../base/abort.ts'
import { keyOf } from '../base/idempotency.js'
import { newTask, type TaskState, taskSettled, taskStarted } from '../base/observer.ts'
import { ReadAhead } from '../run/read-ahead.ts'
import type { Batch, BulkWork, Executor, FunctionRef, Timing } from '../run/executor.ts'
import { callsWithin, type CallSizes, heldBytes, messageBytesMost } from '../run/sizes.ts'
import { end } from '../run/source.ts'
import { Again, type AgainSpec, type Attempts, finalError } from './again.ts'
import { type CallStageSpec, WorkingStage } from './call-stage.ts'
import type { Segment } from './segment.ts'
import { type Origin, pending, type Stage } from './stage.ts'

export interface BulkSpec extends Omit<CallStageSpec, 'fn' | 'policy' | 'concurrency'> {
  readonly concurrency: number
  readonly ref: FunctionRef
  readonly executor: Executor
  readonly timeoutMs: number | undefined
  /** What is known of how large the function's items and results are. */
  readonly sizes: CallSizes
  /** Results are for workers alone: they come as bytes where that is possible. */
  readonly seals?: boolean
  /** Names of the stages that travel as this one; undefined: it is one. */
  readonly names?: readonly string[]
  /** How functions that failed are called again. */
  readonly again?: AgainSpec | undefined
}

/** An item at the executor. */
interface Sent {
  readonly item: unknown
  readonly place: number
  readonly needs: Origin
  readonly takenAt: number
  /** Where it failed before: when the functions before ended, and when it began. */
  before?: { readonly startedAt: number | undefined; readonly marks: readonly number[] }
  attempts?: Attempts
}

/** An item from above that the executor has not taken. */
interface Come {
  readonly item: unknown
  readonly needs: Origin
}

/**
 * Calls a worker function on every item. The executor takes what there is in batches of its own size, and reports the results in
 * any order.
 *
 * Where the stage above gives items one after the other, as sources that are read asynchronously do, those that come promptly travel together:
 * see {@link ReadAhead}. Where it has them at hand, the executor takes them as it needs them.
 */
export class BulkStage extends WorkingStage {
  readonly #spec: BulkSpec
  readonly #capacity: number
  readonly #work: StreamWork
  /** By index. */
  readonly #sent = new Map<number, Sent>()
  readonly #come = new ReadAhead<Come>(() => this.#offer())
  readonly #again: Again | undefined
  #taken = 0

  constructor(segment: Segment, up: Stage, spec: BulkSpec) {
    super(segment, up, spec.ordered)
    this.#spec = spec
    this.#capacity = spec.concurrency + (spec.buffer ?? spec.concurrency)
    this.#work = new StreamWork(segment, this, spec)
    if (spec.again) this.#again = new Again(segment, spec.again, this)
    this.ahead = true
  }

  /** Asks the executor to look; it takes items when it has a place for them. */
  protected fill(): void {
    if (!this.idle) this.#offer()
  }

  #offer(): void {
    this.#work.offer(this.#spec.ref, this.#spec.executor)
  }

  /** There may be items above. Few at a time: then they are collected, and offered together. */
  override wake(): void {
    this.dry = false
    this.#collect()
    if (this.over) this.#offer()
    if (!this.dry) this.advance()
  }

  #collect(): void {
    while (this.#come.size < Math.min(this.#come.most, this.room())) {
      const come = this.#next()
      if (!come) return
      this.#come.push(come)
    }
  }

  protected hasPlace(): boolean {
    return this.room() > 0
  }

  /** That of each item begins with it. */
  get idempotencyKey(): string {
    return this.#work.idempotencyKey
  }

  /** How many more items the executor may have. */
  room(): number {
    const { concurrency, executor, sizes } = this.#spec
    // Every worker may have one, however large they are.
    const most = Math.max(executor.slots, callsWithin(heldBytes, sizes))
    return Math.min(concurrency - this.#sent.size, Math.min(this.#capacity, most) - this.output.held)
  }

  /** True when nothing will come any more. */
  get over(): boolean {
    return (this.exhausted && this.#come.size === 0) || this.segment.stopped
  }

  protected override get ended(): boolean {
    return super.ended && this.#come.size === 0
  }

  /** True when nothing can be had before the executor is asked again. */
  get idle(): boolean {
    return this.over || (this.dry && this.#come.size === 0) || this.room() <= 0
  }

  take(max: number): Batch | undefined {
    const first = this.#taken
    const items: unknown[] = []
    const most = (): number => Math.min(max, this.room() + items.length, callsWithin(messageBytesMost, this.#spec.sizes))
    this.#come.want(most())
    while (items.length < most() && !this.over) {
      const come = this.#come.size > 0 ? this.#come.shift() : this.#next()
      if (!come) break
      const takenAt = this.segment.run.observed ? performance.now() : 0
      this.#sent.set(this.#taken++, { item: come.item, place: this.output.begin(), needs: come.needs, takenAt })
      items.push(come.item)
    }
    return items.length === 0 ? undefined : { first, items }
  }

  /** The next item from above, if it has one. */
  #next(): Come | undefined {
    if (this.exhausted || this.dry) return undefined
    const item = this.up.poll()
    if (item === end) this.exhausted = true
    if (item === pending) this.dry = true
    if (item === end || item === pending) return undefined
    // At once: how many more are taken goes by it.
    this.#spec.sizes.items.note(item)
    return { item, needs: this.up.origin }
  }

  /** The function gave `value` for the item; times only when observed. */
  succeed(index: number, value: unknown, row: number, startedAt?: number, settledAt?: number, marks?: readonly number[]): void {
    const sent = this.#sent.get(index)
    if (!sent) return
    if (this.#again && !this.segment.stopped && this.#again.halted(index, sent.item, value)) {
      sent.before ??= { startedAt, marks: reached(marks) }
      return
    }
    this.#again?.succeeded()
    this.#finallySucceed(index, sent, value, row, startedAt, settledAt, marks)
  }

  #finallySucceed(
    index: number,
    sent: Sent,
    value: unknown,
    row: number,
    startedAt?: number,
    settledAt?: number,
    marks?: readonly number[],
  ): void {
    this.#sent.delete(index)
    this.#spec.sizes.results.note(value)
    const origin = this.#publish(index, sent, row, startedAt, settledAt, 'done', undefined, marks)
    if (this.segment.stopped) return
    const { mode, settles } = this.#spec
    if (mode === 'map') this.output.put(sent.place, settles ? { status: 'fulfilled', value } : value, origin)
    else if (value) this.output.put(sent.place, sent.item, origin)
    else this.output.drop(sent.place)
  }

  fail(index: number, error: unknown, row: number, startedAt?: number, settledAt?: number, marks?: readonly number[]): void {
    const sent = this.#sent.get(index)
    if (!sent) return
    if (this.#again && !this.segment.stopped && this.#again.failed(index, sent.item, error)) {
      sent.before ??= { startedAt, marks: [] }
      return
    }
    const { again } = this.#spec
    this.#finallyFail(index, sent, again ? finalError(error, again) : error, row, startedAt, settledAt, marks)
  }

  #finallyFail(
    index: number,
    sent: Sent,
    error: unknown,
    row: number,
    startedAt?: number,
    settledAt?: number,
    marks?: readonly number[],
  ): void {
    const { stopped, run } = this.segment
    this.#sent.delete(index)
    const origin = this.#publish(index, sent, row, startedAt, settledAt, stopped ? 'cancelled' : 'failed', error, marks)
    if (stopped) return
    if (this.#spec.settles) this.output.put(sent.place, { status: 'rejected', reason: error }, origin)
    else run.fail(error, index)
  }

  /** An item that had failed is through, or has failed for good. */
  triedAgain(
    index: number,
    outcome: { readonly value: unknown } | { readonly error: unknown },
    timing: Timing,
    attempts: Attempts,
  ): void {
    const sent = this.#sent.get(index)
    if (!sent) return
    sent.attempts = attempts
    const { names = [] } = this.#spec
    const { startedAt = timing.startedAt, marks = [] } = sent.before ?? {}
    const settledAt = timing.settledAt || performance.now()
    // Nobody has noted when the functions from there on ended.
    const all = Array.from({ length: Math.max(0, names.length - 1) }, (_, stage) => marks[stage] ?? settledAt)
    if ('error' in outcome) this.#finallyFail(index, sent, outcome.error, timing.row, startedAt, settledAt, marks)
    else this.#finallySucceed(index, sent, outcome.value, timing.row, startedAt, settledAt, all)
    this.segment.run.enter(() => this.advance())
  }

  #publish(
    index: number,
    sent: Sent,
    row: number,
    startedAt: number | undefined,
    settledAt: number | undefined,
    state: TaskState,
    error?: unknown,
    allMarks: readonly number[] = [],
  ): Origin {
    const { observed, group } = this.segment.run
    if (!observed) return undefined
    const { name, names = [name] } = this.#spec
    const now = performance.now()
    const marks = reached(allMarks)
    let [needs, from] = [sent.needs, startedAt ?? now]
    // A task for each stage that it came through.
    for (let stage = 0; stage <= Math.min(marks.length, names.length - 1); stage++) {
      const last = stage === marks.length || stage === names.length - 1
      const to = last ? (settledAt ?? now) : (marks[stage] as number)
      const task = newTask(group.record, index, group.record.parentTask, stage === 0 ? sent.takenAt : from, names[stage])
      task.needs = needs
      task.row = row
      const tried = sent.attempts?.get(stage)
      if (tried) Object.assign(task, { attempts: tried.attempts, retryMs: tried.retryMs })
      taskStarted(task, from)
      taskSettled(task, to, last ? state : 'done', last ? error : undefined)
      needs = [task.id]
      from = to
    }
    return needs
  }
}

/** Where nothing was left of an item, the stages below have not had it. */
function reached(marks: readonly number[] = []): readonly number[] {
  const unreached = marks.findIndex(Number.isNaN)
  return unreached === -1 ? marks : marks.slice(0, unreached)
}

/** The stage as the executor sees it. */
class StreamWork implements BulkWork {
  readonly timeoutMs: number | undefined
  readonly stays: BulkWork['stays']
  readonly #segment: Segment
  readonly #stage: BulkStage
  #begun = false
  #offered = false
  #wake: () => void = () => {}

  constructor(segment: Segment, stage: BulkStage, { timeoutMs, seals }: BulkSpec) {
    this.#segment = segment
    this.#stage = stage
    this.timeoutMs = timeoutMs
    if (seals) this.stays = { seal: true }
    segment.onStop(() => this.#wake())
  }

  get idempotencyKey(): string {
    return keyOf(this)
  }

  /** Begins the work, or says that there may be more of it. Once per turn: items that come together travel together. */
  offer(ref: FunctionRef, executor: Executor): void {
    if (this.#offered) return
    this.#offered = true
    // Until the executor says that everything is reported, something is under way.
    if (!this.#begun) this.#segment.opened()
    queueMicrotask(() => {
      this.#offered = false
      if (this.#begun) return this.#wake()
      this.#begun = true
      executor.bulk(ref, this)
    })
  }

  get cancellation(): Cancellation {
    return this.#segment.cancellation
  }

  get deadline(): number {
    return this.#segment.run.group.deadline
  }

  get observed(): boolean {
    return this.#segment.run.observed
  }

  get run(): number {
    return this.#segment.run.group.record.id
  }

  remaining(): number {
    return this.#stage.idle ? 0 : Number.POSITIVE_INFINITY
  }

  exhausted(): boolean {
    return this.#stage.over
  }

  onMore(wake: () => void): void {
    this.#wake = wake
  }

  take(max: number): Batch | undefined {
    if (this.#stage.idle) return undefined
    const batch = this.#segment.run.enter(() => this.#stage.take(max))
    // A stage that found nothing waits to hear that nothing will come.
    if (this.#stage.over) queueMicrotask(() => this.#wake())
    return batch
  }

  succeed(
    first: number,
    values: ArrayLike<unknown>,
    row: number,
    startedAt?: ArrayLike<number>,
    settledAt?: ArrayLike<number>,
    marks?: ArrayLike<number>,
  ): void {
    const width = (marks?.length ?? 0) / values.length
    const marksOf = (i: number): readonly number[] | undefined =>
      marks && Array.prototype.slice.call(marks, i * width, (i + 1) * width)
    for (let i = 0; i < values.length; i++)
      this.#stage.succeed(first + i, values[i], row, startedAt?.[i], settledAt?.[i], marksOf(i))
    this.#advance()
  }

  fail(index: number, error: unknown, row: number, startedAt?: number, settledAt?: number, marks?: readonly number[]): void {
    this.#stage.fail(index, error, row, startedAt, settledAt, marks)
    this.#advance()
  }

  skip(): void {}

  finished(): void {
    this.#advance()
    this.#segment.settled()
  }

  #advance(): void {
    this.#segment.run.enter(() => this.#stage.advance())
  }
}
