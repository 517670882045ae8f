/**
 * What a pipeline costs whose stages do next to nothing: three trivial async stages, 16 at once in each, results in order where the
 * contender can. Every contender sums the results without keeping them.
 */
import { Readable } from 'node:stream'
import { Effect, Stream } from 'effect'
import { stream } from 'heddle'
import { from, lastValueFrom, mergeMap, reduce } from 'rxjs'
import { parallelMap, pipeline, reduce as reduceIterable } from 'streaming-iterables'

const count = 300_000
const concurrency = 16
const items = Array.from({ length: count }, (_, i) => i)
const double = async (/** @type {number} */ x) => x * 2
const increment = async (/** @type {number} */ x) => x + 1
const halve = async (/** @type {number} */ x) => x / 2
const add = (/** @type {number} */ a, /** @type {number} */ b) => a + b

const heddle = (/** @type {boolean} */ ordered) => ({
  run: () =>
    stream(items)
      .map(double, { concurrency, ordered })
      .map(increment, { concurrency, ordered })
      .map(halve, { concurrency, ordered })
      .reduce(add, 0),
})

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${count.toLocaleString('en')} items through three trivial async stages, ${concurrency} at once in each`,
  unit: 'ns per item',
  figure: (ms) => (ms * 1e6) / count,
  reference: 'streaming-iterables',
  contenders: {
    heddle: () => heddle(true),
    'heddle, unordered': () => heddle(false),
    'streaming-iterables': () => ({
      run: () =>
        pipeline(
          () => items,
          parallelMap(concurrency, double),
          parallelMap(concurrency, increment),
          parallelMap(concurrency, halve),
          reduceIterable(add, 0),
        ),
    }),
    'Node Readable.map': () => ({
      run: () =>
        Readable.from(items)
          .map(double, { concurrency })
          .map(increment, { concurrency })
          .map(halve, { concurrency })
          .reduce(add, 0),
    }),
    Effect: () => {
      const stage = (/** @type {(x: number) => Promise<number>} */ fn) =>
        Stream.mapEffect((/** @type {number} */ x) => Effect.promise(() => fn(x)), { concurrency })
      const program = Stream.fromIterable(items).pipe(
        stage(double),
        stage(increment),
        stage(halve),
        Stream.runFold(() => 0, add),
      )
      return { run: () => Effect.runPromise(program) }
    },
    // mergeMap gives results as they come: unordered.
    RxJS: () => ({
      run: () =>
        lastValueFrom(
          from(items).pipe(
            mergeMap(double, concurrency),
            mergeMap(increment, concurrency),
            mergeMap(halve, concurrency),
            reduce(add, 0),
          ),
        ),
    }),
  },
  check(/** @type {number} */ sum) {
    const expected = (count * (count - 1)) / 2 + count / 2
    if (sum !== expected) throw new Error(`wrong result: ${sum} instead of ${expected}`)
  },
  targets: (results) =>
    ['streaming-iterables', 'Node Readable.map', 'Effect', 'RxJS'].map((peer) => ({
      what: `heddle / ${peer}`,
      got: results.ratio('heddle', peer),
      atMost: 0.6,
    })),
  rounds: 5,
}
