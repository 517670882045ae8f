/** Accounts kept in Redis: for programs on several machines. One script per message; the connection keeps no program alive. */
import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { toError } from '../../base/errors.ts'
import { optionalPackage } from '../../base/optional-package.ts'
import { accountScript } from './account-script.ts'
import type { Amounts, Ask, Keeper, Reply } from './exchange.ts'

/** An account that nobody used for so long has full buckets, whatever its limits are: a day, for limits per day. */
const keptMs = 86_400_000
const connectMs = 1_000
/** Figures of each limit in an answer of the script. */
const figures = 7

type Evaluate = (key: string, ask: string, generation: string, keptMs: number, now?: number) => Promise<string[]>

export class RedisKeeper implements Keeper {
  readonly #client: Redis
  readonly #prefix: string

  private constructor(client: Redis, prefix: string) {
    this.#client = client
    this.#prefix = prefix
    client.defineCommand('heddleAccount', { numberOfKeys: 1, lua: accountScript })
  }

  /** @throws what the connection failed with @throws {HeddleError} when ioredis is not installed */
  static async open(url: string, name: string): Promise<RedisKeeper> {
    const { Redis } = await optionalPackage('Sharing limits through Redis', 'ioredis', () => import('ioredis'))
    const client = new Redis(url, {
      lazyConnect: true,
      connectTimeout: connectMs,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      // The next call that needs the keeper opens it again; a timer of the client would keep the program alive.
      retryStrategy: () => null,
    })
    let last: Error | undefined
    client.on('error', (error: Error) => (last = error))
    try {
      await client.connect()
    } catch (error) {
      client.disconnect()
      throw last ?? toError(error)
    }
    ;(client as unknown as { stream?: { unref?(): void } }).stream?.unref?.()
    return new RedisKeeper(client, `heddle:limits:${name}:`)
  }

  /** @param now the time, for tests */
  async exchange(account: string, ask: Ask, now?: number): Promise<Reply> {
    const evaluate = (this.#client as unknown as { heddleAccount: Evaluate }).heddleAccount.bind(this.#client)
    const time = now === undefined ? [] : ([now] as const)
    const [generation = '', ...rest] = await evaluate(
      `${this.#prefix}${account}`,
      JSON.stringify(ask),
      randomUUID(),
      keptMs,
      ...time,
    )
    const [at, waitMs, members, ...numbers] = rest.map(Number) as [number, number, number, ...number[]]
    const bucket = (i: number, figure: number): number => numbers[i * figures + figure] ?? 0
    const amounts = (figure: number): Amounts => [bucket(0, figure), bucket(1, figure), bucket(2, figure)]
    const limits = [0, 1, 2].map((i) => [bucket(i, 3), bucket(i, 4), bucket(i, 5)] as const)
    return {
      generation,
      now: at,
      waitMs,
      members,
      grant: amounts(0),
      charged: amounts(1),
      level: amounts(2),
      due: amounts(6),
      limits,
    }
  }

  async close(): Promise<void> {
    this.#client.disconnect()
  }
}
