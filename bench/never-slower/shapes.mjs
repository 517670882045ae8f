/** What people send: by shape, values of about a size in bytes, and a function that gives each shape back changed, so that results are as large as arguments. */
import { workers } from 'heddle'

/** @typedef {{ id: number, name: string, price: number, paid: boolean }} Row about 50 bytes @typedef {Record<string, any>} Tree */

/** One value of about so many bytes, one at least of what it consists of. @type {Record<string, (bytes: number) => any>} */
export const shapes = {
  objects: (bytes) => Array.from({ length: Math.ceil(bytes / 50) }, (_, i) => row(i)),
  strings: (bytes) => Array.from({ length: Math.ceil(bytes / 12) }, (_, i) => `word ${100_000 + i}`),
  'nested JSON': (bytes) => tree(Math.ceil(bytes / 120)),
  Map: (bytes) => new Map(Array.from({ length: Math.ceil(bytes / 20) }, (_, i) => [`key ${i}`, i])),
  'typed array': (bytes) => new Float64Array(Math.ceil(bytes / 8)).fill(1),
  'one-byte text': (bytes) => 'plain text '.repeat(Math.ceil(bytes / 11)),
  'two-byte text': (bytes) => 'Tëxt “↯” '.repeat(Math.ceil(bytes / 18)),
}

/** @param {number} i @returns {Row} */
const row = (i) => ({ id: i, name: `item ${i}`, price: i / 4, paid: i % 2 === 0 })

/** Objects in lists in objects. @param {number} leaves @returns {Tree} */
function tree(leaves) {
  if (leaves <= 1) return { user: row(leaves), address: { street: 'Street 1', zip: '1010' }, tags: ['a', 'b'] }
  const half = leaves >> 1
  return { total: leaves, children: [tree(half), tree(leaves - half)] }
}

/** Looks at all of a value, and gives one of the same shape. */
export const plain = {
  objects: (/** @type {Row[]} */ rows) => rows.map(({ id, name, price, paid }) => ({ id, name, price: price + 1, paid: !paid })),
  strings: (/** @type {string[]} */ words) => words.map((word) => `${word}!`),
  'nested JSON': changedTree,
  Map: (/** @type {Map<string, number>} */ counts) => new Map(Array.from(counts, ([key, count]) => [key, count + 1])),
  'typed array': (/** @type {Float64Array} */ numbers) => numbers.map((number) => number + 1),
  'one-byte text': (/** @type {string} */ text) => text.toUpperCase(),
  'two-byte text': (/** @type {string} */ text) => text.toUpperCase(),
}

/** @param {Tree} node @returns {Tree} */
function changedTree(node) {
  if (node.children) return { total: node.total + 1, children: node.children.map(changedTree) }
  return { user: { ...node.user }, address: { ...node.address }, tags: [...node.tags] }
}

// Loaded twice, as the programs of whole-jobs are: as it is, and with a query that consents.
export const functions = workers(import.meta.url, plain, { inline: import.meta.url.endsWith('?consents') })
export const byHand = Object.fromEntries(
  Object.entries(plain).map(([name, fn]) => [name, (/** @type {any[]} */ items) => items.map((item) => fn(item))]),
)
