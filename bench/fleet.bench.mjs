/**
 * Small items through a Redis with an append-only file: heddle's batches by time against BullMQ used by hand, one item per job and 500 per job. One worker
 * process each, on this machine.
 */
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { map } from 'heddle'
import { absent, openRedis } from './fleet/redis.mjs'
import { fresh, openPython } from './harness/processes.mjs'

const count = 20_000
const items = Array.from({ length: count }, (_, i) => i)

/** BullMQ by hand: a queue, its events, one worker process. */
async function openRaw() {
  const { Queue, QueueEvents } = await import('bullmq')
  const redis = await openRedis()
  const worker = spawn(process.execPath, [fileURLToPath(new URL('fleet/raw-worker.mjs', import.meta.url)), String(redis.port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(createInterface({ input: worker.stdout }), 'line')
  const connection = { host: '127.0.0.1', port: redis.port }
  const queue = new Queue('raw', { connection, defaultJobOptions: { removeOnComplete: true } })
  const events = new QueueEvents('raw', { connection })
  await events.waitUntilReady()
  const close = async () => {
    await events.close()
    await queue.close()
    worker.kill('SIGKILL')
    redis.close()
  }
  return { events, queue, close }
}

/** @param {number} size items of one job @param {number} jobs how many of the items */
async function raw(size, jobs) {
  if (absent) return absent
  const { events, queue, close } = await openRaw()
  return {
    rounds: 3,
    run: async () => {
      const pieces = Array.from({ length: Math.ceil(jobs / size) }, (_, i) =>
        items.slice(i * size, Math.min(jobs, (i + 1) * size)),
      )
      const results = new Map()
      const all = new Promise((resolve) => {
        events.on('completed', ({ jobId, returnvalue }) => {
          results.set(jobId, returnvalue)
          if (results.size === pieces.length) resolve(undefined)
        })
      })
      const added = await queue.addBulk(pieces.map((data) => ({ name: 'double', data: size === 1 ? data[0] : data })))
      await all
      events.removeAllListeners('completed')
      const flat = added.flatMap(({ id }) => results.get(id))
      return { sum: flat.reduce((a, b) => a + b, 0), count: jobs }
    },
    close,
  }
}

/** One worker process of heddle, and a fleet to it. @param {{ workers?: number, slots?: number }} [crew] */
async function openFleet(crew) {
  const { bullmq } = await import('heddle/bullmq')
  const functions = await import('./fleet/functions.mjs')
  const redis = await openRedis(['functions.mjs'], crew)
  const fleet = await bullmq({ url: redis.url })
  return { fleet, functions, redis, close: async () => (await fleet.close(), redis.close()) }
}

/** @param {string} name @param {(ask: (request: object) => Promise<any>) => Promise<any>} measure */
const peer = (name, measure) => async () => {
  if (absent) return absent
  const redis = await openRedis()
  const python = await openPython(new URL('fleet.peer.py', import.meta.url))
  if ('absent' in python) return (redis.close(), python)
  await python.ask({ open: name, port: redis.port })
  return {
    measure: () => measure(python.ask),
    close: async () => {
      await python.ask({ close: true })
      await python.close()
      redis.close()
    },
  }
}

/** @param {number[]} times in order */
const quantiles = (times) => ({ figure: times[times.length >> 1] ?? 0, p99: times[Math.floor(times.length * 0.99)] ?? 0 })

/** One call after the other, each when the last one is back. @type {import('./harness/measure.mjs').Bench} */
const call = {
  about: 'one warm call, one after the other: median, and the slowest of a hundred',
  unit: 'ms',
  reference: 'heddle',
  rounds: 3,
  warmups: 1,
  contenders: {
    heddle: async () => {
      if (absent) return absent
      const { fleet, functions, close } = await openFleet()
      const double = fleet.bind(functions.double)
      for (let i = 0; i < 50; i++) await double(i)
      return {
        close,
        measure: async () => {
          const times = []
          for (let i = 0; i < 300; i++) {
            const at = performance.now()
            await double(i)
            times.push(performance.now() - at)
            await new Promise((resolve) => setTimeout(resolve, 2))
          }
          return quantiles(times.sort((a, b) => a - b))
        },
      }
    },
    'BullMQ by hand': async () => {
      if (absent) return absent
      const { events, queue, close } = await openRaw()
      const waiting = new Map()
      let calls = 0
      events.on('completed', ({ jobId }) => waiting.get(jobId)?.())
      return {
        close,
        measure: async () => {
          const times = []
          for (let i = 0; i < 300; i++) {
            const at = performance.now()
            const jobId = `call-${calls++}`
            const done = new Promise((resolve) => waiting.set(jobId, resolve))
            await queue.add('double', i, { jobId })
            await done
            waiting.delete(jobId)
            times.push(performance.now() - at)
            await new Promise((resolve) => setTimeout(resolve, 2))
          }
          return quantiles(times.sort((a, b) => a - b))
        },
      }
    },
    Celery: peer('celery', async (ask) => quantiles(await ask({ calls: 300 }))),
    'Dask distributed': peer('dask', async (ask) => quantiles(await ask({ calls: 300 }))),
    Ray: peer('ray', async (ask) => quantiles(await ask({ calls: 300 }))),
  },
  targets: (results) => [
    { what: 'p50', got: results.median('heddle'), atMost: 2.5 },
    { what: 'p99', got: results.median('heddle', undefined, 'p99'), atMost: 12 },
    { what: 'heddle / BullMQ by hand', got: results.ratio('heddle', 'BullMQ by hand'), atMost: 2 },
  ],
}

const textCount = 5_000
/** @type {import('./harness/measure.mjs').Bench} */
const bytes = {
  about: `${textCount.toLocaleString('en')} texts of 4 KB to one worker process`,
  unit: 'ms per MB',
  figure: (ms) => ms / ((textCount * 4_096) / 1e6),
  reference: 'heddle',
  rounds: 5,
  contenders: {
    heddle: async () => {
      if (absent) return absent
      const { fleet, functions, close } = await openFleet()
      const texts = Array.from({ length: textCount }, (_, i) => String(i).padEnd(4_096, 'x'))
      return { close, run: () => map(texts, functions.length, { on: fleet }) }
    },
  },
  check(/** @type {number[]} */ lengths) {
    if (lengths.length !== textCount || lengths.some((length) => length !== 4_096)) throw new Error('wrong results')
  },
  targets: (results) => [{ what: 'MB a second', got: 1_000 / (results.median('heddle') ?? Number.NaN), atLeast: 60 }],
}

const spins = 800
/** @type {import('./harness/measure.mjs').Bench} */
const compute = {
  about: `${spins} items that compute for 5 ms on two processes of one slot each`,
  reference: 'two processes without a queue',
  rounds: 5,
  warmups: 1,
  contenders: {
    heddle: async () => {
      if (absent) return absent
      const { fleet, functions, close } = await openFleet({ workers: 2, slots: 1 })
      const times = Array.from({ length: spins }, () => 5)
      return { close, run: () => map(times, functions.spin, { on: fleet }) }
    },
    'two processes without a queue': async () => {
      const children = [0, 1].map(() => fork(fileURLToPath(new URL('fleet/spin-child.mjs', import.meta.url))))
      await Promise.all(children.map((child) => once(child, 'message')))
      const half = Array.from({ length: spins / 2 }, () => 5)
      return {
        run: () =>
          Promise.all(
            children.map((child) => {
              child.send(half)
              return once(child, 'message')
            }),
          ),
        close: () => children.forEach((child) => child.kill()),
      }
    },
  },
  targets: (results) => [
    { what: 'without a queue / heddle', got: results.ratio('two processes without a queue', 'heddle'), atLeast: 0.95 },
  ],
}

/** @type {import('./harness/measure.mjs').Bench} */
const lazy = {
  about: 'a million items from a lazy source: growth of the client',
  unit: 'MB',
  reference: 'heddle',
  rounds: 1,
  warmups: 0,
  contenders: {
    heddle: async () => {
      if (absent) return absent
      const redis = await openRedis(['functions.mjs'])
      return {
        measure: async () => {
          const { value } = await fresh(new URL('fleet/lazy.child.mjs', import.meta.url), {
            args: [redis.url],
            nodeArgs: ['--expose-gc'],
          })
          return { figure: value.grownMb, seconds: value.ms / 1e3 }
        },
        close: () => redis.close(),
      }
    },
  },
  targets: (results) => [{ what: 'MB', got: results.median('heddle'), atMost: 150 }],
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${count.toLocaleString('en')} trivial items to one worker process through Redis`,
  unit: 'µs per item',
  figure: (ms) => (ms * 1e3) / count,
  reference: 'BullMQ, 500 items per job',
  rounds: 5,
  contenders: {
    heddle: async () => {
      if (absent) return absent
      const { bullmq } = await import('heddle/bullmq')
      const { double } = await import('./fleet/functions.mjs')
      const redis = await openRedis(['functions.mjs'])
      const fleet = await bullmq({ url: redis.url })
      return {
        run: async () => {
          const results = await map(items, double, { on: fleet })
          return { sum: results.reduce((a, b) => a + b, 0), count }
        },
        close: async () => {
          await fleet.close()
          redis.close()
        },
      }
    },
    'BullMQ, 500 items per job': () => raw(500, count),
    'BullMQ, one item per job': () => raw(1, count),
    'Celery, 500 items per task': peer('celery', async (ask) => (1e3 * (await ask({ count }))) / count),
    'Dask distributed, 500 items per task': peer('dask', async (ask) => (1e3 * (await ask({ count }))) / count),
    'Ray, 500 items per task': peer('ray', async (ask) => (1e3 * (await ask({ count }))) / count),
  },
  variants: { call, bytes, compute, lazy },
  check(/** @type {{ sum: number, count: number }} */ { sum, count: of }) {
    if (sum !== of * (of - 1)) throw new Error('wrong results')
  },
  targets: (results) => [
    { what: 'BullMQ one per job / heddle', got: results.ratio('BullMQ, one item per job', 'heddle'), atLeast: 50 },
    { what: 'Celery / heddle', got: results.ratio('Celery, 500 items per task', 'heddle'), atLeast: 1 },
    { what: 'Ray / heddle', got: results.ratio('Ray, 500 items per task', 'heddle'), atLeast: 1 },
  ],
}
