/**
 * One limiter bounds how many calls are under way (`concurrency`), how many start in a time (`rate`) and how many tokens
 * they may use in a time (`tokens`), for everybody who shares it.
 *
 * Policy: one queue, served by priority and within a priority in order of arrival. Only its head may start, and only when
 * all bounds allow it at the same moment; it then takes from all of them at once. So nobody holds one bound while waiting
 * for another, a heavy call is not overtaken for ever by light ones, and a waiter that leaves cannot hold up the others.
 *
 * State: what is under way ({@link Slots}), the buckets, the queue, one timer for the moment at which the head may start.
 * Invariant: after every event either the queue is empty, or its head may not start now, and a release or the timer will
 * look again.
 */
import { Cancellation, cancelled } from '../base/abort.ts'
import { type Clock, systemClock, type TimerHandle } from '../base/clock.ts'
import { durationMs, formatMs } from '../base/duration.ts'
import { Closed, describe, InvalidOption, Overflow, TimedOut } from '../base/errors.ts'
import { currentFrame } from '../base/frame.ts'
import { AdaptiveConcurrency } from './adaptive.ts'
import { Lease, type LeaseOwner } from './lease.ts'
import {
  type AcquireOptions,
  checkAcquire,
  checkLimiter,
  checkUpdate,
  type LimiterOptions,
  type LimiterUpdate,
} from './limiter-options.ts'
import { Slots } from './slots.ts'
import { TokenBucket } from './token-bucket.ts'
import { type Place, WaitQueue } from './wait-queue.ts'

/** @internal What a call asks of a limiter. */
export interface Request {
  readonly weight: number
  /** Undefined: the limiter's own `cost` computes it from `args`. */
  readonly cost: number | undefined
  readonly args: readonly unknown[]
  readonly priority: number
  /** Undefined: the limiter's own `queueTimeout`. */
  readonly timeoutMs: number | undefined
  /** What ends the wait: the task that waits, and a signal of the caller's. */
  readonly cancellation: Cancellation | undefined
  readonly signal: Cancellation | undefined
}

/** @internal */
export function requestOf(options: AcquireOptions): Request {
  checkAcquire(options)
  return {
    weight: options.weight ?? 1,
    cost: options.cost,
    args: [],
    priority: options.priority ?? 0,
    timeoutMs: options.timeout === undefined ? undefined : durationMs(options.timeout, 'timeout'),
    cancellation: currentFrame().cancellation,
    signal: Cancellation.of(options.signal),
  }
}

interface Waiter {
  readonly weight: number
  readonly cost: number
  readonly resolve: (lease: Lease) => void
  /** Takes the waiter's timer and subscription off. */
  readonly leave: () => void
  readonly reject: (error: Error) => void
}

/** Numbers for reports. */
export interface LimiterStats {
  /** Calls under way now. */
  readonly running: number
  /** Calls waiting now. */
  readonly waiting: number
  /** Calls that have started so far. */
  readonly started: number
  /** Calls refused so far: queue full, waited too long, cancelled, closed. */
  readonly refused: number
  /** The bound on calls under way at this moment; `Infinity` without one. */
  readonly concurrency: number
  /** Tokens that started calls have used, or reserved while they run. */
  readonly tokens: number
}

let made = 0

export class Limiter implements LeaseOwner {
  readonly name: string
  /** @internal Combined limiters are acquired in the order of these: those that count time last, then by age. */
  readonly order: readonly [metered: number, age: number]
  readonly #clock: Clock
  readonly #options: LimiterOptions
  readonly #slots: Slots | undefined
  readonly #adaptive: AdaptiveConcurrency | undefined
  readonly #rate: TokenBucket | undefined
  readonly #tokens: TokenBucket | undefined
  readonly #queue = new WaitQueue<Waiter>()
  readonly #maxQueue: number
  readonly #queueTimeoutMs: number
  #timer: TimerHandle | undefined
  #pausedUntil = Number.NEGATIVE_INFINITY
  #closed: Error | undefined
  #running = 0
  #started = 0
  #refused = 0
  #tokensUsed = 0

