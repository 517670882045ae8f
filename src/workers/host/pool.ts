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
 * 3. Whatever ends a worker replaces it when there is work.
 * 4. The pool keeps the program alive exactly while something is under way.
 *
 * Long because handing out, taking back and recovering share all of that state; what is decided, and how a message looks, lies in files of their own.
 */
import { clearTimeout, performance, queueMicrotask, setTimeout } from '../../base/globals.js'
import type { Cancellation } from '../../base/abort.ts'
import { Closed } from '../../base/errors.ts'
import { executingWorkers } from '../../base/executing.ts'
import { note } from '../../base/observer.ts'
import type { Batch, BulkWork, CallOptions, Executor, FunctionRef, Reach } from '../../run/executor.ts'
import { sizesOf } from '../../run/sizes.ts'
import { forgetHolder } from '../broadcast.ts'
import type { LoadFailedMessage, ResultMessage, UnreadMessage, WorkerMessage } from '../protocol.ts'
import { fromWire } from '../../encoding/from-wire.ts'
import { forgetTransfer } from '../../encoding/transfers.js'
import { copyingOf, noteCopying } from './copying.ts'
import { callHere, cheaperHere } from './calls-here.ts'
import { CallJobs } from './call-jobs.ts'
import { considerHere } from './where-to-run.ts'
import type { DirectCalls } from './direct-calls.ts'
import { cannotBeRead, crashOf, lostItems, lostPlace, resultUnread } from './crash.ts'
import { WorkerSet, type CrewSettings } from './worker-set.ts'
import { noteContained } from './contained.ts'
import { asError, deliver, failItem, failWaiting, skip } from './delivery.ts'
import { Estimate } from './estimate.ts'
import { Forks } from './forks.ts'
import { Job, type JobWork, newPosted, type Posted, sliceBatch } from './job.ts'
import type { LinkExit } from './link.ts'
import { isNear, lookOut, Wakefulness } from './wait-mode.ts'
import { type Outgoing, outgoing, splitUncloneable } from './outgoing.ts'
import { Posting } from './posting.ts'
import { Reading } from './reading.ts'
import { lateBatch } from './rebalance.ts'
import { Starts, startFailed } from './starts.ts'
import { JobQueue } from './job-queue.ts'
import { watched } from './watchdog.ts'
import { WarmUp } from './warm-up.ts'
import { recallJob, takeBackWaiting, withdrawCall, withdrawJob } from './withdraw.ts'
import type { PoolWorker } from './worker.ts'
import { processReach, threadReach } from '../reach.ts'

export interface PoolSettings extends CrewSettings {
  readonly name: string
}

/** What is the same for threads and processes. */
export type WorkerSettings = Omit<PoolSettings, 'name' | 'open' | 'exact'>

