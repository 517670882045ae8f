/**
 * The side of a map over a worker function that hands out batches of items to an executor and takes their results back.
 *
 * Three ways to get items, by what the source is: a list is cut (`#slice`), an iterable is pulled when the executor asks (`#pullNow`), and what is asynchronous is
 * pulled ahead of it (`#pullAhead`), because the executor cannot wait.
 *
 * The state, between `take` and `finished`: `#taken` and `#reported` count items, and their difference is what is under way; `#exhausted` says that the source
 * has ended; `#pulling`, that a loop pulls ahead; `#gap` counts items behind the batch whose results a journal had, so that indices stay right;
 * `#storing` counts results that the collector has not stored yet, with `#storingItems` items in them: while they are too many nothing is taken;
 * `#finished` says that the executor is done, and the run is when nothing is being stored either.
 *
 * Invariants. Every item that was taken is reported once: `succeed`, `stored`, `merged`, `fail` or `skip`. Items under way never exceed `limit`, nor their
 * bytes what `sizes.ts` allows. The order of `take` is that of the source.
 *
 * Long because these ways share all of that state; each is a few lines.
 */
import { performance, setImmediate } from '../base/globals.js'
import {
  batchSettled,
  newTask,
  newTaskIds,
  recordsObserved,
  type RunRecord,
  type TaskRecord,
  taskSettled,
  taskStarted,
} from '../base/observer.ts'
import type { Cancellation } from '../base/abort.ts'
import type { Entrance, Frame, TaskContext } from '../base/frame.ts'
import { isElsewhere } from '../base/rows.ts'
import { ReadAhead } from './read-ahead.ts'
import { Yielding } from './yielding.ts'
import type { Batch, BulkWork, FunctionRef, MergedBlock, Stays } from './executor.ts'
import type { Group } from './group.ts'
import { messageBytes } from '../encoding/message-size.js'
import { type Collector, itemAt } from './outcome.ts'
import { callsWithin, type CallSizes, heldBytes, messageBytesMost, within } from './sizes.ts'
import { end, type Source } from './source.ts'
import { TakenTimes } from './taken-times.ts'

export interface BulkOptions {
  readonly group: Group
  readonly source: Source<unknown>
  readonly collector: Collector
  /** Most items under way; `Infinity` leaves it to the executor's batches. */
  readonly limit: number
  readonly timeoutMs: number | undefined
  readonly observed: boolean
  readonly parentTask: number
  /** What is known of how large the function's items and results are. */
  readonly sizes: CallSizes
  /** Merges the results of neighbours on the workers that made them. */
  readonly merge?: FunctionRef | undefined
  /** See `BulkWork.resume`. */
  readonly resume?: string | undefined
  /** Everything has been reported. */
  readonly done: () => void
}

/** Enough that merges which take time can run side by side, few enough to hold their values. */
const mostStoring = 64

interface Published extends Pick<TaskRecord, 'index' | 'row' | 'startedAt' | 'settledAt' | 'bytes' | 'state'> {
  readonly error?: unknown
}

/**
 * A batch of which the results are merged may take longer: each leaves a few blocks, which cost a crossing each. Chosen: a hundred batches of a
 * job that takes ten seconds on two workers.
 */
const mergedBatchMs = 200

/** How many of `room` items from `first` on end where a block ends that is as large as may be. */
function wholeBlock(first: number, room: number): number {
  if (room < 2) return room
  const block = 2 ** Math.floor(Math.log2(Math.min(room, 2 ** 30)))
  return block - (first % block)
}

/** Stands for an item among those that were pulled, that has its result. */
const skipped = Symbol('skipped')

/** Items of a batch of which the bytes are counted, so that this costs a batch of a thousand no more than one of a few dozen; chosen. */
const mostMeasured = 32

/** Items that are skipped in one turn of the event loop; chosen. */
const skippedAtOnce = 1_024

