/** Batches through real clients against the simulator's batch APIs. */
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { embedMany, generateText, streamText, tool } from 'ai'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { BudgetExceeded, InvalidOption } from '../../base/errors.ts'
import { map } from '../../run/map.ts'
import { ask, batch, type BatchOptions, budget, pool } from '../index.ts'
import { mockModel, answer } from '../pool/mock.fixture.ts'
import { simulate, type Simulator, type SimulatorOptions } from '../simulator/index.ts'

beforeAll(() => {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
})

const prices = { small: { input: 1, output: 4, batch: { input: 0.5, output: 2 } } }
/** A simulated hour is 40 ms. */
const quick: SimulatorOptions = { timeScale: 90_000, batches: { duration: '1h' }, firstToken: 1, tokensPerSecond: 1e6 }
const soon: BatchOptions = { collect: 30, poll: 10 }
const clients = {
  openai: ({ baseURL }: Simulator) =>
    createOpenAICompatible({ name: 'simulated', baseURL, apiKey: 'k', supportsStructuredOutputs: true })('small'),
  anthropic: ({ baseURL }: Simulator) => createAnthropic({ baseURL, apiKey: 'k' })('small'),
}
const prompts = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `What is ${i} + 1?`)
const journal = (): string => join(mkdtempSync(join(tmpdir(), 'heddle-batch-')), 'batches.jsonl')

