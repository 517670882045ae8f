import { checkFunction } from '../base/options.ts'
import { textOf } from '../base/look.js'
import { Limiter } from './limiter.ts'
import type { LimiterOptions } from './limiter-options.ts'

/** Gives the limiter of a call's key. Pass it as `limit`. */
export interface LimiterPer<A extends readonly unknown[]> {
  (...args: A): Limiter
  /** How many keys have a limiter at this moment. */
  readonly size: number
}

/** Idle limiters are looked for when there are this many, and again when there are twice as many as were left; chosen. */
const fewest = 64

/**
 * A limiter for each key: each host, user or tenant has its own bound. One that nobody uses, and whose windows have passed, is dropped, so that
 * what is held is bounded by the keys in use.
 *
 * @param key from the arguments of the guarded or mapped function; compared as a `Map` compares keys
 * @param options of each limiter, or a function that gives them for a key
 * @throws {InvalidOption} at once for wrong options, and at the first call of a key where a function gives them
 *
 * @example
 * const perHost = limiterPer((url: string) => new URL(url).host, { concurrency: 2, rate: 5, per: '1s' })
 * await map(urls, fetchPage, { concurrency: 100, limit: perHost })
 */
export function limiterPer<A extends readonly unknown[], K>(
  key: (...args: A) => K,
  options: LimiterOptions | ((key: K) => LimiterOptions),
): LimiterPer<A> {
  checkFunction(key, 'key', 'limiterPer')
  // Wrong options are found here, and not at the first call.
  if (typeof options !== 'function') void new Limiter(options)
  const limiters = new Map<K, Limiter>()
  let sweepAt = fewest
  const sweep = (): void => {
    for (const [name, limiter] of limiters) if (limiter.idle) limiters.delete(name)
    sweepAt = Math.max(fewest, 2 * limiters.size)
  }
  const limiterOf = (...args: A): Limiter => {
    const name = key(...args)
    let limiter = limiters.get(name)
    if (limiter) return limiter
    if (limiters.size >= sweepAt) sweep()
    const own = typeof options === 'function' ? options(name) : options
    limiter = new Limiter({ ...own, name: `${own.name ?? 'the limiter'} of ${textOf(name)}` })
    limiters.set(name, limiter)
    return limiter
  }
  return Object.defineProperty(limiterOf, 'size', { get: () => limiters.size }) as LimiterPer<A>
}
