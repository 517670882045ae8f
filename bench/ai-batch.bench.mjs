/**
 * 50,000 calls through OpenAI's batch API, of which 3 % fail and one batch of two expires in the middle. SIMULATED: a provider on this machine whose hour takes 0.2 s; the
 * time says what batches cost this machine, the share of the price what they save.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'
import { map } from 'heddle'
import { batch, budget, pool } from 'heddle/ai'
import { startProvider } from './ai/provider.mjs'

const calls = 50_000
const prompts = Array.from({ length: calls }, (_, i) => `What is ${i} + 1?`)
const prices = { small: { input: 0.4, output: 1.6, batch: { input: 0.2, output: 0.8 } } }

globalThis.AI_SDK_LOG_WARNINGS = false

async function batched() {
  return {
    measure: async () => {
      const provider = await startProvider({
        timeScale: 20_000,
        batches: { duration: '1h', window: '2h', failures: 0.03, expire: 1 },
      })
      const spent = budget({ usd: 1_000 })
      const model = pool(createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL, apiKey: 'k' })('small'), {
        prices,
        budget: spent,
      })
      const cheap = batch(model, { collect: 200, poll: 100, maxCalls: calls / 2, retry: 8 })
      const startedAt = performance.now()
      const ask = async (prompt) => (await generateText({ model: cheap, prompt, maxRetries: 0 })).text
      const { ok, failed } = await map(prompts, ask, { concurrency: calls, onFailure: 'settle' })
      const tookMs = performance.now() - startedAt
      const wrong = ok.filter((text, i) => text !== String(i + 1)).length
      const { usd, usdOneByOne, again, batches } = cheap.report()
      const stats = await provider.stats()
      await cheap.close()
      await provider.close()
      return {
        figure: (100 * usd) / usdOneByOne,
        'not settled': calls - ok.length - failed.length,
        failed: failed.length,
        'wrong or twice': wrong + Math.abs(stats.batches.answered - calls),
        again,
        batches: batches.length,
        'us per call': (1_000 * tookMs) / calls,
        'spent and reported differ by %': 100 * Math.abs(spent.spent.usd / usd - 1),
      }
    },
  }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${calls} calls in batches, 3 % of them fail, one batch expires (simulated)`,
  unit: '% of the price one by one',
  reference: 'heddle batch',
  rounds: 1,
  warmups: 0,
  contenders: { 'heddle batch': batched },
  targets: (results) => [
    { what: '% of the price one by one', got: results.median('heddle batch'), atMost: 50.1 },
    ...['not settled', 'failed', 'wrong or twice'].map((what) => ({
      what,
      got: results.median('heddle batch', undefined, what),
      atMost: 0,
    })),
  ],
}
