/** Answers in Redis, for all programs that share it. They end by age; while Redis is away, everything is asked anew. */
import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { optionalPackage } from '../../base/optional-package.ts'
import { note } from '../../base/observer.ts'
import { asAnswer, type CachedAnswer, type CacheStore } from './cache-store.ts'

const prefix = 'heddle:response:'
/** A program that dies while it makes a call holds the others up for so long. Chosen: an attempt of a call may take five minutes. */
const claimMs = 300_000
/** For one command. Chosen. */
const commandTimeoutMs = 1_000
/** Takes a claim back, if it is still ours. */
const release = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

export class RedisStore implements CacheStore {
  readonly #redis: Redis
  readonly #maxAgeMs: number
  #saidAway = false

  private constructor(redis: Redis, maxAgeMs: number) {
    this.#redis = redis
    this.#maxAgeMs = maxAgeMs
  }

  /** @throws {HeddleError} when ioredis is not installed */
  static async open(url: string, maxAgeMs: number): Promise<RedisStore> {
    const { Redis } = await optionalPackage('Caching answers in Redis', 'ioredis', () => import('ioredis'))
    const redis = new Redis(url, { maxRetriesPerRequest: 1, commandTimeout: commandTimeoutMs, enableOfflineQueue: true })
    redis.on('error', () => {})
    return new RedisStore(redis, maxAgeMs)
  }

  async get(key: string): Promise<CachedAnswer | undefined> {
    const text = await this.#try(() => this.#redis.get(prefix + key))
    if (typeof text !== 'string') return undefined
    try {
      return asAnswer(JSON.parse(text))
    } catch {
      return undefined
    }
  }

  async put(key: string, answer: CachedAnswer): Promise<void> {
    await this.#try(() => this.#redis.set(prefix + key, JSON.stringify(answer), 'PX', Math.max(1, Math.round(this.#maxAgeMs))))
  }

  async claim(key: string): Promise<(() => Promise<void>) | undefined> {
    const id = randomUUID()
    const name = `${prefix}${key}:asked`
    const taken = await this.#try(() => this.#redis.set(name, id, 'PX', claimMs, 'NX'))
    // Null is Redis' word for "there is one already"; undefined is Redis away.
    if (taken === null) return undefined
    return async () => {
      await this.#try(() => this.#redis.eval(release, 1, name, id))
    }
  }

  async close(): Promise<void> {
    this.#redis.disconnect()
  }

  async #try<T>(command: () => Promise<T>): Promise<T | undefined> {
    try {
      return await command()
    } catch (error) {
      if (!this.#saidAway) note('limit', 0, `The cache of answers in Redis is away: ${(error as Error).message}`)
      this.#saidAway = true
      return undefined
    }
  }
}
