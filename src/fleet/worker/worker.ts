/**
 * A worker of the fleet: fetches batches for the modules that it has, runs them on this machine's own threads, and gives what became of them.
 *
 * Invariants.
 * 1. Nothing runs that the command line has not named.
 * 2. A batch whose lock may be somebody else's is stopped before it is: by this machine's clock, whatever the store says.
 * 3. What had not begun when it was drained is given back; what had is finished, or stopped after the grace.
 */
import { hostname } from 'node:os'
import { clearInterval, performance, setInterval, setTimeout } from '../../base/globals.js'
import { toText } from '../../encoding/tagged.ts'
import type { Ended, FetchedJob, Fetcher, JobEnd, Quota, Store } from '../engine/store.ts'
import { FleetRefused } from '../protocol/errors.ts'
import { queueOf } from '../naming/names.ts'
import { admit } from '../protocol/admission.ts'
import { beatMs, lockMs, pollMs } from '../protocol/constants.ts'
import { type BatchMessage, type Outcome, type QueueCause, wireVersion } from '../protocol/message.ts'
import { checkClock, readClock } from '../engine/clock.ts'
import type { WorkerInfo } from '../client/roster.ts'
import { valuesOf } from '../engine/values.ts'
import { within } from '../engine/time-limit.ts'
import { type AuditedEnd, auditLine } from './audit.ts'
import { BatchRun } from './batch-run.ts'
import { Broadcasts } from './broadcasts.ts'
import { Company, type Fetching } from './company.ts'
import { WorkerMetrics } from './metrics.ts'
import { RunningBatches } from './running.ts'
import { KnownRuns } from './runs.ts'
import type { WorkerSettings } from './settings.ts'
import { Sweeper } from './sweeper.ts'
import { BatchSpans } from './telemetry.ts'
import { batchOf, outcomeText, refusalText } from './texts.ts'

/** What waited for less only travelled. */
const tripMs = 50
/** A slot is never without work while results are on their way. */
export const ahead = 1
const sweepMs = 15_000
/** How often batches are looked for that were handed out while a connection was lost, and for how long after it was. */
const strayMs = 2_000
const strayForMs = 30_000
const warnEveryMs = 10_000
/** After an abort, for functions that ignore it: the pool ends their threads meanwhile. */
const settleMs = 5_000

interface Ran {
  readonly outcome: Outcome
  readonly queued: { readonly queuedMs: number; readonly cause: QueueCause }
  readonly ms: number
}

export class FleetWorker {
  readonly #store: Store
  readonly #settings: WorkerSettings
  readonly #fetchers: Fetcher[] = []
  readonly #running = new RunningBatches(() => void this.metrics.leaseLost++)
  readonly #company: Company
  readonly #fetching: Fetching
  readonly #runs: KnownRuns
  readonly #sweeper: Sweeper
  readonly #timers: NodeJS.Timeout[] = []
  #control: Ended | undefined
  #beat = 0
  #offsetMs = 0
  #draining = false
  /** Of its tenant, at the last look. */
  #quota: Quota = {}
  #troubleAt = Number.NEGATIVE_INFINITY
  /** Ids of jobs that the fetchers have given, until their end has been written. */
  readonly #held = new Map<string, number>()
  #warned = { message: '', at: Number.NEGATIVE_INFINITY }
  #drained: Promise<void> | undefined
  #hurry: () => void = () => {}
  readonly metrics: WorkerMetrics
  readonly #broadcasts: Broadcasts
  readonly #spans = new BatchSpans()

  constructor(store: Store, settings: WorkerSettings) {
    this.#store = store
    this.#settings = settings
    this.#runs = new KnownRuns(store)
    this.#sweeper = new Sweeper(store, settings.blobs, settings.deadMs)
    this.metrics = settings.metrics ?? new WorkerMetrics()
    this.#company = settings.company ?? new Company(settings.slots)
    this.#fetching = {
      pause: () => this.#pause(),
      resume: () => {
        if (!this.#draining) for (const fetcher of this.#fetchers) fetcher.resume()
      },
    }
    const values = valuesOf(store, settings.blobs)
    this.#broadcasts = new Broadcasts((run, hash) => values.get(run, hash))
  }

