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
import { Cancelled } from '../../base/errors.ts'
import { packError } from '../../encoding/errors.js'
import { fromText, toText, writable } from '../../encoding/tagged.ts'
import { type BlobStore, blobMark } from '../engine/blob-store.ts'
import type { Ended, FetchedJob, Fetcher, JobEnd, Store } from '../engine/store.ts'
import { FleetRefused, WorkerLost } from '../protocol/errors.ts'
import { queueOf } from '../naming/names.ts'
import { admit } from '../protocol/admission.ts'
import { beatMs, lockMs, pollMs } from '../protocol/constants.ts'
import { Lease } from '../protocol/lease.ts'
import { type BatchMessage, type Outcome, readBatch, wireVersion } from '../protocol/message.ts'
import { checkClock, readClock } from '../engine/clock.ts'
import type { WorkerInfo } from '../client/roster.ts'
import { mostInline, tooLarge } from '../client/refusals.ts'
import { within } from '../engine/within.ts'
import { BatchRun } from './batch-run.ts'
import { Histogram } from './histogram.ts'
import type { Registry } from './registry.ts'
import { KnownRuns } from './runs.ts'
import { Sweeper } from './sweeper.ts'

export interface WorkerSettings {
  readonly id: string
  readonly space: string
  readonly registry: Registry
  readonly slots: number
  readonly blobs: BlobStore | undefined
  /** After each batch. */
  readonly audit?: (line: AuditLine) => void
  readonly warn: (message: string) => void
  /** It has ended, because it must not go on. */
  readonly refused?: (error: FleetRefused) => void
  /** After how long without a beat a client is dead. @default a minute */
  readonly deadMs?: number
}

/** Who ran what, when, where, with which end. */
export interface AuditLine {
  readonly at: string
  readonly worker: string
  readonly tenant: string
  readonly run: string
  readonly fn: string
  readonly build: string
  readonly items: number
  /** How long it waited in the queue, and how long it was under way. */
  readonly queuedMs: number
  readonly ms: number
  readonly outcome: Outcome['kind'] | 'given-back' | 'stale'
  readonly failed: number
}

/** What waited for less only travelled. */
const tripMs = 50
/** A slot is never without work while results are on their way. */
const ahead = 1
/** Results longer than this go to the blob store, where there is one: every client of the queue hears of each. */
const blobFrom = 16 * 1_024
const fenceCheckMs = 250
const sweepMs = 15_000
/** How often batches are looked for that were handed out while a connection was lost, and for how long after it was. */
const strayMs = 2_000
const strayForMs = 30_000
const warnEveryMs = 10_000
/** After an abort, for functions that ignore it: the pool ends their threads meanwhile. */
const settleMs = 5_000

/**
 * Why a batch waited: every slot was busy, its tenant has a quota, a machine had been lost with it, or only the trip through the store.
 */
export type QueueCause = 'no-free-slot' | 'quota' | 'redelivery' | 'transfer'

interface Running {
  readonly run: BatchRun
  readonly lease: Lease
  readonly number: number
  readonly ended: Promise<unknown>
}

export interface WorkerCounts {
  readonly slots: number
  readonly batches: number
  readonly items: { readonly done: number; readonly failed: number; readonly returned: number }
  readonly leaseLost: number
  readonly redelivered: number
  readonly stale: number
}

export class FleetWorker {
  readonly #store: Store
  readonly #settings: WorkerSettings
  readonly #fetchers: Fetcher[] = []
  readonly #running = new Map<string, Running>()
  readonly #runs: KnownRuns
  readonly #sweeper: Sweeper
  readonly #timers: NodeJS.Timeout[] = []
  #control: Ended | undefined
  #beat = 0
  #offsetMs = 0
  #draining = false
  /** Its tenant has a quota, at the last look. */
  #limited = false
  #troubleAt = Number.NEGATIVE_INFINITY
  /** Ids of jobs that the fetchers have given, until their end has been written. */
  readonly #held = new Map<string, number>()
  #warned = { message: '', at: Number.NEGATIVE_INFINITY }
  #drained: Promise<void> | undefined
  #hurry: () => void = () => {}
  readonly #items = { done: 0, failed: 0, returned: 0 }
  readonly batchTimes = new Histogram()
  /** Why batches waited, and how long. */
  readonly queueTimes: Readonly<Record<QueueCause, Histogram>> = {
    'no-free-slot': new Histogram(),
    quota: new Histogram(),
    redelivery: new Histogram(),
    transfer: new Histogram(),
  }
  readonly #counts = { batches: 0, leaseLost: 0, redelivered: 0, stale: 0 }
  /** When a batch was last begun, and when the store was last heard. */
  lastBegun = performance.now()

