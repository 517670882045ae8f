/**
 * Three replicas that serve eight calls at a time: two in 5 ms, one in 20 ms; one of the fast ones answers with 503 during the
 * middle third. 24 callers ask without a pause; what counts are good answers.
 */
import { balance } from 'heddle'

const callers = 24
const servedAtOnce = 8
const lastsMs = 3_000

/** @param {number} ms @param {() => boolean} isDown */
function server(ms, isDown) {
  let serving = 0
  /** @type {(() => void)[]} */
  const line = []
  return async () => {
    if (serving === servedAtOnce) await new Promise((resolve) => line.push(() => resolve(undefined)))
    else serving++
    try {
      await new Promise((resolve) => setTimeout(resolve, isDown() ? 1 : ms))
      if (isDown()) throw Object.assign(new Error('Service Unavailable'), { status: 503 })
    } finally {
      const next = line.shift()
      if (next) next()
      else serving--
    }
  }
}

/** @param {(replicas: (() => Promise<void>)[]) => () => Promise<void>} over */
const contender = (over) => () => ({
  measure: async () => {
    const from = performance.now()
    const passed = () => performance.now() - from
    const down = () => passed() >= lastsMs / 3 && passed() < (2 * lastsMs) / 3
    const ask = over([server(5, () => false), server(5, down), server(20, () => false)])
    let [good, failed] = [0, 0]
    const caller = async () => {
      while (passed() < lastsMs) {
        try {
          await ask()
          good++
        } catch {
          failed++
        }
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
    const ms = passed()
    return { figure: (ms * 1_000) / good, 'good per second': (good / ms) * 1_000, 'failed %': (failed / (good + failed)) * 100 }
  },
})

/** @param {import('heddle').BalanceOptions['by']} by */
const heddle = (by) => contender((replicas) => balance(replicas, { by, breaker: { consecutive: 5, reset: '250ms' } }))

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'three replicas, one four times slower, one failing for a third of the time',
  unit: 'µs per good answer',
  reference: 'plain round-robin',
  rounds: 3,
  warmups: 1,
  contenders: {
    'plain round-robin': contender((replicas) => {
      let next = 0
      return () => /** @type {() => Promise<void>} */ (replicas[next++ % replicas.length])()
    }),
    'least-busy': heddle('least-busy'),
    'power-of-two': heddle('power-of-two'),
    'round-robin with breakers': heddle('round-robin'),
  },
  targets: (results) => {
    const ratio = results.ratio('least-busy', 'plain round-robin')
    return [
      { what: 'throughput, least-busy / round-robin', got: ratio && 1 / ratio, atLeast: 1.5 },
      { what: 'failed calls, %', got: Math.max(...results.of('least-busy', undefined, 'failed %')), atMost: 0.5 },
    ]
  },
}
