/**
 * The store on Redis, through BullMQ: its locks, its idempotent adds, its events. Batches are jobs that are tried once; who may try again is heddle's own to
 * say. What clients do with many jobs at once goes around BullMQ, as plain commands in one trip.
 */
import { performance } from '../../base/globals.js'
import type { Job, Queue, QueueEvents } from 'bullmq'
import type { Redis } from 'ioredis'
import { HeddleError } from '../../base/errors.ts'
import { FleetRefused, FleetUnavailable } from '../protocol/errors.ts'
import { prefix } from '../naming/names.ts'
import { lockMs, stalledCheckMs } from '../protocol/constants.ts'
import { preflightOf } from './preflight.ts'
import { within } from './within.ts'
import type { Book, Ended, Fetcher, FetcherEvents, FetchedJob, JobState, LiveRecord, Store } from './store.ts'

/** Above the ten seconds for which BullMQ lets a command block: a connection that says nothing for longer is dead, also where the network never says so. */
const socketTimeoutMs = 12_000
const connectMs = 5_000
const closeMs = 1_000
/** Events are hints, and those of results hold the result. */
const keptEvents = 1_000
/** Of one command to the store. */
const atOnce = 500

type BullMq = typeof import('bullmq')

/** @throws {FleetUnavailable} @throws {FleetRefused} where it lets nobody in */
export async function openRedis(url: string, space: string): Promise<Store> {
  const [bullmq, { Redis }] = await engines()
  const client = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    socketTimeout: socketTimeoutMs,
    connectTimeout: connectMs,
    retryStrategy: (times: number) => Math.min(100 * times, 2_000),
  })
  let last: Error | undefined
  client.on('error', (error: Error) => (last = error))
  try {
    await client.connect()
    await client.ping()
  } catch (cause) {
    client.disconnect()
    throw unreachable(url, last ?? (cause as Error))
  }
  return new RedisStore(bullmq, client, space)
}

async function engines(): Promise<[BullMq, Pick<typeof import('ioredis'), 'Redis'>]> {
  try {
    return await Promise.all([import('bullmq'), import('ioredis')])
  } catch (cause) {
    throw new FleetRefused('The fleet on Redis needs the packages bullmq and ioredis', {
      cause,
      hint: 'npm install bullmq ioredis',
    })
  }
}

function unreachable(url: string, cause: Error): HeddleError {
  const where = shownUrl(url)
  if (/NOAUTH|WRONGPASS|NOPERM|DENIED/.test(cause.message))
    return new FleetRefused(`The store ${where} does not let this program in: ${cause.message}`, {
      cause,
      hint: 'Put user and password of the tenant into the URL: redis://user:password@host.',
    })
  return new FleetUnavailable(`The store ${where} cannot be reached: ${cause.message}`, {
    cause,
    hint: 'Is it running, and is the URL right? Start one for a try with: redis-server --appendonly yes',
  })
}

/** Without the password. */
export function shownUrl(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url)
    return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
  } catch {
    return 'of that URL'
  }
}

class RedisStore implements Store {
  readonly runs: Book
  readonly workers: Book
  readonly #bullmq: BullMq
  readonly #client: Redis
  readonly #space: string
  readonly #queues = new Map<string, Queue>()
  readonly #open = new Set<Ended>()
  /** The connections that BullMQ makes out of the first, for commands that block. */
  readonly #duplicates = new Set<Redis>()

  constructor(bullmq: BullMq, client: Redis, space: string) {
    this.#bullmq = bullmq
    this.#client = client
    this.#space = space
    const duplicate = client.duplicate.bind(client)
    client.duplicate = (options) => {
      const made = duplicate(options)
      this.#duplicates.add(made)
      made.once('end', () => this.#duplicates.delete(made))
      return made
    }
    this.runs = this.#book('runs')
    this.workers = this.#book('workers')
  }

  get #options() {
    return { connection: this.#client, prefix }
  }

  #queue(name: string): Queue {
    let queue = this.#queues.get(name)
    if (!queue) {
      queue = new this.#bullmq.Queue(name, { ...this.#options, skipMetasUpdate: true })
      // It reconnects by itself; commands wait meanwhile.
      queue.on('error', () => {})
      this.#queues.set(name, queue)
    }
    return queue
  }

