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
import { Closed, WorkerStartFailed } from '../../base/errors.ts'
import { note } from '../../base/observer.ts'
import type { Batch, BulkWork, CallOptions, Executor, FunctionRef } from '../../run/executor.ts'
import type { LoadFailedMessage, ResultMessage, RunMessage, WorkerMessage } from '../protocol.ts'
import { findUncloneable, packNumbers, unwrapTransfer } from '../thread/wire.js'
import { Calls } from './calls.ts'
import { crashOf, lostItems } from './crash.ts'
import { asError, deliver, failItem, failWaiting, fromWire, skip } from './delivery.ts'
import { Estimate } from './estimate.ts'
import { InlineRun, uncloneable } from './inline.ts'
import { Job, type JobWork, type Posted, sliceBatch } from './job.ts'
import type { LinkExit, OpenLink } from './link.ts'
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

/** A worker that dies this often in a row before anything came back is not started again. */
const mostFailedStarts = 5
/** A module that ends this many workers while it is loaded is given up. */
const mostLoadDeaths = 3
/** Calls of a function that takes this long are sent back one by one: a crash then loses none that were done. */
const flushAboveMs = 0.05

/** How long this thread looks out for the result of a short direct call before it leaves that to the event loop. */
const lookMs = 0.1
/** In turns this short: a turn of the event loop costs 10 µs, several times what the call itself takes. */
const lookTurnMs = 0.02


export class Pool implements Executor {
  readonly name: string
  readonly slots: number
  readonly #settings: PoolSettings
  readonly #workers = new Set<PoolWorker>()
  /** Jobs with something to hand out, in turn. */
  readonly #jobs: Job[] = []
  readonly #calls = new Map<FunctionRef, Map<number, Job>>()
  readonly #estimates = new Map<string, Estimate>()
  readonly #loadDeaths = new Map<string, number>()
  readonly #watch: Watch
  #lastBatch = 0
  #lastFunction = 0
  #failedStarts = 0
  #scheduled = false
  /** The worker at which a single short call has just been posted. */
  #expected: PoolWorker | undefined
  #closing: { resolve: () => void } | undefined
  #closed = false

  constructor(settings: PoolSettings) {
    this.#settings = settings
    this.name = settings.name
    this.slots = settings.size
    this.#watch = new Watch(settings.graceMs, (worker) => this.#kill(worker))
  }

