/** Options of pools, and what is checked of them. */
import type { Duration } from '../../base/duration.ts'
import { type OptionRules, rules } from '../../base/options.ts'
import type { BreakerOptions } from '../../limits/index.ts'
import { Budget } from './budget.ts'
import type { HedgeOptions } from './hedge.ts'
import type { Price } from '../prices/prices.ts'
import type { ModelLimits } from './replica.ts'

/** Options of a pool of models. */
export interface PoolOptions {
  /** Limits of each model; what is not given is learned from the response headers. @default all learned */
  readonly limits?: ModelLimits
  /** Requests under way per model. `'auto'`: up to 1,024, fewer while the provider is overloaded. @default 'auto' */
  readonly concurrency?: number | 'auto'
  /** Which model a call goes to: the one with the most room, or the first that works. @default 'least-busy' */
  readonly prefer?: 'least-busy' | 'first'
  /** A second copy of calls that are slow to begin. @default none */
  readonly hedge?: HedgeOptions
  /** Attempts after the first, for failures that may pass. Waiting for a rate limit is none. @default 4 */
  readonly retry?: number
  /** Of one attempt: to the first content of a stream, to the end of an answer that is not streamed. @default '5m' */
  readonly timeout?: Duration
  /** Of a stream, between two parts. @default '1m' */
  readonly stallTimeout?: Duration
  /** How long a call may wait for its turn. @default '1h' */
  readonly queueTimeout?: Duration
  /** When a model is left alone for a while. @default after 5 failures in a row for 10 s; none for a single model */
  readonly breaker?: BreakerOptions
  /** What all calls together may spend. @default no bound */
  readonly budget?: Budget
  /** Prices by model id, before the built-in ones; `loadPrices()` reads them from a file. Each needs `input` and `output`. */
  readonly prices?: Readonly<Record<string, Price>>
  /** Put on calls that bound their answers by nothing, where a budget must know the most that they can cost. @default 4096 */
  readonly maxOutputTokens?: number
  /** The name in messages. @default 'the pool' */
  readonly name?: string
}

/** A model with settings of its own. */
export interface PoolMember<M> {
  readonly model: M
  readonly limits?: ModelLimits
  readonly concurrency?: number | 'auto'
  /** Tokens that fit into its context: longer calls go to the other models first. @default that of the price table; unknown */
  readonly contextWindow?: number
}

const perMinute = rules.number(1)
export const limitRules: OptionRules<ModelLimits> = {
  requestsPerMinute: perMinute,
  tokensPerMinute: perMinute,
  inputTokensPerMinute: perMinute,
  outputTokensPerMinute: perMinute,
}

export const poolRules: OptionRules<PoolOptions> = {
  limits: rules.object,
  concurrency: rules.whole(1, ['auto']),
  prefer: rules.oneOf('least-busy', 'first'),
  hedge: rules.object,
  retry: rules.whole(0),
  timeout: rules.duration,
  stallTimeout: rules.duration,
  queueTimeout: rules.duration,
  breaker: rules.object,
  budget: { expected: 'a budget made by budget()', accepts: (value) => value instanceof Budget },
  prices: rules.object,
  maxOutputTokens: rules.whole(1),
  name: rules.string,
}
