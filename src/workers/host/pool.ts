/**
 * The pool: hands batches to workers, and keeps its promises when workers die.
 *
 * Policy. Idle workers pull the next batch; jobs take turns. A batch is sized by measured time (estimate.ts), and a second one waits at a
 * worker only where a message would be felt. A map whose rest is worth less than its crossing is finished on this thread. All worker
 * modules share one pool, so that nested and concurrent maps never take more threads than there are cores.
 *
 * Invariants.
 * 1. Every item that was taken from a work is reported to it exactly once.
 * 2. An item that had started is never run again: if its worker ends, it fails with `WorkerCrashed`. One that had not goes back.
 * 3. `outstanding workers ≤ size`, and no worker lives on unattended: whatever ends one replaces it when there is work.
 * 4. The pool keeps the program alive exactly while something is under way.
 */
import { cancelled } from '../../base/abort.ts'
import { Closed } from '../../base/errors.ts'
import { note } from '../../base/observer.ts'
import type { Batch, BulkWork, CallOptions, Executor, FunctionRef } from '../../run/executor.ts'
import type { LoadFailedMessage, ResultMessage, WorkerMessage } from '../protocol.ts'
import { forgetTransfer } from '../thread/transfers.js'
import { Calls } from './calls.ts'
import { crashOf, lostItems } from './crash.ts'
import { asError, deliver, failItem, failWaiting, fromWire, skip } from './delivery.ts'
import { Estimate } from './estimate.ts'
import { InlineRun } from './inline.ts'
import { Job, type JobWork, type Posted, sliceBatch } from './job.ts'
import type { LinkExit, OpenLink } from './link.ts'
import { lookOut, lookTurnMs } from './look-out.ts'
import { outgoing, splitUncloneable } from './outgoing.ts'
import { lateBatch } from './rebalance.ts'
import { Starts, startFailed } from './starts.ts'
import { WarmUp } from './warm-up.ts'
import { Watch } from './watch.ts'
import { PoolWorker } from './worker.ts'

export interface PoolSettings {
  readonly name: string
  readonly size: number
  readonly open: OpenLink
  /** One call at a time per worker, because nothing shows which of several had started. */
  readonly exact: boolean
  readonly graceMs: number
  readonly memoryLimitMb: number | undefined
}

/** A worker that cannot be ended, as in native code that never returns, must not hold up `close`. */
const longestEndMs = 4_000

export class Pool implements Executor {
  readonly name: string
  readonly slots: number
  readonly #settings: PoolSettings
  readonly #workers = new Set<PoolWorker>()
  /** Jobs with something to hand out, in turn. */
  readonly #jobs: Job[] = []
  readonly #calls = new WeakMap<FunctionRef, Map<number, Job>>()
  readonly #estimates = new Map<string, Estimate>()
  readonly #starts = new Starts()
  readonly #watch: Watch
  #scheduled = false
  #rebalancing: NodeJS.Timeout | undefined
  /** The worker at which a single short call has just been posted. */
  #expected: PoolWorker | undefined
  /** Set by `close`: takes no more work. */
  #closing: Promise<void> | undefined
  #drained: () => void = () => {}
  /** The grace of `close` is over: what is left is refused. */
  #ended = false

  constructor(settings: PoolSettings) {
    this.#settings = settings
    this.name = settings.name
    this.slots = settings.size
    this.#watch = new Watch(settings.graceMs, (worker) => this.#kill(worker))
  }