  call(ref: FunctionRef, args: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closedError())
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
    if (this.#closed) {
      failWaiting(job, this.#closedError())
      return this.#finishIfOver(job)
    }
    this.#jobs.push(job)
    work.onMore(() => {
      if (!job.finished && !this.#jobs.includes(job)) this.#jobs.push(job)
      this.#feedSoon()
    })
    job.unsubscribe.push(work.cancellation.subscribe((reason) => this.#cancel(job, reason)))
    this.#feed()
  }

  async warmUp(ref: FunctionRef): Promise<void> {
    const none = (): void => {}
    while (this.#workers.size < this.slots) this.#start()
    await Promise.all(
      [...this.#workers].map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            const calls = new Calls(undefined, none)
            const job = new Job(ref, Object.assign(calls, { finished: resolve, loadFailed: reject }), new Estimate())
            this.#post(worker, job, { first: 0, items: [] })
          }),
      ),
    )
  }

  async close(options: { readonly graceMs?: number } = {}): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const busy = (): boolean => [...this.#workers].some((worker) => !worker.idle) || this.#jobs.length > 0
    if (busy()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, options.graceMs ?? this.#settings.graceMs)
        this.#closing = { resolve: () => (clearTimeout(timer), resolve()) }
      })
    }
    for (const job of this.#jobs.splice(0)) {
      failWaiting(job, this.#closedError())
      this.#finishIfOver(job)
    }
    const ends = [...this.#workers].map((worker) => new Promise<void>((resolve) => (worker.onGone = resolve)))
    for (const worker of this.#workers) this.#kill(worker)
    await Promise.all(ends)
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
      if (expected?.ready) this.#lookOut(expected, performance.now() + lookMs)
    })
  }

  #feed(): void {
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
    if (this.#closing && this.#jobs.length === 0 && [...this.#workers].every((worker) => worker.idle)) this.#closing.resolve()
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
    return this.#workers.size < this.slots ? this.#start() : waiting
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
      if (!this.#jobs.includes(job) && !job.finished) this.#jobs.push(job)
      this.#feedSoon()
    }
    void new InlineRun(job, goOn, stop)
  }

  #post(worker: PoolWorker, job: Job, batch: Batch): void {
    const { work } = job
    const transfer: unknown[] = []
    const args = unwrap(batch.items, work.spread, transfer)
    const moved = transfer.length > 0
    // Calls with one argument each are items like those of a map: flat, and perhaps packed.
    const flat = work.spread ? single(args) : args
    const items = flat ? pack(flat, transfer) : args
    const id = ++this.#lastBatch
    const message: RunMessage = {
      type: 'run',
      batch: id,
      fn: this.#functionOn(worker, job.ref),
      first: batch.first,
      items,
      spread: !flat,
      direct: work.spread,
      meta: work.meta?.(batch),
      timeoutMs: work.timeoutMs,
      graceMs: this.#settings.graceMs,
      deadline: performance.timeOrigin + work.deadline,
      observed: work.observed,
      flush: work.timeoutMs !== undefined || (work.spread && (job.estimate.itemMs ?? 1) > flushAboveMs),
    }
    const before = performance.now()
    try {
      worker.link?.post(message, transfer as never)
    } catch (cause) {
      return this.#splitUncloneable(job, batch, cause)
    }
    job.estimate.recordPost(items.length, performance.now() - before)
    if (worker.idle) worker.link?.ref()
    const posted: Posted = {
      id,
      job,
      batch,
      postedAt: before,
      reported: new Uint8Array(items.length),
      left: items.length,
      doomed: undefined,
      moved,
      timer: undefined,
    }
    worker.posted.set(id, posted)
    this.#watch.post(worker, posted)
    if (work.spread && items.length === 1 && (job.estimate.itemMs ?? 1) < lookTurnMs) this.#expected = worker
  }

  /** A caller that awaits one short call after the other would wait mostly for this thread to be woken; so it stays awake a little. */
  #lookOut(worker: PoolWorker, until: number): void {
    const turn = performance.now() + lookTurnMs
    let sees = true
    do sees = worker.link?.poll() ?? false
    while (sees && !worker.idle && performance.now() < turn)
    if (sees && !worker.idle && performance.now() < until) setImmediate(() => this.#lookOut(worker, until))
  }

