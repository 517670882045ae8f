/** Arguments and results of all shapes and sizes, from 10 bytes to 10 MB: `npm run bench -- never-slower --shapes`. */
import { map } from 'heddle'
import { openHand } from '../whole-jobs/hand.mjs'
import { contender } from './contender.mjs'
import { promises } from './promises.mjs'
import { plain, shapes } from './shapes.mjs'

const sizes = { '10 B': 10, '1 KB': 1e3, '100 KB': 1e5, '10 MB': 1e7 }
/** Items of a case are this many bytes together, between these numbers of them. */
const [togetherBytes, fewest, most] = [2e6, 2, 1_000]

/** @typedef {{ shape: string, bytes: number }} Case */

/** @type {Record<string, Case>} */
const cases = {}
for (const shape of Object.keys(shapes)) {
  for (const [size, bytes] of Object.entries(sizes)) cases[`${shape}, ${size}`] = { shape, bytes }
}

/** @param {Case} size */
function itemsOf({ shape, bytes }) {
  const count = Math.max(fewest, Math.min(most, Math.round(togetherBytes / bytes)))
  return Array.from({ length: count }, () => shapes[shape](bytes))
}

/** @param {string} query */
const heddle = (query) => async (/** @type {Case} */ size) => {
  const { functions } = await import(`./shapes.mjs${query}`)
  const items = itemsOf(size)
  return contender(() => map(items, functions[size.shape]))
}

/** @type {import('../harness/measure.mjs').Bench} */
export const byShape = {
  about: 'a map over arguments and results of all shapes and sizes against the plain loop, and against bare workers',
  unit: 'ms',
  reference: 'loop',
  rounds: 3,
  warmups: 0,
  cases,
  contenders: {
    loop: (size) => {
      const items = itemsOf(size)
      const fn = /** @type {(item: unknown) => unknown} */ (plain[/** @type {keyof typeof plain} */ (size.shape)])
      return contender(() => items.map((item) => fn(item)))
    },
    consenting: heddle('?consents'),
    'by hand': async (size) => {
      const items = itemsOf(size)
      const hand = await openHand(new URL('shapes.mjs', import.meta.url))
      return contender(async () => (await hand.halves(size.shape, items)).flat(), hand.close)
    },
    contained: heddle(''),
  },
  targets: (results) =>
    promises(results, (name, loopMs, handMs) =>
      // What the cores give where messages are large, the work by hand shows.
      handMs < 0.9 * loopMs
        ? [{ what: `${name}: by hand / consenting`, got: results.ratio('by hand', 'consenting', name), atLeast: 0.9 }]
        : [],
    ),
}
