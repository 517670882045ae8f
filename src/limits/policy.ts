/**
 * The bounds of one call: timeout, retry, circuit breaker, limiter. The options are compiled once into a {@link Policy}; each
 * call then goes through it:
 *
 *     deadline( retry( breaker( limiter( timeout( attempt )))))
 *
 * Three clocks: `timeout` runs from the start of each attempt, `queueTimeout` while an attempt waits for its limiters,
 * `deadline` over everything, pauses and waits included.
 *
 * An attempt that is to stop (timeout, deadline, cancellation) has its signal aborted, and the policy waits until it has
 * settled, so that nothing outlives the call. A function on this thread that ignores its signal cannot be ended: `grace`
 * after the signal it is abandoned, the error is delivered, and what it gives later is dropped. Every promise settles.
 */
import { otherCopy } from '../base/other-copy.ts'
import { Cancellation, cancelled } from '../base/abort.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { type Duration, durationMs, formatMs, graceMsOf } from '../base/duration.ts'
import { TimedOut } from '../base/errors.ts'
import { type OptionRules, rules } from '../base/options.ts'
import { type Attempt, type AttemptBounds, type CallScope, outOfTime, Running } from './attempt.ts'
import { type BreakerOptions, CircuitBreaker } from './breaker.ts'
import { type CombinedLease, type CombinedLimiter, type Limit, type Limiters, limitOf, limitRule } from './combine.ts'
import { Retry, type RetryOptions, retryRule } from './retry.ts'

/** The bounds of one call; the same wherever a function is called. */
export interface PolicyOptions<A extends readonly unknown[] = never[]> {
  /** For each attempt, from its start. @default none */
  readonly timeout?: Duration
  /** For each attempt, while it waits to start: for `limit`, and in the queue of an executor. @default that of the limiter */
  readonly queueTimeout?: Duration
  /** How many times a failed attempt is made again, or how. @default 0 */
  readonly retry?: number | RetryOptions
  /** Refuses calls at once while the dependency is down. @default none */
  readonly breaker?: BreakerOptions | CircuitBreaker
  /**
   * Limiters that each attempt needs; a pause between attempts holds none. A function says which ones from the arguments of the call, such as
   * `limiterPer` makes. @default none
   */
  readonly limit?: Limit<A>
  /** Place in the limiters' queues: higher goes first. @default 0 */
  readonly priority?: number
  /** How many calls one call counts as in the limiters. Minimum 1. @default 1 */
  readonly weight?: number
  /** How long an attempt that was asked to stop may go on before the call is settled without it. @default '1s' */
  readonly grace?: Duration
}

export const policyRules: OptionRules<PolicyOptions> = {
  timeout: rules.duration,
  queueTimeout: rules.duration,
  retry: retryRule,
  breaker: {
    expected: 'the options of a circuit breaker, or one that circuitBreaker(…) gave',
    accepts: (value) =>
      rules.object.accepts(value) && (value instanceof CircuitBreaker || !otherCopy(value, CircuitBreaker.name)),
    hint: (value) => otherCopy(value, CircuitBreaker.name),
  },
  limit: limitRule,
  priority: rules.number(Number.NEGATIVE_INFINITY),
  weight: rules.number(1),
  grace: rules.duration,
}

/** Where a policy lives; all of it may be left out. */
export interface PolicySetting {
  readonly clock?: Clock
  /** Numbers from 0 up to 1. */
  readonly random?: () => number
  /** The attempts run on an executor, which keeps `timeout` itself, from the start on its worker, and always settles. */
  readonly remote?: boolean
}

export class Policy {
  /** For each attempt; undefined when there is none. */
  readonly timeoutMs: number | undefined
  readonly breaker: CircuitBreaker | undefined
  readonly retry: Retry | undefined
  readonly #clock: Clock
  readonly #limit: CombinedLimiter | undefined
  readonly #limitBy: ((...args: readonly unknown[]) => Limiters | undefined) | undefined
  readonly #queueTimeoutMs: number | undefined
  readonly #priority: number
  readonly #weight: number
  readonly #graceMs: number

