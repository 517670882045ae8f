/** The AI SDK and heddle's own pool as clients of the server. OpenAI's client stands in `service.test.ts`. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { embedMany, generateText, streamText } from 'ai'
import { expect, test } from 'vitest'
import { pool } from '../../ai/index.ts'
import { map } from '../../run/map.ts'
import { simulate } from '../../ai/simulator/index.ts'
import type { ChatRequest } from '../kinds.ts'
import { serve } from './service.ts'

const models = {
  letters: { kind: 'embeddings', run: (text: string) => [text.length, 1], cost: (text: string) => text.length },
  echo: {
    kind: 'chat',
    async *stream({ messages }: ChatRequest) {
      for (const word of (messages.at(-1)?.content ?? '').split(' ')) yield { text: `${word} ` }
    },
  },
} as const

test('the AI SDK gets embeddings and chats, whole and streamed', async () => {
  await using server = await serve({ models }).listen()
  const provider = createOpenAICompatible({ name: 'local', baseURL: server.baseURL, includeUsage: true })
  const { embeddings, usage } = await embedMany({ model: provider.textEmbeddingModel('letters'), values: ['a', 'bcd'] })
  expect([embeddings, usage.tokens]).toEqual([
    [
      [1, 1],
      [3, 1],
    ],
    4,
  ])
  expect((await generateText({ model: provider('echo'), prompt: 'one two' })).text).toBe('one two ')
  const stream = streamText({ model: provider('echo'), prompt: 'one two three' })
  let text = ''
  for await (const part of stream.textStream) text += part
  expect([text, await stream.finishReason, (await stream.usage).outputTokens]).toEqual(['one two three ', 'stop', 3])
})

test('a pool over a model of this machine and a provider asks the provider when the model is full', async () => {
  let free: () => void = () => undefined
  const held = new Promise<void>((resolve) => (free = resolve))
  const busy = { kind: 'chat', concurrency: 1, maxQueue: 0, run: () => held.then(() => 'here') } as const
  await using server = await serve({ models: { local: busy } }).listen()
  await using far = await simulate({ timeScale: 100 })
  const here = createOpenAICompatible({ name: 'local', baseURL: server.baseURL })
  const there = createOpenAICompatible({ name: 'far', baseURL: far.baseURL })
  const model = pool([here('local'), there('any')])
  const first = generateText({ model, prompt: 'x' })
  await expect.poll(() => server.underWay).toBe(1)
  for (const prompt of ['a', 'b', 'c']) expect((await generateText({ model, prompt })).text).not.toBe('here')
  expect(far.stats().answered).toBe(3)
  free()
  expect((await first).text).toBe('here')
})

test('a pool keeps to the quota of its key: the server says how much is left, and nothing is refused', async () => {
  const keys = [{ name: 'a', key: 'key-number-one', requestsPerMinute: 300 }]
  await using server = await serve({ models, keys }).listen()
  const provider = createOpenAICompatible({ name: 'local', baseURL: server.baseURL, apiKey: 'key-number-one' })
  const headers = { 'content-type': 'application/json', authorization: 'Bearer key-number-one' }
  const body = JSON.stringify({ model: 'letters', input: 'x' })
  for (let i = 0; i < 295; i++) await fetch(`${server.baseURL}/embeddings`, { method: 'POST', headers, body })
  const model = pool([provider('echo')])
  await generateText({ model, prompt: 'x' })
  // Five a second are left, for nine calls.
  await map(Array.from({ length: 9 }), () => generateText({ model, prompt: 'x' }), { concurrency: 9 })
  expect(model.report()).toMatchObject({ succeeded: 10, failed: 0, rateLimited: 0 })
})