  call(ref: FunctionRef, args: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    if (this.#closing) return Promise.reject(this.#closedError())
    const job = this.#callJob(ref, options.timeoutMs)
    const result = (job.work as Calls).add(args, options)
    if (!this.#jobs.includes(job)) this.#jobs.push(job)
    this.#feedSoon()
    return result
  }

  #callJob(ref: FunctionRef, timeoutMs: number | undefined): Job {
    let byTimeout = this.#calls.get(ref)
    if (!byTimeout) this.#calls.set(ref, (byTimeout = new Map()))
    let job = byTimeout.get(timeoutMs ?? -1)
    if (!job) {
      const calls = new Calls(timeoutMs, (index, error) => this.#giveUp(job as Job, index, error))
      job = new Job(ref, calls, this.#estimate(ref))
      byTimeout.set(timeoutMs ?? -1, job)
    }
    return job
  }

  bulk(ref: FunctionRef, work: BulkWork): void {
    const job = new Job(ref, Object.assign(work, { spread: false }) as JobWork, this.#estimate(ref))
    const refused = this.#closing !== undefined
    work.onMore(() => {
      if (refused) return this.#refuse(job)
      this.#queue(job)
      this.#feedSoon()
    })
    job.unsubscribe.push(work.cancellation.subscribe((reason) => this.#cancel(job, reason)))
    if (refused) return this.#refuse(job)
    this.#queue(job)
    this.#feed()
  }

  async warmUp(ref: FunctionRef): Promise<void> {
    if (this.#closing) throw this.#closedError()
    while (this.#live() < this.slots) this.#start()
    const warmUps = [...this.#workers].map((worker) => {
      const work = new WarmUp()
      if (worker.usable) this.#post(worker, new Job(ref, work, new Estimate()), { first: 0, items: [] })
      else work.finished()
      return work.done
    })
    await Promise.all(warmUps)
  }

  close({ graceMs = this.#settings.graceMs }: { readonly graceMs?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#close(graceMs))
  }

  async #close(graceMs: number): Promise<void> {
    // The assignment to #closing comes first.
    await undefined
    if (this.#busy) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs)
        this.#drained = () => {
          clearTimeout(timer)
          resolve()
        }
        // What waited for the code at hand may be over by now.
        this.#feed()
      })
    }
    this.#ended = true
    clearTimeout(this.#rebalancing)
    for (const job of this.#jobs.splice(0)) this.#refuse(job)
    const ends = [...this.#workers].map((worker) => new Promise<void>((resolve) => (worker.onGone = resolve)))
    for (const worker of this.#workers) this.#kill(worker)
    if (ends.length === 0) return
    let timer: NodeJS.Timeout | undefined
    await Promise.race([Promise.all(ends), new Promise((resolve) => (timer = setTimeout(resolve, longestEndMs)))])
    clearTimeout(timer)
  }

  get #busy(): boolean {
    return this.#jobs.length > 0 || [...this.#workers].some((worker) => !worker.idle)
  }

  /** Fails whatever of the job waits, also what comes later. */
  #refuse(job: Job): void {
    failWaiting(job, this.#closedError())
    this.#finishIfOver(job)
  }

  #closedError(): Closed {
    return new Closed(`The executor "${this.name}" has been closed`)
  }

  #estimate(ref: FunctionRef): Estimate {
    const key = `${ref.module}#${ref.name}`
    let estimate = this.#estimates.get(key)
    if (!estimate) this.#estimates.set(key, (estimate = new Estimate()))
    return estimate
  }

  // --- Handing out ------------------------------------------------------------------------------------------------------

  /** After the code at hand has made all its calls. */
  #feedSoon(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#feed()
      const expected = this.#expected
      this.#expected = undefined
      if (expected?.ready) lookOut(expected)
    })
  }

  #queue(job: Job): void {
    if (!job.finished && !this.#jobs.includes(job)) this.#jobs.push(job)
  }

  #feed(): void {
    if (this.#ended) {
      for (const job of this.#jobs.splice(0)) this.#refuse(job)
      return
    }
    for (let i = 0; i < this.#jobs.length;) {
      const job = this.#jobs[i] as Job
      this.#considerInline(job)
      const worker = job.inline ? undefined : this.#workerFor(job)
      if (worker && this.#handOut(worker, job)) {
        // The next job's turn.
        this.#jobs.splice(i, 1)
        this.#jobs.push(job)
        i = 0
        continue
      }
      if (job.remaining() === 0 || job.finished) this.#jobs.splice(i, 1)
      else i++
      this.#finishIfOver(job)
    }
    this.#rebalance()
    if (this.#closing && !this.#busy) this.#drained()
  }

  #handOut(worker: PoolWorker, job: Job): boolean {
    const size = this.#settings.exact ? 1 : job.estimate.batchSize(job.remaining(), this.slots)
    const batch = job.take(size)
    if (!batch) return false
    this.#post(worker, job, batch)
    return true
  }

  /** An idle worker; else a new one; else one where a second batch may wait. */
  #workerFor(job: Job): PoolWorker | undefined {
    if (job.remaining() === 0) return undefined
    let waiting: PoolWorker | undefined
    for (const worker of this.#workers) {
      if (!worker.usable) continue
      if (worker.idle) return worker
      if (worker.takesMore(job, this.#settings.exact) && (!waiting || worker.posted.size < waiting.posted.size)) waiting = worker
    }
    if (this.#live() === this.slots) return waiting
    try {
      return this.#start()
    } catch (cause) {
      failWaiting(job, startFailed(job.ref.name, 'found no worker that could start', cause))
      return undefined
    }
  }

  /** Workers that hold a place; one that only waits for stuck functions to end does not, so that they cannot block the pool. */
  #live(): number {
    let live = 0
    for (const worker of this.#workers) if (!worker.retiring) live++
    return live
  }

  #considerInline(job: Job): void {
    const { ref, estimate, work } = job
    if (job.inline || this.#settings.exact || ref.local === undefined || ref.setup || work.spread || work.timeoutMs !== undefined)
      return
    if (job.cancelReason || job.remaining() === 0 || !estimate.inlineWins(job.remaining(), this.slots)) return
    job.inline = true
    const goOn = (): boolean => !job.cancelReason && estimate.inlineWins(job.remaining(), this.slots)
    const stop = (): void => {
      job.inline = false
      if (job.inlineItems > 0) {
        note('inline', work.run, `${job.inlineItems} items ran on this thread: threads would have cost more`, {
          items: job.inlineItems,
        })
      }
      job.inlineItems = 0
      this.#queue(job)
      this.#feedSoon()
    }
    void new InlineRun(job, goOn, stop)
  }

  #post(worker: PoolWorker, job: Job, batch: Batch): void {
    const { work } = job
    const id = worker.lastBatch + 1
    const before = performance.now()
    const { message, transfer, marked } = outgoing(job, batch, id, worker.numberOf(job.ref), this.#settings.graceMs)
    try {
      worker.link.post(message, transfer as never)
    } catch (cause) {
      splitUncloneable(job, batch, cause, worker.link.clones)
      this.#queue(job)
      return this.#feedSoon()
    }
    worker.lastBatch = id
    for (const value of marked) forgetTransfer(value)
    const items = batch.items.length
    job.estimate.recordPost(items, performance.now() - before)
    if (worker.idle) worker.link.ref()
    const posted: Posted = {
      id,
      job,
      batch,
      postedAt: before,
      reported: new Uint8Array(items),
      left: items,
      doomed: undefined,
      moved: marked.length > 0,
      timer: undefined,
      doomedAt: undefined,
      held: undefined,
      loopEndedAt: undefined,
    }
    worker.posted.set(id, posted)
    this.#watch.post(worker, posted)
    if (work.spread && items === 1 && (job.estimate.itemMs ?? 1) < lookTurnMs) this.#expected = worker
  }

  /** A worker with nothing to do takes over a batch that waits behind one that takes long. */
  #rebalance(): void {
    for (const idle of this.#workers) {
      if (!idle.usable || !idle.idle || !idle.ready) continue
      const late = lateBatch(this.#workers)
      if (typeof late === 'object') {
        this.#forget(late.worker, late.posted)
        this.#post(idle, late.posted.job, late.posted.batch)
      } else if (late !== undefined && this.#rebalancing === undefined) {
        this.#rebalancing = setTimeout(() => {
          this.#rebalancing = undefined
          this.#feed()
        }, late)
      }
    }
  }

  // --- Taking back ------------------------------------------------------------------------------------------------------

  #receive(worker: PoolWorker, message: WorkerMessage): void {
    if (message.type === 'ready') {
      worker.ready = true
      note('worker-start', 0, `worker ${worker.row} started`, { row: worker.row, ms: performance.now() - worker.startedAt })
      return
    }
    const posted = worker.posted.get(message.batch)
    if (!posted) return
    this.#starts.proved()
    if (message.type === 'load-failed') this.#loadFailed(worker, posted, message)
    else this.#result(worker, posted, message)
    this.#feed()
    if (posted.job.over) this.#finishIfOver(posted.job)
    if (worker.retiring && worker.idle) this.#kill(worker)
  }

  #result(worker: PoolWorker, posted: Posted, message: ResultMessage): void {
    const { ref, estimate } = posted.job
    worker.loaded.add(ref.module)
    this.#starts.proved(ref.module)
    if (message.stuck) worker.retiring = true
    if (message.last) {
      this.#forget(worker, posted)
      estimate.record(posted.batch.items.length, message.busyMs, message.async)
    }
    deliver(posted, message, worker.row)
    if (message.last) this.#finishIfOver(posted.job)
  }