  constructor(store: Store, settings: WorkerSettings) {
    this.#store = store
    this.#settings = settings
    this.#runs = new KnownRuns(store)
    this.#sweeper = new Sweeper(store, settings.blobs, settings.deadMs)
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

  get counts(): WorkerCounts {
    return { slots: this.#settings.slots, items: { ...this.#items }, ...this.#counts }
  }

  get busy(): number {
    return this.#running.size
  }

  get queues(): readonly string[] {
    return this.#settings.registry.modules.map(({ build }) => queueOf(this.#settings.space, build))
  }

  /** @throws {FleetRefused} where its clock is too far from that of a store that follows it */
  async start(): Promise<void> {
    const { registry, slots, id } = this.#settings
    await this.#lookAtClock()
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
      renewed: (ids: readonly string[], sentAt: number) => {
        for (const each of ids) this.#running.get(each)?.lease.renew(sentAt)
      },
      lost: (ids: readonly string[]) => {
        for (const each of ids) this.#fence(each)
      },
      failed: (error: Error) => this.#trouble(error),
    }
    for (const queue of this.queues) this.#fetchers.push(this.#store.fetch(queue, slots + ahead, id, events))
    this.#every(beatMs, () => this.#sayAlive())
    this.#every(pollMs, () => this.#lookAtRuns())
    this.#every(sweepMs, () => this.#sweeper.sweep())
    this.#every(strayMs, () => this.#giveBackStrays())
    const fence = setInterval(() => {
      const now = performance.now()
      for (const [job, { lease }] of this.#running) if (lease.lost(now)) this.#fence(job)
    }, fenceCheckMs)
    this.#timers.push(fence)
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
      this.#counts.stale++
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
    this.#limited = (await this.#store.quota()) !== undefined
    try {
      await this.#lookAtClock()
    } catch (error) {
      if (!(error instanceof FleetRefused)) throw error
      this.#settings.warn(error.message)
      void this.drain(0).then(() => this.#settings.refused?.(error))
    }
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
    const runs = new Set([...this.#running.values()].map(({ run }) => run.message.run))
    for (const id of runs) if ((await this.#runs.state(id)) !== 'alive') this.#cancelRun(id)
  }

  #hear(message: Readonly<Record<string, unknown>>): void {
    const { type, run, batch, index, worker } = message
    if (type === 'drain' && worker === this.id) process.kill(process.pid, 'SIGTERM')
    if (type !== 'cancel' || typeof run !== 'string') return
    if (index === undefined) {
      this.#runs.cancelled(run)
      this.#cancelRun(run)
      return
    }
    for (const { run: running, number } of this.#running.values())
      if (running.message.run === run && number === Number(batch))
        running.abortItem(Number(index) - running.message.first, new Cancelled('The caller cancelled the call'))
  }

  #cancelRun(id: string): void {
    for (const { run } of this.#running.values()) if (run.message.run === id) run.abort(new Cancelled('The run was cancelled'))
  }

  /** Somebody else may have it by now. */
  #fence(job: string): void {
    const running = this.#running.get(job)
    if (!running) return
    this.#running.delete(job)
    this.#counts.leaseLost++
    running.run.abort(new WorkerLost('This machine could not renew its lock on the batch: another one may have it'))
  }

  async #handle(job: FetchedJob): Promise<JobEnd> {
    if (this.#draining) return 'give-back'
    this.lastBegun = performance.now()
    let message: BatchMessage
    try {
      message = readBatch(await this.#read(job.data))
    } catch (cause) {
      return this.#refused(cause, 'The batch cannot be read')
    }
    const state = await this.#runs.state(message.run)
    if (job.stalls > 0) this.#counts.redelivered++
    const losses = (message.losses ?? 0) + job.stalls
    const admission = admit({ again: message.again === true, losses: message.losses ?? 0, stalls: job.stalls, run: state })
    if (admission === 'over') {
      this.#auditOf(message, admission, 0)
      return state === 'gone' ? 'forget' : { keep: toText({ v: wireVersion, kind: 'over', worker: this.id }) }
    }
    if (admission !== 'run') {
      this.#auditOf(message, admission, 0)
      return { keep: toText({ v: wireVersion, kind: admission, worker: this.id, losses }) }
    }
    return this.#run(job, message)
  }

  async #run(job: FetchedJob, message: BatchMessage): Promise<JobEnd> {
    const lease = new Lease(job.fetchedAt)
    const run = new BatchRun(message, { offsetMs: this.#offsetMs })
    const began = performance.now()
    const queuedMs = this.#noteQueued(job, message)
    let ended: Promise<Outcome>
    try {
      ended = run.run(this.#settings.registry.find(message.fns), this.id)
    } catch (cause) {
      return this.#refused(cause)
    }
    const number = Number(job.id.slice(job.id.lastIndexOf('-') + 1))
    this.#running.set(job.id, { run, lease, number, ended })
    this.#counts.batches++
    try {
      const outcome = await ended
      const stale = !this.#running.has(job.id)
      this.#count(outcome)
      this.batchTimes.note(performance.now() - began)
      this.#auditOf(message, stale ? 'stale' : outcome.kind, performance.now() - began, outcome, queuedMs)
      // Nobody would take it, and nobody remove it.
      if ((await this.#runs.state(message.run)) === 'gone') return 'forget'
      return { keep: await this.#written(job, message, outcome) }
    } finally {
      this.#running.delete(job.id)
    }
  }

  #noteQueued(job: FetchedJob, { sentAt }: BatchMessage): number {
    const now = performance.timeOrigin + performance.now() + this.#offsetMs
    const queuedMs = sentAt === undefined ? 0 : Math.max(0, Math.round(now - sentAt))
    const cause = job.stalls > 0 ? 'redelivery' : queuedMs < tripMs ? 'transfer' : this.#limited ? 'quota' : 'no-free-slot'
    this.queueTimes[cause].note(queuedMs)
    return queuedMs
  }

  #count(outcome: Outcome): void {
    if (outcome.kind !== 'done') return
    this.#items.done += outcome.values.length
    this.#items.failed += outcome.errors?.length ?? 0
    this.#items.returned += outcome.returned?.length ?? 0
  }

  async #read(data: unknown): Promise<unknown> {
    if (typeof data !== 'string') throw new TypeError('it is not text')
    if (!data.startsWith(blobMark)) return fromText(data)
    if (!this.#settings.blobs) throw new TypeError('it lies in a blob store, and this worker has none: start it with --blobs')
    return fromText(await this.#settings.blobs.get(data.slice(blobMark.length)))
  }

  async #written(job: FetchedJob, message: BatchMessage, outcome: Outcome): Promise<string> {
    const text = toText(outcome)
    const { blobs } = this.#settings
    if (blobs && text.length > blobFrom) {
      const name = `${message.run}/${job.id.slice(message.run.length + 1)}-${job.attempt}`
      await blobs.put(name, text)
      return blobMark + name
    }
    if (text.length <= mostInline || outcome.kind !== 'done') return text
    // Each item for itself: the small ones are kept.
    const at = outcome.at ?? outcome.values.map((_, i) => i)
    const most = mostInline / Math.max(1, outcome.values.length)
    const keeps = outcome.values.map((value) => toText(value).length <= most)
    const errors = at
      .filter((_, i) => !keeps[i])
      .map((place, i) => [place, packError(tooLarge('result', toText(outcome.values[i]).length))] as const)
    const kept = <T>(list: readonly T[]): T[] => list.filter((_, i) => keeps[i])
    const { times: _, ...rest } = outcome
    return toText({ ...rest, values: kept(outcome.values), at: kept(at), errors: [...(outcome.errors ?? []), ...errors] })
  }

  #refused(cause: unknown, what?: string): JobEnd {
    const error = cause instanceof Error ? cause : new TypeError(String(cause))
    if (what !== undefined) error.message = `${what}: ${error.message}`
    this.#settings.warn(error.message)
    return { keep: toText({ v: wireVersion, kind: 'refused', worker: this.id, error: packError(error, writable) }) }
  }

  #auditOf(message: BatchMessage, outcome: AuditLine['outcome'], ms: number, done?: Outcome, queuedMs = 0): void {
    const [{ package: owner, module } = { package: '', module: '' }] = message.fns
    const build = this.#settings.registry.modules.find(({ build: each }) => each.package === owner && each.module === module)
      ?.build.build
    this.#settings.audit?.({
      at: new Date().toISOString(),
      worker: this.id,
      tenant: this.#settings.space.slice(this.#settings.space.indexOf('-') + 1),
      run: message.run,
      fn: `${owner}/${module}#${message.fns.map(({ name }) => name).join(' → ')}`,
      build: build?.slice(0, 12) ?? '',
      items: message.items.length,
      queuedMs,
      ms: Math.round(ms),
      outcome,
      failed: done?.kind === 'done' ? (done.errors?.length ?? 0) : 0,
    })
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
    await within(1_000, Promise.all(this.#fetchers.map((fetcher) => fetcher.pause())))
    const all = (): Promise<unknown> => Promise.allSettled([...this.#running.values()].map(({ ended }) => ended))
    const hurry = new Promise<void>((resolve) => (this.#hurry = resolve))
    await within(graceMs, Promise.race([all(), hurry]))
    for (const { run } of this.#running.values())
      run.abort(new WorkerLost('The machine was drained before the task had ended'), true)
    await within(settleMs, all())
    // Outcomes are on their way to the store.
    await within(settleMs, Promise.all(this.#fetchers.map((fetcher) => fetcher.close(false))))
    await this.close()
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await within(1_000, this.#store.workers.drop(this.id))
    await within(1_000, Promise.all(this.#fetchers.map((fetcher) => fetcher.close(true))))
    const own = [...this.queues, `${this.#settings.space}-workers`]
    await within(1_000, Promise.all(own.map((queue) => this.#store.tidy(queue))))
    await within(1_000, Promise.resolve(this.#control?.end()))
    await within(1_000, this.#store.close())
  }
}