  #functionOn(worker: PoolWorker, ref: FunctionRef): number {
    let fn = worker.functions.get(ref)
    if (fn === undefined) {
      fn = ++this.#lastFunction
      worker.functions.set(ref, fn)
      worker.link?.post({ type: 'load', fn, module: ref.module, name: ref.name })
    }
    return fn
  }

  /** Something in the batch cannot cross: that item fails, the others go on by themselves. */
  #splitUncloneable(job: Job, batch: Batch, cause: unknown): void {
    for (let at = batch.items.length - 1; at >= 0; at--) {
      const value = batch.items[at]
      const bad = job.work.spread
        ? (value as unknown[]).findIndex((arg, i) => findUncloneable(arg, `argument ${i + 1}`) !== undefined)
        : findUncloneable(value, 'argument') === undefined
          ? -1
          : 0
      if (bad === -1 && batch.items.length > 1) {
        job.requeued.push(sliceBatch(batch, at, at + 1))
        continue
      }
      const [part, what] = job.work.spread && bad >= 0 ? [(value as unknown[])[bad], `argument ${bad + 1}`] : [value, 'argument']
      job.underWay--
      job.work.fail(batch.first + at, uncloneable(part, what, cause), 0)
    }
    if (!this.#jobs.includes(job)) this.#jobs.push(job)
    this.#feedSoon()
  }

  /** A worker with nothing to do takes over a batch that waits behind one that takes long. */
  #rebalance(): void {
    if (this.#jobs.length > 0) return
    for (const idle of this.#workers) {
      if (!idle.usable || !idle.idle || !idle.ready) continue
      for (const busy of this.#workers) {
        if (busy.posted.size < 2) continue
        const last = [...busy.posted.values()].at(-1) as Posted
        const late = performance.now() - last.postedAt > 5 && !last.moved && last.left === last.batch.items.length
        if (!late || !busy.link?.revoke(last.id)) continue
        this.#forget(busy, last)
        this.#post(idle, last.job, last.batch)
        return
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
    this.#failedStarts = 0
    if (message.type === 'load-failed') this.#loadFailed(worker, posted, message)
    else this.#result(worker, posted, message)
    this.#feed()
    if (posted.job.over) this.#finishIfOver(posted.job)
    if (worker.retiring && worker.idle) this.#kill(worker)
  }

  #result(worker: PoolWorker, posted: Posted, message: ResultMessage): void {
    worker.loaded.add(posted.job.ref.module)
    this.#loadDeaths.delete(posted.job.ref.module)
    if (message.stuck) worker.retiring = true
    if (message.last) {
      this.#forget(worker, posted)
      posted.job.estimate.record(posted.batch.items.length, message.busyMs, message.async)
    }
    deliver(posted, message, worker.row)
    // An empty batch warms a worker up.
    if (message.last && posted.batch.items.length === 0) posted.job.work.finished()
  }

  #loadFailed(worker: PoolWorker, posted: Posted, message: LoadFailedMessage): void {
    const { ref, work } = posted.job
    const cause = asError(fromWire(message.error), 'it threw a value that is no Error')
    const error = new WorkerStartFailed(`The worker module of "${ref.name}" could not be loaded: ${cause.message}`, { cause })
    this.#forget(worker, posted)
    for (let at = 0; at < posted.batch.items.length; at++) failItem(posted, at, error, worker.row)
    ;(work as { loadFailed?: (error: unknown) => void }).loadFailed?.(error)
  }

  #forget(worker: PoolWorker, posted: Posted): void {
    this.#watch.forget(posted)
    worker.posted.delete(posted.id)
    if (worker.idle) worker.link?.unref()
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
        if (posted.job !== job || !this.#watch.cancelAll(worker, posted, error)) continue
        this.#forget(worker, posted)
        for (let at = 0; at < posted.reported.length; at++) skip(posted, at)
      }
    }
    this.#feedSoon()
  }

  /** A direct call is cancelled while a worker has it, or while it waits to go there again. */
  #giveUp(job: Job, index: number, error: Error): void {
    for (const worker of this.#workers) {
      for (const posted of worker.posted.values()) {
        const at = index - posted.batch.first
        if (posted.job === job && at >= 0 && at < posted.batch.items.length)
          return this.#watch.cancelItem(worker, posted, at, error)
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

  #start(): PoolWorker {
    const worker = new PoolWorker()
    this.#workers.add(worker)
    worker.link = this.#settings.open(
      { memoryLimitMb: this.#settings.memoryLimitMb },
      { message: (message) => this.#receive(worker, message), exit: (exit) => this.#gone(worker, exit) },
    )
    worker.link.unref()
    return worker
  }

  #kill(worker: PoolWorker): void {
    if (worker.killed) return
    worker.killed = true
    worker.link?.ref()
    worker.link?.kill()
  }

  #gone(worker: PoolWorker, exit: LinkExit): void {
    this.#workers.delete(worker)
    note(worker.killed ? 'worker-end' : 'worker-crash', 0, `worker ${worker.row} ended: ${exit.reason}`, { row: worker.row })
    const lost = [...worker.posted.values()]
    const startedAny = lost.some((posted) => lostItems(worker, posted).started.length > 0)
    if (!worker.killed && !startedAny) this.#countFailedStart(worker, lost)
    for (const posted of lost) {
      this.#watch.forget(posted)
      this.#recover(worker, posted, exit)
    }
    worker.posted.clear()
    worker.onGone?.()
    for (const posted of lost) {
      this.#giveUpHopeless(posted.job, exit)
      if (posted.job.remaining() > 0 && !this.#jobs.includes(posted.job)) this.#jobs.push(posted.job)
      this.#finishIfOver(posted.job)
    }
    this.#feedSoon()
  }

  /** What had started fails; what had not goes back to the front of the queue. */
  #recover(worker: PoolWorker, posted: Posted, exit: LinkExit): void {
    const { started, waiting } = lostItems(worker, posted)
    const { job, batch } = posted
    const crash = crashOf(job.ref, exit, worker.killed)
    for (const at of started) failItem(posted, at, crash, worker.row)
    if (job.cancelReason || posted.doomed?.size === batch.items.length) for (const at of waiting) skip(posted, at)
    else if (posted.moved) for (const at of waiting) failItem(posted, at, crash, worker.row)
    else {
      for (const at of waiting.reverse()) {
        if (posted.doomed?.has(at)) skip(posted, at)
        else job.requeued.push(sliceBatch(batch, at, at + 1))
      }
    }
  }

  #countFailedStart(worker: PoolWorker, lost: readonly Posted[]): void {
    if (!worker.ready) this.#failedStarts++
    for (const module of new Set(lost.map((posted) => posted.job.ref.module))) {
      if (worker.ready && !worker.loaded.has(module)) this.#loadDeaths.set(module, (this.#loadDeaths.get(module) ?? 0) + 1)
    }
  }

  /** A module that ends every worker that loads it, or workers that cannot even start, would be started for ever. */
  #giveUpHopeless(job: Job, exit: LinkExit): void {
    const deaths = this.#loadDeaths.get(job.ref.module) ?? 0
    if (deaths < mostLoadDeaths && this.#failedStarts < mostFailedStarts) return
    const what = deaths >= mostLoadDeaths ? `ended ${deaths} workers while it was loaded` : 'found no worker that could start'
    failWaiting(
      job,
      new WorkerStartFailed(`The worker module of "${job.ref.name}" ${what} (${exit.reason})`, { cause: exit.error }),
    )
    this.#loadDeaths.delete(job.ref.module)
    this.#failedStarts = 0
  }
}

