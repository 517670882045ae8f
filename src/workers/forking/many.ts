/**
 * The items of a map, a stream or a reduction inside a worker. Home takes them from the front, one after the other and depth first; others get
 * them from the end, where the largest parts of a recursion lie. An item that waits makes place for the next one only when the thread is idle,
 * so that a recursion holds as many items as it is deep, and not as it is wide.
 */
import { performance } from '../../base/globals.js'
import { Cancellation } from '../../base/abort.ts'
import { fromElsewhere } from '../../base/call-site.ts'
import { type Frame, enterFrame, type Entrance, entranceOf, type TaskContext } from '../../base/frame.ts'
import { itemKey, keyOf } from '../../base/idempotency.js'
import { isThenable } from '../../base/look.js'
import { closeFrame, openFrame } from '../../base/wait-graph.ts'
import { withContext } from '../../base/with-context.js'
import { threadRow } from '../../base/rows.ts'
import type { BulkWork } from '../../run/executor.ts'
import { type Callable, runHere } from '../call-here.ts'
import type { WireError } from '../../encoding/encoded.ts'
import { fromWire } from '../../encoding/from-wire.ts'
import { asCrossed } from './crossed.ts'
import { type Given, type HomeFunction, type Scheduler, type Unit, worthMs } from './unit.ts'

/** Items of one map that wait at home at the same time: as many as one worker has of a function that waits (`host/worker.ts`). */
const mostWaiting = 64
/** Taken from the source ahead of need, where it is a list; what others get lies behind it. */
const takenAtOnce = 1_024
/** Taken from what is pulled: no more than home may soon have under way. */
const pulledAtOnce = 16
/** Results that are reported together. */
const reportedAtOnce = 256

/** Items next to each other that nobody has begun. */
interface Range {
  readonly first: number
  readonly items: ArrayLike<unknown>
  from: number
  to: number
}

/** The context of an item at home. */
class ItemContext implements TaskContext {
  readonly index: number
  readonly attempt = 1
  readonly depth: number
  readonly #work: BulkWork
  #own: Cancellation | undefined

  constructor(work: BulkWork, index: number, depth: number) {
    this.#work = work
    this.index = index
    this.depth = depth
  }

  get deadline(): number {
    return this.#work.deadline
  }

  get idempotencyKey(): string {
    const { idempotencyKey } = this.#work
    return idempotencyKey === undefined ? keyOf(this) : itemKey(idempotencyKey, this.index)
  }

  /** Of its own: what is left on it ends with the item. */
  get signal(): AbortSignal {
    return (this.#own ??= new Cancellation(this.#work.cancellation)).signal
  }

  close(): void {
    this.#own?.close()
  }
}

export class Many implements Unit {
  readonly fn: HomeFunction
  readonly batch: number
  readonly depth: number
  readonly #home: Scheduler
  readonly #work: BulkWork
  readonly #newFrame: () => Frame
  readonly #enter: Entrance
  readonly #began = performance.now()
  #ranges: Range[] = []
  /** Loops over the items at home. */
  #lanes = 0
  /** Items that home has begun. */
  #begun = 0
  /** Items that others have, or may take. */
  #away = 0
  /** Something in an item cannot cross: all of them stay. */
  #allStay = false
  #finished = false
  readonly #unsubscribe: () => void
  // What home has computed and not reported, next to each other.
  #values: unknown[] = []
  #times: { startedAt: number[]; settledAt: number[] } = { startedAt: [], settledAt: [] }
  #valuesFrom = 0