  #loadFailed(worker: PoolWorker, posted: Posted, message: LoadFailedMessage): void {
    const cause = asError(fromWire(message.error), 'it threw a value that is no Error')
    this.#forget(worker, posted)
    this.#failAll(posted, startFailed(posted.job.ref.name, `could not be loaded: ${cause.message}`, cause), worker.row)
  }

  #failAll(posted: Posted, error: unknown, row: number): void {
    for (let at = 0; at < posted.reported.length; at++) failItem(posted, at, error, row)
    if (posted.reported.length === 0) posted.job.work.fail(-1, error, row)
  }

  #forget(worker: PoolWorker, posted: Posted): void {
    this.#watch.forget(posted)
    worker.posted.delete(posted.id)
    if (worker.idle) worker.link.unref()
  }

  #finishIfOver(job: Job): void {
    if (job.finished || job.work.spread || !job.over) return
    job.finished = true
    for (const unsubscribe of job.unsubscribe) unsubscribe()
    job.work.finished()
  }

  // --- Cancelling -------------------------------------------------------------------------------------------------------

  #cancel(job: Job, reason: unknown): void {
    job.cancelReason = { reason }
    for (const batch of job.requeued.splice(0)) {
      for (let i = 0; i < batch.items.length; i++) {
        job.underWay--
        job.work.skip(batch.first + i)
      }
    }
    const error = cancelled(reason, job.ref.name)
    for (const worker of this.#workers) {
      for (const posted of worker.posted.values()) {
        if (posted.job !== job) continue
        if (worker.link.revoke(posted.id)) {
          this.#forget(worker, posted)
          for (let at = 0; at < posted.reported.length; at++) skip(posted, at)
        } else this.#watch.cancelAll(worker, posted, error)
      }
    }
    this.#finishIfOver(job)
    this.#feedSoon()
  }

  /** A direct call is cancelled while a worker has it, or while it waits to go there again. */
  #giveUp(job: Job, index: number, error: Error): void {
    for (const worker of this.#workers) {
      for (const posted of worker.posted.values()) {
        const at = index - posted.batch.first
        if (posted.job !== job || at < 0 || at >= posted.batch.items.length) continue
        if (posted.moved || !worker.link.revoke(posted.id)) return this.#watch.cancelItem(worker, posted, at, error)
        this.#forget(worker, posted)
        job.requeued.push(posted.batch)
        this.#queue(job)
        this.#feedSoon()
      }
    }
    const where = job.requeued.findIndex((batch) => index >= batch.first && index < batch.first + batch.items.length)
    const batch = job.requeued[where]
    if (!batch) return
    const at = index - batch.first
    const rest = [sliceBatch(batch, 0, at), sliceBatch(batch, at + 1, batch.items.length)].filter((part) => part.items.length > 0)
    job.requeued.splice(where, 1, ...rest)
    job.underWay--
    job.work.fail(index, error, 0)
  }

  // --- Workers ----------------------------------------------------------------------------------------------------------

  /** @throws when not even the file in which workers start is found */
  #start(): PoolWorker {
    const worker = new PoolWorker((worker) =>
      this.#settings.open(
        { memoryLimitMb: this.#settings.memoryLimitMb },
        { message: (message) => this.#receive(worker, message), exit: (exit) => this.#gone(worker, exit) },
      ),
    )
    this.#workers.add(worker)
    worker.link.unref()
    return worker
  }

  #kill(worker: PoolWorker): void {
    if (worker.killed) return
    worker.killed = true
    worker.link.ref()
    worker.link.kill()
  }

  #gone(worker: PoolWorker, exit: LinkExit): void {
    this.#workers.delete(worker)
    note(worker.killed ? 'worker-end' : 'worker-crash', 0, `worker ${worker.row} ended: ${exit.reason}`, { row: worker.row })
    const lost = [...worker.posted.values()]
    this.#starts.died(worker, lost)
    for (const posted of lost) {
      this.#watch.forget(posted)
      this.#recover(worker, posted, exit)
    }
    worker.posted.clear()
    worker.onGone?.()
    for (const { job } of lost) {
      const hopeless = this.#starts.verdict(job.ref.module, job.ref.name, exit)
      if (hopeless) failWaiting(job, hopeless)
      if (job.remaining() > 0) this.#queue(job)
      this.#finishIfOver(job)
    }
    this.#feedSoon()
  }

  /** What had started fails; what had not goes back to the front of the queue. */
  #recover(worker: PoolWorker, posted: Posted, exit: LinkExit): void {
    const { job, batch } = posted
    const crash = this.#ended ? this.#closedError() : crashOf(job.ref, exit, worker.killed)
    if (this.#ended || batch.items.length === 0) return this.#failAll(posted, crash, worker.row)
    const { started, waiting } = lostItems(worker, posted)
    for (const at of started) failItem(posted, at, crash, worker.row)
    for (const at of waiting.reverse()) {
      if (job.cancelReason || posted.doomed?.has(at)) skip(posted, at)
      else if (posted.moved) failItem(posted, at, crash, worker.row)
      else job.requeued.push(sliceBatch(batch, at, at + 1))
    }
  }
}
