/** Merge sort as a graph: eight leaves are sorted, then merged in pairs; of ordinary arrays and of typed ones. */
import { graph, transfer, workers } from 'heddle'
import { randomFrom } from './data.mjs'
import { consent } from './program.mjs'

/** @typedef {number[] | Float64Array} Numbers */

/** @template {Numbers} N @param {N} numbers @returns {N} */
function sorted(numbers) {
  return /** @type {N} */ (Array.isArray(numbers) ? [...numbers].sort((a, b) => a - b) : numbers.slice().sort())
}

/** @template {Numbers} N @param {N} left @param {N} right @returns {N} */
function merge(left, right) {
  const length = left.length + right.length
  const merged = Array.isArray(left) ? [] : new Float64Array(length)
  for (let i = 0, l = 0, r = 0; i < length; i++) {
    merged[i] = r >= right.length || (l < left.length && left[l] <= right[r]) ? left[l++] : right[r++]
  }
  return /** @type {N} */ (merged)
}

/** @template {Numbers} N @param {readonly N[]} leaves @returns {N} */
function sortAll(leaves) {
  let lists = leaves.map((leaf) => sorted(leaf))
  while (lists.length > 1) lists = pairs(lists).map(([left, right]) => merge(left, right))
  return lists[0]
}

/** @template T @param {readonly T[]} list @returns {[T, T][]} */
const pairs = (list) => Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i], list[2 * i + 1]])

const contained = workers(
  import.meta.url,
  {
    sorted: (/** @type {Numbers} */ numbers) => moved(sorted(numbers)),
    merge: ({ left, right }) => moved(merge(left, right)),
  },
  consent(import.meta.url),
)
export const byHand = { sortAll }

/** @param {Numbers} numbers */
const moved = (numbers) => (Array.isArray(numbers) ? numbers : transfer(numbers))

/** Results that only workers need stay there, once graphs keep them. @param {readonly Numbers[]} leaves */
function sortedByGraph(leaves) {
  const g = graph('merge sort')
  let level = leaves.map((leaf, i) => g.task(`sort ${i}`, () => contained.sorted(leaf)))
  for (let depth = 1; level.length > 1; depth++) {
    level = pairs(level).map(([left, right], i) =>
      g.task(`merge ${depth}.${i}`, { left, right }, (both) => contained.merge(both)),
    )
  }
  return g.run(level[0])
}

/** @type {import('./program.mjs').Program<number, Numbers[]>} */
const common = {
  sizes: { small: 25_000, full: 250_000 },
  prepare: (n) => leavesOf(n, (random) => Array.from({ length: n }, random)),
  loop: sortAll,
  heddle: sortedByGraph,
  async byHand(leaves, hand) {
    const [left, right] = await hand.halves('sortAll', leaves)
    return merge(left, right)
  },
  check(got, expected) {
    if (got.length !== expected.length || got.some((number, i) => number !== expected[i])) throw new Error('not sorted')
  },
}

/** @param {number} _ @param {(random: () => number) => Numbers} leaf */
function leavesOf(_, leaf) {
  const random = randomFrom(7)
  return Array.from({ length: 8 }, () => leaf(random))
}

/** @type {Record<string, import('./program.mjs').Program>} */
export const programs = {
  'merge sort, arrays': { ...common, wanted: { overLoop: 1 } },
  'merge sort, typed arrays': {
    ...common,
    sizes: { small: 125_000, full: 500_000 },
    prepare: (n) => leavesOf(n, (random) => Float64Array.from({ length: n }, random)),
    wanted: { overLoop: 1.6 },
  },
}