  /** Of one part of a queue, or of a job. */
  #key(queue: string, name: string): string {
    return `${prefix}:${queue}:${name}`
  }

  async now(): Promise<number> {
    const [seconds, micros] = (await this.#client.time()) as unknown as [string | number, string | number]
    return Number(seconds) * 1_000 + Number(micros) / 1_000
  }

  async preflight(): Promise<string[]> {
    return preflightOf(await this.#client.info())
  }

  async prepare(queue: string): Promise<void> {
    await this.#client.hset(this.#key(queue, 'meta'), 'opts.maxLenEvents', keptEvents)
  }

  async add(queue: string, jobs: Parameters<Store['add']>[1]): Promise<void> {
    await this.#queue(queue).addBulk(
      jobs.map(({ id, text, priority }) => ({
        name: 'batch',
        data: text,
        opts: { jobId: id, attempts: 1, ...(priority === 'high' && { lifo: true }), ...(priority === 'low' && { priority: 1 }) },
      })),
    )
  }

  async states(queue: string, ids: readonly string[]): Promise<JobState[]> {
    const states: JobState[] = []
    for (const some of pieces(ids)) {
      const pipeline = this.#client.pipeline()
      for (const id of some) pipeline.hmget(this.#key(queue, id), 'timestamp', 'finishedOn', 'returnvalue', 'failedReason')
      for (const [error, row] of (await pipeline.exec()) ?? []) {
        if (error) throw error
        const [added, finished, value, reason] = row as (string | null)[]
        if (added === null) states.push({ state: 'missing' })
        else if (finished === null) states.push({ state: 'open' })
        else if (typeof value === 'string') states.push({ state: 'done', text: JSON.parse(value) as string })
        else states.push({ state: 'failed', text: reason ?? '' })
      }
    }
    return states
  }

  async recall(queue: string, ids: readonly string[]): Promise<boolean[]> {
    const key = (name: string): string => this.#key(queue, name)
    const recalled: boolean[] = []
    for (const some of pieces(ids)) {
      const pipeline = this.#client.pipeline()
      for (const id of some) pipeline.lrem(key('wait'), 1, id).zrem(key('prioritized'), id)
      const answers = ((await pipeline.exec()) ?? []).map(([, count]) => Number(count))
      const back = some.map((_, i) => (answers[2 * i] ?? 0) + (answers[2 * i + 1] ?? 0) > 0)
      const gone = some.filter((_, i) => back[i]).map(key)
      if (gone.length > 0) await this.#client.del(...gone)
      recalled.push(...back)
    }
    return recalled
  }

  async forget(queue: string, ids: readonly string[]): Promise<void> {
    const key = (name: string): string => this.#key(queue, name)
    for (const some of pieces(ids)) {
      const pipeline = this.#client.pipeline()
      pipeline.zrem(key('completed'), ...some)
      pipeline.zrem(key('failed'), ...some)
      pipeline.del(...some.map(key))
      await pipeline.exec()
    }
  }

  async jobs(queue: string): Promise<string[]> {
    const key = (name: string): string => this.#key(queue, name)
    const lists = await Promise.all([
      this.#client.lrange(key('wait'), 0, -1),
      this.#client.lrange(key('active'), 0, -1),
      this.#client.zrange(key('prioritized'), 0, -1),
      this.#client.zrange(key('completed'), 0, -1),
      this.#client.zrange(key('failed'), 0, -1),
    ])
    return lists.flat()
  }

  async counts(queue: string): Promise<{ waiting: number; active: number; done: number }> {
    const key = (name: string): string => this.#key(queue, name)
    const [wait, low, active, completed, failed] = await Promise.all([
      this.#client.llen(key('wait')),
      this.#client.zcard(key('prioritized')),
      this.#client.llen(key('active')),
      this.#client.zcard(key('completed')),
      this.#client.zcard(key('failed')),
    ])
    return { waiting: wait + low, active, done: completed + failed }
  }

  async queues(): Promise<string[]> {
    const names = new Set<string>()
    const begin = `${prefix}:${this.#space}-`
    for await (const keys of this.#client.scanStream({ match: `${begin.replaceAll(/[[\]*?\\]/g, '\\$&')}*`, count: 1_000 }))
      for (const key of keys as string[]) {
        const [name] = key.slice(begin.length).split(':')
        if (name !== undefined && /^[0-9a-f]{12}$/.test(name)) names.add(`${this.#space}-${name}`)
      }
    return [...names]
  }

  /** The keys of a queue in which nothing is; whoever adds again makes them anew. What others of it may still want is only events, which are hints. */
  async tidy(queue: string): Promise<void> {
    const { waiting, active, done } = await this.counts(queue)
    if (waiting + active + done > 0) return
    const left = ['events', 'id', 'marker', 'meta', 'stalled', 'stalled-check', 'pc'].map((name) => this.#key(queue, name))
    await this.#client.del(...left)
  }

  async listen(queue: string, hear: Parameters<Store['listen']>[1]): Promise<Ended> {
    // Ids of the stream are its server's time: nothing that comes from here on is missed, however long connecting takes.
    const since = `${Math.floor(await this.now())}-0`
    const events = new this.#bullmq.QueueEvents(queue, { ...this.#options, lastEventId: since })
    events.on('error', () => {})
    events.on('completed', ({ jobId, returnvalue }) => hear.done(jobId, returnvalue as unknown as string))
    events.on('active', ({ jobId }) => hear.active(jobId))
    events.on('waiting', ({ jobId, prev }) => {
      if (prev === 'active') hear.waiting(jobId)
    })
    return this.#ending(events)
  }

  async publish(message: Readonly<Record<string, string | number>>): Promise<void> {
    const queue = this.#queue(`${this.#space}-control`)
    await queue.backend.publishEvent({ ...message, event: 'heddle' }, keptEvents)
  }

  async hear(hear: (message: Readonly<Record<string, unknown>>) => void): Promise<Ended> {
    const since = `${Math.floor(await this.now())}-0`
    const events = new this.#bullmq.QueueEvents(`${this.#space}-control`, { ...this.#options, lastEventId: since })
    events.on('error', () => {})
    events.on('heddle' as never, ((message: Record<string, unknown>) => hear(message)) as never)
    return this.#ending(events)
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
    const queue = (): Queue => this.#queue(`${this.#space}-${kind}`)
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
    const { WaitingError, Worker } = this.#bullmq
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
      const end = await events.handle(fetched(job))
      if (end === 'give-back') {
        await job.moveToWait(token)
        throw new WaitingError()
      }
      if (end === 'forget') job.opts.removeOnComplete = true
      return end === 'forget' ? '' : end.keep
    }
    const own = new Fenced(queue, run, {
      ...this.#options,
      name: worker,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: stalledCheckMs,
      maxStalledCount: 1_000_000,
      drainDelay: 5,
      runRetryDelay: 1_000,
    })
    own.on('error', (error) => events.failed(error))
    let seen = new Set<string>()
    const giveBackStrays = async (known: (id: string) => boolean): Promise<number> => {
      const found = new Set<string>()
      let count = 0
      for (const id of await this.#client.lrange(this.#key(queue, 'active'), 0, -1)) {
        if (known(id)) continue
        const token = await this.#client.get(this.#key(queue, `${id}:lock`))
        if (token === null || !token.startsWith(`${own.id}:`)) continue
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
      pause: () => own.pause(true),
      close: (now) => own.close(now),
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((each) => each.end()))
    await within(closeMs, Promise.all([...this.#queues.values()].map((queue) => queue.close())))
    this.#client.disconnect()
    // What BullMQ has not closed, because it was connecting just then, would go on trying.
    for (const each of this.#duplicates) each.disconnect()
  }
}

/** BullMQ stamps a job with this machine's clock when it asks for it, and the answer may take long to come. */
function fetched(job: Job): FetchedJob {
  const age = Math.max(0, Date.now() - (job.processedOn ?? Date.now()))
  return {
    id: String(job.id),
    data: job.data as unknown,
    stalls: job.stalledCounter,
    attempt: job.attemptsStarted,
    fetchedAt: performance.now() - age,
  }
}

function* pieces(ids: readonly string[]): Generator<string[]> {
  for (let at = 0; at < ids.length; at += atOnce) yield ids.slice(at, at + atOnce)
}
