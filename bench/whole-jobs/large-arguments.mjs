/** Arguments and results that cost more to send than what is done with them. */
import { map, workers } from 'heddle'
import { randomFrom } from './data.mjs'
import { consent } from './program.mjs'

/** @typedef {{ id: number, value: number, label: string }} Row */

/** @param {readonly Row[]} rows */
function sum(rows) {
  let total = 0
  for (const row of rows) total += row.value
  return total
}

/** @param {string} text @returns {unknown} */
const parse = (text) => JSON.parse(text)

const contained = workers(import.meta.url, { sum, parse }, consent(import.meta.url))
export const byHand = {
  sum: (/** @type {Row[][]} */ lists) => lists.map(sum),
  parse: (/** @type {string[]} */ texts) => texts.map(parse),
}

/** @param {number} seed @param {number} length @returns {Row[]} */
function rows(seed, length) {
  const random = randomFrom(seed)
  return Array.from({ length }, (_, i) => ({ id: i, value: random() % 1_000, label: `row ${i}` }))
}

/** Users with addresses and orders, 108 KB as text. @param {number} seed */
function document(seed) {
  const random = randomFrom(seed)
  const order = () => ({ sku: `S-${random() % 10_000}`, price: (random() % 10_000) / 100, paid: random() % 2 === 0 })
  const user = (/** @type {number} */ id) => ({
    id,
    name: `user ${id}`,
    address: { street: `Street ${id}`, zip: String(random() % 99_999) },
    orders: [order(), order(), order()],
  })
  return JSON.stringify(Array.from({ length: 460 }, (_, id) => user(id)))
}

/** @type {Record<string, import('./program.mjs').Program>} */
export const programs = {
  'map(arrays of objects, sum)': {
    sizes: { small: 100, full: 500 },
    prepare: (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => rows(i, 2_000)),
    loop: (/** @type {Row[][]} */ lists) => lists.map(sum),
    heddle: (/** @type {Row[][]} */ lists) => map(lists, contained.sum),
    byHand: async (/** @type {Row[][]} */ lists, hand) => (await hand.halves('sum', lists)).flat(),
  },
  'map(JSON texts, JSON.parse)': {
    sizes: { small: 80, full: 400 },
    prepare: (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => document(i)),
    loop: (/** @type {string[]} */ texts) => texts.map(parse),
    heddle: (/** @type {string[]} */ texts) => map(texts, contained.parse),
    byHand: async (/** @type {string[]} */ texts, hand) => (await hand.halves('parse', texts)).flat(),
  },
}