export class Bulk implements BulkWork {
  readonly timeoutMs: number | undefined
  readonly observed: boolean
  readonly stays: Stays | undefined
  readonly batchMs: number | undefined
  readonly #o: BulkOptions
  /** Items that were pulled and not yet taken, of asynchronous sources: what such a source has at hand is pulled, as far as it is wanted. */
  readonly #ahead: ReadAhead<unknown> | undefined
  #yielding: Yielding | undefined
  #pulling = false
  #exhausted = false
  /** How many items right behind the batch are skipped. */
  #gap = 0
  #taken = 0
  #reported = 0
  #wake: () => void = () => {}
  /** Promises of the collector that are pending; meanwhile no more items are handed out. */
  #storing = 0
  /** Items that they are for. */
  #storingItems = 0
  /** What was stored last: a journal writes in order. */
  #latest: Promise<unknown> = Promise.resolve()
  #finished = false
  /** Items under way by index, kept only where a failure must name its item and the source cannot give it again. */
  readonly #items: Map<number, unknown> | undefined
  readonly #takenAt: TakenTimes | undefined
  /** The executor calls from its own context, or from that of another run: sources, collectors and listeners of signals see the one of this run. */
  readonly #enter: Entrance

  constructor(options: BulkOptions) {
    this.#o = options
    this.#enter = options.group.entrance()
    this.timeoutMs = options.timeoutMs
    this.observed = options.observed
    if (options.merge) {
      this.stays = { seal: true, merge: options.merge }
      this.batchMs = mergedBatchMs
    }
    if (!options.source.slice) this.#items = new Map()
    if (options.source.async) this.#ahead = new ReadAhead(() => this.#wake())
    if (options.observed) this.#takenAt = new TakenTimes()
    this.#skipAhead()
  }

  get cancellation(): Cancellation {
    return this.#o.group.cancellation
  }

  get deadline(): number {
    return this.#o.group.deadline
  }

  get run(): number {
    return this.#o.group.record.id
  }

  get idempotencyKey(): string {
    return this.#o.group.idempotencyKey
  }

  get resume(): string | undefined {
    return this.#o.resume
  }

  handedOn(): Promise<unknown> {
    return this.#latest
  }

  frame(label: (context: TaskContext) => string, body: string): Frame {
    return this.#o.group.frame(label, body)
  }

  /** 0 also while no more may be under way: an executor that sees more would ask for it again and again. */
  remaining(): number {
    return this.exhausted() || this.#room() < 1 ? 0 : this.#o.source.size - this.#taken
  }

  #room(): number {
    const { sizes, merge } = this.#o
    if (this.#storing > mostStoring || (!merge && this.#storingItems >= within(heldBytes, sizes.results))) return 0
    return this.#o.limit - (this.#taken - this.#reported)
  }

