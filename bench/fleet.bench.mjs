/**
 * Small items through a Redis with an append-only file: heddle's batches by time against BullMQ used by hand, one item per job and 500 per job. One worker
 * process each, on this machine.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { map } from 'heddle'
import { absent, openRedis } from './fleet/redis.mjs'

const count = 20_000
const items = Array.from({ length: count }, (_, i) => i)

/** @param {number} size items of one job @param {number} jobs how many of the items */
async function raw(size, jobs) {
  if (absent) return absent
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
    close: async () => {
      await events.close()
      await queue.close()
      worker.kill('SIGKILL')
      redis.close()
    },
  }
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
  },
  check(/** @type {{ sum: number, count: number }} */ { sum, count: of }) {
    if (sum !== of * (of - 1)) throw new Error('wrong results')
  },
  targets: (results) => [
    { what: 'BullMQ one per job / heddle', got: results.ratio('BullMQ, one item per job', 'heddle'), atLeast: 20 },
  ],
}
