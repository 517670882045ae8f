/**
 * Arrays against Dask's threaded scheduler, NumPy and NumExpr: the same expression over as many uniform doubles, in memory unless
 * the name says random. NumPy uses one thread (but for products of matrices, which its BLAS computes on all cores with fused multiply-add on
 * vectors of 512 bits; WebAssembly has neither); the others use as many as there are cores. All are warm: a round before the first that counts.
 */
import * as da from 'heddle/array'
import { openPython } from './harness/processes.mjs'

const M = 1e6

/** @typedef {{ readonly name: string, readonly n: number }} Case */

/** @type {Record<string, (x: da.NDArray<'f64', 'array'>) => da.NDArray>} */
const expressions = {
  'mean of random': (x) => x.mean(),
  'mean of sin² + cos²': (x) => x.sin().square().add(x.cos().square()).mean(),
  sum: (x) => x.sum(),
  'sum of 2x + 1': (x) => x.multiply(2).add(1).sum(),
  var: (x) => x.var(),
  'min and max': (x) => x.max().subtract(x.min()),
  argmax: (x) => x.argmax(),
  histogram: (x) => da.histogram(x, { bins: 100, range: [0, 1] }).counts,
  cumsum: (x) => da.cumsum(x),
  where: (x) => da.where(x.greater(0.5), x, x.negative()),
  mask: (x) => x.get(x.greater(0.5)),
  'product of 1000 × 1000': (x) => da.matmul(x.reshape(1000, 1000), x.reshape(1000, 1000)),
}

const isRandom = (/** @type {string} */ name) => name === 'mean of random' || name.includes('sin')

/** @param {Case} size @param {da.ComputeOptions} options */
async function heddle({ name, n }, options) {
  const expression = /** @type {(x: da.NDArray<'f64', 'array'>) => da.NDArray} */ (expressions[name])
  const random = () => da.random([n], { chunks: 10 * M, seed: 42 })
  const x = isRandom(name) ? undefined : await da.random([n], { seed: 7 }).persist()
  return {
    async measure() {
      const startedAt = performance.now()
      await expression(x ?? random()).compute(options)
      const ms = performance.now() - startedAt
      return { figure: ms, 'peak MB': process.resourceUsage().maxRSS / 1024 }
    },
  }
}

/** @param {string} peer @param {Case} size */
async function python(peer, { name, n }) {
  const process = await openPython(new URL('array.peer.py', import.meta.url))
  if ('absent' in process) return process
  return { measure: async () => 1000 * (await process.ask({ peer, case: name, n })), close: process.close }
}

const inNumExpr = ['sum', 'sum of 2x + 1', 'where']
const big = ['sum', 'sum of 2x + 1']

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'expressions over doubles, with the peers of Python',
  unit: 'ms',
  reference: 'heddle',
  rounds: 9,
  warmups: 1,
  cases: Object.fromEntries(
    Object.keys(expressions).map((name) => {
      const n = isRandom(name) ? 100 * M : big.includes(name) ? 50 * M : name.startsWith('product') ? M : 20 * M
      return [`${name} (${n / M} M)`, { name, n }]
    }),
  ),
  contenders: {
    heddle: (size) => heddle(size, {}),
    'heddle on 1 thread': (size) => (isRandom(size.name) || big.includes(size.name) ? heddle(size, { threads: 1 }) : undefined),
    Dask: (size) => python('dask', size),
    NumPy: (size) => python('numpy', size),
    NumExpr: (size) => (inNumExpr.includes(size.name) ? python('numexpr', size) : undefined),
  },
  targets: (results) => [
    { what: 'Dask / heddle, mean of random', got: results.ratio('Dask', 'heddle', 'mean of random (100 M)'), atLeast: 8 },
    { what: 'peak RSS, MB', got: results.median('heddle', 'mean of random (100 M)', 'peak MB'), atMost: 200 },
    { what: 'Dask / heddle, sin² + cos²', got: results.ratio('Dask', 'heddle', 'mean of sin² + cos² (100 M)'), atLeast: 4 },
    { what: 'Dask / heddle, sum of 2x + 1', got: results.ratio('Dask', 'heddle', 'sum of 2x + 1 (50 M)'), atLeast: 3 },
    { what: 'NumExpr / heddle, sum of 2x + 1', got: results.ratio('NumExpr', 'heddle', 'sum of 2x + 1 (50 M)'), atLeast: 1 },
    { what: 'NumPy / heddle, sum', got: results.ratio('NumPy', 'heddle', 'sum (50 M)'), atLeast: 0.9 },
    {
      what: 'one thread / two, sin² + cos²',
      got: results.ratio('heddle on 1 thread', 'heddle', 'mean of sin² + cos² (100 M)'),
      atLeast: 1.8,
    },
    ...['var', 'min and max', 'argmax', 'histogram', 'cumsum', 'where', 'mask'].map((name) => ({
      what: `Dask / heddle, ${name}`,
      got: results.ratio('Dask', 'heddle', `${name} (20 M)`),
      atLeast: 1,
    })),
  ],
}
