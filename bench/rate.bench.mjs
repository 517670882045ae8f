/**
 * A rate limit under load: all calls are there from the beginning, and may start at 2,000 per second. Two figures matter: how
 * many started in the busiest second, wherever that second begins, and how much of the allowance was used.
 */
import Bottleneck from 'bottleneck'
import { limiter, map } from 'heddle'
import PQueue from 'p-queue'

const calls = 20_000
const rate = 2_000
const perMs = 1_000

/**
 * Makes all calls through `run`, and looks at when they started.
 * @param {(all: (() => void)[]) => Promise<unknown>} run
 */
async function starts(run) {
  const at = new Float64Array(calls)
  let started = 0
  await run(Array.from({ length: calls }, () => () => void (at[started++] = performance.now())))
  if (started !== calls) throw new Error(`${started} of ${calls} calls started`)
  let [busiest, first] = [0, 0]
  for (let last = 0; last < calls; last++) {
    while (at[first] <= at[last] - perMs) first++
    busiest = Math.max(busiest, last - first + 1)
  }
  const ms = at[calls - 1] - at[0]
  return { figure: ms, 'starts in the busiest second': busiest, 'allowance used %': ((calls / ms) * perMs * 100) / rate }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${calls.toLocaleString('en')} calls under a limit of ${rate.toLocaleString('en')} per second`,
  unit: 'ms from the first start to the last',
  reference: 'heddle limiter',
  rounds: 2,
  warmups: 0,
  contenders: {
    'heddle limiter': () => ({
      measure: () => {
        const limit = limiter({ rate, per: perMs })
        return starts((all) => Promise.all(all.map((call) => limit.run(call))))
      },
    }),
    'heddle map': () => ({
      measure: () => starts((all) => map(all, (call) => call(), { concurrency: 64, limit: limiter({ rate, per: perMs }) })),
    }),
    bottleneck: () => ({
      measure: () => {
        const limit = new Bottleneck({
          reservoir: rate,
          reservoirRefreshAmount: rate,
          reservoirRefreshInterval: perMs,
        })
        return starts((all) => Promise.all(all.map((call) => limit.schedule(async () => call())))).finally(() =>
          limit.disconnect(),
        )
      },
    }),
    'p-queue': () => ({
      measure: () => {
        const queue = new PQueue({ intervalCap: rate, interval: perMs })
        return starts((all) => Promise.all(all.map((call) => queue.add(call))))
      },
    }),
    'p-queue, strict': () => ({
      measure: () => {
        const queue = new PQueue({ intervalCap: rate, interval: perMs, strict: true })
        return starts((all) => Promise.all(all.map((call) => queue.add(call))))
      },
    }),
  },
  targets: (results) =>
    ['heddle limiter', 'heddle map'].flatMap((contender) => [
      {
        what: `${contender}: starts in the busiest second`,
        got: Math.max(...results.of(contender, undefined, 'starts in the busiest second')),
        atMost: rate,
      },
      {
        what: `${contender}: allowance used %`,
        got: Math.min(...results.of(contender, undefined, 'allowance used %')),
        atLeast: 98,
      },
    ]),
}
