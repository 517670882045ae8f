/**
 * The store on Postgres. Each tenant of a fleet has a schema of its own, which `heddle fleet init` makes: grants keep tenants apart. What clients do with
 * many jobs at once is one statement.
 *
 * Two things differ from Redis. Locks run out by the clocks of the workers, so that those must agree with the store's. And a listener may miss
 * events that were written at the same time, because their numbers become visible out of order: clients ask for the state of their jobs all the same.
 */
import { createHash } from 'node:crypto'
import type { BackendFactory, PostgresQueueBackend } from 'bullmq'
import type { Pool, PoolConfig } from 'pg'
import { HeddleError } from '../../base/errors.ts'
import { FleetRefused, FleetUnavailable } from '../protocol/errors.ts'
import { type BullMq, QueueStore, rateField, turnField } from './queues.ts'
import { shownUrl } from './shown-url.ts'
import { steadyPool } from './steady-pool.ts'
import type { JobState, Store } from './store.ts'
import { within } from './time-limit.ts'

const connectMs = 5_000
/** A connection that says nothing for longer is dead, also where the network never says so: the pool drops it, and opens another. */
const queryMs = 12_000
/** Connections of each pool. What waits keeps one of them for itself. */
const mostConnections = 4
const leastVersion = 13
const closeMs = 1_000

type Pg = Pick<typeof import('pg'), 'Client' | 'Pool'>

/** All tables of one tenant. `$` is in no name of a fleet, so that no two tenants have the same. */
export function schemaOf(space: string): string {
  const plain = `heddle$${space.replace('-', '$')}`
  return plain.length <= 63 ? plain : `heddle$${createHash('sha256').update(space).digest('hex').slice(0, 32)}`
}

/** @throws {FleetUnavailable} @throws {FleetRefused} where it lets nobody in, or has not been prepared */
export async function openPostgres(url: string, space: string): Promise<Store> {
  const [bullmq, pg] = await engines()
  const schema = schemaOf(space)
  const config = configOf(url)
  const settings = { ...config, options: `${config.options ?? ''} -c search_path="${schema}"`.trim() }
  const pool = steadyPool(pg, settings, false)
  try {
    const { rows } = await pool.query<{ found: string | null }>(`SELECT to_regclass('job')::text AS found`)
    if (rows[0]?.found == null)
      throw new FleetRefused(`The store ${shownUrl(url)} has no tables for this tenant of the fleet (schema ${schema})`, {
        hint: 'Make them once, with a role that may: heddle fleet init --fleet URL --name FLEET --tenant TENANT',
      })
  } catch (cause) {
    await pool.end()
    throw unreachable(url, cause as Error)
  }
  return new PostgresStore(bullmq, pool, () => steadyPool(pg, settings, true), schema, space)
}

/**
 * Makes the tables, or brings them up to date; doing it again changes nothing.
 *
 * @throws {FleetUnavailable} @throws {FleetRefused} where the role may not
 */
export async function initPostgres(url: string, space: string): Promise<string> {
  const [bullmq, pg] = await engines()
  const pool = steadyPool(pg, configOf(url), false)
  const schema = schemaOf(space)
  try {
    const client = await pool.connect()
    try {
      await bullmq.runMigrations(client as never, schema)
    } finally {
      client.release()
    }
  } catch (cause) {
    throw unreachable(url, cause as Error)
  } finally {
    await pool.end()
  }
  return schema
}

async function engines(): Promise<[BullMq, Pg]> {
  try {
    const [bullmq, pg] = await Promise.all([import('bullmq'), import('pg')])
    return [bullmq, pg.default ?? pg]
  } catch (cause) {
    throw new FleetRefused('The fleet on Postgres needs the packages bullmq and pg', { cause, hint: 'npm install bullmq pg' })
  }
}

function configOf(url: string): PoolConfig {
  const parsed = new URL(url)
  // Those of the address would replace ours.
  const options = parsed.searchParams.get('options') ?? undefined
  parsed.searchParams.delete('options')
  return {
    connectionString: parsed.href,
    ...(options !== undefined && { options }),
    max: mostConnections,
    connectionTimeoutMillis: connectMs,
    query_timeout: queryMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: queryMs,
    application_name: 'heddle',
  }
}

