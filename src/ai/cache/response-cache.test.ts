/** The cache of answers: what is equal, what is never kept, one request for equal calls, where answers are kept. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, streamText } from 'ai'
import { mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { BudgetExceeded, InvalidOption } from '../../base/errors.ts'
import { map } from '../../run/map.ts'
import { ask, best, budget, explore, pool, responseCache, vote } from '../index.ts'
import { answer, apiError, mockModel } from '../pool/mock.fixture.ts'
import { turn } from '../../../test/support/turn.ts'
import { simulate } from '../simulator/index.ts'

beforeAll(() => {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
})

const prices = { m: { input: 1_000, output: 1_000 } }
const says = () => mockModel('m', ({ prompt }) => answer(`to ${JSON.stringify(prompt).length}`))
const folder = (): string => mkdtempSync(join(tmpdir(), 'heddle-cache-'))

test('1,000 equal calls are one request; the next ones come from memory; a hit says so', async () => {
  // The one request is under way until all calls have come.
  const calls = { begun: 0 }
  const base = mockModel('m', async () => {
    while (calls.begun < 1_000) await turn()
    await turn()
    return answer('yes')
  })
  const spent = budget({ usd: 1_000 })
  const model = pool(base, { prices, budget: spent, cache: responseCache() })
  const callOnce = async (): Promise<string> => {
    calls.begun++
    return (await generateText({ model, prompt: 'same' })).text
  }
  const texts = await map(Array.from({ length: 1_000 }), callOnce, { concurrency: 1_000 })
  expect([base.calls, new Set(texts)]).toEqual([1, new Set(['yes'])])
  const again = await generateText({ model, prompt: 'same' })
  expect([base.calls, again.text, again.providerMetadata]).toEqual([1, 'yes', { heddle: { cached: true } }])
  const report = model.report()
  expect(report).toMatchObject({
    calls: 1_001,
    succeeded: 1_001,
    running: 0,
    attempts: 1,
    cache: { misses: 1, shared: 999, hits: 1, skipped: 0 },
  })
  expect(report.cache?.hitRate).toBeCloseTo(1_000 / 1_001)
  expect(report.cache?.savedUsd).toBeCloseTo(1_000 * (report.usd as number))
  expect(spent.spent.calls).toBe(1)
})

test('everything that reaches the model is part of the key', async () => {
  const base = says()
  const model = pool(base, { cache: responseCache() })
  const calls: Parameters<typeof generateText>[0][] = [
    { model, prompt: 'a' },
    { model, prompt: 'b' },
    { model, prompt: 'a', system: 's' },
    { model, prompt: 'a', maxOutputTokens: 10 },
    { model, prompt: 'a', maxOutputTokens: 20 },
    { model, prompt: 'a', temperature: 0 },
    { model, prompt: 'a', topP: 0.5 },
    { model, prompt: 'a', seed: 7 },
    { model, prompt: 'a', stopSequences: ['x'] },
    { model, prompt: 'a', presencePenalty: 0.5 },
    { model, prompt: 'a', providerOptions: { mock: { effort: 'low' } } },
    { model, prompt: 'a', headers: { 'x-tenant': 'one' } },
    { model, messages: [{ role: 'user', content: [{ type: 'file', mediaType: 'image/png', data: new Uint8Array([1]) }] }] },
    { model, messages: [{ role: 'user', content: [{ type: 'file', mediaType: 'image/png', data: new Uint8Array([2]) }] }] },
  ]
  for (const call of calls) await generateText(call)
  expect(base.calls).toBe(calls.length)
  for (const call of calls) await generateText({ ...call, abortSignal: new AbortController().signal })
  expect(base.calls).toBe(calls.length)
})

test('never for calls that ask for variety: a temperature, samples of a vote, the best of several, chains', async () => {
  const base = says()
  const model = pool(base, { cache: responseCache() })
  const asked = async (work: () => Promise<unknown>): Promise<number> => {
    const before = base.calls
    await work()
    return base.calls - before
  }
  const one = { model, prompt: 'x' }
  expect(
    await asked(() => Promise.all([generateText({ ...one, temperature: 1 }), generateText({ ...one, temperature: 1 })])),
  ).toBe(2)
  expect(
    await asked(() =>
      vote(() => ask(model, 'puzzle'), { n: 3, enough: 3 } as never).catch(() => vote(() => ask(model, 'puzzle'), { n: 3 })),
    ),
  ).toBeGreaterThan(1)
  expect(await asked(() => best(() => ask(model, 'story'), { n: 3, score: () => 1 }))).toBe(3)
  expect(
    await asked(() =>
      explore({
        start: '',
        width: 2,
        depth: 1,
        expand: async () => [await ask(model, 'step'), await ask(model, 'step')],
        score: () => 1,
      }),
    ),
  ).toBe(2)
  expect(await asked(() => generateText({ ...one, providerOptions: { heddle: { cache: false } } }))).toBe(1)
  const wanted = { ...one, temperature: 1, providerOptions: { heddle: { cache: true } } }
  expect(await asked(async () => [await generateText(wanted), await generateText(wanted)])).toBe(1)
  expect(model.report().cache?.skipped).toBeGreaterThan(6)
})

test('failures are not kept, and what stopped one caller stops no other', async () => {
  let fails = true
  const base = mockModel('m', async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (fails) throw apiError(400)
    return answer('yes')
  })
  const model = pool(base, { prices, cache: responseCache() })
  const call = (abortSignal?: AbortSignal) =>
    generateText({ model, prompt: 'x', maxRetries: 0, ...(abortSignal && { abortSignal }) })
  await expect(Promise.all([call(), call()])).rejects.toMatchObject({ statusCode: 400 })
  expect(base.calls).toBe(1)
  fails = false
  const stop = new AbortController()
  const [first, second] = [call(stop.signal), call()]
  setTimeout(() => stop.abort(new DOMException('enough', 'AbortError')), 5)
  await expect(first).rejects.toThrow('enough')
  expect((await second).text).toBe('yes')
  expect(base.calls).toBe(2)
  const poor = model.with({ budget: budget({ usd: 1e-9 }) })
  const refused = generateText({ model: poor, prompt: 'y', maxRetries: 0 })
  const served = generateText({ model, prompt: 'y' })
  await expect(refused).rejects.toThrow(BudgetExceeded)
  expect((await served).text).toBe('yes')
})

test('a request that nobody waits for any more is cancelled', async () => {
  let cancelledAt: unknown
  const base = mockModel(
    'm',
    ({ abortSignal }) =>
      new Promise((_, reject) =>
        abortSignal?.addEventListener('abort', () => reject((cancelledAt = abortSignal.reason) as Error)),
      ),
  )
  const model = pool(base, { cache: responseCache() })
  const stop = new AbortController()
  const calls = [1, 2].map(() => generateText({ model, prompt: 'x', maxRetries: 0, abortSignal: stop.signal }))
  setTimeout(() => stop.abort(), 5)
  for (const call of calls) await expect(call).rejects.toThrow(/abort/)
  await expect.poll(() => cancelledAt).toBeDefined()
})

test('what another model answered is not kept as the answer of the first', async () => {
  let down = true
  const first = mockModel('first', () => {
    if (down) throw apiError(503)
    return answer('first')
  })
  const model = pool([first, mockModel('other', () => answer('other'))], {
    prefer: 'first',
    cache: responseCache(),
  })
  expect((await generateText({ model, prompt: 'x' })).text).toBe('other')
  down = false
  expect((await generateText({ model, prompt: 'x' })).text).toBe('first')
  expect((await generateText({ model, prompt: 'x' })).text).toBe('first')
  expect(first.calls).toBe(2)
})

test('streams are kept when they have ended well, and given again in the same parts', async () => {
  await using provider = await simulate({ firstToken: 1, tokensPerSecond: 1e6 })
  const model = pool(createOpenAICompatible({ name: 's', baseURL: provider.baseURL })('m'), { cache: responseCache() })
  const read = async (): Promise<[string, number]> => {
    const result = streamText({ model, prompt: 'Summarize:\n\nA long story. It ends.' })
    const text = await result.text
    return [text, (await result.usage).outputTokens ?? 0]
  }
  const fresh = await read()
  expect(await read()).toEqual(fresh)
  expect(provider.stats().requests).toBe(1)
  const left = streamText({ model, prompt: 'another' })
  for await (const _ of left.textStream) break
})

test('schemas are part of the key, and answers are typed again', async () => {
  await using provider = await simulate({ firstToken: 1, tokensPerSecond: 1e6 })
  const model = pool(createOpenAICompatible({ name: 's', baseURL: provider.baseURL, supportsStructuredOutputs: true })('m'), {
    cache: responseCache(),
  })
  const city = z.object({ city: z.string() })
  const first = await ask(model, 'Where?', { schema: city })
  expect(await ask(model, 'Where?', { schema: city })).toEqual(first)
  await ask(model, 'Where?', { schema: z.object({ town: z.string() }) })
  expect(provider.stats().requests).toBe(2)
})

test('in a file: the next program finds the answers; the file is bounded; another kind of journal is refused', async () => {
  const path = join(folder(), 'answers.jsonl')
  const run = async (prompts: readonly string[], maxBytes = 1e6): Promise<number> => {
    const base = mockModel('m', () => answer('x'.repeat(1_000)))
    await using cache = responseCache({ path, maxBytes })
    const model = pool(base, { cache })
    for (const prompt of prompts) await generateText({ model, prompt })
    return base.calls
  }
  const prompts = Array.from({ length: 30 }, (_, i) => `p${i}`)
  expect(await run(prompts)).toBe(30)
  expect(await run(prompts)).toBe(0)
  expect(
    await run(
      Array.from({ length: 200 }, (_, i) => `q${i}`),
      100_000,
    ),
  ).toBe(200)
  expect(statSync(path).size + statSync(`${path}.old`).size).toBeLessThan(150_000)
  // The latest are there, the oldest are not.
  expect(await run(['q199'])).toBe(0)
  expect(await run(['p0'])).toBe(1)
  await using busy = responseCache({ path })
  await generateText({ model: pool(says(), { cache: busy }), prompt: 'x' })
  await using second = responseCache({ path })
  await expect(generateText({ model: pool(says(), { cache: second }), prompt: 'x', maxRetries: 0 })).rejects.toMatchObject({
    code: 'HEDDLE_JOURNAL_REFUSED',
  })
})

test('in memory: bounded, and old answers are asked for anew', async () => {
  const base = says()
  const model = pool(base, { cache: responseCache({ maxEntries: 2, maxAge: 40 }) })
  for (const prompt of ['a', 'b', 'c', 'c', 'b', 'a']) await generateText({ model, prompt })
  expect(base.calls).toBe(4)
  await new Promise((resolve) => setTimeout(resolve, 60))
  await generateText({ model, prompt: 'a' })
  expect(base.calls).toBe(5)
  expect(() => responseCache({ path: 'x', redis: 'y' })).toThrow(InvalidOption)
  expect(() => pool(base, { cache: {} as never })).toThrow(/made by responseCache/)
})
