/**
 * What a policy costs while all goes well: timeout, retry and circuit breaker around a function that succeeds at once. Half of the
 * calls are awaited one after the other, half sixteen at a time.
 */
import {
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel'
import { guard } from 'heddle'
import Opossum from 'opossum'
import { setMaxListeners } from 'node:events'

// All calls of cockatiel wait on one signal of its own, which Node takes for a leak.
setMaxListeners(0)

const calls = 20_000
const together = 16
const fn = async (/** @type {number} */ x) => x * 2

/** @param {(x: number) => Promise<unknown>} call */
async function makeCalls(call) {
  let sum = 0
  for (let i = 0; i < calls / 2; i++) sum += Number(await call(i))
  for (let i = 0; i < calls / 2; i += together) {
    const values = await Promise.all(Array.from({ length: together }, (_, k) => call(i + k)))
    for (const value of values) sum += Number(value)
  }
  return sum
}

/** @param {TimeoutStrategy} strategy */
function cockatiel(strategy) {
  const policy = wrap(
    retry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() }),
    circuitBreaker(handleAll, { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(5) }),
    timeout(5_000, strategy),
  )
  return { run: () => makeCalls((x) => policy.execute(() => fn(x))) }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${calls.toLocaleString('en')} calls that succeed, under timeout, retry and circuit breaker`,
  unit: 'ns per call',
  figure: (ms) => (ms * 1e6) / calls,
  reference: 'cockatiel',
  contenders: {
    'no policy': () => ({ run: () => makeCalls(fn) }),
    heddle: () => {
      const guarded = guard(fn, { timeout: '5s', retry: 3, breaker: { consecutive: 5 } })
      return { run: () => makeCalls(guarded) }
    },
    cockatiel: () => cockatiel(TimeoutStrategy.Cooperative),
    // Also settles when the function ignores its signal, as heddle does after `grace`.
    'cockatiel, aggressive timeout': () => cockatiel(TimeoutStrategy.Aggressive),
    'opossum, without retry': () => {
      const breaker = new Opossum(fn, { timeout: 5_000 })
      return { run: () => makeCalls((x) => breaker.fire(x)), close: () => breaker.shutdown() }
    },
  },
  check(/** @type {number} */ sum) {
    const [half, rest] = [calls / 2, Math.ceil(calls / 2 / together) * together]
    if (sum !== half * (half - 1) + rest * (rest - 1)) throw new Error(`wrong results: their sum is ${sum}`)
  },
  targets: (results) => [{ what: 'heddle / cockatiel', got: results.ratio('heddle', 'cockatiel'), atMost: 0.8 }],
}
