/**
 * Mean and standard deviation of a .npy file of 4 GB in one pass, against merely reading it in pieces of 1 MiB: by one reader, as `cat` does, and
 * by as many threads as heddle takes, each with its part. From the page cache, where the file lies after the first round if there is memory
 * for it, and from the disk, where Linux may be told to forget it (as root). The page cache is memory: when all cores copy from it there is no
 * time left to compute in, so that the reader to keep up with is the one pass; a disk leaves time, so that it is both.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import * as da from 'heddle/array'
import { openPython } from './harness/processes.mjs'

const path = join(tmpdir(), 'heddle-array-bench.npy')
const n = 500_000_000

/** The file stays for the next run; the system's temporary folder is cleaned by the system. */
async function file() {
  if (!existsSync(path) || statSync(path).size < 8 * n) await da.save(path, da.random([n], { seed: 1 }))
  return path
}

/** Empties the page cache, or says why not. */
function forget() {
  try {
    spawnSync('sync')
    writeFileSync('/proc/sys/vm/drop_caches', '3')
  } catch (error) {
    return { absent: `the page cache cannot be emptied: ${/** @type {Error} */ (error).message}` }
  }
}

/** @typedef {{ readonly cold: boolean }} Case */

/** @param {Case} size @param {() => unknown} measure */
function prepared({ cold }, measure) {
  const refused = cold ? forget() : undefined
  return refused ?? { measure: () => (cold && forget(), measure()) }
}

/** @param {number} from @param {number} to */
function read(from, to) {
  const fd = openSync(path, 'r')
  const block = new Uint8Array(1 << 20)
  for (let at = from; at < to; at += block.length) readSync(fd, block, 0, Math.min(block.length, to - at), at)
  closeSync(fd)
}

/** Reads the file with so many threads; the milliseconds, without their start. */
async function readAll(threads = availableParallelism()) {
  const share = Math.ceil((8 * n) / threads)
  const source = `
    const { parentPort } = require('node:worker_threads')
    const { openSync, readSync, closeSync } = require('node:fs')
    const path = ${JSON.stringify(path)}
    ${read.toString()}
    parentPort.on('message', ([from, to]) => { read(from, to); parentPort.postMessage('done') })`
  const workers = Array.from({ length: threads }, () => new Worker(source, { eval: true }))
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('online', resolve))))
  const startedAt = performance.now()
  await Promise.all(
    workers.map(
      (worker, i) =>
        new Promise((resolve) => {
          worker.once('message', resolve)
          worker.postMessage([i * share, Math.min(8 * n, (i + 1) * share)])
        }),
    ),
  )
  const ms = performance.now() - startedAt
  await Promise.all(workers.map((worker) => worker.terminate()))
  return ms
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'mean and std of a .npy file of 4 GB',
  unit: 'ms',
  reference: 'readers on all cores',
  rounds: 3,
  warmups: 1,
  cases: { 'from the page cache': { cold: false }, 'from the disk': { cold: true } },
  contenders: {
    'readers on all cores': async (/** @type {Case} */ size) => {
      await file()
      return prepared(size, () => readAll())
    },
    'one reader': async (/** @type {Case} */ size) => {
      await file()
      return prepared(size, () => readAll(1))
    },
    heddle: async (/** @type {Case} */ size) => {
      const x = await da.load(await file())
      return prepared(size, async () => {
        const startedAt = performance.now()
        await da.compute([x.mean(), x.std()])
        return { figure: performance.now() - startedAt, 'peak MB': process.resourceUsage().maxRSS / 1024 }
      })
    },
    Dask: async (/** @type {Case} */ size) => {
      const python = await openPython(new URL('array.peer.py', import.meta.url))
      if ('absent' in python) return python
      const request = { peer: 'dask', case: 'mean and std of a file', n, path: await file() }
      return { ...prepared(size, async () => 1000 * (await python.ask(request))), close: python.close }
    },
  },
  targets: (results) => [
    {
      what: 'one reader / heddle, from the page cache',
      got: results.ratio('one reader', 'heddle', 'from the page cache'),
      atLeast: 0.9,
    },
    ...['one reader', 'readers on all cores'].map((reader) => ({
      what: `${reader} / heddle, from the disk`,
      got: results.ratio(reader, 'heddle', 'from the disk'),
      atLeast: 0.9,
    })),
    { what: 'peak RSS, MB', got: results.median('heddle', 'from the disk', 'peak MB'), atMost: 500 },
  ],
}
