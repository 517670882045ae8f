/**
 * Hedged calls (Dean and Barroso, "The Tail at Scale", 2013): a call that is slower than most gets a second try, and the first
 * good answer of the two counts.
 */
import { type Clock, systemClock, type TimerHandle } from '../base/clock.ts'
import { type Duration, durationMs } from '../base/duration.ts'
import { Cancelled } from '../base/errors.ts'
import { isTaskContext, type TaskContext } from '../base/frame.ts'
import { nameOf } from '../base/look.js'
import { checkFunction, checkOptions, type OptionRules, rules } from '../base/options.ts'
import { withContext } from '../base/with-context.js'
import { TokenBucket } from '../limits/token-bucket.ts'
import { call, contextOptions } from '../run/call.ts'
import { type FunctionRef, refOf } from '../run/executor.ts'
import { Group } from '../run/group.ts'
import type { Guarded } from '../run/guard.ts'
import { Contest } from './contest.ts'
import { type QuantileName, quantileRule, shareOf, SlidingQuantile } from './quantile.ts'

/** Options of {@link hedge}. */
export interface HedgeOptions {
  /**
   * When the second try starts: after this long, or after a quantile of the latest times, such as `'p95'`. A quantile needs some
   * calls first, 40 for `'p95'`; until then there is no second try. @default 'p95'
   */
  readonly after?: Duration | QuantileName
  /**
   * How many second tries there may be per call, from 0 to 1: never more than this share of all calls so far, and one; what is not
   * used is saved up for ten. @default 0.05
   */
  readonly extra?: number
  /** The name in messages and traces. @default the function's name */
  readonly name?: string
}

export const hedgeRules: OptionRules<HedgeOptions> = {
  after: rules.either(quantileRule, rules.duration),
  extra: rules.number(0, 1),
  name: rules.string,
}

/**
 * The same function with a second try for the slow tail. The first good answer counts and the other try is cancelled; when both
 * fail, the first failure does. A call that fails before its second try has started fails at once: trying again after a failure is
 * what `guard` and `retry` are for.
 *
 * The function must be safe to call twice. Each try gets the `TaskContext` after its arguments, with a signal of its own: pass it
 * on, or losers go on without use. `hedge` does not wait for them.
 *
 * @param fn a function that may be called twice for one result
 * @example
 * const ask = hedge(askReplica, { after: 'p95', extra: 0.05 })
 *
 * @throws {InvalidOption} at once, for a wrong option
 */
export function hedge<F extends (...args: never[]) => unknown>(fn: F, options: HedgeOptions = {}): Guarded<F> {
  return hedgeWith(fn, options, systemClock)
}

/** @internal With a clock of the caller's. */
export function hedgeWith<F extends (...args: never[]) => unknown>(fn: F, options: HedgeOptions, clock: Clock): Guarded<F> {
  checkFunction(fn, 'fn', 'hedge')
  checkOptions<HedgeOptions>(options, hedgeRules, 'hedge')
  const ref = refOf(fn)
  const name = options.name ?? ref?.name ?? nameOf(fn)
  const target: Target = { fn: fn as unknown as Target['fn'], ref, name, clock, timing: new HedgeTiming(options) }
  const hedged = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    return runHedged(target, this, isTaskContext(args.at(-1)) ? args.slice(0, -1) : args)
  }
  Object.defineProperty(hedged, 'name', { value: name, configurable: true })
  Object.defineProperty(hedged, 'length', { value: fn.length, configurable: true })
  return hedged as unknown as Guarded<F>
}

/** How many second tries may be saved up; chosen, so that a slow moment does not double the load. */
const savedUp = 10

/** When a second try may start. Pure. */
export class HedgeTiming {
  readonly #quantile: SlidingQuantile | undefined
  readonly #fixedMs: number
  /** Its time is the number of calls: each brings `extra` of a second try. */
  readonly #bucket: TokenBucket | undefined
  #calls = 0

  constructor({ after = 'p95', extra = 0.05 }: HedgeOptions) {
    const share = shareOf(after)
    if (share !== undefined) this.#quantile = new SlidingQuantile(share)
    this.#fixedMs = share === undefined ? durationMs(after as Duration, 'after') : 0
    if (extra === 0) return
    this.#bucket = new TokenBucket({ allowance: extra, perMs: 1, burst: savedUp }, 0)
    this.#bucket.set(1, 0)
  }

  /** A call begins. Gives how long its first try has to itself; undefined when too little is known for a second. */
  begin(): number | undefined {
    this.#calls++
    return this.#quantile ? this.#quantile.value : this.#fixedMs
  }

  /** A first try has succeeded, or was cancelled after the second had: then its time was at least this. */
  took(ms: number): void {
    this.#quantile?.add(ms)
  }

  /** Whether a second try may start; counts it if so. */
  spend(): boolean {
    const bucket = this.#bucket
    if (!bucket || bucket.waitMs(1, this.#calls) > 0) return false
    bucket.take(1, this.#calls)
    return true
  }
}

/** What all calls of one hedged function share. */
interface Target {
  readonly fn: (...args: readonly unknown[]) => unknown
  readonly ref: FunctionRef | undefined
  readonly name: string
  readonly clock: Clock
  readonly timing: HedgeTiming
}

async function runHedged(target: Target, self: unknown, args: readonly unknown[]): Promise<unknown> {
  const { clock, timing, ref, name } = target
  const group = new Group('call', name, {}, -1, 2)
  const contest = new Contest(group, clock, { graceMs: 0, sameCall: true })
  const startedAt = clock.now()
  let timer: TimerHandle | undefined
  let outcome = undefined as { readonly value: unknown } | undefined
  let failures = 0
  let tries = 0

  const start = (): void => {
    const index = tries++
    const fn = (context: TaskContext): unknown =>
      ref ? send(ref, args, context) : target.fn.call(self, ...withContext(target.fn.length, args, context))
    const succeed = (value: unknown): void => {
      // Also when the second try won: the first would have taken longer than this.
      if (!outcome) timing.took(clock.now() - startedAt)
      outcome ??= { value }
      decide()
    }
    const fail = (error: unknown): void => {
      if (!outcome && !group.aborted) group.failure ??= { error, at: index }
      if (++failures === tries) decide()
    }
    contest.start({ index, args }, { fn, succeed, fail })
  }
  const decide = (): void => {
    if (timer !== undefined) clock.cancel(timer)
    contest.decide(new Cancelled('not needed any more: the other try has answered'))
  }

  const afterMs = timing.begin()
  if (!group.aborted) {
    if (afterMs !== undefined) {
      timer = clock.schedule(afterMs, () => {
        if (!group.aborted && timing.spend()) start()
      })
    }
    start()
    await group.settled(contest.over)
  }
  if (timer !== undefined) clock.cancel(timer)
  if (outcome) group.failure = undefined
  const failure = group.failure
  group.close()
  if (outcome) return outcome.value
  throw failure ? failure.error : group.cancelError()
}

function send(ref: FunctionRef, args: readonly unknown[], context: TaskContext): Promise<unknown> {
  return call(ref, args, contextOptions(context))
}
