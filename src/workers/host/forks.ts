/**
 * What workers offer to one another, on the side of the pool: each offer is a job like any other, whose outcomes go back to the worker that made it.
 *
 * Invariants, beside those of the pool.
 * 1. An item is run by whoever takes it first, the pool or the worker that offered it (`../thread/claims.js`).
 * 2. The worker that offered hears of each item that the pool took exactly once, then that the offer is over, once.
 * 3. When it dies, nobody begins anything of its offers any more, and what has begun is cancelled.
 * 4. Such a job goes only where it begins at once, or behind one task of its own tree. A worker that waits for forks gets only those of its own tree, so
 *    that no stranger's call can hold up, or take down, what it has begun.
 */
import { performance } from '../../base/globals.js'
import { Cancellation } from '../../base/abort.ts'
import { Cancelled } from '../../base/errors.ts'
import { closeRun, newTask, observed, openRun, type RunRecord, taskSettled, taskStarted } from '../../base/observer.ts'
import type { Batch, Executor, FunctionRef } from '../../run/executor.ts'
import { broadcastOf } from '../broadcast.ts'
import type { ForkedMessage, ForkMessage, ForkRequest } from '../protocol.ts'
import { left, putUp, takeFirst, takeRest } from '../thread/claims.js'
import { putBack } from '../../encoding/broadcast.js'
import { packError } from '../../encoding/errors.js'
import { fromWire } from '../../encoding/from-wire.ts'
import type { JobWork } from './job.ts'
import { type PoolWorker, treeOf } from './worker.ts'

/** What forks ask of the pool. */
export interface ForkHost {
  readonly executor: Executor
  /** A new job. */
  add(ref: FunctionRef, work: Fork): void
  /** What nobody has begun of it comes back. */
  recall(work: Fork): readonly Batch[]
  /** Somebody may take something. */
  feed(): void
}

export class Forks {
  readonly #host: ForkHost
  readonly #refs = new Map<string, FunctionRef>()
  readonly #open = new Map<PoolWorker, Map<number, Fork>>()
  /** Processes that have asked how many workers are idle. */
  readonly #told = new Set<PoolWorker>()
  #idle = 0

  constructor(host: ForkHost) {
    this.#host = host
  }

