/**
 * What the stores have in common: all that goes through BullMQ, which speaks to Redis and to Postgres. Its locks, its idempotent adds, its events. Batches are
 * jobs that are tried once; who may try again is heddle's own to say. What clients do with many jobs at once goes around BullMQ, in the words of each store.
 */
import { performance } from '../../base/globals.js'
import type { BackendFactory, Job, Queue, QueueEvents } from 'bullmq'
import { lockMs, stalledCheckMs } from '../protocol/constants.ts'
import { within } from './time-limit.ts'
import type { Book, Ended, Fetcher, FetcherEvents, FetchedJob, JobEnd, JobState, LiveRecord, Quota, Store } from './store.ts'

export type BullMq = typeof import('bullmq')

/** How BullMQ is to reach the store. */
export interface Connecting {
  /** Options of everything that BullMQ makes. */
  readonly options: object
  /** For what adds and reads. */
  readonly plain?: BackendFactory
  /** For what waits: a connection of its own. */
  readonly waiting?: BackendFactory
  /** How batches are written and read. @default as BullMQ does it */
  readonly batch?: typeof Job
}

const closeMs = 1_000
/** Events are hints, and those of results hold the result. */
const keptEvents = 1_000

/** Fields of the queue that all of the tenant hear. */
const quotaField = 'heddle.concurrency'
/** Items a second. */
export const rateField = 'heddle.rate'
/** When the next items may begin, in milliseconds of the store's clock. */
export const turnField = 'heddle.turn'

type Jobs = Parameters<Store['add']>[1]

export abstract class QueueStore implements Store {
  readonly runs: Book
  readonly workers: Book
  readonly values: Book
  readonly valueQueue: string
  readonly #bullmq: BullMq
  protected readonly space: string
  readonly #connecting: Connecting
  readonly #queues = new Map<string, Queue>()
  /** Of batches. */
  readonly #BatchQueue: typeof Queue
  readonly #open = new Set<Ended>()

  constructor(bullmq: BullMq, space: string, connecting: Connecting) {
    this.#bullmq = bullmq
    this.space = space
    this.#connecting = connecting
    const { batch } = connecting
    this.#BatchQueue = batch ? withJob(bullmq.Queue, batch) : bullmq.Queue
    this.runs = this.#book('runs')
    this.workers = this.#book('workers')
    this.values = this.#book('values')
    this.valueQueue = `${space}-values`
  }

  abstract readonly locksByOwnClock: boolean
  abstract readonly askAfterMs: number
  abstract now(): Promise<number>
  abstract preflight(): Promise<string[]>
  abstract states(queue: string, ids: readonly string[]): Promise<JobState[]>
  abstract messages(queue: string, ids: readonly string[]): Promise<(string | undefined)[]>
  abstract recall(queue: string, ids: readonly string[]): Promise<boolean[]>
  abstract forget(queue: string, ids: readonly string[]): Promise<void>
  abstract jobs(queue: string): Promise<string[]>
  abstract counts(queue: string): Promise<{ waiting: number; active: number; done: number }>
  abstract queues(): Promise<string[]>
  abstract tidy(queue: string): Promise<void>
  abstract takeItems(count: number): Promise<number>
  /** What the store knows of a queue besides its jobs; undefined removes it. */
  protected abstract setMeta(queue: string, fields: Readonly<Record<string, string | undefined>>): Promise<void>
  protected abstract getMeta(queue: string, field: string): Promise<string | null>
  /** Where the events of a queue end now, so that nothing is missed that comes later. */
  protected abstract lastEvent(): Promise<string>
  /** Which jobs are under way, with who owns them. */
  protected abstract held(queue: string): Promise<readonly { readonly id: string; readonly token: string }[]>
  protected abstract disconnect(): Promise<void>

  protected get controlQueue(): string {
    return `${this.space}-control`
  }