describe.each(Object.entries(clients))('%s', (_, client) => {
  test('many calls, in one batch, at half the price', async () => {
    await using provider = await simulate(quick)
    const spent = budget({ usd: 1 })
    await using model = batch(pool(client(provider), { prices, budget: spent }), soon)
    const texts = await map(prompts(40), async (prompt) => (await generateText({ model, prompt })).text, { concurrency: 40 })
    expect(texts).toEqual(Array.from({ length: 40 }, (_, i) => String(i + 1)))
    const report = model.report()
    expect(report).toMatchObject({ calls: 40, succeeded: 40, failed: 0, running: 0, again: 0, oneByOne: 0 })
    expect(report.batches).toMatchObject([{ calls: 40, answered: 40, failed: 0, status: 'ended' }])
    expect(report.usd).toBeCloseTo((report.usdOneByOne as number) / 2)
    expect(spent.spent.usd).toBeCloseTo(report.usd as number)
    expect(spent.reserved.usd).toBeCloseTo(0)
    expect(provider.stats()).toMatchObject({ requests: 0, batches: { batches: 1, answered: 40 } })
  })

  test('schemas and tools, as the client writes them', async () => {
    await using provider = await simulate(quick)
    await using model = batch(client(provider), soon)
    const schema = z.object({ city: z.string(), size: z.number() })
    const [city, { toolCalls }] = await Promise.all([
      ask(model, 'Where is the tower?', { schema }),
      generateText({
        model,
        prompt: 'look it up',
        toolChoice: 'required',
        tools: { look: tool({ inputSchema: z.object({ at: z.string() }) }) },
      }),
    ])
    expect(schema.safeParse(city).success).toBe(true)
    expect(toolCalls).toMatchObject([{ toolName: 'look' }])
    expect(provider.stats().batches.batches).toBe(1)
  })

  test('calls that fail for a reason that passes go again; those that are refused fail by themselves', async () => {
    await using provider = await simulate({ ...quick, refuse: 'poison', batches: { duration: '1h', failures: 0.3 } })
    await using model = batch(client(provider), { ...soon, retry: 6 })
    const { ok, failed } = await map(
      [...prompts(60), 'poison'],
      async (prompt) => generateText({ model, prompt, maxRetries: 0 }),
      { concurrency: 100, onFailure: 'settle' },
    )
    expect([ok.length, failed.length]).toEqual([60, 1])
    expect(failed[0]?.error).toMatchObject({ code: 'HEDDLE_MODEL_CALL_FAILED', statusCode: 400 })
    expect(model.report().again).toBeGreaterThan(5)
    expect(provider.stats().batches.answered).toBe(61)
  })

  test('a batch that expires keeps what was done, and the rest goes again', async () => {
    await using provider = await simulate({ ...quick, batches: { duration: '1h', window: '2h', expire: 1 } })
    await using model = batch(client(provider), soon)
    const texts = await map(prompts(20), async (prompt) => (await generateText({ model, prompt })).text, { concurrency: 20 })
    expect(new Set(texts).size).toBe(20)
    expect(model.report()).toMatchObject({ succeeded: 20, again: 10, batches: [{ answered: 10, expired: 10 }, { answered: 10 }] })
    expect(provider.stats().batches).toMatchObject({ answered: 20, expired: 10 })
  })

  test('when the time is nearly over the batch is cancelled, and what is left is made one by one', async () => {
    await using provider = await simulate({ ...quick, timeScale: 1_000, batches: { duration: '5m' } })
    const spent = budget({ usd: 1 })
    const pooled = pool(client(provider), { prices, budget: spent })
    await using model = batch(pooled, { ...soon, within: 260, margin: 100 })
    const texts = await map(prompts(30), async (prompt) => (await generateText({ model, prompt })).text, { concurrency: 30 })
    expect(new Set(texts).size).toBe(30)
    const { succeeded, oneByOne, batches } = model.report()
    expect(succeeded).toBe(30)
    expect(oneByOne).toBeGreaterThan(0)
    expect((batches[0]?.answered ?? 0) + oneByOne).toBe(30)
    expect(provider.stats()).toMatchObject({ answered: oneByOne, batches: { answered: 30 - oneByOne } })
    expect(spent.reserved.usd).toBeCloseTo(0)
    await using strict = batch(pooled, { ...soon, within: 60, margin: 20, late: 'fail' })
    await expect(generateText({ model: strict, prompt: 'x', maxRetries: 0 })).rejects.toMatchObject({
      code: 'HEDDLE_TIMED_OUT',
      clock: 'deadline',
    })
  })

  test('files are split by the limit of calls; the provider may have a smaller one', async () => {
    await using provider = await simulate({ ...quick, batches: { duration: '1h', maxRequests: 10 } })
    await using model = batch(client(provider), { ...soon, maxCalls: 8 })
    await map(prompts(30), async (prompt) => generateText({ model, prompt }), { concurrency: 30 })
    expect(model.report().batches.map(({ calls }) => calls)).toEqual([8, 8, 8, 6])
  })

  test('the next run takes up what the last one has sent: nothing is sent or paid for twice', async () => {
    await using provider = await simulate({ ...quick, timeScale: 6_000 })
    const path = journal()
    const run = async (closesWhenSent = false) => {
      const spent = budget({ usd: 1 })
      const model = batch(pool(client(provider), { prices, budget: spent }), { ...soon, checkpoint: path })
      const calls = map(prompts(20), async (prompt) => (await generateText({ model, prompt, maxRetries: 0 })).text, {
        concurrency: 20,
        onFailure: 'settle',
      })
      if (closesWhenSent) {
        const status = (): string | undefined => model.report().batches[0]?.status
        await vi.waitUntil(() => status() === 'running', { timeout: 10_000, interval: 2 })
        await model.close()
      }
      const { ok } = await calls
      await model.close()
      return { answers: ok.length, usd: spent.spent.usd, report: model.report() }
    }
    expect((await run(true)).answers).toBe(0)
    const second = await run()
    expect(second).toMatchObject({ answers: 20, report: { batches: [{ resumed: true, answered: 20 }] } })
    expect(second.usd).toBeGreaterThan(0)
    // All is in the journal: a third run asks nobody, and pays nothing.
    expect(await run()).toMatchObject({ answers: 20, usd: 0, report: { restored: 20, batches: [] } })
    expect(provider.stats().batches).toMatchObject({ batches: 1, answered: 20 })
    expect(readFileSync(path, 'utf8')).not.toContain('"k"')
  })
})

