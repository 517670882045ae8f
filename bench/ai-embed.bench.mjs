/**
 * 10,000 texts through an embedding model, 64 per request and 8 requests at once for everybody. SIMULATED: a provider on this machine.
 * One text is refused: `embedMany` then gives nothing at all, so it is also measured without it.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { embedMany } from 'ai'
import { pool } from 'heddle/ai'
import { startProvider } from './ai/provider.mjs'

const texts = Array.from({ length: 10_000 }, (_, i) => `A text about subject ${i}`)
const bad = 4_321
const withBad = texts.map((text, i) => (i === bad ? 'poison' : text))
const [batch, concurrency] = [64, 8]

globalThis.AI_SDK_LOG_WARNINGS = false

/** @param {(model: any) => Promise<{ kept: number }>} run */
function contender(run) {
  return async () => {
    const provider = await startProvider({
      firstToken: [{ weight: 1, median: 40, sigma: 0.8 }],
      refuse: 'poison',
      dimensions: 16,
    })
    const model = createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL }).embeddingModel('embed')
    Object.defineProperty(model, 'maxEmbeddingsPerCall', { value: batch })
    return {
      measure: async () => {
        const started = performance.now()
        const { kept } = await run(model)
        return { figure: performance.now() - started, kept }
      },
      close: () => provider.close(),
    }
  }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: '10,000 embeddings, one text of them refused (simulated)',
  reference: 'heddle embedAll',
  rounds: 3,
  warmups: 1,
  contenders: {
    'heddle embedAll': contender(async (model) => {
      const pooled = pool.embedding(model, { batch, concurrency })
      return { kept: (await pooled.embedAll(withBad, { onFailure: 'settle' })).ok.length }
    }),
    embedMany: contender(async (model) => {
      const { embeddings } = await embedMany({ model, values: withBad, maxParallelCalls: concurrency }).catch(() => ({
        embeddings: [],
      }))
      return { kept: embeddings.length }
    }),
    'embedMany, no bad text': contender(async (model) => {
      const { embeddings } = await embedMany({ model, values: texts, maxParallelCalls: concurrency })
      return { kept: embeddings.length }
    }),
  },
  targets: (results) => [
    { what: 'texts kept by heddle', got: results.median('heddle embedAll', undefined, 'kept'), atLeast: texts.length - 1 },
    { what: 'embedMany, no bad text / heddle', got: results.ratio('embedMany, no bad text', 'heddle embedAll'), atLeast: 2 },
  ],
}
