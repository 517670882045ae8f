/** Calls of 8 to 12 ms, of which 2 % take ten times as long: the 99th percentile with and without a second try for the slow ones. */
import { hedge, map } from 'heddle'

const calls = 4_000
const concurrency = 32

/** @param {(ask: (n: number, context?: any) => Promise<number>) => (n: number) => Promise<number>} wrap */
const contender = (wrap) => () => ({
  measure: async () => {
    let tries = 0
    const ask = wrap(async (n, context) => {
      tries++
      const ms = (8 + 4 * Math.random()) * (Math.random() < 0.02 ? 10 : 1)
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms)
        context?.signal.addEventListener('abort', () => {
          clearTimeout(timer)
          reject(context.signal.reason)
        })
      })
      return n
    })
    const times = await map(
      Array.from({ length: calls }, (_, n) => n),
      async (n) => {
        const from = performance.now()
        if ((await ask(n)) !== n) throw new Error(`call ${n} got the answer of another one`)
        return performance.now() - from
      },
      { concurrency },
    )
    times.sort((a, b) => a - b)
    const at = (/** @type {number} */ share) => times[Math.floor(share * calls)]
    return { figure: at(0.99), 'p50 ms': at(0.5), 'p95 ms': at(0.95), 'extra calls %': (tries / calls - 1) * 100 }
  },
})

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${calls.toLocaleString('en')} calls, 98 % fast, 2 % ten times slower, ${concurrency} at once`,
  unit: 'ms at p99',
  reference: 'no hedge',
  rounds: 5,
  warmups: 1,
  contenders: {
    'no hedge': contender((ask) => ask),
    'hedge after p95': contender((ask) => hedge(ask, { after: 'p95', extra: 0.05 })),
  },
  targets: (results) => [
    { what: 'p99 with / without', got: results.ratio('hedge after p95', 'no hedge'), atMost: 0.5 },
    { what: 'extra calls, %', got: Math.max(...results.of('hedge after p95', undefined, 'extra calls %')), atMost: 5 },
  ],
}