  constructor(home: Scheduler, fn: HomeFunction, work: BulkWork, parent: Frame, batch: number) {
    this.#home = home
    this.fn = fn
    this.#work = work
    this.batch = batch
    this.depth = home.depthBelow(parent)
    const label = (context: TaskContext): string => `"${fn.name}" item ${context.index}`
    const newFrame = (): Frame => work.frame?.(label, this.#lane.name) ?? frameUnder(parent, work, label)
    this.#newFrame = newFrame
    this.#enter = entranceOf(parent)
    home.keep(this)
    this.#unsubscribe = work.cancellation.subscribe(() => this.#cancelled())
    work.onMore(() => this.#more())
    // What takes long is offered before home begins, which may hold the thread.
    const ms = fn.cost.ms(this.depth)
    if (!(ms !== undefined && ms * this.#available() < worthMs)) home.offerNow()
    this.#more()
  }

  get module(): string {
    return this.fn.module
  }

  get name(): string {
    return this.fn.name
  }

  leastMs(now: number): number {
    const each = (now - this.#began) / Math.max(1, this.#begun)
    return each * Math.min(this.#available(), takenAtOnce)
  }

  #available(): number {
    let count = this.#work.remaining()
    for (const { from, to } of this.#ranges) count += to - from
    return count
  }

  give(idle: number): Given | undefined {
    const { timeoutMs, deadline, idempotencyKey } = this.#work
    if (this.#allStay || this.#work.cancellation.aborted) return undefined
    if (this.#ranges.length === 0) this.#refill()
    const range = this.#ranges.at(-1)
    if (!range) return undefined
    const left = range.to - range.from
    // One stays where home has not begun any.
    const most = this.#lanes > 0 || this.#ranges.length > 1 ? left : left - 1
    const count = Math.min(most, Math.ceil((left * idle) / (idle + 1)))
    if (count < 1) return undefined
    range.to -= count
    if (range.to === range.from) this.#ranges.pop()
    const items = Array.prototype.slice.call(range.items, range.to, range.to + count) as unknown[]
    const first = range.first + range.to
    let crossing: unknown[]
    try {
      crossing = items.map((item) => asCrossed(item, 'argument'))
    } catch {
      this.#keepAll({ first, items })
      return undefined
    }
    this.#away += count
    return { items: crossing, first, spread: false, meta: undefined, key: idempotencyKey, timeoutMs, deadline }
  }

  /** They cannot cross, and what comes behind them may be like them. */
  #keepAll({ first, items }: Pick<Given, 'first' | 'items'>): void {
    this.#allStay = true
    this.#ranges.push({ first, items, from: 0, to: items.length })
  }

  stays(given: Given): void {
    this.#away -= given.items.length
    this.#keepAll(given)
  }

  start(): boolean {
    if (this.#lanes >= mostWaiting || (this.#ranges.length === 0 && !this.#refill())) return false
    this.#openLane()
    return true
  }

  #more(): void {
    if (this.#finished) return
    if (this.#work.cancellation.aborted) return this.#cancelled()
    if (this.#lanes === 0) this.start()
    else this.#home.idleSoon()
    this.#finishIfOver()
  }

  #refill(): boolean {
    const remaining = this.#work.remaining()
    const batch = this.#work.take(remaining < Number.POSITIVE_INFINITY ? takenAtOnce : pulledAtOnce)
    if (!batch) return false
    this.#ranges.push({ first: batch.first, items: batch.items, from: 0, to: batch.items.length })
    return true
  }

  #openLane(): void {
    this.#lanes++
    this.#enter(() => {
      const frame = this.#newFrame()
      openFrame(frame)
      void enterFrame(frame, this.#lane, frame).then(() => {
        closeFrame(frame)
        this.#lanes--
        if (this.#lanes === 0 && !this.#finished && this.#hasNext()) return this.#openLane()
        this.#finishIfOver()
      })
    })
  }

  #hasNext(): boolean {
    return !this.#work.cancellation.aborted && (this.#ranges.length > 0 || this.#refill())
  }

  readonly #lane = async (frame: Frame): Promise<void> => {
    const home = this.#home
    const work = this.#work
    const { observed } = work
    const { cost } = this.fn
    let fn = this.fn.ready()
    if (isThenable(fn)) {
      try {
        fn = await fn
      } catch (error) {
        return this.#failAll(error)
      }
    }
    const call = fn
    for (;;) {
      const pause = home.breathe()
      if (pause) {
        this.#flush()
        await pause
      }
      if (!this.#hasNext()) break
      const range = this.#ranges[0] as Range
      const at = range.from++
      if (range.from === range.to) this.#ranges.shift()
      const index = range.first + at
      this.#begun++
      home.look()
      const timed = cost.due(this.depth) ? performance.now() : 0
      const context = new ItemContext(work, index, this.depth)
      frame.context = context
      const startedAt = observed ? performance.now() : 0
      try {
        let value = home.atDepth(this.depth, () => this.#call(call, range.items[at], context))
        if (isThenable(value)) {
          this.#flush()
          home.idleSoon()
          value = await value
          this.#succeed(index, asCrossed(value, 'result'), startedAt)
          this.#flush()
        } else this.#succeed(index, asCrossed(value, 'result'), startedAt)
        if (timed > 0) cost.note(performance.now() - timed, this.depth)
      } catch (error) {
        this.#flush()
        const times = observed ? [startedAt, performance.now()] : []
        work.fail(index, error, threadRow, times[0], times[1])
      }
      context.close()
    }
    this.#flush()
    if (work.exhausted()) home.release(this)
  }

  #call(fn: Callable, item: unknown, context: TaskContext): unknown {
    const given = asCrossed(item, 'argument')
    const { timeoutMs, cancellation, deadline } = this.#work
    if (timeoutMs !== undefined) {
      const { index, idempotencyKey } = context
      return runHere(this.fn.name, fn, [given], { timeoutMs, cancellation, deadline, index, idempotencyKey })
    }
    return fn.length === 2 ? fn(given, context) : fn(...withContext(fn.length, [given], context))
  }

  #succeed(index: number, value: unknown, startedAt: number): void {
    if (this.#values.length > 0 && index !== this.#valuesFrom + this.#values.length) this.#flush()
    if (this.#values.length === 0) this.#valuesFrom = index
    this.#values.push(value)
    if (this.#work.observed) {
      this.#times.startedAt.push(startedAt)
      this.#times.settledAt.push(performance.now())
    }
    if (this.#values.length >= reportedAtOnce) this.#flush()
  }

  #flush(): void {
    if (this.#values.length === 0) return
    const values = this.#values
    const { startedAt, settledAt } = this.#times
    this.#values = []
    this.#times = { startedAt: [], settledAt: [] }
    this.#work.succeed(this.#valuesFrom, values, threadRow, ...(this.#work.observed ? [startedAt, settledAt] : []))
  }

  returned(indexes: readonly number[], given: Given): void {
    this.#away -= indexes.length
    for (const index of indexes) {
      const items = [given.items[index - given.first]]
      if (this.#work.cancellation.aborted) this.#work.skip(index)
      else this.#ranges.push({ first: index, items, from: 0, to: 1 })
    }
    if (this.#ranges.length > 0) this.#home.keep(this)
    this.#more()
  }

  succeeded(first: number, values: ArrayLike<unknown>): void {
    this.#away -= values.length
    const now = this.#work.observed ? Array.from(values, () => performance.now()) : undefined
    this.#work.succeed(first, values, threadRow, now, now)
    this.#finishIfOver()
  }

  failed(index: number, error: WireError): void {
    this.#away--
    this.#work.fail(index, fromWire(error), threadRow)
    this.#finishIfOver()
  }

  skipped(index: number): void {
    this.#away--
    this.#work.skip(index)
    this.#finishIfOver()
  }

  #failAll(error: unknown): void {
    while (this.#hasNext()) {
      for (const { first, from, to } of this.#ranges.splice(0)) {
        for (let at = from; at < to; at++) this.#work.fail(first + at, fromElsewhere(error), threadRow)
      }
    }
  }

  #cancelled(): void {
    for (const { first, from, to } of this.#ranges.splice(0)) {
      for (let at = from; at < to; at++) this.#work.skip(first + at)
    }
    if (this.#away > 0) this.#home.cancel(this, this.#work.cancellation.reason)
    this.#finishIfOver()
  }

  #finishIfOver(): void {
    if (this.#finished) return
    const over = this.#lanes === 0 && this.#away === 0 && this.#ranges.length === 0
    if (!over || !(this.#work.cancellation.aborted || this.#work.exhausted())) return
    this.#finished = true
    this.#home.release(this)
    this.#unsubscribe?.()
    this.#work.finished()
  }
}

function frameUnder(parent: Frame, work: BulkWork, label: (context: TaskContext) => string): Frame {
  const { cancellation, run } = work
  const frame: Frame = {
    parent,
    context: parent.context,
    cancellation,
    run,
    task: 0,
    label: () => label(frame.context),
    children: 0,
    waits: 0,
  }
  return frame
}
