/**
 * One limiter bounds how many calls are under way (`concurrency`), how many start in a time (`rate`) and how many tokens
 * they may use in a time (`tokens`), for everybody who shares it.
 *
 * Policy: one queue, served by priority and within a priority in order of arrival. Only its head may start, and only when
 * all bounds allow it at the same moment; it then takes from all of them at once. So nobody holds one bound while waiting
 * for another, a heavy call is not overtaken for ever by light ones, and a waiter that leaves cannot hold up the others.
 *
 * State: the {@link Bounds}, the queue, the leases that are out, one timer for the moment at which the head may start.
 * Invariant: after every event either the queue is empty, or its head may not start now, and a release or the timer will
 * look again.
 */
import { cancelled } from '../base/abort.ts'
import { type Clock, systemClock, type TimerHandle } from '../base/clock.ts'
import { durationMs, formatMs } from '../base/duration.ts'
import { Closed, describe, InvalidOption, Overflow, TimedOut } from '../base/errors.ts'
import { currentFrame } from '../base/frame.ts'
import { type Hold, insideFrame, Wait, Waitable } from '../base/wait-graph.ts'
import { Bounds, type Levels } from './bounds.ts'
import { Lease, type LeaseOwner } from './lease.ts'
import { type AcquireOptions, checkLimiter, type LimiterOptions, type LimiterUpdate } from './limiter-options.ts'
import { type Request, requestOf } from './request.ts'
import { type Place, WaitQueue } from './wait-queue.ts'

/** Knows its place, so that it can be taken out without looking for it. */
class SlotWait extends Wait<Lease> {
  place: Place<Waiter> | undefined = undefined
}

interface Waiter {
  readonly weight: number
  readonly cost: number
  readonly outputCost: number
  readonly inside: boolean
  readonly wait: SlotWait
  /** Takes the waiter's timer and subscriptions off. */
  readonly leave: () => void
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
  /** Tokens that calls have used so far, or reserved while they run. */
  readonly tokens: number
}

let made = 0

/** A bound on calls: how many at once, how many per time, how many tokens. {@link limiter} makes one; share it between all callers of one service. */
export class Limiter extends Waitable implements LeaseOwner {
  readonly name: string
  /** @internal Combined limiters are acquired in the order of these: those that meter time last, then by age. */
  readonly order: readonly [meters: number, age: number]
  readonly #clock: Clock
  readonly #options: LimiterOptions
  readonly #bounds: Bounds
  readonly #maxQueue: number
  readonly #queueTimeoutMs: number
  readonly #queue = new WaitQueue<Waiter>()
  readonly #leases = new Set<Lease>()
  #timer: TimerHandle | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #closed: Error | undefined
  #started = 0
  #refused = 0
  #tokens = 0
  /** When a call last started or ended. */
  #lastAt = Number.NEGATIVE_INFINITY

