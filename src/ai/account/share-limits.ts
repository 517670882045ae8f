/** What a program shares with others: the limits of its accounts. Opens the keeper when it is first asked, and again after it was lost. */
import { randomUUID } from 'node:crypto'
import { performance } from '../../base/globals.js'
import { systemClock } from '../../base/clock.ts'
import { formatMs } from '../../base/duration.ts'
import { Closed, describe, InvalidOption, TimedOut } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { Ask, Keeper, Reply } from './exchange.ts'

/** Options of {@link shareLimits}. */
export interface ShareLimitsOptions {
  /** Programs that give the same name share: one name per account at a provider. */
  readonly name: string
  /** The URL of a Redis, for programs on several machines. @default none: the programs of this user on this machine share */
  readonly redis?: string
}

/** A keeper that has not answered by then is away. Chosen: longer than a program is busy with itself, no longer than an answer of a model takes. */
const answerMs = 5_000
/** The longest pause between two attempts to take over or to reach whoever took over. */
const takeOverMs = 30

/** Limits that programs share; {@link shareLimits} makes one. */
export class SharedLimits implements AsyncDisposable {
  readonly name: string
  /** @internal Tells this program from the others. */
  readonly member = randomUUID()
  readonly #redis: string | undefined
  #keeper: Promise<Keeper> | undefined
  #closed = false

  /** @internal Use {@link shareLimits}. */
  constructor({ name, redis }: ShareLimitsOptions) {
    this.name = name
    this.#redis = redis
  }

  /**
   * @internal Where the keeper is lost on the way it is opened anew, or another one found, as long as there is time.
   * @throws what keeps it from answering within five seconds
   */
  async exchange(account: string, ask: Ask): Promise<Reply> {
    const until = performance.now() + answerMs
    for (;;) {
      if (this.#closed) throw new Closed(`The shared limits ${JSON.stringify(this.name)} were closed`)
      const keeper = (this.#keeper ??= this.#open())
      const left = until - performance.now()
      try {
        return await within(Math.max(1, left), async () => (await keeper).exchange(account, ask))
      } catch (error) {
        if (this.#keeper === keeper) this.#keeper = undefined
        void keeper.then((lost) => lost.close()).catch(() => {})
        if (until - performance.now() < takeOverMs || this.#closed) throw error
        await pause(Math.random() * takeOverMs)
      }
    }
  }

  /** @internal */
  get closed(): boolean {
    return this.#closed
  }

  /** Leaves. Pools that were given these limits go on by themselves. */
  async close(): Promise<void> {
    this.#closed = true
    const keeper = this.#keeper
    this.#keeper = undefined
    await keeper?.then((open) => open.close()).catch(() => {})
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(): Promise<Keeper> {
    if (this.#redis !== undefined) {
      const { RedisKeeper } = await import('./redis-keeper.ts')
      return RedisKeeper.open(this.#redis, this.name)
    }
    const { openLocal } = await import('./broker.ts')
    // Of several that see the last one gone one serves, and the others find it when they try again.
    return openLocal(this.name)
  }
}

/**
 * Limits that several programs share, because they use one account: pass it as `share` to their pools. Then all of them together keep within
 * the account's limits, and each gets the same part of what it wants. A program that ends or dies leaves the rest to the others. While the
 * keeper cannot be reached, each program uses its part of the limits and learns from refusals, as a pool alone does.
 *
 * @param options the name of the account, and where it is kept
 * @throws {InvalidOption} for a name that is not given, or a URL that is not one of Redis
 *
 * @example
 * await using share = shareLimits({ name: 'openai', redis: 'redis://limits.internal' })
 * const model = pool(openai('gpt-4.1-mini'), { share })
 */
export function shareLimits(options: ShareLimitsOptions): SharedLimits {
  checkOptions<ShareLimitsOptions>(options, { name: rules.string, redis: rules.string }, 'shareLimits')
  const { name, redis } = options
  if (typeof name !== 'string' || name === '' || name.length > 200)
    throw new InvalidOption(`Expected \`name\` of shareLimits to be a text of 1 to 200 characters, got ${describe(name)}`)
  if (redis !== undefined && !/^rediss?:\/\//.test(redis))
    throw new InvalidOption('Expected `redis` of shareLimits to be a URL that begins with redis:// or rediss://')
  return new SharedLimits(options)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.schedule(ms, resolve))
}

function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = systemClock.schedule(ms, () =>
      reject(
        new TimedOut(`The keeper of the limits gave no answer within ${formatMs(answerMs)}`, { clock: 'timeout', limitMs: ms }),
      ),
    )
    void work()
      .then(resolve, reject)
      .finally(() => systemClock.cancel(timer))
  })
}
