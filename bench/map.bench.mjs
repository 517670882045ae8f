/**
 * What a call costs that does next to nothing: the price of the loop itself. Every contender calls the same function on the
 * same items with 16 under way, and keeps the results in input order where it can.
 */
import { Effect } from 'effect'
import { map } from 'heddle'
import pLimit from 'p-limit'
import pMap from 'p-map'
import PQueue from 'p-queue'
import { from, lastValueFrom, mergeMap, toArray } from 'rxjs'
import { collect, parallelMap } from 'streaming-iterables'

const calls = 200_000
const concurrency = 16
const items = Array.from({ length: calls }, (_, i) => i)
const fn = async (/** @type {number} */ x) => x * 2

/** The floor: N lanes over an array, written by hand. */
async function loop() {
  const results = Array.from({ length: calls })
  let next = 0
  const lane = async () => {
    while (next < calls) {
      const i = next++
      results[i] = await fn(items[i])
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  return results
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${calls.toLocaleString('en')} trivial async calls, ${concurrency} at once`,
  unit: 'ns per call',
  figure: (ms) => (ms * 1e6) / calls,
  reference: 'p-map',
  contenders: {
    'hand-written loop': () => ({ run: loop }),
    heddle: () => ({ run: () => map(items, fn, { concurrency }) }),
    'p-map': () => ({ run: () => pMap(items, fn, { concurrency }) }),
    Effect: () => {
      const program = Effect.forEach(items, (x) => Effect.promise(() => fn(x)), { concurrency })
      return { run: () => Effect.runPromise(program) }
    },
    'streaming-iterables': () => ({ run: () => collect(parallelMap(concurrency, fn, items)) }),
    'p-limit': () => ({
      run: () => {
        const limit = pLimit(concurrency)
        return Promise.all(items.map((x) => limit(fn, x)))
      },
    }),
    'p-queue': () => ({
      run: () => {
        const queue = new PQueue({ concurrency })
        return Promise.all(items.map((x) => queue.add(() => fn(x))))
      },
    }),
    'RxJS mergeMap': () => ({ run: () => lastValueFrom(from(items).pipe(mergeMap(fn, concurrency), toArray())) }),
  },
  check(/** @type {number[]} */ results) {
    // RxJS gives results in the order of completion, so only the sum is the same for all.
    const sum = results.reduce((a, b) => a + b, 0)
    if (results.length !== calls || sum !== calls * (calls - 1))
      throw new Error(`wrong results: ${results.length} with sum ${sum}`)
  },
  targets: (results) => [
    { what: 'heddle / p-map', got: results.ratio('heddle', 'p-map'), atMost: 0.5 },
    { what: 'heddle / Effect', got: results.ratio('heddle', 'Effect'), atMost: 0.5 },
    {
      what: 'heddle / hand-written loop, Node 24',
      got: Number.parseInt(process.versions.node, 10) >= 24 ? results.ratio('heddle', 'hand-written loop') : undefined,
      atMost: 2,
    },
  ],
}
