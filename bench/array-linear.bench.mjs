/**
 * Products of matrices, einsum, overlapping blocks and a column of Parquet, beside NumPy, Dask and pyarrow. "The kernel alone" multiplies tiles that lie packed in the caches of two threads,
 * with the inner loop of heddle itself: what no product of this engine without other instructions can pass. NumPy's BLAS uses all cores, fused multiply-add and vectors
 * of 512 bits. The Parquet file is written once, by pyarrow with its defaults, into the temporary folder.
 */
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import * as da from 'heddle/array'
import { workers } from 'heddle'
import { openPython } from './harness/processes.mjs'

const n = 1_536
const side = 6_000
const table = join(tmpdir(), 'heddle-array-linear.parquet')
const { blur } = /** @type {{ blur: (block: da.Block) => Promise<Float64Array> }} */ (
  /** @type {unknown} */ (workers(new URL('./array-linear.worker.mjs', import.meta.url)))
)

/** @typedef {{ readonly name: string }} Case */

/** @type {Record<string, () => Promise<() => Promise<unknown>>>} */
const runs = {
  'matmul f64': () => product('f64'),
  'matmul f32': () => product('f32'),
  'einsum of three': async () => {
    const [a, b, c] = await matrices('f64', 3)
    return () => da.einsum('ij,jk,kl->il', a, b, c).compute()
  },
  'mapOverlap 3 × 3': async () => {
    const x = (await da.random([side, side], { seed: 1 }).persist()).rechunk([1_000, -1])
    return () => da.mapOverlap(x, blur, { depth: 1, boundary: 'nearest' }).compute()
  },
  'a column of Parquet': async () => () => da.loadParquet(table, 'x').then((x) => x.compute()),
}

/** @param {'f64' | 'f32'} dtype @param {number} count */
const matrices = (dtype, count) =>
  Promise.all(Array.from({ length: count }, (_, seed) => da.random([n, n], { seed }).astype(dtype).persist()))

/** @param {'f64' | 'f32'} dtype */
async function product(dtype) {
  const [a, b] = /** @type {[da.NDArray, da.NDArray]} */ (await matrices(dtype, 2))
  return () => da.matmul(a, b).compute()
}

/** The two products that the einsum is made of. */
async function products() {
  const [a, b, c] = /** @type {[da.NDArray, da.NDArray, da.NDArray]} */ (await matrices('f64', 3))
  return async () => da.matmul(await da.matmul(a, b).persist(), c).compute()
}

/** Milliseconds that both threads need for the multiplications of one product, without anything around them. @param {'f64' | 'f32'} dtype */
async function kernelAlone(dtype) {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    require('jiti').createJiti(workerData).import(workerData).then(({ productTiles, panelColumns, panelRows, tileLength }) => {
      parentPort.on('message', ({ dtype, tiles }) => {
        const { multiply } = productTiles(dtype)
        for (let i = 0; i < tiles; i++) multiply(tileLength, tileLength / panelRows, tileLength / panelColumns[dtype])
        parentPort.postMessage('done')
      })
      parentPort.postMessage('ready')
    })`
  const workerData = new URL('../src/array/wasm/product.ts', import.meta.url).href
  const threads = Array.from({ length: 2 }, () => new Worker(source, { eval: true, workerData }))
  const answers = () => Promise.all(threads.map((thread) => new Promise((resolve) => thread.once('message', resolve))))
  await answers()
  const tiles = (n / 256) ** 3 / 2
  return {
    async measure() {
      const startedAt = performance.now()
      const done = answers()
      for (const thread of threads) thread.postMessage({ dtype, tiles })
      await done
      return performance.now() - startedAt
    },
    close: () => Promise.all(threads.map((thread) => thread.terminate())).then(() => {}),
  }
}

/** @param {string} peer @param {Case} size */
async function python(peer, { name }) {
  const process = await openPython(new URL('array-linear.peer.py', import.meta.url))
  if ('absent' in process) return process
  const ask = (/** @type {string} */ what) => process.ask({ peer: what, case: name, n, side, table })
  return { measure: async () => 1000 * (await ask(peer)), close: process.close }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'linear algebra, blocks and columns, with the peers of Python',
  unit: 'ms',
  reference: 'heddle',
  rounds: 7,
  warmups: 1,
  cases: Object.fromEntries(Object.keys(runs).map((name) => [name, { name }])),
  contenders: {
    heddle: async ({ name }) => {
      if (name.includes('Parquet') && !existsSync(table)) {
        const written = await python('write', { name })
        if ('absent' in written) return written
        await written.measure()
        await written.close()
      }
      const run = await /** @type {() => Promise<() => Promise<unknown>>} */ (runs[name])()
      return {
        async measure() {
          const startedAt = performance.now()
          await run()
          return performance.now() - startedAt
        },
      }
    },
    'the kernel alone': ({ name }) =>
      name.startsWith('matmul') ? kernelAlone(/** @type {'f64' | 'f32'} */ (name.split(' ')[1])) : undefined,
    'its products': async ({ name }) => {
      if (!name.startsWith('einsum')) return undefined
      const run = await products()
      return {
        async measure() {
          const startedAt = performance.now()
          await run()
          return performance.now() - startedAt
        },
      }
    },
    Dask: (size) => (size.name.startsWith('mapOverlap') ? python('dask', size) : undefined),
    NumPy: (size) => (/^(matmul|einsum)/.test(size.name) ? python('numpy', size) : undefined),
    'pyarrow on 1 thread': (size) => (size.name.includes('Parquet') ? python('pyarrow', size) : undefined),
  },
  targets: (results) => [
    ...['f64', 'f32'].map((dtype) => ({
      what: `the kernel alone / heddle, matmul ${dtype}`,
      got: results.ratio('the kernel alone', 'heddle', `matmul ${dtype}`),
      atLeast: 0.9,
    })),
    { what: 'its products / heddle, einsum', got: results.ratio('its products', 'heddle', 'einsum of three'), atLeast: 0.9 },
    { what: 'Dask / heddle, mapOverlap', got: results.ratio('Dask', 'heddle', 'mapOverlap 3 × 3'), atLeast: 5 },
    {
      what: 'pyarrow / heddle, a column of 1 GB',
      got: results.ratio('pyarrow on 1 thread', 'heddle', 'a column of Parquet'),
      atLeast: 1,
    },
  ],
}
