/**
 * A cache of answers, exact by content. Equal calls that are under way at once are one request: the first makes it, the others get what it gets. When whoever made it goes away, the call
 * goes on for those that still wait.
 */
import { setImmediate } from '../../base/globals.js'
import { onAbort, sleep } from '../../base/abort.ts'
import { type Duration, durationMs } from '../../base/duration.ts'
import { BudgetExceeded, Cancelled, InvalidOption } from '../../base/errors.ts'
import { checkOptions, type OptionRules, rules } from '../../base/options.ts'
import { fromText, toText, writable } from '../../encoding/tagged.ts'
import { type CachedAnswer, type CacheStore } from './cache-store.ts'

/** Options of {@link responseCache}. */
export interface ResponseCacheOptions {
  /** A file, which one program at a time may use. @default memory only */
  readonly path?: string
  /** The address of a Redis, for several programs and machines. @default none */
  readonly redis?: string
  /** Answers that are kept in memory. @default 10,000 */
  readonly maxEntries?: number
  /** Bytes of answers, in memory and again in the file. @default 64 MiB */
  readonly maxBytes?: number
  /** Older answers are asked for anew. @default '168h' */
  readonly maxAge?: Duration
}

/** The figures of a cache so far. */
export interface CacheReport {
  /** Calls that the cache answered. */
  readonly hits: number
  /** Calls that got the answer of an equal one that was under way. */
  readonly shared: number
  /** Calls that were made, and whose answers are kept. */
  readonly misses: number
  /** Calls that are not for a cache: they ask for variety, or for what changes. */
  readonly skipped: number
  /** Of all calls but the skipped ones, those that sent nothing: from 0 to 1. */
  readonly hitRate: number
  /** US dollars that hits and shared calls would have cost, where that is known. */
  readonly savedUsd: number
}

const cacheRules: OptionRules<ResponseCacheOptions> = {
  path: rules.string,
  redis: rules.string,
  maxEntries: rules.whole(1),
  maxBytes: rules.whole(1),
  maxAge: rules.duration,
}

/** How often another program's call is looked for. Chosen. */
const lookMs = 50

/** The answer of a call, and its cost. */
export interface Made {
  readonly value: unknown
  readonly usd: number | undefined
  /** False for an answer that is not to be kept. */
  readonly keeps: boolean
}

/** A call under way, and those that wait for it. */
interface Flight {
  readonly result: Promise<Made>
  readonly controller: AbortController
  waiting: number
}

/** Answers of models by what was asked; {@link responseCache} makes one, for one pool or several. */
export class ResponseCache {
  readonly #options: ResponseCacheOptions
  readonly #maxEntries: number
  readonly #maxBytes: number
  readonly #maxAgeMs: number
  readonly #entries = new Map<string, CachedAnswer>()
  readonly #flights = new Map<string, Flight>()
  readonly #counts = { hits: 0, shared: 0, misses: 0, skipped: 0, savedUsd: 0 }
  #bytes = 0
  #store: Promise<CacheStore | undefined> | undefined

  /** @internal Use {@link responseCache}. */
  constructor(options: ResponseCacheOptions) {
    checkOptions<ResponseCacheOptions>(options, cacheRules, 'responseCache')
    if (options.path !== undefined && options.redis !== undefined)
      throw new InvalidOption('Expected responseCache to get `path` or `redis`, got both')
    this.#options = options
    this.#maxEntries = options.maxEntries ?? 10_000
    this.#maxBytes = options.maxBytes ?? 64 * 2 ** 20
    this.#maxAgeMs = durationMs(options.maxAge ?? '168h', 'maxAge')
  }