  receive(worker: PoolWorker, message: ForkRequest): void {
    if (message.type === 'fork') this.#fork(worker, message)
    else if (message.type === 'fork-recall') this.#recall(worker, message.fork)
    else if (message.type === 'fork-cancel')
      this.#open.get(worker)?.get(message.fork)?.cancellation.abort(fromWire(message.reason))
    else if (message.type === 'waits') {
      // It may have got something since it said so.
      worker.waits = message.batch === worker.lastBatch && !worker.idle
      if (worker.waits) this.#host.feed()
    } else {
      this.#told.add(worker)
      worker.link.post({ type: 'idle', count: this.#idle })
    }
  }

  #fork(worker: PoolWorker, message: ForkMessage): void {
    if (message.broadcasts) putBack(message.items, message.broadcasts, broadcastOf)
    const parent = worker.posted.get(message.batch)
    const fork = new Fork(worker, message, parent ? treeOf(parent) : worker, parent?.job.work.run ?? 0, () => this.#over(fork))
    let open = this.#open.get(worker)
    if (!open) this.#open.set(worker, (open = new Map()))
    open.set(message.fork, fork)
    this.#host.add(this.#ref(message), fork)
  }

  #ref({ module, name }: ForkMessage): FunctionRef {
    const key = `${module}#${name}`
    let ref = this.#refs.get(key)
    if (!ref) {
      ref = { module, name, local: undefined, setup: undefined, executor: this.#host.executor }
      this.#refs.set(key, ref)
    }
    return ref
  }

  #recall(worker: PoolWorker, number: number): void {
    const fork = this.#open.get(worker)?.get(number)
    if (!fork) return
    fork.giveBack(this.#host.recall(fork))
  }

  #over(fork: Fork): void {
    const open = this.#open.get(fork.worker)
    open?.delete(fork.number)
    if (open?.size === 0) this.#open.delete(fork.worker)
  }

  /** The worker has ended: nobody waits for what it offered. */
  lost(worker: PoolWorker): void {
    this.#told.delete(worker)
    const forks = [...(this.#open.get(worker)?.values() ?? [])]
    this.#open.delete(worker)
    for (const fork of forks) {
      fork.orphaned = true
      fork.cancellation.abort(new Cancelled('The worker that forked the task has ended'))
    }
  }

  /** How many workers could take something now. */
  idle(cell: Int32Array, count: number): void {
    // Workers count it down when they offer something, so that the cell is written in any case.
    Atomics.store(cell, 0, count)
    if (count === this.#idle) return
    this.#idle = count
    for (const worker of this.#told) worker.link.post({ type: 'idle', count })
  }
}

export class Fork implements JobWork {
  readonly worker: PoolWorker
  readonly number: number
  readonly spread: boolean
  readonly timeoutMs: number | undefined
  readonly deadline: number
  readonly observed = observed()
  readonly cancellation = new Cancellation()
  readonly fork: { readonly tree: object; readonly from: PoolWorker; readonly depth: number }
  /** The worker that offered it has ended. */
  orphaned = false
  readonly #message: ForkMessage
  readonly #record: RunRecord | undefined
  readonly #cells: Int32Array
  readonly #cell: number
  readonly #over: () => void
  /** Items that the pool has taken and that have not been reported. */
  #taken = 0
  #isOver = false

  constructor(worker: PoolWorker, message: ForkMessage, tree: object, run: number, over: () => void) {
    this.worker = worker
    this.#message = message
    this.number = message.fork
    this.spread = message.spread
    this.timeoutMs = message.timeoutMs
    this.deadline = message.deadline - performance.timeOrigin
    this.fork = { tree, from: worker, depth: message.depth }
    this.#over = over
    const { offers } = worker.link
    this.#cells = offers ?? new Int32Array(1)
    this.#cell = offers ? message.cell : 0
    const { length } = message.items
    if (!offers) putUp(this.#cells, 0, length)
    if (this.observed) this.#record = openRun(message.spread ? 'call' : 'map', message.name, { task: 0, run }, length, -1)
  }

  get run(): number {
    return this.#record?.id ?? 0
  }

  remaining(): number {
    // The cell of an offer that is over belongs to the next one.
    return this.cancellation.aborted || this.#isOver ? 0 : left(this.#cells, this.#cell)
  }

  exhausted(): boolean {
    return this.remaining() === 0
  }

  onMore(): void {}

  take(max: number): Batch | undefined {
    if (this.exhausted()) return undefined
    const { from, count } = takeFirst(this.#cells, this.#cell, max)
    if (count === 0) return undefined
    this.#taken += count
    const { first, items } = this.#message
    return { first: first + from, items: Array.prototype.slice.call(items, from, from + count) as unknown[] }
  }

  meta({ first, items }: Batch): Int32Array | undefined {
    const { meta, first: begin } = this.#message
    return meta?.slice(2 * (first - begin), 2 * (first - begin + items.length))
  }

  get idempotencyKey(): string | undefined {
    const { key } = this.#message
    return typeof key === 'string' ? key : undefined
  }

  keys({ first, items }: Batch): readonly string[] | undefined {
    const { key, first: begin } = this.#message
    return typeof key === 'string' ? undefined : key?.slice(first - begin, first - begin + items.length)
  }

  succeed(
    first: number,
    values: ArrayLike<unknown>,
    row: number,
    startedAt?: ArrayLike<number>,
    settledAt?: ArrayLike<number>,
  ): void {
    for (let i = 0; this.#record && i < values.length; i++)
      this.#publish(first + i, row, 'done', undefined, startedAt?.[i], settledAt?.[i])
    this.#report(values.length, { first, values })
  }

  fail(index: number, error: unknown, row: number, startedAt?: number, settledAt?: number): void {
    const state = this.cancellation.aborted ? 'cancelled' : 'failed'
    this.#publish(index, row, state, error, startedAt, settledAt)
    this.#report(1, { errors: [{ index, error: packError(error, this.worker.link.clones) }] })
  }

  skip(index: number): void {
    this.#report(1, { skipped: [index] })
  }

  /** What nobody has begun, of the batches that were handed out and of the rest. */
  giveBack(batches: readonly Batch[]): void {
    if (this.#isOver) return
    const returned: number[] = []
    for (const { first, items } of batches) for (let i = 0; i < items.length; i++) returned.push(first + i)
    this.#taken -= returned.length
    const { from, count } = takeRest(this.#cells, this.#cell)
    // Of a thread's offer that rest is its own already, if it asks for it; both may find it here.
    for (let i = 0; i < count; i++) returned.push(this.#message.first + from + i)
    this.#report(0, { returned: returned.sort((a, b) => a - b) })
  }

  /** The pool has looked, and there is nothing left to hand out. */
  finished(): void {
    this.#report(0, {})
  }

  #report(count: number, part: Partial<ForkedMessage>): void {
    this.#taken -= count
    const over = this.#taken === 0 && this.exhausted() && !this.#isOver
    if (over) {
      this.#isOver = true
      if (this.#record) closeRun(this.#record, this.cancellation.aborted ? 'cancelled' : 'done')
      this.#over()
    }
    const { values = [], errors, skipped, returned } = part
    const says = over || values.length > 0 || errors || skipped || (returned && returned.length > 0)
    if (!says || this.orphaned) return
    this.worker.waits = false
    this.worker.link.post({
      type: 'forked',
      fork: this.number,
      first: part.first ?? 0,
      values,
      errors,
      skipped,
      returned,
      over,
    })
  }

  #publish(
    index: number,
    row: number,
    state: 'done' | 'failed' | 'cancelled',
    error: unknown,
    startedAt?: number,
    settledAt?: number,
  ): void {
    if (!this.#record) return
    const now = performance.now()
    const task = newTask(this.#record, index, 0, startedAt ?? now)
    task.row = row
    taskStarted(task, startedAt ?? now)
    taskSettled(task, settledAt ?? now, state, error)
  }
}
