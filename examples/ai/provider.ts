/**
 * Whom the examples ask. With `OPENAI_API_KEY` in the environment a real provider (`OPENAI_BASE_URL` and `MODEL` choose which),
 * else the simulator: then every answer is made up, and costs nothing.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { budget, pool, type PoolReport } from 'heddle/ai'
import { simulate, type SimulatorOptions } from 'heddle/ai/simulator'

/** More than any of the examples needs. */
const mostUsd = 0.5

export async function openModel(simulation: SimulatorOptions = {}) {
  const {
    OPENAI_API_KEY: apiKey,
    OPENAI_BASE_URL: baseURL = 'https://api.openai.com/v1',
    MODEL: id = 'gpt-4.1-mini',
  } = process.env
  if (apiKey !== undefined) {
    const real = createOpenAICompatible({ name: 'openai', baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true })
    return { model: pool(real(id), { budget: budget({ usd: mostUsd }) }), simulated: false, close: async () => {} }
  }
  const provider = await simulate({ limits: { requestsPerMinute: 500, tokensPerMinute: 200_000 }, timeScale: 20, ...simulation })
  const simulated = createOpenAICompatible({
    name: 'simulated',
    baseURL: provider.baseURL,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
  return { model: pool(simulated(id)), simulated: true, close: () => provider.close() }
}

/** One line on what it took. */
export function costLine({ calls, tokens, usd, attempts }: PoolReport, simulated: boolean): string {
  const money = usd === undefined ? '' : `, $${usd.toFixed(4)}`
  return `${calls} calls (${attempts} requests), ${tokens.input + tokens.output} tokens${money}${simulated ? ', all simulated' : ''}`
}
