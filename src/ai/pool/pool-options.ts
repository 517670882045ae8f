/** Options of pools, and what is checked of them. */
import type { Duration } from '../../base/duration.ts'
import { type OptionRules, rules } from '../../base/options.ts'
import type { BreakerOptions } from '../../limits/index.ts'
import { SharedLimits } from '../account/share-limits.ts'
import { ResponseCache } from '../cache/response-cache.ts'
import { Budget } from './budget.ts'
import type { HedgeOptions } from './hedge.ts'
import type { FailureClass } from '../../base/errors.ts'
import type { Prefer } from './prefer.ts'
import type { Ability, Price } from '../prices/prices.ts'
import { type PromptCacheOptions, promptCacheRule } from './prompt-cache.ts'
import type { ModelLimits } from './charges.ts'

/** Options of a pool of models. */
export interface PoolOptions {
  /** Limits of each model; what is not given is learned from the response headers. @default all learned */
  readonly limits?: ModelLimits
  /** Limits that other programs with the same account keep together with this one; see `shareLimits`. @default each program for itself */
  readonly share?: SharedLimits
  /** Requests under way per model. `'auto'`: up to 1,024, fewer while the provider is overloaded. @default 'auto' */
  readonly concurrency?: number | 'auto'
  /**
   * Which model a call goes to: the one with the most room, the first that works, the one on which the call costs least, the one that was fastest
   * lately, or as a function says. @default 'least-busy'
   */
  readonly prefer?: Prefer
  /** Bounds that `prefer` keeps to, as measured and as prices say: how long a call may take, and what it may cost. @default none */
  readonly within?: { readonly latency?: Duration; readonly usd?: number }
  /**
   * Where a call may go after a failure, by what was wrong: `true` to every model, `false` to none, or names of models. With `'rate-limit': true` calls of
   * `prefer: 'first'` do not wait for a limit where another model is free. @default true for all but 'rate-limit'
   */
  readonly fallback?: Readonly<Partial<Record<FallbackClass, boolean | readonly string[]>>>
  /**
   * Whether a whole answer is good enough: `false`, a text that says why not, or an error that is thrown, sends the call to the next model. Streams are not
   * checked: what has been passed on cannot be taken back. @default every answer is
   */
  readonly check?: (answer: CheckedAnswer) => boolean | string | undefined | PromiseLike<boolean | string | undefined>
  /** How long a model that takes no request is left alone at first; doubled each time, up to 5 minutes. @default '5s' */
  readonly coolDown?: Duration
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
  /** Answers equal calls without asking again: a cache made by `responseCache()`. @default none */
  readonly cache?: ResponseCache
  /** Uses the prompt caches of providers: marks and orders beginnings, and with `{ warm: true }` lets one call fill the cache for the others. @default false */
  readonly promptCache?: boolean | PromptCacheOptions
  /** The name in messages. @default 'the pool' */
  readonly name?: string
}

/** What was wrong with a call that may go to another model. */
export type FallbackClass = Exclude<FailureClass, 'program'>

/** An answer as `check` gets it. */
export interface CheckedAnswer {
  /** All of its text. */
  readonly text: string
  /** Why it ended: `'stop'`, `'length'`, `'tool-calls'`, `'content-filter'` … */
  readonly finishReason: string
  /** Its parts, as the AI SDK gives them. */
  readonly content: readonly unknown[]
  /** The name of the model that gave it. */
  readonly model: string
}

/** A model with settings of its own. */
export interface PoolMember<M> {
  readonly model: M
  /** Its name in reports, messages and `fallback`: two deployments of one model need one each. @default `provider/model` */
  readonly name?: string
  readonly limits?: ModelLimits
  readonly concurrency?: number | 'auto'
  /** Tokens that fit into its context: longer calls go to the other models first. @default that of the price table; unknown */
  readonly contextWindow?: number
  /** What it can do: calls that need more go to the other models first. @default that of the price table; unknown */
  readonly abilities?: readonly Ability[]
  /** The most tokens of an answer: calls that ask for more go to the other models first. @default that of the price table; unknown */
  readonly maxOutput?: number
  /** As of the pool. @default that of the pool */
  readonly coolDown?: Duration
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
  share: { expected: 'limits made by shareLimits()', accepts: (value) => value instanceof SharedLimits },
  concurrency: rules.whole(1, ['auto']),
  prefer: rules.either(rules.oneOf('least-busy', 'first', 'cheapest', 'fastest'), rules.function),
  within: rules.object,
  fallback: rules.object,
  check: rules.function,
  coolDown: rules.duration,
  hedge: rules.object,
  retry: rules.whole(0),
  timeout: rules.duration,
  stallTimeout: rules.duration,
  queueTimeout: rules.duration,
  breaker: rules.object,
  budget: { expected: 'a budget made by budget()', accepts: (value) => value instanceof Budget },
  prices: rules.object,
  maxOutputTokens: rules.whole(1),
  cache: { expected: 'a cache made by responseCache()', accepts: (value) => value instanceof ResponseCache },
  promptCache: promptCacheRule,
  name: rules.string,
}