/** Takes the wrappers of `transfer()` off. */
function unwrap(items: ArrayLike<unknown>, spread: boolean, transfer: unknown[]): ArrayLike<unknown> {
  if (ArrayBuffer.isView(items)) return items
  const list = items as unknown[]
  for (let i = 0; i < list.length; i++) {
    const item = list[i]
    if (typeof item !== 'object' || item === null) continue
    if (spread) unwrap(item as unknown[], false, transfer)
    else list[i] = unwrapTransfer(item, transfer)
  }
  return list
}

/** The arguments themselves, where each list has exactly one. */
function single(lists: ArrayLike<unknown>): unknown[] | undefined {
  const args: unknown[] = Array.from({ length: lists.length })
  for (let i = 0; i < lists.length; i++) {
    const list = lists[i] as unknown[]
    if (list.length !== 1) return undefined
    args[i] = list[0]
  }
  return args
}

/** The shorter form of many numbers; a view is copied, because it would be cloned with all of the buffer behind it. */
function pack(items: ArrayLike<unknown>, transfer: unknown[]): ArrayLike<unknown> {
  const packed = ArrayBuffer.isView(items) ? (items as unknown as Float64Array).slice() : packNumbers(items)
  if (packed?.buffer instanceof ArrayBuffer) transfer.push(packed.buffer)
  return packed ?? items
}
