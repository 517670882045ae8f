import { type Duration, durationMs } from '../base/duration.ts'
import { describe, InvalidOption } from '../base/errors.ts'
import { checkOptions, type Rule, rules } from '../base/options.ts'
import { type AdaptiveOptions, adaptiveRules } from './adaptive.ts'

/** What a limiter bounds, and who waits for it. */
export interface LimiterOptions {
  /** How many calls may be under way; `'auto'` adapts to what the other side can take. Minimum 1. @default no bound */
  readonly concurrency?: number | 'auto'
  /** How many calls may start in any window of `per`. More than 0. @default no bound */
  readonly rate?: number
  /** How many tokens the calls may use in any window of `per`. More than 0. @default no bound */
  readonly tokens?: number
  /**
   * A second allowance of tokens in any window of `per`, for servers that meter what goes in and what comes out apart. What a call
   * takes of it is its `outputCost`. More than 0. @default no bound
   */
  readonly outputTokens?: number
  /** The time that `rate`, `tokens` and `outputTokens` are for. Needed with any of them. */
  readonly per?: Duration
  /**
   * How many calls may start at once after a pause. From 1 to `rate`. The default is what flows in within 100 ms and one more:
   * enough to make up for a late timer. @default 1 + rate × 100 ms / per
   */
  readonly burst?: number
  /**
   * `'sliding'`: no window of `per`, wherever it begins, sees more than the allowance. `'bucket'`: a plain token bucket that
   * holds the full allowance, as model providers keep them; the first window may see up to twice the allowance.
   * @default 'sliding'
   */
  readonly metering?: 'sliding' | 'bucket'
  /** Tokens that a call will probably use, from the arguments of the guarded or mapped function. @default 1 */
  readonly cost?: (...args: never[]) => number
  /** Tokens that it did use, from its result; undefined when that is not known. @default what `cost` said */
  readonly actualCost?: (result: never) => number | undefined
  /** How many may wait; one more is refused with `Overflow`. Minimum 0. @default 1_000_000 */
  readonly maxQueue?: number
  /** How long a call may wait before it is refused with `TimedOut`. @default no limit */
  readonly queueTimeout?: Duration
  /** With `concurrency: 'auto'`: bounds and start of the adaptation. */
  readonly adaptive?: AdaptiveOptions
  /** The name in messages. @default 'limiter'*/
  readonly name?: string
}

/** What {@link Limiter.update} may change while calls wait and run. */
export interface LimiterUpdate {
  /** As in the options; only for a limiter that has a fixed `concurrency`. */
  readonly concurrency?: number
  /** As in the options; only for a limiter that has a `rate`. */
  readonly rate?: number
  /** As in the options; only for a limiter that has `tokens`. */
  readonly tokens?: number
  /** As in the options; only for a limiter that has `outputTokens`. */
  readonly outputTokens?: number
  /** As in the options. */
  readonly per?: Duration
  /** As `per`, for `rate` alone: some servers count calls per day and tokens per minute. @default `per` */
  readonly ratePer?: Duration
  /** As `per`, for `tokens` alone. @default `per` */
  readonly tokensPer?: Duration
  /** As `per`, for `outputTokens` alone. @default `per` */
  readonly outputTokensPer?: Duration
  /** How many calls may gather while none starts. From 1 to `rate`. @default as the limiter was made, and again at the next change of `rate` */
  readonly burst?: number
  /** The same for tokens: more than 0, up to `tokens`. @default `tokens` */
  readonly tokensBurst?: number
  /** The same for output tokens. @default `outputTokens` */
  readonly outputTokensBurst?: number
}

/** Options of one wait for a limiter. */
export interface AcquireOptions {
  /** Ends the wait with `Cancelled`. */
  readonly signal?: AbortSignal
  /** Ends the wait with `TimedOut`. @default the limiter's `queueTimeout` */
  readonly timeout?: Duration
  /** Higher goes first; equal ones in order of arrival. @default 0 */
  readonly priority?: number
  /** How many calls it counts as, for `concurrency` and `rate`. Minimum 1. @default 1 */
  readonly weight?: number
  /** How many tokens it will probably use. @default 1 */
  readonly cost?: number
  /** How many of the `outputTokens` it will probably use. @default 0 */
  readonly outputCost?: number
}