  /** @internal Use {@link limiter}. */
  constructor(options: LimiterOptions, clock: Clock = systemClock) {
    checkLimiter(options)
    this.#clock = clock
    this.#options = options
    this.name = options.name ?? 'limiter'
    const { concurrency, rate, tokens, metering = 'sliding' } = options
    this.order = [rate === undefined && tokens === undefined ? 0 : 1, ++made]
    if (concurrency === 'auto') {
      this.#adaptive = new AdaptiveConcurrency(options.adaptive, { clock, name: this.name })
      this.#adaptive.onChange = (limit) => this.#setSlots(limit)
    }
    if (concurrency !== undefined) this.#slots = new Slots(this.#adaptive?.limit ?? (concurrency as number))
    const perMs = durationMs(options.per ?? 0, 'per')
    const sliding = metering === 'sliding'
    const now = clock.now()
    if (rate !== undefined) {
      this.#rate = new TokenBucket({ allowance: rate, perMs, burst: this.#burst(rate, perMs), sliding }, now)
    }
    if (tokens !== undefined) this.#tokens = new TokenBucket({ allowance: tokens, perMs, burst: tokens, sliding }, now)
    this.#maxQueue = options.maxQueue ?? 1_000_000
    this.#queueTimeoutMs = durationMs(options.queueTimeout ?? Number.POSITIVE_INFINITY, 'queueTimeout')
  }

  /**
   * Waits for the right to make one call.
   *
   * @example
   * const lease = await shared.acquire({ signal })
   * try { … } finally { lease.release() }
   *
   * @throws {Overflow} when `maxQueue` calls wait already
   * @throws {TimedOut} after `timeout`
   * @throws {Cancelled} when the signal aborts, or the task that waits is cancelled
   * @throws {InvalidOption} when the call is too heavy or costs too much to start at all
   */
  async acquire(options: AcquireOptions = {}): Promise<Lease> {
    return this.enter(requestOf(options))
  }

  /** The right to make one call, if it can be had at once; else undefined. */
  tryAcquire(options: Omit<AcquireOptions, 'timeout' | 'signal'> = {}): Lease | undefined {
    return this.tryEnter(requestOf(options))
  }

  /** Calls `fn` as soon as the limiter lets it; gives what it gives. It may release the lease itself to say what it used. */
  async run<T>(fn: (lease: Lease) => T | PromiseLike<T>, options: AcquireOptions = {}): Promise<T> {
    const lease = await this.enter(requestOf(options))
    lease.start()
    let failure: unknown
    try {
      const value = await fn(lease)
      lease.release(this.actualCost(value))
      return value
    } catch (error) {
      failure = error
      throw error
    } finally {
      lease.release(undefined, failure)
    }
  }

