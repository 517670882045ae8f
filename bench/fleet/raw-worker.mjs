/** The worker of raw BullMQ: as many jobs at once as there are cores; a job is one number or a list of them. */
import { availableParallelism } from 'node:os'
import { Worker } from 'bullmq'

const double = (/** @type {number} */ n) => n * 2
const connection = { host: '127.0.0.1', port: Number(process.argv[2]) }
const worker = new Worker('raw', async ({ data }) => (Array.isArray(data) ? data.map(double) : double(data)), {
  connection,
  concurrency: availableParallelism(),
})
await worker.waitUntilReady()
console.log('ready')
