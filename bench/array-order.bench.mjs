/** Order in arrays against NumPy (one thread) and Dask's threaded scheduler: the same uniform doubles in memory, all warm. */
import * as da from 'heddle/array'
import { openPython } from './harness/processes.mjs'

const M = 1e6

/** @typedef {{ readonly name: string, readonly shape: readonly number[] }} Case */

/** @type {Record<string, { shape: readonly number[], make: (x: da.NDArray<'f64', 'array'>) => da.NDArray<da.DType, da.Rank>, dask?: boolean }>} */
const expressions = {
  'sort of 20 M': { shape: [20 * M], make: (x) => da.sort(x) },
  'sort of 20,000 rows of 1,000': { shape: [20_000, 1_000], make: (x) => da.sort(x) },
  'argsort of 20,000 rows of 1,000': { shape: [20_000, 1_000], make: (x) => da.argsort(x) },
  'median of 2,000 rows of 10,000': { shape: [2_000, 10_000], make: (x) => da.quantile(x, 0.5, { axis: 1 }), dask: true },
  'three quantiles of 2,000 columns': {
    shape: [10_000, 2_000],
    make: (x) => da.quantile(x, [0.1, 0.5, 0.9], { axis: 0 }),
    dask: true,
  },
  'five largest of 20,000 rows of 1,000': { shape: [20_000, 1_000], make: (x) => da.topk(x, 5, { axis: 1 }), dask: true },
  'rows by 1 M indices': {
    shape: [200_000, 20],
    make: (x) => da.take(x, da.integers(0, 200_000, [M], { seed: 5 }), { axis: 0 }),
  },
}

/** @param {Case} size */
async function heddle({ name, shape }) {
  const { make } = /** @type {(typeof expressions)[string]} */ (expressions[name])
  const x = await da.random([...shape], { seed: 7 }).persist()
  return {
    async measure() {
      const startedAt = performance.now()
      await make(x).compute()
      return performance.now() - startedAt
    },
  }
}

/** @param {string} peer @param {Case} size */
async function python(peer, { name, shape }) {
  const process = await openPython(new URL('array-order.peer.py', import.meta.url))
  if ('absent' in process) return process
  return { measure: async () => 1000 * (await process.ask({ peer, case: name, shape })), close: process.close }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'sorting, quantiles by axis and selection of doubles, with the peers of Python',
  unit: 'ms',
  reference: 'heddle',
  rounds: 5,
  warmups: 1,
  cases: Object.fromEntries(Object.entries(expressions).map(([name, { shape }]) => [name, { name, shape }])),
  contenders: {
    heddle,
    NumPy: (size) => python('numpy', size),
    Dask: (size) => (expressions[size.name]?.dask ? python('dask', size) : undefined),
  },
  targets: (results) => [
    { what: 'NumPy / heddle, sort', got: results.ratio('NumPy', 'heddle', 'sort of 20 M'), atLeast: 1.5 },
    { what: 'Dask / heddle, median by row', got: results.ratio('Dask', 'heddle', 'median of 2,000 rows of 10,000'), atLeast: 2 },
    {
      what: 'Dask / heddle, quantiles by column',
      got: results.ratio('Dask', 'heddle', 'three quantiles of 2,000 columns'),
      atLeast: 2,
    },
  ],
}