  readonly #remote: boolean

  /** @internal Use {@link compilePolicy}. */
  constructor(options: PolicyOptions, { clock = systemClock, random = Math.random, remote = false }: PolicySetting = {}) {
    const { timeout, queueTimeout, retry, breaker, limit, grace } = options
    this.#clock = clock
    this.#remote = remote
    this.timeoutMs = timeout === undefined ? undefined : durationMs(timeout, 'timeout')
    this.#queueTimeoutMs = queueTimeout === undefined ? undefined : durationMs(queueTimeout, 'queueTimeout')
    this.#graceMs = graceMsOf(grace)
    this.retry = retry === undefined || retry === 0 ? undefined : new Retry(retry, random)
    if (breaker) this.breaker = breaker instanceof CircuitBreaker ? breaker : new CircuitBreaker(breaker, clock)
    if (typeof limit === 'function') this.#limitBy = limit as (...args: readonly unknown[]) => Limiters | undefined
    else if (limit) this.#limit = limitOf(limit, clock)
    this.#priority = options.priority ?? 0
    this.#weight = options.weight ?? 1
  }

  /**
   * Makes the call: as many attempts as it takes.
   *
   * @param attempt makes one attempt; what it is given is the `TaskContext` for the function
   * @throws {TimedOut} when one of the three clocks ran out
   * @throws {CircuitOpen} when the breaker refuses
   * @throws what the last attempt threw, else
   */
  async run<T>(attempt: (context: Attempt) => T | PromiseLike<T>, call: CallScope): Promise<T> {
    if (call.deadlineMs !== undefined) return this.#withDeadline(attempt, call, call.deadlineMs)
    const { retry } = this
    retry?.budget?.call(this.#clock.now())
    for (let number = 1; ; number++) {
      try {
        return await this.#attempt(attempt, call, number)
      } catch (error) {
        if (!retry || call.cancellation.aborted) throw error
        const pauseMs = retry.pauseMs(error, number, this.#clock.now(), call.record?.run.id)
        if (pauseMs === undefined) throw error
        await this.#pause(pauseMs, error, call)
        if (call.record) call.record.attempts = number + 1
      }
    }
  }

  async #withDeadline<T>(attempt: (context: Attempt) => T | PromiseLike<T>, call: CallScope, deadlineMs: number): Promise<T> {
    const cancellation = new Cancellation(call.cancellation)
    const at = this.#clock.now() + deadlineMs
    const timer = this.#clock.schedule(deadlineMs, () => cancellation.abort(outOfTime(call, 'deadline', deadlineMs)))
    try {
      const deadline = Math.min(call.deadline ?? Number.POSITIVE_INFINITY, at)
      return await this.run(attempt, { ...call, cancellation, deadline, deadlineMs: undefined })
    } finally {
      this.#clock.cancel(timer)
      cancellation.close()
    }
  }

  /** Makes one attempt: waits for the limiters, asks the breaker, and reports to both how it went. */
  async #attempt<T>(attempt: (context: Attempt) => T | PromiseLike<T>, call: CallScope, number: number): Promise<T> {
    const { breaker } = this
    if (call.cancellation.aborted) throw cancelled(call.cancellation.reason, call.name)
    const from = this.#remote ? this.#clock.now() : 0
    const limit = this.#limitBy ? this.#limitFor(this.#limitBy(...(call.args ?? []))) : this.#limit
    const lease = limit && (await this.#admission(limit, call))
    const pass = this.#enter(lease, call)
    const running = new Running(this.#clock, call, { number, retry: this.retry }, this.#bounds(from))
    try {
      // The function is awaited without a detour, so that the engine can show the wait-for graph who awaits whom.
      const value = await running.begin(attempt, lease)
      if (running.stopped) throw running.stopped
      lease?.succeeded(value)
      breaker?.settle(pass, 'success')
      return value
    } catch (thrown) {
      const error = running.stopped ?? thrown
      // Functions of the user judge the error: what they throw is the outcome, and everything is given back all the same.
      try {
        breaker?.failed(pass, error)
      } finally {
        lease?.release(undefined, error)
      }
      throw error
    } finally {
      running.end()
    }
  }

  /** @param from when the attempt began to wait */
  #bounds(from: number): AttemptBounds {
    const { timeoutMs } = this
    if (!this.#remote) return { clock: 'timeout', limitMs: timeoutMs, leftMs: timeoutMs ?? 0, graceMs: this.#graceMs }
    const limitMs = this.#queueTimeoutMs
    const leftMs = Math.max(0, (limitMs ?? 0) - (this.#clock.now() - from))
    return { clock: 'queueTimeout', limitMs, leftMs, graceMs: undefined }
  }

  /** Asks the breaker. */
  #enter(lease: CombinedLease | undefined, call: CallScope): number {
    try {
      if (call.cancellation.aborted) throw cancelled(call.cancellation.reason, call.name)
      return this.breaker?.enter() ?? 0
    } catch (error) {
      lease?.refund()
      throw error
    }
  }

  #limitFor(limit: Limiters | undefined): CombinedLimiter | undefined {
    return limit && limitOf(limit, this.#clock)
  }

  /** Waits for the limiters. */
  async #admission(limit: CombinedLimiter, call: CallScope): Promise<CombinedLease> {
    // A call that would be refused anyway does not queue.
    this.breaker?.check()
    const from = this.#clock.now()
    try {
      return await limit.enter({
        weight: this.#weight,
        cost: undefined,
        outputCost: 0,
        args: call.args ?? [],
        priority: this.#priority,
        timeoutMs: this.#queueTimeoutMs,
        cancellation: call.cancellation,
        signal: undefined,
        inside: true,
      })
    } finally {
      if (call.record) call.record.limiterMs += this.#clock.now() - from
    }
  }

  /** Waits before the next attempt, unless the deadline would pass meanwhile: then it fails now. */
  #pause(pauseMs: number, error: unknown, call: CallScope): Promise<void> {
    const clock = this.#clock
    const leftMs = (call.deadline ?? Number.POSITIVE_INFINITY) - clock.now()
    if (pauseMs >= leftMs) {
      const message = `${call.name ?? 'The call'} failed, and its deadline would pass in the pause of ${formatMs(pauseMs)} before the next attempt`
      return Promise.reject(new TimedOut(message, { clock: 'deadline', cause: error }))
    }
    if (call.record) call.record.retryMs += pauseMs
    return new Promise((resolve, reject) => {
      const timer = clock.schedule(pauseMs, () => {
        unsubscribe()
        resolve()
      })
      const unsubscribe = call.cancellation.subscribe((reason) => {
        clock.cancel(timer)
        reject(cancelled(reason, call.name))
      })
    })
  }
}

/**
 * Compiles the options of a call, once; undefined when none of them asks for anything.
 * @throws {InvalidOption}
 */
export function compilePolicy(options: PolicyOptions, setting?: PolicySetting): Policy | undefined {
  const { timeout, queueTimeout, retry, breaker, limit } = options
  if ((timeout ?? queueTimeout ?? retry ?? breaker ?? limit) === undefined) return undefined
  return new Policy(options, setting)
}

/** False when the options need nothing beyond what an executor does for a batch by itself: at most `timeout`. */
export function needsTask({ queueTimeout, retry, breaker, limit }: PolicyOptions): boolean {
  return (queueTimeout ?? retry ?? breaker ?? limit) !== undefined
}

/** The `timeout` option in milliseconds. */
export function timeoutOnlyMs(options: PolicyOptions): number | undefined {
  return options.timeout === undefined ? undefined : durationMs(options.timeout, 'timeout')
}
