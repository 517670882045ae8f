/** Two bare workers, and nothing else: what one would write without a pool. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/**
 * @typedef {object} Hand
 * @property {(worker: 0 | 1, name: string, args: readonly unknown[], move?: readonly ArrayBuffer[]) => Promise<any>} call Calls a function
 *   that the program's file exports under `byHand`, in one message there and one back.
 * @property {(name: string, items: readonly unknown[], move?: (part: readonly any[]) => ArrayBuffer[]) => Promise<any[]>} halves Calls
 *   it with the first half of the items on the one worker and with the second on the other.
 * @property {() => Promise<unknown>} close
 */

/** @param {URL} file the program's @returns {Promise<Hand>} */
export async function openHand(file) {
  const workers = [0, 1].map(() => new Worker(new URL('hand-worker.mjs', import.meta.url), { workerData: file.href }))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  /** @type {Hand['call']} */
  const call = (at, name, args, move = []) =>
    new Promise((resolve, reject) => {
      workers[at].once('message', ({ value, error }) => (error ? reject(error) : resolve(value)))
      workers[at].postMessage({ name, args }, move)
    })
  return {
    call,
    halves(name, items, move) {
      const middle = Math.ceil(items.length / 2)
      const parts = [items.slice(0, middle), items.slice(middle)]
      return Promise.all(parts.map((part, at) => call(/** @type {0 | 1} */ (at), name, [part], move?.(part))))
    },
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  }
}
