/**
 * Connections to Postgres that survive its restarts, as those to Redis do: a query whose connection is lost waits and is sent again, until the pool is ended.
 * Everything that the fleet asks may be asked twice: adding is idempotent, what was completed is refused the second time, and a batch that was handed out in
 * an answer that was lost is given back as a stray.
 */
import { setTimeout } from '../../base/globals.js'
import type { Pool, PoolConfig } from 'pg'

type Pg = Pick<typeof import('pg'), 'Client' | 'Pool'>

const firstWaitMs = 50
const longestWaitMs = 2_000

/**
 * Of Postgres: connections ended by it (57P01 to 57P05), or refused because there are too many (53300); transactions that it undid because two met (40001,
 * 40P01). Of Node: no connection. Of pg, which gives no codes: connections that ended, answers that did not come.
 */
const codes = /^(?:57P0[1-5]|53300|40001|40P01|08\w{3}|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)$/
const messages = /Connection terminated|Query read timeout|timeout exceeded when trying to connect|not queryable|starting up/

/** Whether asking again later may help. */
export function isPassing({ code, message }: Error & { readonly code?: string }): boolean {
  return (code !== undefined && codes.test(code)) || messages.test(message)
}

/** @param patient false: until the first answer it fails at once, so that a wrong address is named */
export function steadyPool(pg: Pg, config: PoolConfig, patient: boolean): Pool {
  /** A connection may fail a second time while it is taken down; without a listener that would end the process. */
  class Listened extends pg.Client {
    constructor(settings?: ConstructorParameters<typeof pg.Client>[0]) {
      super(settings)
      this.on('error', () => {})
    }

    override removeAllListeners(name?: string | symbol): this {
      super.removeAllListeners(name)
      this.on('error', () => {})
      return this
    }
  }
  const pool = new pg.Pool({ ...config, Client: Listened })
  // A connection that drops while nobody uses it; the next query opens another.
  pool.on('error', () => {})
  let answered = patient
  let ended = false
  const [query, connect, end] = [pool.query.bind(pool), pool.connect.bind(pool), pool.end.bind(pool)]
  const steady = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, 2 * waitMs)) {
      try {
        const answer = await ask()
        answered = true
        return answer
      } catch (error) {
        if (!answered || ended || !isPassing(error as Error)) throw error
        await new Promise<void>((resolve) => void setTimeout(resolve, waitMs).unref())
        if (ended) throw error
      }
    }
  }
  return Object.assign(pool, {
    query: (text: string, values?: unknown[]) => steady(() => query(text, values)),
    // The pool itself calls it with a function.
    connect: (...args: Parameters<typeof connect>) => (args.length > 0 ? connect(...args) : steady(() => connect())),
    end: () => {
      if (ended) return Promise.resolve()
      ended = true
      return end()
    },
  }) as Pool
}