  #queue(name: string, Class = this.#bullmq.Queue): Queue {
    let queue = this.#queues.get(name)
    if (!queue) {
      const { options, plain } = this.#connecting
      queue = new Class(name, { ...options, skipMetasUpdate: true } as never, plain as never)
      // It reconnects by itself; commands wait meanwhile.
      queue.on('error', () => {})
      this.#queues.set(name, queue)
    }
    return queue
  }

  async prepare(queue: string): Promise<Quota> {
    const quota = await this.quota()
    const { concurrency } = quota
    await this.setMeta(queue, {
      'opts.maxLenEvents': String(keptEvents),
      concurrency: concurrency === undefined ? undefined : String(concurrency),
    })
    return quota
  }

  async quota(): Promise<Quota> {
    const [concurrency, rate] = await Promise.all([
      this.getMeta(this.controlQueue, quotaField),
      this.getMeta(this.controlQueue, rateField),
    ])
    const positive = (text: string | null): number | undefined => (Number(text) > 0 ? Number(text) : undefined)
    const [most, each] = [positive(concurrency), positive(rate)]
    return { ...(most !== undefined && { concurrency: most }), ...(each !== undefined && { rate: each }) }
  }

  async setQuota({ concurrency, rate }: Quota): Promise<void> {
    const text = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value))
    await this.setMeta(this.controlQueue, { [quotaField]: text(concurrency), [rateField]: text(rate), [turnField]: undefined })
    for (const queue of await this.queues()) await this.setMeta(queue, { concurrency: text(concurrency) })
    await this.publish({ type: 'quota' })
  }

  async add(queue: string, jobs: Jobs): Promise<void> {
    const all = jobs.map(({ id, text, priority }) => ({
      name: 'batch',
      data: text,
      opts: { jobId: id, attempts: 1, ...(priority === 'high' && { lifo: true }), ...(priority === 'low' && { priority: 1 }) },
    }))
    const own = this.#queue(queue, this.#BatchQueue)
    const [first] = all
    // One by itself needs no pipeline, which is most of its cost.
    if (first && all.length === 1) await own.add(first.name, first.data, first.opts)
    else await own.addBulk(all)
  }

  async listen(queue: string, hear: Parameters<Store['listen']>[1]): Promise<Ended> {
    const events = await this.#events(queue)
    events.on('completed', ({ jobId, returnvalue }) => hear.done(jobId, returnvalue as unknown as string))
    events.on('active', ({ jobId }) => hear.active(jobId))
    events.on('waiting', ({ jobId, prev }) => {
      if (prev === 'active') hear.waiting(jobId)
    })
    return this.#ending(events)
  }

  async publish(message: Readonly<Record<string, string | number>>): Promise<void> {
    const queue = this.#queue(this.controlQueue)
    await queue.backend.publishEvent({ ...message, event: 'heddle' }, keptEvents)
  }

  async hear(hear: (message: Readonly<Record<string, unknown>>) => void): Promise<Ended> {
    const events = await this.#events(this.controlQueue)
    events.on('heddle' as never, ((message: Record<string, unknown>) => hear(message)) as never)
    return this.#ending(events)
  }

  async #events(queue: string): Promise<QueueEvents> {
    const { options, waiting } = this.#connecting
    const lastEventId = await this.lastEvent()
    const events = new this.#bullmq.QueueEvents(queue, { ...options, lastEventId } as never, waiting as never)
    events.on('error', () => {})
    return events
  }

  #ending(events: QueueEvents): Ended {
    const ended: Ended = {
      end: async () => {
        this.#open.delete(ended)
        await within(closeMs, events.close())
      },
    }
    this.#open.add(ended)
    return ended
  }

  #book(kind: string): Book {
    const queue = (): Queue => this.#queue(`${this.space}-${kind}`)
    const recordOf = (job: Job): LiveRecord => ({
      id: String(job.id),
      data: job.data as unknown,
      beat: typeof job.progress === 'number' ? job.progress : 0,
    })
    return {
      async put(id, data) {
        const job = await queue().getJob(id)
        if (job) await job.updateData(data)
        else await queue().add(kind, data, { jobId: id })
      },
      async get(id) {
        const job = await queue().getJob(id)
        return job && recordOf(job)
      },
      async beat(id, beat) {
        try {
          await queue().backend.updateProgress(id, beat)
          return true
        } catch (error) {
          if (/Missing key/.test((error as Error).message)) return false
          throw error
        }
      },
      async list() {
        const jobs = await queue().getJobs(['wait'])
        return jobs.filter((job) => job !== undefined && job.id !== undefined).map(recordOf)
      },
      async drop(id) {
        await queue().remove(id)
      },
    }
  }

  fetch(queue: string, concurrency: number, worker: string, events: FetcherEvents): Fetcher {
    const { WaitingError } = this.#bullmq
    const { options, waiting, batch } = this.#connecting
    const Worker = batch ? withJob(this.#bullmq.Worker, batch) : this.#bullmq.Worker
    /** BullMQ's worker, which says when it asked for its locks: the answer may come long after. */
    class Fenced extends Worker {
      override async extendJobLocks(ids: string[], tokens: string[], duration: number): Promise<string[]> {
        const sentAt = performance.now()
        const gone = await super.extendJobLocks(ids, tokens, duration)
        events.renewed(
          ids.filter((id) => !gone.includes(id)),
          sentAt,
        )
        if (gone.length > 0) events.lost(gone)
        return gone
      }
    }
    const run = async (job: Job, token?: string): Promise<string> => {
      const end: JobEnd = await events.handle(fetched(job))
      if (end === 'give-back') {
        await job.moveToWait(token)
        throw new WaitingError()
      }
      if (end === 'forget') job.opts.removeOnComplete = true
      return end === 'forget' ? '' : end.keep
    }
    const settings = {
      ...options,
      name: worker,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: stalledCheckMs,
      maxStalledCount: 1_000_000,
      drainDelay: 5,
      runRetryDelay: 1_000,
    }
    const own = new Fenced(queue, run, settings as never, waiting as never)
    own.on('error', (error) => events.failed(error))
    let seen = new Set<string>()
    const giveBackStrays = async (known: (id: string) => boolean): Promise<number> => {
      const found = new Set<string>()
      let count = 0
      for (const { id, token } of await this.held(queue)) {
        if (known(id) || !token.startsWith(`${own.id}:`)) continue
        if (!seen.has(token)) found.add(token)
        else if (!known(id)) {
          await own.backend.moveJobFromActiveToWait(id, token)
          count++
        }
      }
      seen = found
      return count
    }
    return {
      giveBackStrays,
      get concurrency() {
        return own.concurrency
      },
      set concurrency(value) {
        own.concurrency = value
      },
      async pause() {
        await own.pause(true)
        // A machine that is busy still looks for what others were lost with.
        await own.startStalledCheckTimer()
      },
      resume: () => void own.resume(),
      close: (now) => own.close(now),
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((each) => each.end()))
    await within(closeMs, Promise.all([...this.#queues.values()].map((queue) => queue.close())))
    await this.disconnect()
  }
}

/** A queue or a worker of BullMQ that makes its jobs so. */
function withJob<Class extends typeof Queue | BullMq['Worker']>(base: Class, job: typeof Job): Class {
  class Own extends (base as BullMq['Queue']) {
    protected override get Job(): typeof Job {
      return job
    }
  }
  return Own as unknown as Class
}

/** BullMQ stamps a job with this machine's clock when it asks for it, and the answer may take long to come. */
function fetched(job: Job): FetchedJob {
  const age = Math.max(0, Date.now() - (job.processedOn ?? Date.now()))
  return {
    id: String(job.id),
    data: job.data as unknown,
    stalls: job.stalledCounter,
    attempt: job.attemptsStarted,
    // The progress of a batch is used for nothing else.
    aloneAt: typeof job.progress === 'number' && job.progress > 0 ? job.progress - 1 : undefined,
    beginsAlone: () => job.updateProgress(job.stalledCounter + 1),
    fetchedAt: performance.now() - age,
  }
}
