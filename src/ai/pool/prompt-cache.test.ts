/** Prompt caches of providers, through real clients against the simulator, which keeps what a first token has filled. */
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, type ModelMessage, streamText, tool } from 'ai'
import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { InvalidOption } from '../../base/errors.ts'
import { map } from '../../run/map.ts'
import { pool } from '../index.ts'
import { simulate, type Simulator } from '../simulator/index.ts'

beforeAll(() => {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
})

const prices = { small: { input: 1, output: 4, cachedInput: 0.1, cacheWrite: 1.25 } }
const system = 'You are careful. '.repeat(400)
const clients = {
  openai: ({ baseURL }: Simulator) =>
    createOpenAICompatible({ name: 'simulated', baseURL, apiKey: 'k', includeUsage: true })('small'),
  anthropic: ({ baseURL }: Simulator) => createAnthropic({ baseURL, apiKey: 'k' })('small'),
}
const questions = Array.from({ length: 30 }, (_, i) => `What is ${i} + 1?`)
const quick = { firstToken: 20, tokensPerSecond: 1e6 } as const

test.each(['openai', 'anthropic'] as const)('%s: one call fills the cache, and all others read from it', async (name) => {
  await using provider = await simulate(quick)
  const model = pool(clients[name](provider), { prices, promptCache: { warm: true } })
  const results = await map(questions, (prompt) => generateText({ model, system, prompt }), { concurrency: 30 })
  expect(results.filter(({ usage }) => (usage.inputTokenDetails.cacheReadTokens ?? 0) === 0)).toHaveLength(1)
  const { usd = 0, tokens, promptCache } = model.report()
  expect(promptCache.hitRate).toBeGreaterThan(0.9)
  expect(promptCache.hitRate).toBe(promptCache.read / tokens.input)
  expect(promptCache.written > 0).toBe(name === 'anthropic')
  expect(provider.stats().requests).toBe(30)
  // What it would have cost without.
  expect(usd + (promptCache.usdSaved ?? 0)).toBeCloseTo((tokens.input + 4 * tokens.output) / 1e6, 8)
  expect(promptCache.usdSaved).toBeGreaterThan(2 * usd)
})

test('Anthropic is not asked to cache unless the pool is', async () => {
  await using provider = await simulate(quick)
  const model = pool(clients.anthropic(provider), { prices })
  for (let i = 0; i < 2; i++) await generateText({ model, system, prompt: 'x' })
  expect(model.report().promptCache).toEqual({ read: 0, written: 0, hitRate: 0, usdSaved: 0 })
})

test('streams: the others wait for the first content only', async () => {
  const answer = ({ messages }: { messages: readonly { readonly text: string }[] }) =>
    messages.at(-1)?.text === 'tell a story' ? 'word '.repeat(6_000) : undefined
  await using provider = await simulate({ firstToken: 20, tokensPerSecond: 100, answer })
  const model = pool(clients.anthropic(provider), { prices, promptCache: { warm: true } })
  const stop = new AbortController()
  let isDone = false
  const story = Promise.resolve(
    streamText({ model, system, prompt: 'tell a story', abortSignal: stop.signal, onError: () => {} }).text,
  ).then(
    () => (isDone = true),
    () => {},
  )
  await map(questions.slice(0, 4), async (prompt) => streamText({ model, system, prompt }).text, { concurrency: 4 })
  expect(isDone).toBe(false)
  expect(model.report().promptCache.hitRate).toBeGreaterThan(0.9)
  stop.abort()
  await story
})

test('a first call that fails or is cancelled lets the next one go ahead', async () => {
  await using provider = await simulate({ ...quick, firstToken: 200, refuse: 'poison' })
  const model = pool(clients.openai(provider), { prices, promptCache: { warm: true }, retry: 0 })
  const stop = new AbortController()
  const cancelled = generateText({ model, system, prompt: 'x', abortSignal: stop.signal, maxRetries: 0 })
  const poisoned = generateText({ model, system, prompt: 'poison', maxRetries: 0 })
  const others = questions.slice(0, 4).map((prompt) => generateText({ model, system, prompt, maxRetries: 0 }))
  setTimeout(() => stop.abort(new DOMException('enough', 'AbortError')), 50)
  await expect(cancelled).rejects.toThrow('enough')
  await expect(poisoned).rejects.toMatchObject({ statusCode: 400 })
  expect((await Promise.all(others)).map(({ text }) => text)).toEqual(['1', '2', '3', '4'])
})

test('a conversation that goes on reads all that came before; tools in another order are the same beginning', async () => {
  await using provider = await simulate(quick)
  const model = pool(clients.anthropic(provider), { prices, promptCache: true })
  const of = (name: string) =>
    tool({ description: `${name} `.repeat(700), inputSchema: z.object({ a: z.string() }), execute: () => 'x' })
  const [one, two] = [of('one'), of('two')]
  const first = { role: 'user', content: 'Hello there' } as const
  await generateText({ model, system, messages: [first], tools: { one, two } })
  const before = model.report().promptCache.read
  const turns = [first, { role: 'assistant', content: 'long '.repeat(2_000) }, { role: 'user', content: 'And now?' }] as const
  await generateText({ model, system, messages: [...turns], tools: { two, one } })
  const second = model.report().promptCache.read
  expect(second).toBeGreaterThan(before + 1_000)
  await generateText({
    model,
    system,
    messages: [...turns, { role: 'assistant', content: 'Yes.' }, { role: 'user', content: 'Why?' }],
    tools: { one, two },
  })
  expect(model.report().promptCache.read - second).toBeGreaterThan(second - before + 1_000)
})

test('options are checked; what the caller has marked stays', async () => {
  await using provider = await simulate(quick)
  expect(() => pool(clients.openai(provider), { promptCache: { ttl: '1d' as '1h' } })).toThrow(InvalidOption)
  const model = pool(clients.anthropic(provider), { prices, promptCache: true })
  const text = { type: 'text', text: system, providerOptions: { anthropic: { cacheControl: { type: 'ephemeral' } } } } as const
  const messages: ModelMessage[] = [{ role: 'user', content: [text, { type: 'text', text: 'x' }] }]
  for (let i = 0; i < 2; i++) await generateText({ model, system, messages })
  const { read, written } = model.report().promptCache
  expect([read > 0, written > 0]).toEqual([true, true])
})
