/** Counts the words of many files: what everybody tries first. */
import { readFileSync, writeFileSync } from 'node:fs'
import { mapReduce, workers } from 'heddle'
import { folderOf, textOf } from './data.mjs'
import { consent } from './program.mjs'

/** @typedef {Map<string, number>} Counts @typedef {{ folder: string, paths: readonly string[] }} Input */

/** @param {string} path @param {Counts} [counts] */
function countWords(path, counts = new Map()) {
  for (const word of readFileSync(path, 'utf8').split(/\s+/)) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

/** Adds the counts of `right` to those of `left`. @param {Counts} left @param {Counts} right */
function add(left, right) {
  for (const [word, count] of right) left.set(word, (left.get(word) ?? 0) + count)
  return left
}

/** @param {readonly string[]} paths */
function countAll(paths) {
  const counts = new Map()
  for (const path of paths) countWords(path, counts)
  return counts
}

const contained = workers(
  import.meta.url,
  { count: (/** @type {string} */ path) => countWords(path), add, countAll },
  consent(import.meta.url),
)
export const byHand = { countAll }

/** @type {import('./program.mjs').Program<number, Input>} */
const common = {
  sizes: { small: 400, full: 4_000 },
  prepare: (files) => {
    const name = (/** @type {number} */ i) => `${String(i).padStart(5, '0')}.txt`
    const folder = folderOf(`words-${files}`, (own) => {
      for (let i = 0; i < files; i++) writeFileSync(own + name(i), textOf(i, 32_768))
    })
    return { folder, paths: Array.from({ length: files }, (_, i) => folder + name(i)) }
  },
  loop: ({ paths }) => countAll(paths),
  heddle: ({ paths }) => mapReduce(paths, contained.count, add),
  async byHand({ paths }, hand) {
    const [left, right] = await hand.halves('countAll', paths)
    return add(left, right)
  },
  check: sameCounts,
}

/** Order aside: whoever merges halves meets the words in another order. @param {Counts} got @param {Counts} expected */
function sameCounts(got, expected) {
  if (got.size !== expected.size) throw new Error(`${got.size} words instead of ${expected.size}`)
  for (const [word, count] of expected)
    if (got.get(word) !== count) throw new Error(`${got.get(word)} × ${word} instead of ${count}`)
}

/** @type {import('./program.mjs').PeerCall} */
const counted = {
  ask: ({ folder }) => ({ job: 'words', folder }),
  expect: (/** @type {Counts} */ counts) => [counts.size, [...counts.values()].reduce((sum, count) => sum + count, 0)],
}

/** @type {Record<string, import('./program.mjs').Program>} */
export const programs = {
  'word count': {
    ...common,
    peers: {
      Go: counted,
      multiprocessing: counted,
      joblib: counted,
      Ray: counted,
      'Dask bag': counted,
      PySpark: { ...counted, rounds: 1 },
    },
    wanted: { overLoop: 1 },
  },
  'word count, merge on workers': {
    ...common,
    // Merges each block of neighbours where it was computed, once `mapReduce` can.
    heddle: ({ paths }) => mapReduce(paths, contained.count, contained.add),
    peers: { Go: counted, multiprocessing: counted },
    wanted: { overPeers: { multiprocessing: 1.6, Go: 1 / 1.6 } },
  },
  'word count, 50 files per call': {
    ...common,
    heddle: ({ paths }) => {
      const chunks = Array.from({ length: Math.ceil(paths.length / 50) }, (_, i) => paths.slice(50 * i, 50 * (i + 1)))
      return mapReduce(chunks, contained.countAll, add)
    },
  },
}