/** More than zero, so that a waiter can learn when. */
const positive: Rule = {
  expected: 'a number above 0',
  accepts: (value) => typeof value === 'number' && value > 0 && Number.isFinite(value),
}

const span: Rule = {
  expected: "a duration above 0, such as '1s'",
  accepts: (value) => rules.duration.accepts(value) && positive.accepts(durationMs(value as Duration, 'per')),
}

const limiterRules = {
  concurrency: rules.whole(1, ['auto']),
  rate: positive,
  tokens: positive,
  outputTokens: positive,
  per: span,
  burst: rules.number(1),
  metering: rules.oneOf('sliding', 'bucket'),
  cost: rules.function,
  actualCost: rules.function,
  maxQueue: rules.whole(0),
  queueTimeout: rules.duration,
  adaptive: rules.object,
  name: rules.string,
}

const updateRules = {
  concurrency: rules.whole(1),
  rate: positive,
  tokens: positive,
  outputTokens: positive,
  per: span,
  ratePer: span,
  tokensPer: span,
  outputTokensPer: span,
  burst: rules.number(1),
  tokensBurst: positive,
  outputTokensBurst: positive,
}

const acquireRules = {
  signal: rules.signal,
  timeout: rules.duration,
  priority: rules.number(Number.NEGATIVE_INFINITY),
  weight: rules.number(1),
  cost: rules.number(0),
  outputCost: rules.number(0),
}

/** @throws {InvalidOption} */
export function checkLimiter(options: LimiterOptions): void {
  checkOptions<LimiterOptions>(options, limiterRules, 'limiter')
  const { concurrency, rate, tokens, outputTokens, per, burst, adaptive } = options
  const metered = (rate ?? tokens ?? outputTokens) !== undefined
  if (concurrency === undefined && !metered) {
    throw new InvalidOption('Expected limiter to get `concurrency`, `rate` or `tokens`, got none of them')
  }
  if (metered && per === undefined) {
    throw new InvalidOption('Expected `per` to be given with `rate` or `tokens`, got undefined', {
      hint: "For example limiter({ rate: 100, per: '1s' }).",
    })
  }
  if (!metered && per !== undefined) throw new InvalidOption('Expected `per` to come with `rate` or `tokens`, got neither')
  if (burst !== undefined && (rate === undefined || burst > Math.max(1, rate))) {
    throw new InvalidOption(
      `Expected \`burst\` to be a number from 1 up to \`rate\`, got ${describe(burst)} with a \`rate\` of ${describe(rate)}`,
    )
  }
  if (adaptive !== undefined) {
    if (concurrency !== 'auto') throw new InvalidOption("Expected `adaptive` to come with `concurrency: 'auto'`")
    checkOptions<AdaptiveOptions>(adaptive, adaptiveRules, 'adaptive')
  }
}

/** @throws {InvalidOption} when it changes a bound that the limiter does not have */
export function checkUpdate(update: LimiterUpdate, options: LimiterOptions): void {
  checkOptions<LimiterUpdate>(update, updateRules, 'update')
  const absent = (name: string): never => {
    throw new InvalidOption(`Expected \`${name}\` to be a bound that the limiter was made with`)
  }
  if (update.concurrency !== undefined && typeof options.concurrency !== 'number') absent('concurrency')
  if ((update.rate ?? update.ratePer ?? update.burst) !== undefined && options.rate === undefined) absent('rate')
  if ((update.tokens ?? update.tokensPer ?? update.tokensBurst) !== undefined && options.tokens === undefined) absent('tokens')
  const output = update.outputTokens ?? update.outputTokensPer ?? update.outputTokensBurst
  if (output !== undefined && options.outputTokens === undefined) absent('outputTokens')
}

/** @throws {InvalidOption} */
export function checkAcquire(options: AcquireOptions): void {
  checkOptions<AcquireOptions>(options, acquireRules, 'acquire')
}
