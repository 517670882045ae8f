/** The other pools, each at its best settings for many short calls, behind one shape: `call(name)` gives a function of one argument. */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('plain.mjs', import.meta.url))
const size = availableParallelism()

/** @typedef {{ call: (x: unknown) => Promise<unknown>, close: () => unknown }} Peer */
/** @type {Record<string, (name: string, together: number) => Promise<Peer>>} */
export const peers = {
  async piscina(name, together) {
    const { Piscina } = (await import('piscina')).default
    const pool = new Piscina({
      filename: file,
      minThreads: size,
      maxThreads: size,
      concurrentTasksPerWorker: together,
      maxQueue: Infinity,
    })
    return { call: (x) => pool.run(x, { name }), close: () => pool.destroy() }
  },
  async tinypool(name, together) {
    const { Tinypool } = await import('tinypool')
    const pool = new Tinypool({ filename: file, minThreads: size, maxThreads: size, concurrentTasksPerWorker: together })
    return { call: (x) => pool.run(x, { name }), close: () => pool.destroy() }
  },
  async workerpool(name) {
    const { pool } = (await import('workerpool')).default
    const own = pool(fileURLToPath(new URL('workerpool-worker.mjs', import.meta.url)), {
      minWorkers: size,
      maxWorkers: size,
      workerType: 'thread',
    })
    return { call: (x) => own.exec(name, [x]), close: () => own.terminate() }
  },
  async poolifier(name, together) {
    const { FixedThreadPool } = await import('poolifier')
    const pool = new FixedThreadPool(size, fileURLToPath(new URL('poolifier-worker.mjs', import.meta.url)), {
      enableTasksQueue: together > 1,
      tasksQueueOptions: { concurrency: together },
    })
    return { call: (x) => pool.execute(x, name), close: () => pool.destroy() }
  },
}