export class Pool implements Executor {
  readonly name: string
  readonly slots: number
  readonly keepsValues: boolean
  readonly reach: Reach
  readonly #settings: PoolSettings
  readonly #workerSet: WorkerSet
  /** Jobs with something to hand out, in turn. */
  readonly #jobs = new JobQueue()
  readonly #calls = new CallJobs(
    (ref) => this.#estimate(ref),
    (job, index, error) => this.#giveUp(job, index, error),
  )
  readonly #estimates = new Map<string, Estimate>()
  readonly #estimateOf = new WeakMap<FunctionRef, Estimate>()
  readonly #starts = new Starts()
  readonly #forks: Forks
  readonly #reading = new Reading(
    (job) => this.#finishIfOver(job),
    () => this.#feed(),
  )
  readonly #forked = new WeakMap<JobWork, Job>()
  #scheduled = false
  readonly #posting = new Posting(() => this.#feed())
  #rebalancing: NodeJS.Timeout | undefined
  /** Workers from which something short is expected, of which this turn has posted the last. */
  #expected: PoolWorker[] = []
  readonly #wakefulness = new Wakefulness()
  /** Set by `close`: takes no more work. */
  #closing: Promise<void> | undefined
  #drained: () => void = () => {}
  /** The grace of `close` is over: what is left is refused. */
  #ended = false

  constructor(settings: PoolSettings) {
    this.#settings = settings
    this.name = settings.name
    this.slots = settings.size
    this.reach = settings.exact ? processReach : threadReach
    // A process gets one call at a time, and shares no memory in which bytes could lie.
    this.keepsValues = this.reach.sharesMemory
    this.#workerSet = new WorkerSet(settings, {
      message: (worker, message) => this.#receive(worker, message),
      gone: (worker, exit) => this.#gone(worker, exit),
      unread: (worker, error) => {
        // Nobody knows what was in it: what had started there is lost with it.
        worker.unread ??= error
        this.#workerSet.kill(worker)
      },
    })
    this.#forks = new Forks({
      executor: this,
      add: (ref, work) => {
        const job = new Job(ref, work, this.#estimate(ref))
        job.unsubscribe.push(work.cancellation.subscribe((reason) => this.#cancel(job, reason)))
        this.#forked.set(work, job)
        this.#jobs.add(job)
        this.#feed()
        if (this.#expected.length > 0) this.#feedSoon()
      },
      recall: (work) => {
        const job = this.#forked.get(work)
        return job ? recallJob(this.#workerSet, job) : []
      },
      feed: () => this.#feed(),
    })
  }

  call(ref: FunctionRef, args: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    if (this.#closing) return Promise.reject(this.#closedError())
    if (watched()) return Promise.resolve().then(() => this.call(ref, args, options))
    // What clears a place must not load a module for that, which may never end.
    if (options.place?.closed && !this.#calls.places.mayHold(options.place, ref)) return Promise.resolve()
    const estimate = this.#estimate(ref)
    if (!this.#settings.exact && cheaperHere(ref, estimate, options)) return callHere(ref, estimate, args, options)
    const job = this.#calls.jobOf(ref, options)
    const result = (job.work as DirectCalls).add(args, options)
    this.#jobs.add(job)
    this.#feedSoon()
    return result
  }

  bulk(ref: FunctionRef, work: BulkWork): void {
    if (watched()) return queueMicrotask(() => this.bulk(ref, work))
    const job = new Job(ref, Object.assign(work, { spread: false }) as JobWork, this.#estimate(ref))
    const refused = this.#closing !== undefined
    work.onMore(() => {
      if (refused) return this.#refuse(job)
      this.#jobs.add(job)
      this.#feedSoon()
    })
    job.unsubscribe.push(work.cancellation.subscribe((reason) => this.#cancel(job, reason)))
    if (refused) return this.#refuse(job)
    this.#jobs.add(job)
    this.#feed()
    if (this.#expected.length > 0) this.#feedSoon()
  }

  async warmUp(ref: FunctionRef, cancellation?: Cancellation): Promise<void> {
    if (this.#closing) throw this.#closedError()
    await this.#workerSet.settled()
    if (cancellation?.aborted) throw cancellation.reason
    this.#workerSet.fill()
    const begun = [...this.#workerSet].map((worker) => {
      const work = new WarmUp()
      if (worker.usable) this.#post(worker, new Job(ref, work, new Estimate()), { first: 0, items: [] })
      else work.finished()
      return { worker, work }
    })
    const release = cancellation?.subscribe((reason) => {
      for (const { worker, work } of begun) if (work.giveUp(reason)) this.#workerSet.kill(worker)
    })
    await Promise.all(begun.map(({ work }) => work.done)).finally(release)
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
    for (const job of this.#jobs.clear()) this.#refuse(job)
    await this.#workerSet.end()
  }

  get #busy(): boolean {
    return this.#jobs.size > 0 || this.#workerSet.busy || this.#reading.busy
  }

  /** Fails whatever of the job waits, also what comes later. */
  #refuse(job: Job): void {
    failWaiting(job, () => this.#closedError())
    this.#finishIfOver(job)
  }

  #closedError(): Closed {
    return new Closed(`The executor "${this.name}" has been closed`)
  }

  #estimate(ref: FunctionRef): Estimate {
    let estimate = this.#estimateOf.get(ref)
    if (estimate) return estimate
    const key = `${ref.module}#${ref.name}`
    estimate = this.#estimates.get(key)
    if (!estimate) this.#estimates.set(key, (estimate = new Estimate()))
    this.#estimateOf.set(ref, estimate)
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
      if (this.#expected.length > 0) lookOut(this.#expected.splice(0))
    })
  }

  #feed(): void {
    if (this.#ended) {
      for (const job of this.#jobs.clear()) this.#refuse(job)
      return
    }
    this.#jobs.each(
      (job) => this.#served(job),
      (job) => this.#finishIfOver(job),
    )
    this.#rebalance()
    this.#forks.idle(this.#workerSet.idle, Math.max(0, this.#workerSet.free - this.#jobs.size))
    if (this.#closing && !this.#busy) this.#drained()
  }

  /** True when a worker got a part of it. */
  #served(job: Job): boolean {
    // What comes back of it would only wait to be read; and the event loop must turn.
    if (this.#reading.full || this.#posting.enough()) return false
    if (!this.#settings.exact)
      considerHere(job, this.slots, {
        more: () => {
          this.#jobs.add(job)
          this.#feedSoon()
        },
        takeBack: () => takeBackWaiting(this.#workerSet, job),
        ahead: () => this.#workerSet.ahead(job),
      })
    const worker = job.inline && !job.shared ? undefined : this.#workerFor(job)
    return worker !== undefined && this.#handOut(worker, job)
  }

  #handOut(worker: PoolWorker, job: Job): boolean {
    // What forks on must not lie in one batch: what has begun, nobody can take over.
    const one = this.#settings.exact || (job.work.fork !== undefined && job.estimate.async)
    const size = one ? 1 : this.#batchSize(worker, job)
    const batch = size > 0 ? job.take(size) : undefined
    if (!batch) return false
    this.#post(worker, job, batch)
    return true
  }

  #batchSize(worker: PoolWorker, job: Job): number {
    const { estimate, work } = job
    if (job.underWay === 0) return estimate.batchSize(job.remaining(), this.slots, 0, 0, work.batchMs, job.shared)
    return estimate.batchSize(
      job.remaining(),
      this.slots,
      this.#workerSet.ahead(job),
      worker.ahead(job),
      work.batchMs,
      job.shared,
    )
  }

  #workerFor(job: Job): PoolWorker | undefined {
    if (job.remaining() === 0) return undefined
    if (job.inline) {
      // One worker fewer: this thread needs a core.
      const own = [...this.#workerSet].filter((worker) => worker.has(job))
      if (own.length >= this.slots - 1) return own.find((worker) => worker.usable && worker.takesMore(job, false))
    }
    try {
      const worker = job.place ? this.#calls.places.workerFor(job.place, this.#workerSet) : this.#workerSet.workerFor(job)
      if (worker !== 'lost') return worker
      failWaiting(job, () => lostPlace(job.ref))
      return undefined
    } catch (cause) {
      failWaiting(job, () => startFailed(job.ref, 'found no worker that could start', cause))
      return undefined
    }
  }

  #post(worker: PoolWorker, job: Job, batch: Batch): void {
    const id = worker.lastBatch + 1
    const near = isNear(job, batch)
    const awake = near && this.#wakefulness.awake
    const before = performance.now()
    let out: Outgoing
    try {
      out = outgoing(job, batch, id, worker, this.#settings.graceMs, !this.#settings.exact)
      worker.link.attend(awake)
      worker.link.post(out.message, out.transfer as never)
    } catch (cause) {
      splitUncloneable(job, batch, cause, worker.link.clones)
      this.#jobs.add(job)
      return this.#feedSoon()
    }
    worker.lastBatch = id
    for (const value of out.marked) forgetTransfer(value)
    const items = batch.items.length
    const sizes = sizesOf(job.ref)
    const writeMs = this.#posting.note(before)
    job.estimate.recordPost(items, writeMs, sizes.items.average, sizes.results.average)
    const copying = copyingOf(job)
    if (copying) copying.writeMs += writeMs
    if (worker.idle) worker.link.ref()
    worker.waits = false
    const posted = newPosted({ id, job, batch, postedAt: before, near, moved: out.marked.length > 0 })
    worker.posted.set(id, posted)
    this.#workerSet.watch.post(worker, posted)
    job.work.waits?.(batch, !worker.hasLoaded(job))
    if (awake) this.#expected.push(worker)
  }

  /** A worker with nothing to do takes over a batch that waits behind one that takes long. */
  #rebalance(): void {
    for (const idle of this.#workerSet) {
      if (!idle.usable || !idle.idle || !idle.ready) continue
      const late = lateBatch(this.#workerSet)
      if (typeof late === 'object') {
        this.#workerSet.forget(late.worker, late.posted)
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
      const { link } = worker
      executingWorkers.set(worker.row, { thread: message.thread, process: link.process, busyMs: () => link.busyMs() })
      note('worker-start', 0, `worker ${worker.row} started`, { row: worker.row, ms: performance.now() - worker.startedAt })
      return
    }
    if (message.type === 'loaded') return this.#loaded(worker, worker.moduleOf(message.fn))
    if (message.type === 'part') return
    if (message.type === 'unread') return this.#argumentUnread(worker, message)
    if (message.type !== 'result' && message.type !== 'load-failed') {
      if (!worker.killed) this.#forks.receive(worker, message)
      return
    }
    const posted = worker.posted.get(message.batch)
    if (!posted) return
    this.#starts.proved()
    if (message.type === 'load-failed') this.#loadFailed(worker, posted, message)
    else this.#result(worker, posted, message)
    this.#feed()
    if (posted.job.over) this.#finishIfOver(posted.job)
    if (worker.retiring && worker.idle) this.#workerSet.kill(worker)
  }

  #loaded(worker: PoolWorker, module: string | undefined): void {
    if (module === undefined) return
    worker.loaded.add(module)
    for (const { job, batch } of worker.posted.values()) if (job.needs(module)) job.work.waits?.(batch, !worker.hasLoaded(job))
  }

  #result(worker: PoolWorker, posted: Posted, message: ResultMessage): void {
    const { ref, estimate } = posted.job
    worker.loaded.add(ref.module)
    this.#starts.proved(ref.module)
    if (message.stuck) worker.retiring = true
    if (message.last) {
      this.#workerSet.forget(worker, posted)
      estimate.record(posted.batch.items.length, message.busyMs, message.async, !worker.warm.has(ref))
      worker.warm.add(ref)
      if (message.copyMs !== undefined) estimate.recordCopy(posted.batch.items.length, message.copyMs)
      if (posted.near) this.#wakefulness.record(performance.now() - posted.postedAt - message.busyMs)
    }
    if (message.pieces) this.#reading.add(posted, message, worker.row)
    const began = posted.job.work.observed ? performance.now() : 0
    deliver(posted, message, worker.row)
    // What has not come now has been lost before it.
    const { unread } = worker
    if (message.last && unread && posted.left > 0) this.#failAll(posted, () => resultUnread(ref, unread), worker.row)
    const copying = copyingOf(posted.job)
    if (copying) {
      if (!message.pieces) copying.ownMs += performance.now() - began
      copying.items += message.last ? posted.batch.items.length : 0
      copying.workerMs += message.copyMs ?? 0
      noteCopying(posted.job, posted.job.over)
    }
    if (message.last) this.#finishIfOver(posted.job)
  }

  #loadFailed(worker: PoolWorker, posted: Posted, message: LoadFailedMessage): void {
    const { ref } = posted.job
    const cause = asError(fromWire(message.error), 'it threw a value that is not an Error')
    const [why] = cause.message.split('\n')
    this.#workerSet.forget(worker, posted)
    this.#failAll(posted, () => startFailed(ref, `could not be loaded: ${why}`, cause), worker.row)
  }

  /** The items of a batch cannot be read at the worker: the first one posted after the last that came there. */
  #argumentUnread(worker: PoolWorker, { after, error }: UnreadMessage): void {
    const posted = [...worker.posted.values()].find(({ id }) => id > after)
    // What its forks brought, which its function waits for.
    if (!posted) return this.#workerSet.kill(worker)
    this.#workerSet.forget(worker, posted)
    const cause = fromWire(error)
    this.#failAll(posted, () => cannotBeRead(`An argument of "${posted.job.ref.name}"`, 'by its worker', cause), worker.row)
    this.#feed()
    this.#finishIfOver(posted.job)
  }

  /** Each item gets an error of its own, because each may have another caller. */
  #failAll(posted: Posted, error: () => Error, row: number): void {
    for (let at = 0; at < posted.reported.length; at++) failItem(posted, at, error, row)
    if (posted.reported.length === 0) posted.job.work.fail(-1, error(), row)
  }

  #finishIfOver(job: Job): void {
    if (job.finished || job.work.endless || !job.over) return
    job.finished = true
    job.course?.end()
    noteContained(job)
    noteCopying(job, true)
    for (const unsubscribe of job.unsubscribe) unsubscribe()
    job.work.finished()
  }

  #cancel(job: Job, reason: unknown): void {
    withdrawJob(this.#workerSet, job, reason)
    this.#finishIfOver(job)
    this.#feedSoon()
  }

  #giveUp(job: Job, index: number, error: Error): void {
    withdrawCall(this.#workerSet, job, index, error)
    this.#jobs.add(job)
    this.#feedSoon()
  }

  #gone(worker: PoolWorker, exit: LinkExit): void {
    executingWorkers.delete(worker.row)
    note(worker.killed ? 'worker-end' : 'worker-crash', 0, `worker ${worker.row} ended: ${exit.reason}`, { row: worker.row })
    this.#forks.lost(worker)
    forgetHolder(worker)
    const lost = [...worker.posted.values()]
    this.#starts.died(worker, lost)
    for (const posted of lost) {
      this.#workerSet.watch.forget(posted)
      this.#recover(worker, posted, exit)
    }
    worker.posted.clear()
    for (const { job } of lost) {
      const hopeless = this.#starts.verdict(job.ref.module, job.ref.name, exit)
      if (hopeless) failWaiting(job, hopeless)
      if (job.remaining() > 0) this.#jobs.add(job)
      this.#finishIfOver(job)
    }
    this.#feedSoon()
  }

  /** What had started fails; what had not goes back to the front of the queue. */
  #recover(worker: PoolWorker, posted: Posted, exit: LinkExit): void {
    const { job, batch } = posted
    const crash = (): Error => (this.#ended ? this.#closedError() : crashOf(job.ref, exit, worker))
    if (this.#ended || batch.items.length === 0) return this.#failAll(posted, crash, worker.row)
    const { started, waiting } = lostItems(worker, posted)
    for (const at of started) failItem(posted, at, crash, worker.row, true)
    for (const at of waiting.reverse()) {
      if (job.cancelReason || posted.doomed?.has(at)) skip(posted, at)
      else if (posted.moved) failItem(posted, at, crash, worker.row)
      else job.giveBack(sliceBatch(batch, at, at + 1))
    }
  }
}