  /** What was done so far. */
  report(): CacheReport {
    const { hits, shared, misses } = this.#counts
    const all = hits + shared + misses
    return { ...this.#counts, hitRate: all === 0 ? 0 : (hits + shared) / all }
  }

  /** Lets go of the file or of Redis. Safe to call twice. */
  async close(): Promise<void> {
    // One that could not be opened has nothing to close; its calls have said so.
    const store = await this.#store?.catch(() => undefined)
    this.#store = undefined
    await store?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @internal The call is not for a cache. */
  skip(): void {
    this.#counts.skipped++
  }

  /** @internal An answer that is kept; a fresh copy each time. */
  async find(key: string): Promise<unknown> {
    const known = await this.#find(key)
    if (!known) return undefined
    this.#counts.hits++
    this.#counts.savedUsd += known.usd ?? 0
    return fromText(known.text)
  }

  /** @internal Keeps an answer, where it can be written. */
  async keep(key: string, { value, usd, keeps }: Made): Promise<void> {
    if (!keeps || !writable(value)) return
    const answer = { text: toText(value), usd, at: Date.now() }
    this.#remember(key, answer)
    await (await this.#opened())?.put(key, answer)
  }

  /** @internal A call was made that nobody shares. */
  missed(): void {
    this.#counts.misses++
  }

  /**
   * @internal The answer that is kept, or that of the equal call under way, or that of `make`.
   * @param make makes the call; its signal aborts when nobody waits any more
   * @returns the answer, and whether it sent nothing
   */
  async through(
    key: string,
    signal: AbortSignal | undefined,
    make: (signal: AbortSignal) => Promise<Made>,
  ): Promise<{ readonly value: unknown; readonly cached: boolean }> {
    for (;;) {
      signal?.throwIfAborted()
      const flying = this.#flights.get(key)
      if (!flying) {
        const found = await this.find(key)
        if (found !== undefined) return { value: found, cached: true }
      }
      // Looking may have taken a while.
      const flight = this.#flights.get(key)
      const own = flight ? undefined : this.#depart(key, make)
      try {
        const made = await this.#join((flight ?? own) as Flight, key, signal)
        if (own) return { value: made.value, cached: false }
        if (made.keeps && writable(made.value)) {
          this.#counts.shared++
          this.#counts.savedUsd += made.usd ?? 0
          return { value: fromText(toText(made.value)), cached: true }
        }
      } catch (error) {
        // What stopped the one that made it stops no other.
        if (own || signal?.aborted || !isItsOwn(error)) throw error
      }
    }
  }

  #depart(key: string, make: (signal: AbortSignal) => Promise<Made>): Flight {
    const controller = new AbortController()
    const flight: Flight = { controller, waiting: 0, result: this.#fly(key, controller.signal, make) }
    this.#flights.set(key, flight)
    const landed = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
    flight.result.then(landed, landed)
    return flight
  }

  async #fly(key: string, signal: AbortSignal, make: (signal: AbortSignal) => Promise<Made>): Promise<Made> {
    const store = await this.#opened()
    for (;;) {
      const release = store ? await store.claim(key) : async () => {}
      if (release) {
        try {
          this.#counts.misses++
          const made = await make(signal)
          await this.keep(key, made)
          return made
        } finally {
          await release()
        }
      }
      // Another program makes this call: its answer will be there.
      await sleep(lookMs, signal)
      const known = await this.#find(key)
      if (known) return { value: fromText(known.text), usd: known.usd, keeps: true }
    }
  }

  /** Waits for a call under way; the last one who leaves ends it. */
  #join(flight: Flight, key: string, signal: AbortSignal | undefined): Promise<Made> {
    flight.waiting++
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        unlink()
        if (--flight.waiting > 0 || this.#flights.get(key) !== flight) return
        this.#flights.delete(key)
        flight.controller.abort(new Cancelled('nobody waits for the answer any more'))
      }
      const unlink = onAbort(signal, (reason) => {
        setImmediate(leave)
        reject(reason as Error)
      })
      flight.result.then(
        (made) => {
          unlink()
          resolve(made)
        },
        (error: unknown) => {
          unlink()
          reject(error as Error)
        },
      )
    })
  }

  async #find(key: string): Promise<CachedAnswer | undefined> {
    const here = this.#entries.get(key)
    const known = here ?? (await (await this.#opened())?.get(key))
    if (!known || Date.now() - known.at > this.#maxAgeMs) return undefined
    this.#remember(key, known)
    return known
  }

  #remember(key: string, answer: CachedAnswer): void {
    this.#forget(key)
    this.#entries.set(key, answer)
    this.#bytes += answer.text.length
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) break
      this.#forget(oldest)
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#entries.get(key)?.text.length ?? 0
    this.#entries.delete(key)
  }

  #opened(): Promise<CacheStore | undefined> {
    return (this.#store ??= this.#open())
  }

  async #open(): Promise<CacheStore | undefined> {
    const { path, redis } = this.#options
    if (path !== undefined) return (await import('./file-store.ts')).FileStore.open(path, this.#maxBytes)
    if (redis !== undefined) return (await import('./redis-store.ts')).RedisStore.open(redis, this.#maxAgeMs)
    return undefined
  }
}

/** Whether a failure is about who made the call, and not about the call. */
function isItsOwn(error: unknown): boolean {
  return (
    error instanceof Cancelled || error instanceof BudgetExceeded || (error as { name?: unknown } | null)?.name === 'AbortError'
  )
}

/**
 * A cache of answers for pools: `pool(model, { cache: responseCache({ path: 'answers.jsonl' }) })`. Calls with a temperature above 0, samples of `vote`, `best` and
 * `explore`, and calls that depend on what the provider keeps or looks up are never answered from it.
 *
 * @throws {InvalidOption}
 *
 * @example
 * const model = pool(openai('gpt-4.1-mini'), { cache: responseCache({ redis: 'redis://127.0.0.1:6379', maxAge: '24h' }) })
 */
export function responseCache(options: ResponseCacheOptions = {}): ResponseCache {
  return new ResponseCache(options)
}
