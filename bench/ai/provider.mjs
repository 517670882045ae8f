/** Starts the simulator in a process of its own, so that it takes nothing from the contender that is measured. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/**
 * @param {import('heddle/ai/simulator').SimulatorOptions} options without functions
 * @returns {Promise<{ baseURL: string, stats: (model?: string) => Promise<import('heddle/ai/simulator').SimulatorStats>, close: () => Promise<void> }>}
 */
export async function startProvider(options) {
  const child = fork(fileURLToPath(new URL('provider.child.mjs', import.meta.url)), [JSON.stringify(options)])
  const [{ baseURL }] = await once(child, 'message')
  return {
    baseURL,
    async stats(model) {
      child.send({ model })
      const [stats] = await once(child, 'message')
      return stats
    },
    async close() {
      child.kill()
      await once(child, 'exit')
    },
  }
}