  get id(): string {
    return this.#settings.id
  }

  /** Has loaded its modules, and takes work. */
  get ready(): boolean {
    return this.#fetchers.length > 0 && !this.#draining
  }

  get draining(): boolean {
    return this.#draining
  }

  get slots(): number {
    return this.#settings.slots
  }

  /** How many broadcast values were fetched. */
  get broadcastsFetched(): number {
    return this.#broadcasts.fetched
  }

  get busy(): number {
    return this.#running.size
  }

  get queues(): readonly string[] {
    return this.#settings.registry.modules.map(({ build }) => queueOf(this.#settings.space, build))
  }

  /** How many batches it has, or could have at once: here, and waiting in its queues. */
  async wants(): Promise<number> {
    const counts = await Promise.all(this.queues.map((queue) => this.#store.counts(queue)))
    return this.#running.size + counts.reduce((sum, { waiting }) => sum + waiting, 0)
  }

  /** Batches of each of its modules at once. */
  set places(value: number) {
    for (const fetcher of this.#fetchers) if (fetcher.concurrency !== value) fetcher.concurrency = value
  }

  /** @throws {FleetRefused} where its clock is too far from that of a store that follows it */
  async start(): Promise<void> {
    const { registry, slots, id } = this.#settings
    // First: a machine whose clock is wrong does nothing else.
    await this.#lookAtClock()
    await Promise.all([this.#lookAtQuota(), this.#spans.open()])
    // Loaded before anybody counts on it.
    await Promise.all(registry.modules.map(({ functions: [ref] }) => ref?.executor.warmUp?.(ref)))
    this.#control = await this.#store.hear((message) => this.#hear(message))
    await this.#store.workers.put(id, this.#info())
    const events = {
      handle: async (job: FetchedJob): Promise<JobEnd> => {
        this.#held.set(job.id, job.attempt)
        try {
          return await this.#handle(job)
        } finally {
          this.#holdFor(job)
        }
      },
      renewed: (ids: readonly string[], sentAt: number) => this.#running.renew(ids, sentAt),
      lost: (ids: readonly string[]) => this.#running.lost(ids),
      failed: (error: Error) => this.#trouble(error),
    }
    for (const queue of this.queues) this.#fetchers.push(this.#store.fetch(queue, slots + ahead, id, events))
    this.#every(beatMs, () => this.#sayAlive())
    this.#every(pollMs, () => this.#lookAtRuns())
    this.#every(sweepMs, () => this.#sweeper.sweep())
    this.#every(strayMs, () => this.#giveBackStrays())
    this.#running.watch()
    this.#company.add(this.#fetching)
  }

  #info(): WorkerInfo {
    const { registry, slots } = this.#settings
    return {
      host: hostname(),
      pid: process.pid,
      slots,
      modules: registry.modules.map(({ build }) => build),
      queues: this.queues,
      ...(this.#draining && { draining: true }),
    }
  }

  /** What fails is tried again the next time: the store may be away for a while. */
  #every(ms: number, body: () => Promise<unknown>): void {
    let busy = false
    const timer = setInterval(() => {
      if (busy) return
      busy = true
      body()
        .catch((error: unknown) => this.#trouble(error as Error))
        .finally(() => (busy = false))
    }, ms)
    this.#timers.push(timer)
  }

  #trouble(error: Error): void {
    this.#troubleAt = performance.now()
    if (/could not renew lock/.test(error.message)) return
    // A result that came too late: its batch is somebody else's.
    if (/Missing lock|Lock mismatch|is not locked|not in the active state|Missing key for job/i.test(error.message)) {
      this.metrics.stale++
      return
    }
    // A store that is away says the same of every connection, each time that it is tried.
    const now = performance.now()
    if (error.message === this.#warned.message && now - this.#warned.at < warnEveryMs) return
    this.#warned = { message: error.message, at: now }
    this.#settings.warn(error.message)
  }

  async #sayAlive(): Promise<void> {
    const { workers } = this.#store
    if (!(await workers.beat(this.id, ++this.#beat))) await workers.put(this.id, this.#info())
    await this.#lookAtQuota()
    try {
      await this.#lookAtClock()
    } catch (error) {
      if (!(error instanceof FleetRefused)) throw error
      this.#settings.warn(error.message)
      void this.drain(0).then(() => this.#settings.refused?.(error))
    }
  }

  async #lookAtQuota(): Promise<void> {
    this.#quota = await this.#store.quota()
  }

  async #lookAtClock(): Promise<void> {
    const reading = await readClock(this.#store)
    this.#offsetMs = reading.offsetMs
    checkClock(this.#store, reading)
  }

  /** Its end is on its way to the store, for as long as a lock may live: until then it is not a stray. */
  #holdFor({ id, attempt }: FetchedJob): void {
    setTimeout(() => {
      if (this.#held.get(id) === attempt) this.#held.delete(id)
    }, lockMs).unref()
  }

  async #giveBackStrays(): Promise<void> {
    if (performance.now() - this.#troubleAt > strayForMs) return
    for (const fetcher of this.#fetchers) await fetcher.giveBackStrays((id) => this.#held.has(id))
  }

  /** Cancellations whose event was lost, and clients that died. */
  async #lookAtRuns(): Promise<void> {
    for (const id of this.#running.runs) if ((await this.#runs.state(id)) !== 'alive') this.#running.cancelRun(id)
  }

  #hear(message: Readonly<Record<string, unknown>>): void {
    const { type, run, batch, index, worker } = message
    if (type === 'drain' && worker === this.id) (this.#settings.askedToDrain ?? (() => process.kill(process.pid, 'SIGTERM')))()
    if (type === 'quota') void this.#lookAtQuota().catch(() => {})
    if (type !== 'cancel' || typeof run !== 'string') return
    if (index !== undefined) return this.#running.cancelCall(run, Number(batch), Number(index))
    this.#runs.cancelled(run)
    this.#running.cancelRun(run)
  }

  async #handle(job: FetchedJob): Promise<JobEnd> {
    if (this.#draining) return 'give-back'
    this.metrics.lastBegun = performance.now()
    let message: BatchMessage
    try {
      message = await batchOf(job.data, this.#settings.blobs)
    } catch (cause) {
      return this.#refused(cause, 'The batch cannot be read')
    }
    const state = await this.#runs.state(message.run)
    if (job.stalls > 0) this.metrics.redelivered++
    const losses = (message.losses ?? 0) + job.stalls
    const { stalls, aloneAt } = job
    const admission = admit({ again: message.again === true, losses: message.losses ?? 0, stalls, aloneAt, run: state })
    if (admission === 'run' || admission === 'alone') return this.#run(job, message, admission === 'alone')
    this.#auditOf(message, { outcome: admission })
    if (admission === 'over' && (await this.#runs.stateAtEnd(message.run)) === 'gone') return 'forget'
    return { keep: toText({ v: wireVersion, kind: admission, worker: this.id, ...(admission !== 'over' && { losses }) }) }
  }

  async #run(job: FetchedJob, message: BatchMessage, alone: boolean): Promise<JobEnd> {
    const run = new BatchRun(message, { offsetMs: this.#offsetMs })
    // From here on its lock is watched, also while it waits for its values or its turn.
    this.#running.add(job, run)
    let leave: (() => void) | undefined
    try {
      leave = await this.#company.enter(this.#fetching, alone)
      if (!leave || this.#draining) return 'give-back'
      if (alone) await job.beginsAlone()
      const work = this.#outcomeOf(job, message, run)
      this.#running.begun(job, work)
      const { outcome, queued, ms } = await work
      const outcomeKind = this.#running.has(job) ? outcome.kind : 'stale'
      this.metrics.ended(outcome, ms)
      const failed = outcome.kind === 'done' ? (outcome.errors?.length ?? 0) : 0
      this.#auditOf(message, { outcome: outcomeKind, queuedMs: queued.queuedMs, ms, failed })
      // Nobody would take it, and nobody remove it.
      if ((await this.#runs.stateAtEnd(message.run)) === 'gone') return 'forget'
      const name = `${message.run}/${job.id.slice(message.run.length + 1)}-${job.attempt}`
      return { keep: await outcomeText({ ...outcome, ...queued }, this.#settings.blobs, name) }
    } catch (cause) {
      return this.#refused(cause)
    } finally {
      this.#running.remove(job)
      leave?.()
    }
  }

  async #outcomeOf(job: FetchedJob, message: BatchMessage, run: BatchRun): Promise<Ran> {
    const ref = this.#settings.registry.find(message.fns)
    const release = await this.#broadcasts.fill(message)
    try {
      if (this.#quota.rate !== undefined) await run.wait(await this.#store.takeItems(message.items.length))
      const queued = this.#queuedOf(job, message)
      const began = performance.now()
      this.metrics.batches++
      const span = this.#spans.start(message, this.id)
      const outcome = await run.run(ref, this.id)
      span.end(outcome)
      return { outcome, queued, ms: performance.now() - began }
    } finally {
      release()
    }
  }

  #queuedOf(job: FetchedJob, { sentAt }: BatchMessage): Ran['queued'] {
    const now = performance.timeOrigin + performance.now() + this.#offsetMs
    const queuedMs = sentAt === undefined ? 0 : Math.max(0, Math.round(now - sentAt))
    const limited = this.#quota.concurrency !== undefined || this.#quota.rate !== undefined
    const cause = job.stalls > 0 ? 'redelivery' : queuedMs < tripMs ? 'transfer' : limited ? 'quota' : 'no-free-slot'
    this.metrics.queueTimes[cause].note(queuedMs)
    return { queuedMs, cause }
  }

  #refused(cause: unknown, what?: string): JobEnd {
    const { text, message } = refusalText(this.id, cause, what)
    this.#settings.warn(message)
    return { keep: text }
  }

  #auditOf(message: BatchMessage, end: AuditedEnd): void {
    const { audit, space, registry } = this.#settings
    if (!audit) return
    const tenant = space.slice(space.indexOf('-') + 1)
    audit(auditLine({ worker: this.id, tenant, build: registry.buildOf(message.fns) }, message, end))
  }

  /**
   * Fetches nothing more, and waits for what is under way; what is not done after the grace is stopped, and what of it has not begun is given back. Called
   * again, it stops at once.
   */
  drain(graceMs: number): Promise<void> {
    if (this.#drained) this.#hurry()
    return (this.#drained ??= this.#drain(graceMs))
  }

  async #drain(graceMs: number): Promise<void> {
    this.#draining = true
    await within(1_000, this.#store.workers.put(this.id, this.#info()))
    await within(1_000, this.#pause())
    const hurry = new Promise<void>((resolve) => (this.#hurry = resolve))
    await within(graceMs, Promise.race([this.#running.settled(), hurry]))
    this.#running.stop()
    await within(settleMs, this.#running.settled())
    // Outcomes are on their way to the store.
    await within(settleMs, Promise.all(this.#fetchers.map((fetcher) => fetcher.close(false))))
    await this.close()
  }

  async #pause(): Promise<void> {
    await Promise.all(this.#fetchers.map((fetcher) => fetcher.pause()))
  }

  async close(): Promise<void> {
    this.#company.remove(this.#fetching)
    this.#running.end()
    for (const timer of this.#timers) clearInterval(timer)
    await within(1_000, this.#store.workers.drop(this.id))
    await within(1_000, Promise.all(this.#fetchers.map((fetcher) => fetcher.close(true))))
    const own = [...this.queues, `${this.#settings.space}-workers`]
    await within(1_000, Promise.all(own.map((queue) => this.#store.tidy(queue))))
    await within(1_000, Promise.resolve(this.#control?.end()))
    await within(1_000, this.#store.close())
  }
}
