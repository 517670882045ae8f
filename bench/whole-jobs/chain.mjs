/** Two stages of a stream, many small objects between them; against one function that does both. */
import { stream, workers } from 'heddle'
import { consent } from './program.mjs'

/** @typedef {{ id: number, name: string, price: number, tags: string[] }} Row */

/** 2,000 rows. @param {number} seed @returns {Row[]} */
function makeRows(seed) {
  return Array.from({ length: 2_000 }, (_, i) => ({ id: seed + i, name: `item ${i}`, price: (seed * i) % 997, tags: ['a', 'b'] }))
}

/** @param {readonly Row[]} rows */
function priceOf(rows) {
  let sum = 0
  for (const { id, price, tags } of rows) sum += price * tags.length + (id & 1)
  return sum
}

const both = (/** @type {number} */ seed) => priceOf(makeRows(seed))

const contained = workers(import.meta.url, { makeRows, priceOf, both }, consent(import.meta.url))
export const byHand = { all: (/** @type {number[]} */ seeds) => seeds.map(both) }

/** @type {Record<string, import('./program.mjs').Program<number, number[]>>} */
export const programs = {
  'stream map(a).map(b)': {
    sizes: { small: 100, full: 500 },
    prepare: (n) => Array.from({ length: n }, (_, i) => i),
    loop: (seeds) => seeds.map((seed) => priceOf(makeRows(seed))),
    // Both stages on the worker that has the rows, once neighbouring stages travel as one.
    heddle: (seeds) => stream(seeds).map(contained.makeRows).map(contained.priceOf).toArray(),
    asOne: (seeds) => stream(seeds).map(contained.both).toArray(),
    byHand: async (seeds, hand) => (await hand.halves('all', seeds)).flat(),
    wanted: { overAsOne: 1.1 },
  },
}
