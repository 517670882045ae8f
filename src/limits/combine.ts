/**
 * Several limiters over one call. They are acquired in one fixed order, however they are listed: those that only count
 * calls under way first, those that count time last (so that a token is taken right before the start), and older before
 * younger. A call that holds one and waits for another therefore never waits in a circle. An abort or a timeout on the way gives
 * everything back.
 *
 * Limits that meter the same calls are better put into one limiter, which takes them all at one moment.
 */
import { type Clock, systemClock } from '../base/clock.ts'
import { describe, InvalidOption } from '../base/errors.ts'
import { nameOf, peek } from '../base/look.js'
import type { Rule } from '../base/options.ts'
import { otherCopy } from '../base/other-copy.ts'
import type { Lease } from './lease.ts'
import { insideFrame } from '../base/wait-graph.ts'
import { Limiter } from './limiter.ts'
import { type Request, requestOf } from './request.ts'
import type { AcquireOptions } from './limiter-options.ts'

/** One limiter, or several that all must agree. */
export type Limiters = Limiter | CombinedLimiter | readonly (Limiter | CombinedLimiter)[]

/** What `limit` takes: limiters, or a function that says which ones a call has from its arguments, such as `limiterPer` makes; undefined for none. */
export type Limit<A extends readonly unknown[] = never[]> = Limiters | { by(...args: A): Limiters | undefined }['by']

/** Leases of all limiters of one call, given back together. */
export class CombinedLease {
  readonly #leases: readonly (readonly [Limiter, Lease])[]

  /** @internal */
  constructor(leases: readonly (readonly [Limiter, Lease])[]) {
    this.#leases = leases
  }

  /** As {@link Lease.release}, of every lease. */
  release(actualCost?: number, error?: unknown): void {
    let failure: { readonly error: unknown } | undefined
    for (const [, lease] of this.#leases) {
      try {
        lease.release(actualCost, error)
      } catch (thrown) {
        failure ??= { error: thrown }
      }
    }
    if (failure) throw failure.error
  }

  /** @internal The call gave this; each limiter computes what it really used. */
  succeeded(result: unknown): void {
    for (const [limiter, lease] of this.#leases) if (lease.held) lease.release(limiter.actualCost(result))
  }

  /** @internal */
  start(): void {
    for (const [, lease] of this.#leases) lease.start()
  }

  /** @internal */
  refund(): void {
    for (const [, lease] of this.#leases) lease.refund()
  }

  [Symbol.dispose](): void {
    this.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
  }
}

/** Several limiters that all must agree; {@link combine} makes one. */
export class CombinedLimiter {
  /** In the order in which they are acquired. */
  readonly limiters: readonly Limiter[]
  readonly #clock: Clock

  /** @internal Use {@link combine}. */
  constructor(limiters: readonly Limiter[], clock: Clock = systemClock) {
    this.limiters = [...new Set(limiters)].sort((a, b) => a.order[0] - b.order[0] || a.order[1] - b.order[1])
    this.#clock = clock
  }

  /** Waits for all of them. Throws as `Limiter.acquire`; `timeout` counts for all together, `cost` for each. */
  async acquire(options: AcquireOptions = {}): Promise<CombinedLease> {
    return await this.enter(requestOf(options))
  }

  /** Calls `fn` as soon as all of them let it; gives what it gives. */
  async run<T>(fn: (lease: CombinedLease) => T | PromiseLike<T>, options: AcquireOptions = {}): Promise<T> {
    const exclusive = this.limiters.some((limiter) => limiter.exclusive)
    const call = async (): Promise<T> => {
      const lease = await this.enter(requestOf(options, exclusive))
      lease.start()
      try {
        const value = await fn(lease)
        lease.succeeded(value)
        return value
      } catch (error) {
        lease.release(undefined, error)
        throw error
      }
    }
    return await (exclusive ? insideFrame(call) : call())
  }

  /** @internal At once where possible. `args` are those of the call, for limiters with a `cost`. */
  enter(request: Request): CombinedLease | Promise<CombinedLease> {
    const leases: (readonly [Limiter, Lease])[] = []
    try {
      for (const limiter of this.limiters) {
        const lease = limiter.enter(request)
        if (lease instanceof Promise) return this.#wait(request, leases, lease)
        leases.push([limiter, lease])
      }
    } catch (error) {
      new CombinedLease(leases).refund()
      throw error
    }
    return new CombinedLease(leases)
  }

  async #wait(request: Request, leases: (readonly [Limiter, Lease])[], pending: Promise<Lease>): Promise<CombinedLease> {
    const { timeoutMs } = request
    const until = this.#clock.now() + (timeoutMs ?? 0)
    try {
      leases.push([this.limiters[leases.length] as Limiter, await pending])
      while (leases.length < this.limiters.length) {
        const limiter = this.limiters[leases.length] as Limiter
        const left = timeoutMs === undefined ? request : { ...request, timeoutMs: Math.max(0, until - this.#clock.now()) }
        leases.push([limiter, await limiter.enter(left)])
      }
    } catch (error) {
      new CombinedLease(leases).refund()
      throw error
    }
    return new CombinedLease(leases)
  }
}

/**
 * Several limiters as one. `limit: [a, b]` means the same.
 *
 * @example
 * const lease = await combine(perUser, perSecond).acquire({ signal })
 *
 * @throws {InvalidOption} when an argument is not a limiter
 */
export function combine(...limiters: readonly (Limiter | CombinedLimiter)[]): CombinedLimiter {
  return new CombinedLimiter(limitersOf(limiters) ?? fail(limiters))
}

/** @throws {InvalidOption} */
export function limitOf(limit: Limiters, clock: Clock): CombinedLimiter {
  return limit instanceof CombinedLimiter ? limit : new CombinedLimiter(limitersOf(limit) ?? fail(limit), clock)
}

export const limitRule: Rule = {
  expected: 'a limiter, a list of limiters, or a function that gives one of them',
  accepts: (value) => typeof value === 'function' || limitersOf(value) !== undefined,
  hint: hintFor,
}

function hintFor(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.map(hintFor).find((hint) => hint !== undefined)
  if (nameOf(peek(value, 'constructor')) === 'Semaphore')
    return 'A semaphore is taken by hand: await semaphore.run(fn). For `limit`, make a limiter({ concurrency: 2 }).'
  return value instanceof Limiter || value instanceof CombinedLimiter
    ? undefined
    : otherCopy(value, Limiter.name, CombinedLimiter.name)
}

/** The limiters in a `limit`, combined ones taken apart; undefined when something else is among them. */
function limitersOf(value: unknown): readonly Limiter[] | undefined {
  if (value instanceof Limiter) return [value]
  if (value instanceof CombinedLimiter) return value.limiters
  if (!Array.isArray(value) || value.length === 0) return undefined
  const parts = value.map(limitersOf)
  return parts.includes(undefined) ? undefined : (parts as readonly (readonly Limiter[])[]).flat()
}

function fail(value: unknown): never {
  throw new InvalidOption(`Expected \`limit\` to be ${limitRule.expected}, got ${describe(value)}`, { hint: hintFor(value) })
}
