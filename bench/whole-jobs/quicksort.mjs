/** Quicksort of numbers in shared memory: each half is sorted by a call of the same function. */
import { fork, workers } from 'heddle'
import { randomFrom } from './data.mjs'
import { consent } from './program.mjs'

/** What is shorter is sorted in one go: by a call of the built-in. */
const leaf = 100_000

/** @typedef {{ shared: SharedArrayBuffer, from: number, to: number }} Range */

/** Puts what is smaller than a middle number before the rest, and gives where the rest begins (Hoare). @param {Float64Array} numbers */
function partition(numbers) {
  const [a, b, c] = [numbers[0], numbers[numbers.length >> 1], numbers[numbers.length - 1]]
  const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
  let [left, right] = [-1, numbers.length]
  for (;;) {
    do left++
    while (numbers[left] < pivot)
    do right--
    while (numbers[right] > pivot)
    if (left >= right) return right + 1
    const kept = numbers[left]
    numbers[left] = numbers[right]
    numbers[right] = kept
  }
}

/** @param {Range} range */
const viewOf = ({ shared, from, to }) => new Float64Array(shared, from * 8, to - from)

/** The two parts of a range, after its partition. @param {Range} range @returns {[Range, Range]} */
function split({ shared, from, to }) {
  const middle = from + partition(viewOf({ shared, from, to }))
  return [
    { shared, from, to: middle },
    { shared, from: middle, to },
  ]
}

/** @param {Range} range */
function sort(range) {
  if (range.to - range.from <= leaf) return void viewOf(range).sort()
  for (const part of split(range)) sort(part)
}

const contained = workers(
  import.meta.url,
  {
    /** @param {Range} range */
    async sortBoth(range) {
      if (range.to - range.from <= leaf) return void viewOf(range).sort()
      const [left, right] = split(range)
      const first = fork(contained.sortBoth, left)
      await contained.sortBoth(right)
      await first
    },
  },
  consent(import.meta.url),
)
export const byHand = { sort }

const whole = (/** @type {SharedArrayBuffer} */ shared) => ({ shared, from: 0, to: shared.byteLength / 8 })

/** @type {Record<string, import('./program.mjs').Program<number, SharedArrayBuffer>>} */
export const programs = {
  'quicksort, shared': {
    sizes: { small: 2e6, full: 20e6 },
    prepare: (n) => filled(n, randomFrom(11)),
    fresh: (shared) => shared.slice(0),
    loop: (shared) => (sort(whole(shared)), shared),
    heddle: async (shared) => (await contained.sortBoth(whole(shared)), shared),
    async byHand(shared, hand) {
      const [left, right] = split(whole(shared))
      await Promise.all([hand.call(0, 'sort', [left]), hand.call(1, 'sort', [right])])
      return shared
    },
    check(got, expected) {
      if (!Buffer.from(got).equals(Buffer.from(expected))) throw new Error('not sorted')
    },
    peers: { Go: { ask: (shared) => ({ job: 'quicksort', n: shared.byteLength / 8 }), expect: () => true } },
    wanted: { overLoop: 1.6 },
  },
}

/** @param {number} n @param {() => number} random */
function filled(n, random) {
  const shared = new SharedArrayBuffer(n * 8)
  const numbers = new Float64Array(shared)
  for (let i = 0; i < n; i++) numbers[i] = random()
  return shared
}