/** Each takes its time of the tenant's rate, one behind the other, by the clock of the store. */
const takeItems = `
  WITH asked AS (
    SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now, $4::numeric * 1000 / value::numeric AS cost
    FROM meta WHERE queue = $1 AND field = $2
  )
  INSERT INTO meta AS m (queue, field, value) SELECT $1, $3, (now + cost)::text FROM asked
  ON CONFLICT (queue, field) DO UPDATE
    SET value = (greatest(m.value::numeric, (SELECT now FROM asked)) + (SELECT cost FROM asked))::text
  RETURNING value::numeric - (SELECT cost + now FROM asked) AS ms`

/** By the codes of Postgres: invalid password or authorization, no such database, not allowed, no such schema. */
const refusing = new Set(['28P01', '28000', '3D000', '42501', '3F000'])

function unreachable(url: string, cause: Error & { readonly code?: string }): Error {
  if (cause instanceof HeddleError) return cause
  const where = shownUrl(url)
  if (cause.code !== undefined && refusing.has(cause.code))
    return new FleetRefused(`The store ${where} denied access: ${cause.message}`, {
      cause,
      hint: 'Put user, password and database into the URL: postgres://user:password@host/database.',
    })
  return new FleetUnavailable(`The store ${where} cannot be reached: ${cause.message}`, {
    cause,
    hint: 'Is it running, and is the URL right?',
  })
}

class PostgresStore extends QueueStore {
  /** By those of the workers. */
  readonly locksByOwnClock = false
  /** With many workers one event in ten is lost: measured. */
  readonly askAfterMs = 200
  readonly #pool: Pool
  readonly #pools: Pool[]
  readonly #adding = new Set<Promise<void>>()

  constructor(bullmq: BullMq, pool: Pool, connect: () => Pool, schema: string, space: string) {
    const pools = [pool]
    /** BullMQ looks for its tables where it is told; a pool of one's own it takes for that of its default schema. */
    class Connection extends bullmq.PostgresConnection {
      override readonly schema = schema
    }
    const backend = (name: string, own: Pool, options: object, listener?: string): PostgresQueueBackend =>
      new bullmq.PostgresQueueBackend(new Connection(own as never), name, options as never, true, listener)
    const root = backend('heddle', pool, {})
    root.on('error', () => {})
    const plain: BackendFactory = (name) => root.forQueue(name, '')
    const waiting: BackendFactory = (name, options) => {
      const own = connect()
      pools.push(own)
      return backend(name, own, options, `heddle ${name}`)
    }
    super(bullmq, space, { options: { connection: pool }, plain, waiting })
    this.#pool = pool
    this.#pools = pools
  }

