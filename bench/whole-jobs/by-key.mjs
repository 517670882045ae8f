/** Pairs made on the workers, summed by key. */
import { stream, workers } from 'heddle'
import { consent } from './program.mjs'

/** @typedef {{ from: number, to: number, keys: number }} Range @typedef {{ key: number, value: number }} Pair */
/** @typedef {Map<number, number>} Sums */

/** Multiplication by an odd number visits every 32-bit number once, in no order. @param {number} i @param {number} keys */
const keyOf = (i, keys) => (Math.imul(i, 2_654_435_761) >>> 0) % keys

/** @param {Range} range @returns {Pair[]} */
function pairsOf({ from, to, keys }) {
  return Array.from({ length: to - from }, (_, i) => ({ key: keyOf(from + i, keys), value: (from + i) % 100 }))
}

/** @param {readonly Range[]} ranges */
function sumAll(ranges) {
  /** @type {Sums} */
  const sums = new Map()
  for (const range of ranges) for (const { key, value } of pairsOf(range)) sums.set(key, (sums.get(key) ?? 0) + value)
  return sums
}

const contained = workers(
  import.meta.url,
  { pairsOf, add: (/** @type {number} */ sum, /** @type {Pair} */ pair) => sum + pair.value },
  consent(import.meta.url),
)
export const byHand = {
  /** The sums of these ranges, as two lists for each worker: the even keys and the odd ones. @param {Range[]} ranges */
  sumPart(ranges) {
    const sums = [...sumAll(ranges)]
    return [0, 1].flatMap((half) => {
      const own = sums.filter(([key]) => key % 2 === half)
      return [Float64Array.from(own, ([key]) => key), Float64Array.from(own, ([, sum]) => sum)]
    })
  },
  /** @param {Float64Array[]} lists keys, sums, keys, sums */
  mergeHalf([keys, values, moreKeys, moreValues]) {
    /** @type {Sums} */
    const sums = new Map()
    for (let i = 0; i < keys.length; i++) sums.set(keys[i], values[i])
    for (let i = 0; i < moreKeys.length; i++) sums.set(moreKeys[i], (sums.get(moreKeys[i]) ?? 0) + moreValues[i])
    return [Float64Array.from(sums.keys()), Float64Array.from(sums.values())]
  },
}

/** @type {Record<string, import('./program.mjs').Program<{ pairs: number, keys: number }, Range[]>>} */
export const programs = {
  'by(key).reduce': {
    sizes: { small: { pairs: 4e5, keys: 2e4 }, full: { pairs: 20e6, keys: 1e6 } },
    prepare: ({ pairs, keys }) =>
      Array.from({ length: Math.ceil(pairs / 10_000) }, (_, i) => ({
        from: i * 10_000,
        to: Math.min(pairs, (i + 1) * 10_000),
        keys,
      })),
    loop: sumAll,
    // Pairs go from worker to worker, and each key is folded on one of them.
    heddle: (ranges) => stream(ranges).flatMap(contained.pairsOf).by('key').reduce(contained.add, 0),
    async byHand(ranges, hand) {
      const [a, b] = await hand.halves('sumPart', ranges)
      const halves = [
        [a[0], a[1], b[0], b[1]],
        [a[2], a[3], b[2], b[3]],
      ]
      const move = (/** @type {Float64Array[]} */ lists) => lists.map(({ buffer }) => /** @type {ArrayBuffer} */ (buffer))
      const merged = await Promise.all(
        halves.map((lists, i) => hand.call(/** @type {0 | 1} */ (i), 'mergeHalf', [lists], move(lists))),
      )
      const sums = new Map()
      for (const [keys, values] of merged) for (let i = 0; i < keys.length; i++) sums.set(keys[i], values[i])
      return sums
    },
    check(got, expected) {
      if (got.size !== expected.size) throw new Error(`${got.size} keys instead of ${expected.size}`)
      for (const [key, sum] of expected) if (got.get(key) !== sum) throw new Error(`${got.get(key)} instead of ${sum} for ${key}`)
    },
    peers: Object.fromEntries(
      ['Go', 'DuckDB', 'Polars'].map((name) => [
        name,
        {
          ask: (ranges) => ({ job: 'by-key', pairs: ranges.at(-1).to, keys: ranges[0].keys }),
          expect: (/** @type {Sums} */ sums) => [sums.size, [...sums.values()].reduce((total, sum) => total + sum, 0)],
        },
      ]),
    ),
    wanted: { overLoop: 1.5 },
  },
  // Everything on this thread: what grouping by key costs beside the loop.
  'by(key).reduce, plain functions': {
    sizes: { small: { pairs: 4e5, keys: 2e4 }, full: { pairs: 2e6, keys: 1e5 } },
    prepare: ({ pairs, keys }) => [{ from: 0, to: pairs, keys }],
    loop: sumAll,
    heddle: ([range]) =>
      stream(pairsOf(range))
        .by('key')
        .reduce((sum, pair) => sum + pair.value, 0),
    wanted: { overLoop: 0.9 },
  },
}
