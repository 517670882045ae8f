/**
 * What bounds one call: timeout, retry, circuit breaker, limiter. The options are compiled once into a {@link Policy}; each
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
import { Cancellation, cancelled } from '../base/abort.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { type Duration, durationMs, formatMs } from '../base/duration.ts'
import { TimedOut } from '../base/errors.ts'
import { note, type TaskRecord } from '../base/observer.ts'
import { type OptionRules, rules } from '../base/options.ts'
import { Attempt } from './attempt.ts'
import { type BreakerOptions, CircuitBreaker } from './breaker.ts'
import { type CombinedLease, type CombinedLimiter, type Limit, limitOf, limitRule } from './combine.ts'
import { Retry, type RetryOptions, retryRule } from './retry.ts'

export interface PolicyOptions {
  /** For each attempt, from its start. @default none */
  readonly timeout?: Duration
  /** For each attempt, while it waits for `limit`. @default that of the limiter */
  readonly queueTimeout?: Duration
  /** How many times a failed attempt is made again, or how. @default 0 */
  readonly retry?: number | RetryOptions
  /** Refuses calls at once while the dependency is down. @default none */
  readonly breaker?: BreakerOptions | CircuitBreaker
  /** Limiters that each attempt needs; a pause between attempts holds none. @default none */
  readonly limit?: Limit
  /** Place in the limiters' queues: higher goes first. @default 0 */
  readonly priority?: number
  /** How many calls one call counts as in the limiters. Minimum 1. @default 1 */
  readonly weight?: number
  /** How long an attempt that was told to stop may go on before the call is settled without it. @default '1s' */
  readonly grace?: Duration
}

export const policyRules: OptionRules<PolicyOptions> = {
  timeout: rules.duration,
  queueTimeout: rules.duration,
  retry: retryRule,
  breaker: rules.object,
  limit: limitRule,
  priority: rules.number(Number.NEGATIVE_INFINITY),
  weight: rules.number(1),
  grace: rules.duration,
}

/** Long enough to close what was opened; chosen, not derived. */
export const defaultGraceMs = 1_000

/** What a policy is told about one call. */
export interface CallScope {
  /** Of the task or run that the call belongs to. */
  readonly cancellation: Cancellation
  /** When the run must be over, in milliseconds of the clock. @default `Infinity` */
  readonly deadline?: number
  /** For the call itself, from now, in milliseconds. @default none */
  readonly deadlineMs?: number | undefined
  /** For the context. @default 0 */
  readonly index?: number
  /** Gets the number of attempts and the times of waiting and pausing. */
  readonly record?: TaskRecord | undefined
  /** Arguments of the call, for limiters with a `cost`. */
  readonly args?: readonly unknown[]
  /** What messages call it. @default 'The call' */
  readonly name?: string
  /** The attempts run on an executor, which keeps the timeout itself and always settles. @default false */
  readonly remote?: boolean
}

export class Policy {
  /** For each attempt; undefined when there is none. */
  readonly timeoutMs: number | undefined
  readonly breaker: CircuitBreaker | undefined
  readonly retry: Retry | undefined
  readonly #clock: Clock
  readonly #limit: CombinedLimiter | undefined
  readonly #queueTimeoutMs: number | undefined
  readonly #priority: number
  readonly #weight: number
  readonly #graceMs: number