  async #rows<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.#pool.query(text, [...values])
    return rows as Row[]
  }

  async now(): Promise<number> {
    const [row] = await this.#rows<{ now: string }>('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now')
    return Number(row?.now)
  }

  async preflight(): Promise<string[]> {
    const [row] = await this.#rows<{ version: string; commit: string; fsync: string; replica: boolean }>(
      `SELECT current_setting('server_version_num') AS version, current_setting('synchronous_commit') AS commit,
        current_setting('fsync') AS fsync, pg_is_in_recovery() AS replica`,
    )
    const wrong: string[] = []
    if (row?.commit === 'off')
      wrong.push('synchronous_commit is off, so that a crash of Postgres loses work: set synchronous_commit on')
    if (row?.fsync === 'off') wrong.push('fsync is off, so that a crash of its machine loses work: set fsync on')
    if (row?.replica) wrong.push('it is a replica, which takes no work: name the primary')
    const major = Math.floor(Number(row?.version) / 10_000)
    if (major < leastVersion) wrong.push(`its version is ${major}: use ${leastVersion} or newer`)
    return wrong
  }

  protected async setMeta(queue: string, fields: Readonly<Record<string, string | undefined>>): Promise<void> {
    for (const [field, value] of Object.entries(fields))
      if (value === undefined) await this.#rows('DELETE FROM meta WHERE queue = $1 AND field = $2', [queue, field])
      else
        await this.#rows(
          `INSERT INTO meta (queue, field, value) VALUES ($1, $2, $3)
            ON CONFLICT (queue, field) DO UPDATE SET value = EXCLUDED.value`,
          [queue, field, value],
        )
  }

  protected async getMeta(queue: string, field: string): Promise<string | null> {
    const [row] = await this.#rows<{ value: string }>('SELECT value FROM meta WHERE queue = $1 AND field = $2', [queue, field])
    return row?.value ?? null
  }

  async takeItems(count: number): Promise<number> {
    const [row] = await this.#rows<{ ms: string }>(takeItems, [this.controlQueue, rateField, turnField, count])
    return Math.max(0, Math.ceil(Number(row?.ms ?? 0)))
  }

  async states(queue: string, ids: readonly string[]): Promise<JobState[]> {
    const rows = await this.#rows<{ id: string; state: string; value: string | null; reason: string | null }>(
      `SELECT id, state, return_value #>> '{}' AS value, failed_reason AS reason FROM job WHERE queue = $1 AND id = ANY($2)`,
      [queue, ids],
    )
    const byId = new Map(rows.map((row) => [row.id, row]))
    return ids.map((id): JobState => {
      const row = byId.get(id)
      if (!row) return { state: 'missing' }
      if (row.state === 'completed') return { state: 'done', text: row.value ?? '' }
      if (row.state === 'failed') return { state: 'failed', text: row.reason ?? '' }
      return { state: 'open' }
    })
  }

  async messages(queue: string, ids: readonly string[]): Promise<(string | undefined)[]> {
    const rows = await this.#rows<{ id: string; text: string | null }>(
      `SELECT id, data #>> '{}' AS text FROM job WHERE queue = $1 AND id = ANY($2) AND jsonb_typeof(data) = 'string'`,
      [queue, ids],
    )
    const byId = new Map(rows.map(({ id, text }) => [id, text]))
    return ids.map((id) => byId.get(id) ?? undefined)
  }

  /** Remembers what may still be sent again, after a connection was lost: removing a job before that would bring it back. */
  override async add(...[queue, jobs]: Parameters<Store['add']>): Promise<void> {
    const adding = super.add(queue, jobs)
    this.#adding.add(adding)
    try {
      await adding
    } finally {
      this.#adding.delete(adding)
    }
  }

  async recall(queue: string, ids: readonly string[]): Promise<boolean[]> {
    await Promise.allSettled(this.#adding)
    const rows = await this.#rows<{ id: string }>(
      `DELETE FROM job WHERE queue = $1 AND id = ANY($2) AND state = 'waiting' RETURNING id`,
      [queue, ids],
    )
    const back = new Set(rows.map(({ id }) => id))
    return ids.map((id) => back.has(id))
  }

  async forget(queue: string, ids: readonly string[]): Promise<void> {
    await Promise.allSettled(this.#adding)
    await this.#rows(`DELETE FROM job WHERE queue = $1 AND id = ANY($2) AND state IN ('completed', 'failed')`, [queue, ids])
  }

  async jobs(queue: string): Promise<string[]> {
    return (await this.#rows<{ id: string }>('SELECT id FROM job WHERE queue = $1', [queue])).map(({ id }) => id)
  }

  async counts(queue: string): Promise<{ waiting: number; active: number; done: number }> {
    const rows = await this.#rows<{ state: string; count: string }>(
      'SELECT state, count(*) AS count FROM job WHERE queue = $1 GROUP BY state',
      [queue],
    )
    const of = (state: string): number => Number(rows.find((row) => row.state === state)?.count ?? 0)
    return { waiting: of('waiting'), active: of('active'), done: of('completed') + of('failed') }
  }

  async queues(): Promise<string[]> {
    const rows = await this.#rows<{ queue: string }>('SELECT DISTINCT queue FROM job')
    const begin = `${this.space}-`
    return rows
      .map(({ queue }) => queue)
      .filter((queue) => queue.startsWith(begin) && /^[0-9a-f]{12}$/.test(queue.slice(begin.length)))
  }

  /** Rows of a queue in which nothing is; whoever adds again makes them anew. */
  async tidy(queue: string): Promise<void> {
    const none = 'NOT EXISTS (SELECT 1 FROM job WHERE queue = $1)'
    for (const table of ['event', 'meta', 'metrics', 'rate_limit'])
      await this.#rows(`DELETE FROM ${table} WHERE queue = $1 AND ${none}`, [queue])
  }

  protected async lastEvent(): Promise<string> {
    const [row] = await this.#rows<{ last: string }>('SELECT coalesce(max(id), 0)::text AS last FROM event')
    return row?.last ?? '0'
  }

  protected held(queue: string): Promise<{ id: string; token: string }[]> {
    return this.#rows(
      `SELECT id, lock_token AS token FROM job WHERE queue = $1 AND state = 'active' AND lock_token IS NOT NULL`,
      [queue],
    )
  }

  protected async disconnect(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => within(closeMs, pool.end())))
  }
}
