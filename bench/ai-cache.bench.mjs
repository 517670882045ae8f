/**
 * 1,000 equal calls at once through a cache of answers, and 300 calls at once with one long beginning through the provider's prompt cache. SIMULATED: a provider on this
 * machine, which caches as Anthropic does: where it is asked to, from the first token of an answer on.
 */
import { createAnthropic } from '@ai-sdk/anthropic'
import { generateText } from 'ai'
import { map } from 'heddle'
import { pool, responseCache } from 'heddle/ai'
import { startProvider } from './ai/provider.mjs'

const prices = { small: { input: 3, output: 15, cachedInput: 0.3, cacheWrite: 3.75 } }
const system = 'You answer in one word, and never explain. '.repeat(250)

globalThis.AI_SDK_LOG_WARNINGS = false

/** @param {number} calls @param {(i: number) => object} callOf @param {() => import('heddle/ai').PoolOptions} optionsOf */
function contender(calls, callOf, optionsOf) {
  return async () => ({
    measure: async () => {
      const provider = await startProvider({ firstToken: 500, tokensPerSecond: 200 })
      const model = pool(createAnthropic({ baseURL: provider.baseURL, apiKey: 'k' })('small'), { prices, ...optionsOf() })
      const startedAt = performance.now()
      const { failed } = await map(
        Array.from({ length: calls }, (_, i) => callOf(i)),
        (call) => generateText({ model, ...call }),
        { concurrency: calls, onFailure: 'settle' },
      )
      const tookMs = performance.now() - startedAt
      const { requests } = await provider.stats()
      await provider.close()
      const { usd, promptCache } = model.report()
      return {
        figure: usd,
        requests,
        failed: failed.length,
        'hit rate': promptCache.hitRate,
        'saved $': promptCache.usdSaved,
        ms: tookMs,
      }
    },
  })
}

const equal = () => ({ prompt: 'What is 17 * 23?' })
const beginning = (i) => ({ system, prompt: `What is ${i} + 1?` })

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: '1,000 equal calls; 300 calls with one beginning of 2,700 tokens (simulated)',
  unit: '$',
  reference: '300 calls, one warms',
  rounds: 1,
  warmups: 0,
  contenders: {
    '1,000 equal, cached': contender(1_000, equal, () => ({ cache: responseCache() })),
    '1,000 equal': contender(1_000, equal, () => ({})),
    '300 calls, one warms': contender(300, beginning, () => ({ promptCache: { warm: true } })),
    '300 calls, marked': contender(300, beginning, () => ({ promptCache: true })),
    '300 calls': contender(300, beginning, () => ({})),
  },
  targets: (results) => [
    { what: '1,000 equal calls, requests', got: results.median('1,000 equal, cached', undefined, 'requests'), atMost: 1 },
    { what: 'one beginning, hit rate', got: results.median('300 calls, one warms', undefined, 'hit rate'), atLeast: 0.95 },
    {
      what: 'one beginning, price against no cache',
      got: results.median('300 calls, one warms') / results.median('300 calls'),
      atMost: 0.25,
    },
  ],
}