/** A client whose program dies when it has made a batch: nobody hears the answer. */
function dying(kind: keyof typeof clients, { baseURL }: Simulator, lists = true) {
  let dead = false
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const path = new URL(String(input)).pathname
    if (!lists && init?.method === 'GET' && path.endsWith('/batches')) return new Response('no', { status: 404 })
    const response = await globalThis.fetch(input, init)
    if (init?.method !== 'POST' || !path.endsWith('/batches')) return response
    dead = true
    return new Promise(() => {})
  }
  const client =
    kind === 'openai'
      ? createOpenAICompatible({ name: 's', baseURL, apiKey: 'k', fetch })
      : createAnthropic({ baseURL, apiKey: 'k', fetch })
  return { model: client('small'), isDead: () => dead }
}

test.each(['openai', 'anthropic'] as const)('%s: a program that dies between sending a batch and recording it', async (kind) => {
  await using provider = await simulate({ ...quick, timeScale: 20_000 })
  const checkpoint = journal()
  const { model, isDead } = dying(kind, provider)
  const first = batch(model, { ...soon, checkpoint })
  const lost = map(prompts(10), async (prompt) => generateText({ model: first, prompt, maxRetries: 0 }), {
    concurrency: 10,
    onFailure: 'settle',
  })
  await vi.waitUntil(isDead, { timeout: 10_000, interval: 2 })
  await first.close()
  expect((await lost).ok).toEqual([])
  await using second = batch(clients[kind](provider), { ...soon, checkpoint })
  const texts = await map(prompts(10), async (prompt) => (await generateText({ model: second, prompt })).text, {
    concurrency: 10,
  })
  expect(texts).toEqual(Array.from({ length: 10 }, (_, i) => String(i + 1)))
  expect(provider.stats().batches).toMatchObject({ batches: 1, answered: 10 })
})

test('where the list does not say whether a batch was sent, the calls fail with BatchInDoubt, or are sent again', async () => {
  await using provider = await simulate(quick)
  const checkpoint = journal()
  const { model, isDead } = dying('openai', provider, false)
  const first = batch(model, { ...soon, checkpoint })
  const lost = generateText({ model: first, prompt: 'x', maxRetries: 0 }).catch((error: unknown) => error)
  await vi.waitUntil(isDead, { timeout: 10_000, interval: 2 })
  await first.close()
  expect(await lost).toMatchObject({ code: 'HEDDLE_CLOSED' })
  const second = batch(dying('openai', provider, false).model, { ...soon, checkpoint })
  await expect(generateText({ model: second, prompt: 'x', maxRetries: 0 })).rejects.toMatchObject({
    code: 'HEDDLE_BATCH_IN_DOUBT',
    hint: expect.stringContaining("inDoubt: 'resend'"),
  })
  await second.close()
  const unlisted: typeof fetch = async (input, init) =>
    init?.method === 'GET' && new URL(String(input)).pathname.endsWith('/batches')
      ? new Response('no', { status: 404 })
      : fetch(input, init)
  const client = createOpenAICompatible({ name: 's', baseURL: provider.baseURL, apiKey: 'k', fetch: unlisted })
  await using third = batch(client('small'), { ...soon, checkpoint, inDoubt: 'resend' })
  expect((await generateText({ model: third, prompt: 'x' })).text).not.toBe('')
  expect(provider.stats().batches.batches).toBe(2)
})

test('a call that is cancelled leaves, and the others get their answers', async () => {
  await using provider = await simulate({ ...quick, timeScale: 20_000 })
  await using model = batch(clients.openai(provider), soon)
  const stop = new AbortController()
  const [left, ...others] = prompts(5).map((prompt, i) =>
    generateText({ model, prompt, maxRetries: 0, ...(i === 0 && { abortSignal: stop.signal }) }),
  )
  setTimeout(() => stop.abort(new DOMException('enough', 'AbortError')), 60)
  await expect(left).rejects.toThrow('enough')
  expect((await Promise.all(others)).map(({ text }) => text)).toEqual(['2', '3', '4', '5'])
  expect(model.report()).toMatchObject({ succeeded: 4, failed: 1, running: 0 })
})

test('a budget is reserved at the price of batches; what does not fit waits for others or is refused', async () => {
  await using provider = await simulate(quick)
  const dear = { small: { input: 1_000, output: 4_000, batch: { input: 500, output: 2_000 } } }
  const one = (usd: number) => batch(pool(clients.openai(provider), { prices: dear, budget: budget({ usd }) }), soon)
  await using fits = one(0.5)
  await generateText({ model: fits, prompt: 'x', maxOutputTokens: 100 })
  await using tight = one(0.1)
  await expect(generateText({ model: tight, prompt: 'x', maxOutputTokens: 100 })).rejects.toThrow(BudgetExceeded)
})

