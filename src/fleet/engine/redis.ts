/** The store on Redis. What clients do with many jobs at once is plain commands in one trip. */
import type { Redis } from 'ioredis'
import { HeddleError } from '../../base/errors.ts'
import { FleetRefused, FleetUnavailable } from '../protocol/errors.ts'
import { prefix } from '../naming/names.ts'
import { pollMs } from '../protocol/constants.ts'
import { preflightOf } from './preflight.ts'
import { type BullMq, QueueStore, rateField, turnField } from './queues.ts'
import { shownUrl } from './shown-url.ts'
import type { JobState, Store } from './store.ts'
import { textJob } from './text-jobs.ts'

/** Above the ten seconds for which BullMQ lets a command block: a connection that says nothing for longer is dead, also where the network never says so. */
const socketTimeoutMs = 12_000
const connectMs = 5_000
/** What a server says while another one takes over, or while it starts: it will take the command later, or the other one will. */
const handingOver = /^(?:READONLY|UNBLOCKED|LOADING|MASTERDOWN)\b/
/** Of one command to the store. */
const atOnce = 500

/** Each takes its time of the tenant's rate, one behind the other, by the clock of the store. */
const takeItems = `
local rate = tonumber(redis.call('HGET', KEYS[1], ARGV[1]))
if not rate then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local turn = math.max(now, tonumber(redis.call('HGET', KEYS[1], ARGV[2])) or 0)
redis.call('HSET', KEYS[1], ARGV[2], string.format('%.3f', turn + ARGV[3] * 1000 / rate))
return math.ceil(turn - now)`

/** @throws {FleetUnavailable} @throws {FleetRefused} where it lets nobody in */
export async function openRedis(url: string, space: string): Promise<Store> {
  const [bullmq, { Redis }] = await engines()
  const client = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    socketTimeout: socketTimeoutMs,
    connectTimeout: connectMs,
    retryStrategy: (times: number) => Math.min(100 * times, 2_000),
    // Sent again when it is connected again: the name may lead to another server by then.
    reconnectOnError: (error: Error) => (handingOver.test(error.message) ? 2 : false),
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
    return new FleetRefused(`The store ${where} denied access: ${cause.message}`, {
      cause,
      hint: 'Put user and password of the tenant into the URL: redis://user:password@host.',
    })
  return new FleetUnavailable(`The store ${where} cannot be reached: ${cause.message}`, {
    cause,
    hint: 'Is it running, and is the URL right? Start one for a try with: redis-server --appendonly yes',
  })
}

class RedisStore extends QueueStore {
  /** Its own clock decides when a lock runs out. */
  readonly locksByOwnClock = true
  readonly askAfterMs = pollMs
  readonly #client: Redis
  /** The connections that BullMQ makes out of the first, for commands that block. */
  readonly #duplicates = new Set<Redis>()

  constructor(bullmq: BullMq, client: Redis, space: string) {
    super(bullmq, space, { options: { connection: client, prefix }, batch: textJob(bullmq.Job) })
    this.#client = client
    const duplicate = client.duplicate.bind(client)
    client.duplicate = (options) => {
      const made = duplicate(options)
      this.#duplicates.add(made)
      made.once('end', () => this.#duplicates.delete(made))
      return made
    }
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

  protected async setMeta(queue: string, fields: Readonly<Record<string, string | undefined>>): Promise<void> {
    const key = this.#key(queue, 'meta')
    for (const [field, value] of Object.entries(fields))
      await (value === undefined ? this.#client.hdel(key, field) : this.#client.hset(key, field, value))
  }

  protected getMeta(queue: string, field: string): Promise<string | null> {
    return this.#client.hget(this.#key(queue, 'meta'), field)
  }

  takeItems(count: number): Promise<number> {
    const key = this.#key(this.controlQueue, 'meta')
    return this.#client.eval(takeItems, 1, key, rateField, turnField, String(count)) as Promise<number>
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

  async messages(queue: string, ids: readonly string[]): Promise<(string | undefined)[]> {
    const texts = await Promise.all(ids.map((id) => this.#client.hget(this.#key(queue, id), 'data')))
    return texts.map((text) => text ?? undefined)
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
    // They go together all the same; a pipeline of ioredis copies all of BullMQ's commands first.
    for (const some of pieces(ids))
      await Promise.all([
        this.#client.zrem(key('completed'), ...some),
        this.#client.zrem(key('failed'), ...some),
        this.#client.del(...some.map(key)),
      ])
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
    const begin = `${prefix}:${this.space}-`
    for await (const keys of this.#client.scanStream({ match: `${begin.replaceAll(/[[\]*?\\]/g, '\\$&')}*`, count: 1_000 }))
      for (const key of keys as string[]) {
        const [name] = key.slice(begin.length).split(':')
        if (name !== undefined && /^[0-9a-f]{12}$/.test(name)) names.add(`${this.space}-${name}`)
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

  /** Ids of the stream are its server's time: nothing that comes from here on is missed, however long connecting takes. */
  protected async lastEvent(): Promise<string> {
    return `${Math.floor(await this.now())}-0`
  }

  protected async held(queue: string): Promise<{ id: string; token: string }[]> {
    const ids = await this.#client.lrange(this.#key(queue, 'active'), 0, -1)
    if (ids.length === 0) return []
    const tokens = await this.#client.mget(ids.map((id) => this.#key(queue, `${id}:lock`)))
    return ids.flatMap((id, i) => (typeof tokens[i] === 'string' ? [{ id, token: tokens[i] }] : []))
  }

  protected async disconnect(): Promise<void> {
    this.#client.disconnect()
    // What BullMQ has not closed, because it was connecting just then, would go on trying.
    for (const each of this.#duplicates) each.disconnect()
  }
}

function* pieces(ids: readonly string[]): Generator<string[]> {
  for (let at = 0; at < ids.length; at += atOnce) yield ids.slice(at, at + atOnce)
}