  /** @internal Use {@link limiter}. */
  constructor(options: LimiterOptions, clock: Clock = systemClock) {
    checkLimiter(options)
    super()
    this.#clock = clock
    this.#options = options
    this.name = options.name ?? 'the limiter'
    this.#bounds = new Bounds(options, this.name, clock, () => this.#serve())
    this.order = [this.#bounds.meters ? 1 : 0, ++made]
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
   * @throws {DeadlockDetected} when only the caller itself could end the wait
   * @throws {InvalidOption} when the call is too heavy or costs too much to start at all
   */
  async acquire(options: AcquireOptions = {}): Promise<Lease> {
    return await this.enter(requestOf(options))
  }

  /** The right to make one call, if it can be had at once; else undefined. */
  tryAcquire(options: Omit<AcquireOptions, 'timeout' | 'signal'> = {}): Lease | undefined {
    const request = requestOf(options)
    return this.#enterNow(request, this.#costOf(request))
  }

  /**
   * Calls `fn` as soon as the limiter lets it; gives what it gives. It may release the lease itself, to say what it used.
   * @throws as {@link acquire}, and what `fn` throws
   */
  async run<T>(fn: (lease: Lease) => T | PromiseLike<T>, options: AcquireOptions = {}): Promise<T> {
    const call = async (): Promise<T> => {
      const lease = await this.enter(requestOf(options, this.exclusive))
      lease.start()
      try {
        const value = await fn(lease)
        if (lease.held) lease.release(this.actualCost(value))
        return value
      } catch (error) {
        lease.release(undefined, error)
        throw error
      }
    }
    return await (this.exclusive ? insideFrame(call) : call())
  }

  /** Lets nothing start before `untilMs`, in milliseconds of `performance.now()`. Of several pauses the longest counts. */
  pause(untilMs: number): void {
    this.#bounds.pause(untilMs)
    this.#serve()
  }

  /** Ends a {@link pause}. */
  resume(): void {
    this.#bounds.resume()
    this.#serve()
  }

  /**
   * Changes bounds while calls wait and run. Calls under way beyond a smaller bound finish.
   * @throws {InvalidOption} for a bound that the limiter was not made with
   */
  update(update: LimiterUpdate): void {
    this.#bounds.update(update, this.#clock.now())
    this.#serve()
  }

  /** @internal What the meters hold now, for whoever compares it with what the other side says. */
  levels(): Levels {
    return this.#bounds.levels(this.#clock.now())
  }

  /** @internal The other side has said what is left; unlike {@link update}, this may raise it, up to the burst. */
  setLevels(levels: Partial<Levels>): void {
    this.#bounds.setLevels(levels, this.#clock.now())
    this.#serve()
  }

  /** @internal With `concurrency: 'auto'`: there is reason to begin with this many. */
  expectConcurrency(places: number): void {
    this.#bounds.expectConcurrency(places)
    this.#serve()
  }

  /** Refuses every call from now on, and those that wait. Calls under way are let finish. */
  close(reason: Error = new Closed(`${this.name} was closed`)): void {
    this.#closed ??= reason
    this.refuseWaiting(reason)
  }

  /** @internal Refuses those that wait now. */
  refuseWaiting(reason: Error): void {
    for (let waiter = this.#queue.shift(); waiter; waiter = this.#queue.shift()) this.#refuse(waiter, reason)
    this.#serve()
  }

  /** @internal Nobody runs or waits, and what it has metered is forgotten: a fresh limiter would do the same. */
  get idle(): boolean {
    if (this.#leases.size > 0 || this.#queue.size > 0 || this.#closed) return false
    return this.#bounds.forgotten(this.#lastAt, this.#clock.now())
  }

  /** @internal What the next that waits will take. */
  get next(): { readonly cost: number; readonly outputCost: number } | undefined {
    return this.#queue.head
  }

  get stats(): LimiterStats {
    return {
      running: this.#leases.size,
      waiting: this.#queue.size,
      started: this.#started,
      refused: this.#refused,
      concurrency: this.#bounds.places,
      tokens: this.#tokens,
    }
  }

  /** @internal A lease, at once where possible. Throws as {@link acquire}. */
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

  /** @internal Tokens that a call used, by its result; undefined when that is not known. */
  actualCost(result: unknown): number | undefined {
    return (this.#options.actualCost as ((result: unknown) => number | undefined) | undefined)?.(result)
  }

  /** @internal */
  returned(lease: Lease, actualCost: number | undefined, error: unknown, actualOutputCost: number | undefined): void {
    const cost = actualCost !== undefined && actualCost >= 0 ? actualCost : lease.cost
    const outputCost = actualOutputCost !== undefined && actualOutputCost >= 0 ? actualOutputCost : lease.outputCost
    this.#tokens += cost - lease.cost
    this.#leases.delete(lease)
    this.#lastAt = this.#clock.now()
    // A user's `isOverload` may throw: the place is given back all the same.
    try {
      this.#bounds.release(lease, cost, outputCost, error, this.#clock.now())
    } finally {
      this.#serve()
    }
  }

  /** @internal */
  refunded(lease: Lease): void {
    this.#tokens -= lease.cost
    this.#started--
    this.#bounds.refund(lease, this.#clock.now())
    this.#leases.delete(lease)
    this.#serve()
  }

  /** @internal */
  restarted(lease: Lease): void {
    if (this.#bounds.meters) this.#bounds.restart(lease, this.#clock.now())
  }

  /** @internal Only a bound on calls under way makes one call wait for another. */
  get exclusive(): boolean {
    return this.#bounds.counts
  }

  /** @internal */
  label(): string {
    const which = this.#options.name === undefined ? 'a limiter' : `limiter "${this.#options.name}"`
    return this.exclusive ? `a slot of ${which}` : which
  }

  /** @internal */
  holds(): Iterable<Hold> {
    return this.exclusive ? this.#leases : []
  }

  /** @internal */
  passable(live: (hold: Hold) => boolean): boolean {
    const head = this.#queue.head
    if (!head || !this.exclusive) return true
    let used = 0
    for (const lease of this.#leases) if (!live(lease)) used += lease.weight
    return this.#bounds.hasPlace(head.weight, used)
  }

  /** @internal */
  withdraw(wait: Wait<never>): void {
    const { place } = wait as unknown as SlotWait
    if (!place || !this.#queue.remove(place)) return
    this.#refused++
    place.value.leave()
    this.#serve()
  }

  #costOf({ cost, args }: Request): number {
    if (this.#options.tokens === undefined || cost !== undefined) return cost ?? 1
    const estimate = this.#options.cost as ((...args: readonly unknown[]) => unknown) | undefined
    const tokens = estimate ? estimate(...args) : 1
    if (typeof tokens === 'number' && tokens >= 0) return tokens
    throw new InvalidOption(`Expected the \`cost\` of ${this.name} to give a number from 0 up, got ${describe(tokens)}`)
  }

  #enterNow({ weight, outputCost, cancellation, signal, inside }: Request, cost: number): Lease | undefined {
    const ended = cancellation?.aborted ? cancellation : signal?.aborted ? signal : undefined
    if (ended) throw cancelled(ended.reason, `The wait for ${this.name}`)
    if (this.#closed) throw this.#closed
    this.#bounds.checkFits(weight, cost, outputCost)
    if (this.#queue.size > 0) return undefined
    const now = this.#clock.now()
    if (this.#bounds.waitMs(weight, cost, outputCost, now) > 0) return undefined
    return this.#grant(new Lease(this, weight, cost, outputCost, currentFrame(), inside), now)
  }

  #grant(lease: Lease, now: number): Lease {
    this.#lastAt = now
    this.#bounds.take(lease, now)
    this.#leases.add(lease)
    this.#started++
    this.#tokens += lease.cost
    return lease
  }

  #wait(
    { weight, outputCost, priority, timeoutMs = this.#queueTimeoutMs, cancellation, signal, inside }: Request,
    cost: number,
  ): Promise<Lease> {
    const wait = new SlotWait(this)
    const undo: (() => void)[] = []
    const leave = (): void => {
      for (const step of undo) step()
    }
    const place = this.#queue.add({ weight, cost, outputCost, inside, wait, leave }, priority)
    wait.place = place
    const giveUp = (error: Error): void => {
      if (!this.#queue.remove(place)) return
      this.#refuse(place.value, error)
      this.#serve()
    }
    const abort = (reason: unknown): void => giveUp(cancelled(reason, `The wait for ${this.name}`))
    if (cancellation) undo.push(cancellation.subscribe(abort))
    if (signal) undo.push(signal.subscribe(abort))
    if (timeoutMs !== Number.POSITIVE_INFINITY) {
      const timer = this.#clock.schedule(timeoutMs, () => giveUp(waitedTooLong(this.name, timeoutMs)))
      undo.push(() => this.#clock.cancel(timer))
    }
    // Behind others it changes nothing.
    if (this.#queue.head === place.value) this.#serve()
    return wait.promise
  }

  #refuse(waiter: Waiter, error: Error): void {
    this.#refused++
    waiter.leave()
    waiter.wait.fail(error)
  }

  /** Starts whoever may start, and sets the timer for the next. Ending a wait runs nobody's code, so this cannot re-enter. */
  #serve(): void {
    const now = this.#clock.now()
    for (let head = this.#queue.head; head; head = this.#queue.head) {
      const { weight, cost, outputCost } = head
      const waitMs = this.#bounds.waitMs(weight, cost, outputCost, now)
      if (waitMs > 0) return this.#lookAgain(now + waitMs)
      this.#queue.shift()
      head.leave()
      head.wait.settle(this.#grant(new Lease(this, weight, cost, outputCost, head.wait.frame, head.inside), now))
    }
    this.#lookAgain(Number.POSITIVE_INFINITY)
  }

  /** A timer that is due earlier is left alone: it looks, and sets itself again. Without a time, none is left. */
  #lookAgain(at: number): void {
    if (at >= this.#timerAt && at !== Number.POSITIVE_INFINITY) return
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer)
    this.#timer = undefined
    this.#timerAt = at
    if (at === Number.POSITIVE_INFINITY) return
    this.#timer = this.#clock.schedule(at - this.#clock.now(), () => {
      this.#timer = undefined
      this.#timerAt = Number.POSITIVE_INFINITY
      this.#serve()
    })
  }
}

/**
 * Makes a limiter, to be shared by all calls that it bounds together: pass it as `limit` to `guard`, `map` and the
 * others, or use {@link Limiter.acquire} and {@link Limiter.run}. Several bounds in one limiter are taken at one moment.
 *
 * @example
 * const perSecond = limiter({ rate: 100, per: '1s' })
 * const model = limiter({ rate: 500, tokens: 200_000, per: '1m', cost: (prompt: string) => prompt.length / 4 + 1_000 })
 * await map(prompts, ask, { limit: model })
 *
 * @throws {InvalidOption}
 */
export function limiter(options: LimiterOptions): Limiter {
  return new Limiter(options)
}

function waitedTooLong(name: string, limitMs: number): TimedOut {
  return new TimedOut(`Waited for ${name} longer than the queueTimeout of ${formatMs(limitMs)}`, {
    clock: 'queueTimeout',
    limitMs,
  })
}