test('what cannot go into a batch is refused: streams, models that nobody can look into, a wrong key', async () => {
  await using provider = await simulate({ ...quick, apiKey: 'right' })
  await using model = batch(clients.openai(provider), soon)
  const errors: unknown[] = []
  await streamText({ model, prompt: 'x', onError: ({ error }) => void errors.push(error) }).consumeStream()
  expect(errors[0]).toBeInstanceOf(InvalidOption)
  expect(() => batch(mockModel('x', () => answer('y')))).toThrow(/requests cannot be looked at/)
  expect(() => batch(clients.openai(provider), { within: '1h', margin: '2h' })).toThrow(/`margin` of batch to be shorter/)
  await expect(generateText({ model, prompt: 'x', maxRetries: 0 })).rejects.toMatchObject({ because: 'key', statusCode: 401 })
})

test('equal calls are calls of their own: samples of a vote differ', async () => {
  await using provider = await simulate({ ...quick, accuracy: 0.5 })
  await using model = batch(clients.openai(provider), soon)
  await Promise.all(Array.from({ length: 5 }, () => generateText({ model, prompt: 'What is 1 + 1?' })))
  expect(provider.stats().batches).toMatchObject({ batches: 1, answered: 5 })
})

describe('embeddings', () => {
  const embedder = ({ baseURL }: Simulator) =>
    createOpenAICompatible({ name: 'simulated', baseURL, apiKey: 'k' }).embeddingModel('small')
  const priced = { small: { input: 1, output: 0, batch: { input: 0.5, output: 0 } } }
  const texts = Array.from({ length: 100 }, (_, i) => `text number ${i}`)

  test('many texts, in requests of many, at half the price; only the text that is at fault fails', async () => {
    await using provider = await simulate({ ...quick, refuse: 'poison', batches: { duration: '1h', failures: 0.3 } })
    const spent = budget({ usd: 1 })
    const pooled = pool.embedding(embedder(provider), { prices: priced, budget: spent, batch: 16 })
    await using model = batch(pooled, { ...soon, retry: 8 })
    const { ok, failed } = await model.embedAll([...texts, 'poison'], { onFailure: 'settle' })
    expect([ok.length, failed.map(({ item }) => item)]).toEqual([100, ['poison']])
    expect(ok).toEqual(
      await embedder(provider)
        .doEmbed({ values: texts })
        .then(({ embeddings }) => embeddings),
    )
    const { usd, usdOneByOne } = model.report()
    expect(usd).toBeCloseTo((usdOneByOne as number) / 2)
    expect(spent.spent.usd).toBeCloseTo(usd as number)
    expect(spent.reserved.usd).toBeCloseTo(0)
  })

  test('texts count against the limit of a batch, not requests; a journal answers the second run', async () => {
    await using provider = await simulate(quick)
    const checkpoint = journal()
    const run = async () => {
      await using model = batch(pool.embedding(embedder(provider), { batch: 20 }), { ...soon, maxCalls: 40, checkpoint })
      const { embeddings } = await embedMany({ model, values: texts })
      return { embeddings, report: model.report() }
    }
    const first = await run()
    expect(first.report.batches.map(({ calls }) => calls)).toEqual([2, 2, 1])
    expect(await run()).toMatchObject({ embeddings: first.embeddings, report: { restored: 5, batches: [] } })
    expect(provider.stats()).toMatchObject({ requests: 0, batches: { batches: 3, answered: 5 } })
  })

  test('what is late is embedded at once, at the full price', async () => {
    await using provider = await simulate({ ...quick, timeScale: 1_000, batches: { duration: '5m' } })
    await using model = batch(pool.embedding(embedder(provider), { batch: 5 }), { ...soon, within: 260, margin: 100 })
    expect(await model.embedAll(texts)).toHaveLength(100)
    expect(model.report().oneByOne).toBeGreaterThan(0)
  })
})