  exhausted(): boolean {
    if (this.#o.group.aborted) return true
    return (this.#ahead?.size ?? 0) === 0 && (this.#exhausted || this.#taken >= this.#o.source.size)
  }

  onMore(wake: () => void): void {
    this.#wake = wake
  }

  take(max: number): Batch | undefined {
    return this.#enter(this.#take, max)
  }

  readonly #take = (max: number): Batch | undefined => {
    const { merge } = this.#o
    let room = Math.min(max, this.#room(), this.#fitting)
    if (merge) room = wholeBlock(this.#taken, room)
    if (room < 1 || this.exhausted()) return undefined
    const items = this.#o.source.slice ? this.#slice(room) : this.#ahead ? this.#pulled(room, this.#ahead) : this.#pullNow(room)
    if (items.length === 0) return undefined
    const first = this.#taken
    this.#taken += items.length
    for (; this.#gap > 0; this.#gap--) this.#pass()
    this.#skipAhead()
    if (this.#items) for (let i = 0; i < items.length; i++) this.#items.set(first + i, items[i])
    this.#takenAt?.take(first, items.length, performance.now())
    return { first, items }
  }

  /** How many items one message may have, by what is known of their sizes. */
  get #fitting(): number {
    const { sizes, merge } = this.#o
    // Results that are merged over there do not come here.
    return merge ? within(messageBytesMost, sizes.items) : callsWithin(messageBytesMost, sizes)
  }

  #slice(room: number): ArrayLike<unknown> {
    const { source, sizes } = this.#o
    try {
      let items = source.slice?.(this.#taken, this.#upToNextSkipped(Math.min(room, source.size - this.#taken))) ?? []
      sizes.items.noteSome(items)
      // They may be larger than those before.
      if (items.length > this.#fitting) items = source.slice?.(this.#taken, this.#fitting) ?? []
      if (this.#taken + items.length >= source.size) this.#exhausted = true
      return items
    } catch (error) {
      // An element with a getter that throws.
      this.#sourceFailed(error)
      return []
    }
  }

  /** For reports. */
  #itemAt(index: number): unknown {
    return this.#items ? this.#items.get(index) : itemAt(this.#o.source, index)
  }

  /** How many of the next `room` items come before one that is skipped: a batch is of items next to each other. */
  #upToNextSkipped(room: number): number {
    const { collector, source } = this.#o
    if (!collector.skips) return room
    let count = 0
    while (count < room && !collector.skips(this.#taken + count, source.slice?.(this.#taken + count, 1)[0])) count++
    return count
  }

  /** Passes the items at hand whose result is there already, so that what remains is what is to be done. */
  #skipAhead(): void {
    const { collector, source } = this.#o
    if (!collector.skips || !source.slice) return
    while (this.#taken < source.size && collector.skips(this.#taken, source.slice(this.#taken, 1)[0])) this.#pass()
  }

  #pass(): void {
    this.#taken++
    this.#reported++
  }

  /** For items that were pulled, which are asked about once. */
  #skips(index: number, item: unknown): boolean {
    const skipped = this.#o.collector.skips?.(index, item) ?? false
    if (typeof skipped === 'object') void this.#awaitStored(index, 0, skipped)
    return skipped !== false
  }

  #pullNow(room: number): unknown[] {
    const items: unknown[] = []
    let passed = 0
    try {
      while (items.length < Math.min(room, this.#fitting) && !this.#o.group.aborted) {
        const item = this.#o.source.pull()
        if (item === end) {
          this.#exhausted = true
          break
        }
        if (!this.#skips(this.#taken + items.length, item)) {
          this.#o.sizes.items.note(item)
          items.push(item)
        } else if (items.length > 0) {
          this.#gap++
          break
        } else {
          this.#pass()
          if (++passed < skippedAtOnce) continue
          setImmediate(() => this.#wake())
          break
        }
      }
    } catch (error) {
      this.#sourceFailed(error)
    }
    return items
  }

  /** What has arrived, up to the next one that is skipped; goes on pulling. */
  #pulled(room: number, ahead: ReadAhead<unknown>): unknown[] {
    const items: unknown[] = []
    ahead.want(room)
    while (items.length < Math.min(room, this.#fitting) && ahead.size > 0 && ahead.head !== skipped) items.push(ahead.shift())
    // They come right behind the batch, or before the first of the next one.
    while (ahead.head === skipped) {
      ahead.shift()
      this.#gap++
    }
    if (!this.#pulling) void this.#pullAhead(ahead)
    return items
  }

  /** As many as may be under way; where no more may, one waits at the door. */
  #aheadMost(ahead: ReadAhead<unknown>): number {
    const places = Math.max(1, this.#o.limit - (this.#taken - this.#reported))
    return Math.min(ahead.most, places, within(heldBytes, this.#o.sizes.items))
  }

  async #pullAhead(ahead: ReadAhead<unknown>): Promise<void> {
    this.#pulling = true
    const yielding = (this.#yielding ??= new Yielding())
    try {
      while (!this.#exhausted && !this.#o.group.aborted && ahead.size < this.#aheadMost(ahead)) {
        const item = await this.#o.source.pull()
        if (item === end) this.#exhausted = true
        else if (!this.#skips(this.#taken + ahead.size, item)) {
          this.#o.sizes.items.note(item)
          ahead.push(item)
        } else if (ahead.size === 0) this.#pass()
        else ahead.push(skipped)
        const pause = yielding.due()
        if (pause) await pause
      }
    } catch (error) {
      this.#sourceFailed(error)
    }
    this.#pulling = false
    this.#wake()
  }

  #sourceFailed(error: unknown): void {
    this.#exhausted = true
    this.#o.group.fail(error, 'source')
  }

  succeed(
    first: number,
    values: ArrayLike<unknown>,
    row: number,
    startedAt?: ArrayLike<number>,
    settledAt?: ArrayLike<number>,
  ): void {
    this.#enter(() => {
      if (startedAt && settledAt) this.#publishMany(first, values, row, startedAt, settledAt)
      this.#succeed(first, values)
    })
  }

  #succeed(first: number, values: ArrayLike<unknown>): void {
    const { collector, sizes } = this.#o
    sizes.results.noteSome(values)
    if (collector.succeedMany) this.#store(first, values.length, collector.succeedMany(first, values))
    else for (let i = 0; i < values.length; i++) this.#store(first + i, 1, collector.succeed(first + i, values[i]))
  }

  merged(
    first: number,
    items: number,
    blocks: readonly MergedBlock[],
    row: number,
    startedAt?: ArrayLike<number>,
    settledAt?: ArrayLike<number>,
  ): void {
    this.#enter(() => {
      if (startedAt && settledAt) this.#publishMany(first, { length: items }, row, startedAt, settledAt)
      this.#store(first, items, this.#o.collector.mergedMany?.(blocks))
    })
  }

  get into(): unknown[] | undefined {
    const { collector } = this.#o
    return this.observed || !collector.stored ? undefined : collector.results
  }

  stored(first: number, count: number): void {
    const { collector, sizes } = this.#o
    sizes.results.note(collector.results?.[first])
    collector.stored?.(count)
    this.#count(first, count)
  }

  fail(index: number, error: unknown, row: number, startedAt?: number, settledAt?: number): void {
    this.#enter(() => this.#fail(index, error, row, startedAt, settledAt))
  }

  #fail(index: number, error: unknown, row: number, startedAt?: number, settledAt?: number): void {
    const { group, collector } = this.#o
    const item = this.#itemAt(index)
    const aborted = group.aborted
    if (!collector.fail(index, item, error)) group.fail(error, index)
    if (this.observed) {
      const now = performance.now()
      const state = aborted ? 'cancelled' : 'failed'
      this.#publish({ index, row, startedAt: startedAt ?? now, settledAt: settledAt ?? now, bytes: 0, state, error })
    }
    this.#count(index, 1)
  }

  skip(index: number): void {
    const { group, collector } = this.#o
    // The run has been stopped by something else: what the collector says does not matter.
    collector.fail(index, this.#itemAt(index), group.cancelError())
    this.#count(index, 1)
  }

  finished(): void {
    this.#finished = true
    if (this.#storing === 0) this.#o.done()
  }

  /** What is not stored yet is still under way. */
  #store(first: number, count: number, stored: void | Promise<void>): void {
    if (stored) this.#latest = this.#awaitStored(first, count, stored)
    else this.#count(first, count)
  }

  async #awaitStored(first: number, count: number, stored: Promise<void>): Promise<void> {
    this.#storing++
    this.#storingItems += count
    try {
      await stored
    } catch (error) {
      this.#o.group.fail(error, first)
    }
    this.#storing--
    this.#storingItems -= count
    this.#count(first, count)
    if (this.#finished) this.finished()
    else this.#wake()
  }

  #count(first: number, count: number): void {
    this.#reported += count
    for (let i = 0; this.#items && i < count; i++) this.#items.delete(first + i)
    this.#takenAt?.forget(first, count)
    if (this.#o.limit !== Number.POSITIVE_INFINITY) this.#wake()
  }

  #publishMany(
    first: number,
    values: ArrayLike<unknown>,
    row: number,
    startedAt: ArrayLike<number>,
    settledAt: ArrayLike<number>,
  ): void {
    const items = !isElsewhere(row) || this.#items ? undefined : this.#o.source.slice?.(first, values.length)
    // Buffers that moved to the worker are empty here by now, and count nothing.
    const bytesOf = (i: number): number =>
      !isElsewhere(row) ? 0 : messageBytes(items ? items[i] : this.#items?.get(first + i)) + messageBytes(values[i])
    if (recordsObserved()) {
      for (let i = 0; i < values.length; i++)
        this.#publish({
          index: first + i,
          row,
          startedAt: startedAt[i] as number,
          settledAt: settledAt[i] as number,
          bytes: bytesOf(i),
          state: 'done',
        })
      return
    }
    const { length } = values
    const step = Math.ceil(length / mostMeasured)
    let [bytes, measured] = [0, 0]
    for (let i = 0; i < length; i += step, measured++) bytes += bytesOf(i)
    batchSettled({
      run: this.#o.group.record,
      firstId: newTaskIds(length),
      firstIndex: first,
      row,
      queuedAt: this.#takenAt?.at(first) ?? (startedAt[0] as number),
      startedAt,
      settledAt,
      bytes: measured > 0 ? bytes / measured : 0,
    })
  }

  #publish({ index, row, startedAt, settledAt, bytes, state, error }: Published): void {
    const run: RunRecord = this.#o.group.record
    const task = newTask(run, index, this.#o.parentTask, this.#takenAt?.at(index) ?? startedAt)
    task.row = row
    task.bytes = bytes
    taskStarted(task, startedAt)
    taskSettled(task, settledAt, state, error)
  }
}
