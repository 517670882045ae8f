/** What one would write without a pool: as many bare workers as cores, each sent its share of the items in one message. */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/** @returns {Promise<{ map: (name: string, items: readonly unknown[]) => Promise<unknown[]>, close: () => Promise<unknown> }>} */
export async function openByHand() {
  const workers = Array.from({ length: availableParallelism() }, () => new Worker(new URL('hand-worker.mjs', import.meta.url)))
  await Promise.all(workers.map((worker) => once(worker, 'online')))
  const ask = (/** @type {Worker} */ worker, /** @type {string} */ name, /** @type {readonly unknown[]} */ items) =>
    new Promise((resolve) => {
      worker.once('message', resolve)
      worker.postMessage({ name, items })
    })
  return {
    async map(name, items) {
      const share = Math.ceil(items.length / workers.length)
      const parts = workers
        .map((worker, i) => [worker, items.slice(i * share, (i + 1) * share)])
        .filter(([, part]) => part.length > 0)
      return (await Promise.all(parts.map(([worker, part]) => ask(worker, name, part)))).flat()
    },
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  }
}
