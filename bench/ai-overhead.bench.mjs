/** What a pool adds to a call when nothing bounds it: one call after the other, of a model that answers at once. */
import { pool } from 'heddle/ai'

const calls = 2_000
const usage = { inputTokens: { total: 9 }, outputTokens: { total: 1 } }
const model = {
  specificationVersion: /** @type {const} */ ('v3'),
  provider: 'none',
  modelId: 'instant',
  supportedUrls: {},
  doGenerate: async () => ({ content: [], finishReason: { unified: 'stop' }, usage, warnings: [] }),
  doStream: async () => ({ stream: new ReadableStream() }),
}
const options = { prompt: [{ role: 'user', content: [{ type: 'text', text: 'A short question of nine tokens or so?' }] }] }

/** @param {{ doGenerate(options: any): PromiseLike<unknown> }} of */
async function run(of) {
  for (let i = 0; i < calls; i++) await of.doGenerate(options)
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'latency that a pool adds to each call while its limiter is idle',
  unit: 'µs per call',
  figure: (ms) => (ms * 1_000) / calls,
  reference: 'the model alone',
  contenders: {
    'the model alone': () => ({ run: () => run(model) }),
    'heddle pool': () => {
      const pooled = pool(model)
      return { run: () => run(pooled) }
    },
    'heddle pool of two': () => {
      const pooled = pool([model, { ...model, modelId: 'other' }])
      return { run: () => run(pooled) }
    },
  },
  targets: (results) => [{ what: 'added latency, µs', got: results.median('heddle pool'), atMost: 300 }],
}
