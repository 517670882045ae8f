/** The side of a map over a worker function that hands out batches of items to an executor and takes their results back. */
import { type RunRecord, newTask, type TaskRecord, taskSettled, taskStarted } from '../base/observer.ts'
import type { Cancellation } from '../base/abort.ts'
import type { Batch, BulkWork } from './executor.ts'
import type { Group } from './group.ts'
import { messageBytes } from './message-size.ts'
import type { Collector } from './outcome.ts'
import { end, type Source } from './source.ts'

export interface BulkOptions {
  readonly group: Group
  readonly source: Source<unknown>
  readonly collector: Collector
  /** Most items under way; `Infinity` leaves it to the executor's batches. */
  readonly limit: number
  readonly timeoutMs: number | undefined
  readonly observed: boolean
  readonly parentTask: number
  /** Everything has been reported. */
  readonly done: () => void
}

/** Enough that merges which take time can run side by side, few enough to hold their values. */
const mostStoring = 64

interface Published extends Pick<TaskRecord, 'index' | 'row' | 'startedAt' | 'settledAt' | 'bytes' | 'state'> {
  readonly error?: unknown
}

export class Bulk implements BulkWork {
  readonly timeoutMs: number | undefined
  readonly observed: boolean
  readonly #o: BulkOptions
  /** Items that were pulled and not yet taken: only asynchronous sources have any, at most one pull ahead. */
  #ahead: unknown[] = []
  #pulling = false
  #exhausted = false
  #taken = 0
  #reported = 0
  #wake: () => void = () => {}
  /** Promises of the collector that are pending; meanwhile no more items are handed out. */
  #storing = 0
  #finished = false
  /** Items under way by index, kept only where a failure must name its item and the source cannot give it again. */
  readonly #items: Map<number, unknown> | undefined
  readonly #takenAt: Map<number, number> | undefined

  constructor(options: BulkOptions) {
    this.#o = options
    this.timeoutMs = options.timeoutMs
    this.observed = options.observed
    if (!options.source.slice) this.#items = new Map()
    if (options.observed) this.#takenAt = new Map()
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

  remaining(): number {
    return this.exhausted() ? 0 : this.#o.source.size - this.#taken
  }

  exhausted(): boolean {
    if (this.#o.group.aborted) return true
    return this.#ahead.length === 0 && (this.#exhausted || this.#taken >= this.#o.source.size)
  }

  onMore(wake: () => void): void {
    this.#wake = wake
  }

  take(max: number): Batch | undefined {
    const room = Math.min(max, this.#o.limit - (this.#taken - this.#reported))
    if (room < 1 || this.#storing > mostStoring || this.exhausted()) return undefined
    const first = this.#taken
    const items = this.#o.source.slice ? this.#slice(room) : this.#o.source.async ? this.#pulled(room) : this.#pullNow(room)
    if (items.length === 0) return undefined
    this.#taken += items.length
    if (this.#items) for (let i = 0; i < items.length; i++) this.#items.set(first + i, items[i])
    if (this.#takenAt) {
      const now = performance.now()
      for (let i = 0; i < items.length; i++) this.#takenAt.set(first + i, now)
    }
    return { first, items }
  }

  #slice(room: number): ArrayLike<unknown> {
    const { source } = this.#o
    const items = source.slice?.(this.#taken, Math.min(room, source.size - this.#taken)) ?? []
    if (this.#taken + items.length >= source.size) this.#exhausted = true
    return items
  }

  #pullNow(room: number): unknown[] {
    const items: unknown[] = []
    try {
      while (items.length < room) {
        const item = this.#o.source.pull()
        if (item === end) {
          this.#exhausted = true
          break
        }
        items.push(item)
      }
    } catch (error) {
      this.#sourceFailed(error)
    }
    return items
  }

  /** What has arrived; asks for more, and wakes the executor when it comes. */
  #pulled(room: number): unknown[] {
    const items = this.#ahead.splice(0, room)
    if (!this.#pulling && !this.#exhausted && this.#ahead.length === 0) void this.#pullAhead()
    return items
  }

  async #pullAhead(): Promise<void> {
    this.#pulling = true
    try {
      const item = await this.#o.source.pull()
      if (item === end) this.#exhausted = true
      else this.#ahead.push(item)
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
    const { collector } = this.#o
    if (collector.succeedMany) this.#track(first, collector.succeedMany(first, values))
    else for (let i = 0; i < values.length; i++) this.#track(first + i, collector.succeed(first + i, values[i]))
    if (startedAt && settledAt) this.#publishMany(first, values, row, startedAt, settledAt)
    this.#count(first, values.length)
  }

  get into(): unknown[] | undefined {
    const { collector } = this.#o
    return this.observed || !collector.stored ? undefined : collector.results
  }

  stored(first: number, count: number): void {
    this.#o.collector.stored?.(count)
    this.#count(first, count)
  }

  fail(index: number, error: unknown, row: number, startedAt?: number, settledAt?: number): void {
    const { group, collector, source } = this.#o
    const item = this.#items ? this.#items.get(index) : source.slice?.(index, 1)[0]
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
    const { group, collector, source } = this.#o
    // The run has been stopped by something else: what the collector says does not matter.
    collector.fail(index, this.#items ? this.#items.get(index) : source.slice?.(index, 1)[0], group.cancelError())
    this.#count(index, 1)
  }

  finished(): void {
    this.#finished = true
    if (this.#storing === 0) this.#o.done()
  }

  #track(index: number, stored: void | Promise<void>): void {
    if (stored) void this.#awaitStored(index, stored)
  }

  async #awaitStored(index: number, stored: Promise<void>): Promise<void> {
    this.#storing++
    try {
      await stored
    } catch (error) {
      this.#o.group.fail(error, index)
    }
    this.#storing--
    if (this.#finished) this.finished()
    else this.#wake()
  }

  #count(first: number, count: number): void {
    this.#reported += count
    for (let i = 0; this.#items && i < count; i++) this.#items.delete(first + i)
    for (let i = 0; this.#takenAt && i < count; i++) this.#takenAt.delete(first + i)
    if (this.#o.limit !== Number.POSITIVE_INFINITY) this.#wake()
  }

  #publishMany(
    first: number,
    values: ArrayLike<unknown>,
    row: number,
    startedAt: ArrayLike<number>,
    settledAt: ArrayLike<number>,
  ): void {
    const items = row === 0 || this.#items ? undefined : this.#o.source.slice?.(first, values.length)
    for (let i = 0; i < values.length; i++) {
      const index = first + i
      // What moved to the worker is empty here by now, and counts nothing.
      const bytes = row === 0 ? 0 : messageBytes(items ? items[i] : this.#items?.get(index)) + messageBytes(values[i])
      this.#publish({ index, row, startedAt: startedAt[i] as number, settledAt: settledAt[i] as number, bytes, state: 'done' })
    }
  }

  #publish({ index, row, startedAt, settledAt, bytes, state, error }: Published): void {
    const run: RunRecord = this.#o.group.record
    const task = newTask(run, index, this.#o.parentTask, this.#takenAt?.get(index) ?? startedAt)
    task.row = row
    task.bytes = bytes
    taskStarted(task, startedAt)
    taskSettled(task, settledAt, state, error)
  }
}
