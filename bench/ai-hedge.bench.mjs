/**
 * Streams whose first token comes after 0.5 s (σ 0.3), in 2 % of the calls after 6 s (σ 0.8): the 99th percentile with and without a
 * second copy of slow calls. SIMULATED: a provider on this machine, in real time: sped up,
 * or with more calls at once, a slow machine would be the tail that is measured.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { streamText } from 'ai'
import { map } from 'heddle'
import { pool } from 'heddle/ai'
import { startProvider } from './ai/provider.mjs'

const calls = 1_500
const concurrency = 30

globalThis.AI_SDK_LOG_WARNINGS = false

/** @param {object} options of the pool */
function contender(options) {
  return async () => {
    const provider = await startProvider({
      tokensPerSecond: 400,
      outputTokens: { median: 24, sigma: 0.4 },
      models: { small: {}, warm: { firstToken: 1 } },
    })
    const sdk = createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL, includeUsage: true })
    const first = async (model, prompt) => {
      const started = performance.now()
      let at = 0
      for await (const _ of streamText({ model, prompt }).textStream) at ||= performance.now() - started
      return at
    }
    return {
      measure: async () => {
        const prompts = Array.from({ length: calls }, (_, i) => `Question ${i}: ${'some words '.repeat(20)}`)
        await map(prompts.slice(0, 200), (prompt) => first(sdk('warm'), prompt), { concurrency })
        const model = pool(sdk('small'), { concurrency: 2 * concurrency, ...options })
        const times = (await map(prompts, (prompt) => first(model, prompt), { concurrency })).sort((a, b) => a - b)
        const { tokens, wastedTokens, hedges } = model.report()
        const at = (q) => times[Math.floor(q * times.length)]
        return {
          figure: at(0.99),
          'p50 ms': at(0.5),
          'extra tokens %': (wastedTokens / (tokens.input + tokens.output - wastedTokens)) * 100,
          hedges: hedges.started,
        }
      },
      close: () => provider.close(),
    }
  }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'time to first token at the 99th percentile, 98 % / 2 % mix (simulated)',
  unit: 'ms at p99',
  reference: 'no hedge',
  rounds: 1,
  warmups: 0,
  contenders: { 'no hedge': contender({}), 'hedge after p95': contender({ hedge: { after: 'p95', extra: 0.05 } }) },
  targets: (results) => [
    { what: 'p99 with / without', got: results.ratio('hedge after p95', 'no hedge'), atMost: 0.5 },
    { what: 'extra tokens, %', got: results.median('hedge after p95', undefined, 'extra tokens %'), atMost: 5 },
  ],
}