  /** @internal Use {@link compilePolicy}. */
  constructor(options: PolicyOptions, clock: Clock, random: () => number) {
    const { timeout, queueTimeout, retry, breaker, limit, grace } = options
    this.#clock = clock
    this.timeoutMs = timeout === undefined ? undefined : durationMs(timeout, 'timeout')
    this.#queueTimeoutMs = queueTimeout === undefined ? undefined : durationMs(queueTimeout, 'queueTimeout')
    this.#graceMs = grace === undefined ? defaultGraceMs : durationMs(grace, 'grace')
    this.retry = retry === undefined || retry === 0 ? undefined : new Retry(retry, random)
    if (breaker) this.breaker = breaker instanceof CircuitBreaker ? breaker : new CircuitBreaker(breaker, clock)
    if (limit) this.#limit = limitOf(limit, clock)
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
    retry?.budget.call(this.#clock.now())
    for (let number = 1; ; number++) {
      try {
        if (call.cancellation.aborted) throw cancelled(call.cancellation.reason, call.name)
        const lease = this.#limit && (await this.#admission(this.#limit, call))
        return await this.#attempt(
          attempt,
          new Attempt(call.index ?? 0, number, call.deadline ?? Number.POSITIVE_INFINITY),
          call,
          lease,
        )
      } catch (error) {
        if (!retry || call.cancellation.aborted) throw error
        const pauseMs = retry.pauseMs(error, number, this.#clock.now())
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

  /** Waits for the limiters. */
  async #admission(limit: CombinedLimiter, call: CallScope): Promise<CombinedLease> {
    // Who would be refused anyway shall not queue.
    this.breaker?.check()
    const from = this.#clock.now()
    try {
      return await limit.enter({
        weight: this.#weight,
        cost: undefined,
        args: call.args ?? [],
        priority: this.#priority,
        timeoutMs: this.#queueTimeoutMs,
        cancellation: call.cancellation,
        signal: undefined,
      })
    } finally {
      if (call.record) call.record.limiterMs += this.#clock.now() - from
    }
  }

  /** Makes one attempt that has been admitted, and tells breaker and limiters how it went. */
  async #attempt<T>(
    attempt: (context: Attempt) => T | PromiseLike<T>,
    context: Attempt,
    call: CallScope,
    lease: CombinedLease | undefined,
  ): Promise<T> {
    const { breaker } = this
    let pass = 0
    try {
      pass = breaker?.enter() ?? 0
    } catch (error) {
      lease?.refund()
      throw error
    }
    lease?.start()
    try {
      const value = await this.#bounded(attempt, context, call)
      breaker?.settle(pass, 'success')
      lease?.succeeded(value)
      return value
    } catch (error) {
      breaker?.settle(pass, breaker.verdict(error))
      lease?.release(undefined, error)
      throw error
    }
  }

  /** Settles when the attempt has settled, or `grace` after it was told to stop. */
  #bounded<T>(attempt: (context: Attempt) => T | PromiseLike<T>, context: Attempt, call: CallScope): Promise<T> {
    const clock = this.#clock
    const { timeoutMs } = this
    return new Promise<T>((resolve, reject) => {
      /** Once it is told to stop, this is the outcome, whatever the function still gives. */
      let stopped: Error | undefined
      let graceTimer: unknown
      const stop = (error: Error): void => {
        if (stopped) return
        stopped = error
        context.cancellation.abort(error)
        if (call.remote || this.#graceMs === Number.POSITIVE_INFINITY) return
        graceTimer = clock.schedule(this.#graceMs, () => {
          note(
            'other',
            call.record?.run.id ?? 0,
            `${call.name ?? 'The call'} was abandoned: it ignored its signal for ${formatMs(this.#graceMs)}`,
          )
          settled()
          reject(error)
        })
      }
      const unsubscribe = call.cancellation.subscribe((reason) => stop(cancelled(reason, call.name)))
      const timer =
        timeoutMs === undefined || call.remote
          ? undefined
          : clock.schedule(timeoutMs, () => stop(outOfTime(call, 'timeout', timeoutMs)))
      const settled = (): void => {
        unsubscribe()
        if (timer !== undefined) clock.cancel(timer)
        if (graceTimer !== undefined) clock.cancel(graceTimer)
      }
      const succeed = (value: T): void => {
        settled()
        if (stopped) reject(stopped)
        else resolve(value)
      }
      const fail = (error: unknown): void => {
        settled()
        reject((stopped ?? error) as Error)
      }
      try {
        const result = attempt(context)
        if (isThenable(result)) result.then(succeed, fail)
        else succeed(result)
      } catch (error) {
        fail(error)
      }
    })
  }

  /** Waits before the next attempt, unless the deadline would pass meanwhile: then it fails now. */
  #pause(pauseMs: number, error: unknown, call: CallScope): Promise<void> {
    const clock = this.#clock
    const leftMs = (call.deadline ?? Number.POSITIVE_INFINITY) - clock.now()
    if (pauseMs >= leftMs) {
      const message = `${call.name ?? 'The call'} failed, and its deadline would pass in the pause of ${formatMs(pauseMs)} before the next attempt`
      return Promise.reject(new TimedOut(message, { clock: 'deadline', cause: error }))
    }
    return new Promise((resolve, reject) => {
      const timer = clock.schedule(pauseMs, () => {
        unsubscribe()
        if (call.record) call.record.retryMs += pauseMs
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
export function compilePolicy(
  options: PolicyOptions,
  clock: Clock = systemClock,
  random: () => number = Math.random,
): Policy | undefined {
  const { timeout, queueTimeout, retry, breaker, limit } = options
  if ((timeout ?? queueTimeout ?? retry ?? breaker ?? limit) === undefined) return undefined
  return new Policy(options, clock, random)
}

/** False when the options need nothing beyond what an executor does for a batch by itself: at most `timeout`. */
export function needsTask({ queueTimeout, retry, breaker, limit }: PolicyOptions): boolean {
  return (queueTimeout ?? retry ?? breaker ?? limit) !== undefined
}

/** The `timeout` option in milliseconds. */
export function timeoutOnlyMs(options: PolicyOptions): number | undefined {
  return options.timeout === undefined ? undefined : durationMs(options.timeout, 'timeout')
}

function outOfTime(call: CallScope, clock: 'timeout' | 'deadline', limitMs: number): TimedOut {
  const what = clock === 'timeout' ? 'an attempt took' : 'it took'
  return new TimedOut(`${call.name ?? 'The call'} timed out: ${what} longer than the ${clock} of ${formatMs(limitMs)}`, {
    clock,
    limitMs,
  })
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === 'function'
}
