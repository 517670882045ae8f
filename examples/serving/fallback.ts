/**
 * Asks a model on this machine first, and a provider what the machine has no room for.
 *
 *     npx heddle run examples/serving/fallback.ts
 *
 * The model here is a function that takes its time, so that this runs everywhere; `serve({ models: { smollm } })` takes its place with `models.ts`. Without OPENAI_API_KEY the
 * provider is the simulator.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'
import { map } from 'heddle'
import { pool } from 'heddle/ai'
import { simulate } from 'heddle/ai/simulator'
import { type ChatRequest, serve } from 'heddle/serve'

const small = {
  kind: 'chat',
  async run({ messages }: ChatRequest) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    return `You said: ${messages.at(-1)?.content ?? ''}`
  },
  concurrency: 2,
  maxQueue: 2,
} as const

export default async function fallback(): Promise<string> {
  await using server = await serve({ models: { small } }).listen()
  await using simulator = await simulate({ timeScale: 20 })
  const { OPENAI_API_KEY: apiKey, MODEL: id = 'gpt-4.1-mini' } = process.env
  const here = createOpenAICompatible({ name: 'here', baseURL: server.baseURL })
  const there =
    apiKey === undefined
      ? createOpenAICompatible({ name: 'simulated', baseURL: simulator.baseURL })
      : createOpenAICompatible({ name: 'openai', baseURL: 'https://api.openai.com/v1', apiKey })
  // A full queue is a 429, which a call does not wait for where another model is free.
  const model = pool([here('small'), there(id)], { prefer: 'first', fallback: { 'rate-limit': true } })
  const questions = Array.from({ length: 40 }, (_, i) => `question ${i}`)
  const answers = await map(questions, async (prompt) => (await generateText({ model, prompt })).text, { concurrency: 20 })
  const local = answers.filter((text) => text.startsWith('You said')).length
  return `${answers.length} answers: ${local} from this machine, ${answers.length - local} from the provider`
}