  /** Lets nothing start before `untilMs`, in milliseconds of `performance.now()`. A later pause wins over an earlier one. */
  pause(untilMs: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, untilMs)
  }

  /** Ends a {@link pause}. */
  resume(): void {
    this.#pausedUntil = Number.NEGATIVE_INFINITY
    this.#serve()
  }

  /**
   * Changes bounds while calls wait and run. What is under way beyond a smaller bound is let finish.
   * @throws {InvalidOption} for a bound that the limiter does not have
   */
  update(update: LimiterUpdate): void {
    checkUpdate(update, this.#options)
    const now = this.#clock.now()
    const { rate, tokens, per, rateLeft, tokensLeft } = update
    const perMs = per === undefined ? undefined : durationMs(per, 'per')
    if (this.#rate && (rate ?? perMs) !== undefined) {
      const [allowance, span] = [rate ?? this.#rate.allowance, perMs ?? this.#rate.perMs]
      this.#rate.update(allowance, span, this.#burst(allowance, span), now)
    }
    if (this.#tokens && (tokens ?? perMs) !== undefined) {
      const allowance = tokens ?? this.#tokens.allowance
      this.#tokens.update(allowance, perMs ?? this.#tokens.perMs, allowance, now)
    }
    if (rateLeft !== undefined) this.#rate?.lower(rateLeft, now)
    if (tokensLeft !== undefined) this.#tokens?.lower(tokensLeft, now)
    if (update.concurrency !== undefined) this.#setSlots(update.concurrency)
    this.#serve()
  }

  /** Refuses every call from now on, those that wait too. Calls under way are let finish. */
  close(reason: Error = new Closed(`${this.name} was closed`)): void {
    if (this.#closed) return
    this.#closed = reason
    for (let waiter = this.#queue.shift(); waiter; waiter = this.#queue.shift()) this.#refuse(waiter, reason)
    this.#serve()
  }

  get stats(): LimiterStats {
    return {
      running: this.#running,
      waiting: this.#queue.size,
      started: this.#started,
      refused: this.#refused,
      concurrency: this.#slots?.limit ?? Number.POSITIVE_INFINITY,
      tokens: this.#tokensUsed,
    }
  }

  /** @internal What its `actualCost` makes of a call's result. */
  actualCost(result: unknown): number | undefined {
    return (this.#options.actualCost as ((result: unknown) => number | undefined) | undefined)?.(result)
  }

  /** @internal A lease at once where possible. @throws as {@link acquire} */
  enter(request: Request): Lease | Promise<Lease> {
    const cost = this.#costOf(request)
    const lease = this.#enterNow(request, cost)
    if (lease) return lease
    if (this.#queue.size >= this.#maxQueue) {
      this.#refused++
      throw new Overflow(`${this.name} is full: ${this.#queue.size} calls wait already`, {
        hint: 'Produce slower, or raise `maxQueue`.',
      })
    }
    return this.#wait(request, cost)
  }

  /** @internal */
  tryEnter(request: Request): Lease | undefined {
    return this.#enterNow(request, this.#costOf(request))
  }

  /** @internal */
  returned(lease: Lease, actualCost: number | undefined, error: unknown): void {
    if (actualCost !== undefined && actualCost !== lease.cost && actualCost >= 0) this.#correct(lease, actualCost)
    this.#adaptive?.settle(lease.ticket, error !== undefined && this.#adaptive.isOverload(error))
    this.#leave(lease)
  }

  /** @internal */
  refunded(lease: Lease): void {
    this.#correct(lease, 0)
    this.#rate?.correct(lease.rateReceipt, lease.weight, 0, this.#clock.now())
    this.#adaptive?.withdraw(lease.ticket)
    this.#started--
    this.#leave(lease)
  }

  /** @internal */
  restarted(lease: Lease): void {
    if (!this.#rate && !this.#tokens) return
    const now = this.#clock.now()
    if (this.#rate) lease.rateReceipt = this.#rate.restart(lease.rateReceipt, lease.weight, now)
    if (this.#tokens) lease.tokenReceipt = this.#tokens.restart(lease.tokenReceipt, lease.cost, now)
  }

  #costOf({ cost, args }: Request): number {
    if (!this.#tokens || cost !== undefined) return cost ?? 1
    const estimate = this.#options.cost as ((...args: readonly unknown[]) => number) | undefined
    const tokens = estimate ? estimate(...args) : 1
    if (typeof tokens === 'number' && tokens >= 0) return tokens
    throw new InvalidOption(`Expected the \`cost\` of ${this.name} to give a number from 0 up, got ${describe(tokens)}`)
  }

  #enterNow({ weight, cancellation, signal }: Request, cost: number): Lease | undefined {
    const ended = cancellation?.aborted ? cancellation : signal?.aborted ? signal : undefined
    if (ended) throw cancelled(ended.reason, `The wait for ${this.name}`)
    if (this.#closed) throw this.#closed
    this.#checkFits(weight, cost)
    if (this.#queue.size > 0) return undefined
    const now = this.#clock.now()
    return this.#waitMs(weight, cost, now) > 0 ? undefined : this.#grant(weight, cost, now)
  }

  #correct(lease: Lease, actualCost: number): void {
    this.#tokensUsed += actualCost - lease.cost
    this.#tokens?.correct(lease.tokenReceipt, lease.cost, actualCost, this.#clock.now())
  }

  #leave(lease: Lease): void {
    this.#running--
    if (this.#slots) this.#slots.used -= lease.weight
    if (this.#queue.size > 0) this.#serve()
  }

  #burst(rate: number, perMs: number): number {
    if (this.#options.burst !== undefined) return Math.min(this.#options.burst, Math.max(1, rate))
    return this.#options.metering === 'bucket' ? Math.max(1, rate) : Math.min(Math.max(1, rate), 1 + (rate * 50) / perMs)
  }

  #setSlots(limit: number): void {
    if (!this.#slots) return
    this.#slots.limit = limit
    this.#serve()
  }

  /** @throws {InvalidOption} for a call that could never start. */
  #checkFits(weight: number, cost: number): void {
    const refuse = (what: string, bound: string): never => {
      throw new InvalidOption(`Expected ${what} to be at most the ${bound} of ${this.name}: the call could never start`)
    }
    if (this.#slots && !this.#adaptive && weight > this.#slots.limit)
      refuse(`\`weight\` ${weight}`, `concurrency ${this.#slots.limit}`)
    if (this.#rate && weight > Math.max(1, this.#rate.allowance)) refuse(`\`weight\` ${weight}`, `rate ${this.#rate.allowance}`)
    if (this.#tokens && cost > this.#tokens.allowance) refuse(`\`cost\` ${cost}`, `tokens ${this.#tokens.allowance}`)
  }

  /** Milliseconds until the request may start; `Infinity` when that depends on a release. */
  #waitMs(weight: number, cost: number, now: number): number {
    if (this.#slots && !this.#slots.admits(weight)) return Number.POSITIVE_INFINITY
    return Math.max(this.#pausedUntil - now, this.#rate?.waitMs(weight, now) ?? 0, this.#tokens?.waitMs(cost, now) ?? 0)
  }

  #grant(weight: number, cost: number, now: number): Lease {
    const lease = new Lease(this, weight, cost, undefined)
    if (this.#slots) this.#slots.used += weight
    if (this.#adaptive) lease.ticket = this.#adaptive.start()
    if (this.#rate) lease.rateReceipt = this.#rate.take(weight, now)
    if (this.#tokens) {
      lease.tokenReceipt = this.#tokens.take(cost, now)
      this.#tokensUsed += cost
    }
    this.#running++
    this.#started++
    return lease
  }

  #wait({ weight, priority, timeoutMs = this.#queueTimeoutMs, cancellation, signal }: Request, cost: number): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const undo: (() => void)[] = []
      const leave = (): void => undo.forEach((step) => step())
      const place = this.#queue.add({ weight, cost, resolve, reject, leave }, priority)
      const abort = (reason: unknown): void => this.#withdraw(place, cancelled(reason, `The wait for ${this.name}`))
      if (cancellation) undo.push(cancellation.subscribe(abort))
      if (signal) undo.push(signal.subscribe(abort))
      if (timeoutMs !== Number.POSITIVE_INFINITY) {
        const timer = this.#clock.schedule(timeoutMs, () => this.#withdraw(place, this.#timedOut(timeoutMs)))
        undo.push(() => this.#clock.cancel(timer))
      }
      this.#serve()
    })
  }

  #timedOut(limitMs: number): TimedOut {
    return new TimedOut(`Waited for ${this.name} longer than the queueTimeout of ${formatMs(limitMs)}`, {
      clock: 'queueTimeout',
      limitMs,
    })
  }

  /** A waiter gives up; whoever it held up may now start. */
  #withdraw(place: Place<Waiter>, error: Error): void {
    if (!this.#queue.remove(place)) return
    this.#refuse(place.value, error)
    this.#serve()
  }

  #refuse(waiter: Waiter, error: Error): void {
    this.#refused++
    waiter.leave()
    waiter.reject(error)
  }

  /** Starts whoever may start, and sets the timer for the next. Resolving a promise runs nobody's code, so this cannot re-enter. */
  #serve(): void {
    const now = this.#clock.now()
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer)
    this.#timer = undefined
    for (let head = this.#queue.head; head; head = this.#queue.head) {
      const waitMs = this.#waitMs(head.weight, head.cost, now)
      if (waitMs > 0) {
        if (waitMs !== Number.POSITIVE_INFINITY) this.#timer = this.#clock.schedule(waitMs, () => this.#serve())
        return
      }
      this.#queue.shift()
      head.leave()
      head.resolve(this.#grant(head.weight, head.cost, now))
    }
  }
}

/**
 * Makes a limiter, to be shared by all calls that it shall bound together: pass it as `limit` to `guard`, `map` and the
 * others, or use {@link Limiter.acquire} and {@link Limiter.run}. Several bounds in one limiter are taken at one moment.
 *
 * @example
 * const perSecond = limiter({ rate: 100, per: '1s' })
 * const tokens = limiter({ rate: 500, tokens: 200_000, per: '1m', cost: (prompt: string) => prompt.length / 4 + 1_000 })
 * await map(prompts, ask, { limit: tokens })
 *
 * @throws {InvalidOption}
 */
export function limiter(options: LimiterOptions): Limiter {
  return new Limiter(options)
}
