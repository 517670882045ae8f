import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { embedMany, generateText, Output, stepCountIs, streamText, tool } from 'ai'
import {
  embedMany as embedMany7,
  generateText as generateText7,
  stepCountIs as stepCountIs7,
  streamText as streamText7,
  tool as tool7,
} from 'ai7'
import { createOpenAICompatible as createOpenAICompatible7 } from 'openai-compatible7'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { BudgetExceeded, InvalidOption, ModelCallFailed, QuotaExhausted, TimedOut } from '../../base/errors.ts'
import { map } from '../../run/map.ts'
import { partialResults } from '../../run/failure.ts'
import { scope } from '../../run/scope.ts'
import { budget, pool, type PoolReport } from '../index.ts'
import { simulate, type Simulator, type SimulatorOptions } from '../simulator/index.ts'
import { runs } from '../../../test/support/runs.ts'

beforeAll(() => {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
})

const quick: SimulatorOptions = { firstToken: 1, tokensPerSecond: 1e6 }

function member(provider: Simulator, id = 'small') {
  return createOpenAICompatible({
    name: 'simulated',
    baseURL: provider.baseURL,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })(id)
}

/** Everything that was started has settled, and the figures add up. */
function expectBalanced(report: PoolReport): void {
  expect(report.running).toBe(0)
  expect(report.succeeded + report.failed).toBe(report.calls)
  const sum = (of: (model: PoolReport['models'][number]) => number): number =>
    report.models.reduce((total, m) => total + of(m), 0)
  expect(report.attempts).toBe(sum((m) => m.attempts))
}

async function textOf(stream: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const piece of stream) text += piece
  return text
}

describe('a pool is a model', () => {
  test('of ai 6: text, streams and structured output', async () => {
    await using provider = await simulate(quick)
    const model = pool(member(provider))
    expect(model.specificationVersion).toBe('v3')
    expect((await generateText({ model, prompt: 'What is 6 * 7?' })).text).toBe('42')
    expect(await textOf(streamText({ model, prompt: 'What is 6 * 8?' }).textStream)).toBe('48')
    const schema = z.object({ sentiment: z.enum(['positive', 'negative']) })
    const { output } = await generateText({ model, prompt: 'Review:\n\nIt was great.', output: Output.object({ schema }) })
    expect(output).toEqual({ sentiment: 'positive' })
    const report = model.report()
    expectBalanced(report)
    expect(report).toMatchObject({ calls: 3, succeeded: 3, attempts: 3, rateLimited: 0, wastedAttempts: 0, usd: undefined })
    expect(report.tokens.output).toBeGreaterThan(2)
  })

  test('of ai 7', async () => {
    await using provider = await simulate(quick)
    const model = pool(createOpenAICompatible7({ name: 'simulated', baseURL: provider.baseURL, includeUsage: true })('small'))
    expect(model.specificationVersion).toBe('v4')
    expect((await generateText7({ model, prompt: 'What is 6 * 7?' })).text).toBe('42')
    expect(await textOf(streamText7({ model, prompt: 'What is 6 * 8?' }).textStream)).toBe('48')
    expectBalanced(model.report())
    expect(model.report().tokens.output).toBe(2)
  })

  test.each([
    ['ai 6', generateText, tool, stepCountIs, createOpenAICompatible],
    ['ai 7', generateText7, tool7, stepCountIs7, createOpenAICompatible7],
  ] as const)('tools and structured output of %s', async (_, generate, defineTool, stop, create) => {
    await using provider = await simulate({
      ...quick,
      answer: ({ messages }) => (messages.some(({ role }) => role === 'tool') ? 'It rains.' : undefined),
    })
    const settings = { name: 'simulated', baseURL: provider.baseURL, includeUsage: true, supportsStructuredOutputs: true }
    const model = pool(create(settings)('small') as ReturnType<typeof member>)
    const asked: string[] = []
    const weather = (defineTool as typeof tool)({
      description: 'The weather of a place',
      inputSchema: z.object({ place: z.string() }),
      execute: ({ place }) => {
        asked.push(place)
        return 'rain'
      },
    })
    const ask = generate as typeof generateText
    const { text, steps } = await ask({
      model,
      prompt: 'How is the weather in Bergen?',
      tools: { weather },
      stopWhen: (stop as typeof stepCountIs)(3),
    })
    expect([text, steps.length, asked.length]).toEqual(['It rains.', 2, 1])
    expect(model.report()).toMatchObject({ calls: 2, succeeded: 2 })
    const schema = z.object({ sentiment: z.enum(['positive', 'negative']) })
    const { output } = await ask({ model, prompt: 'Review:\n\nIt was great.', output: Output.object({ schema }) })
    expect(output).toEqual({ sentiment: 'positive' })
  })

  test('of Anthropic, whose input and output limits are learned', async () => {
    const limits = { requestsPerMinute: 1_000, inputTokensPerMinute: 100_000, outputTokensPerMinute: 20_000 }
    await using provider = await simulate({ ...quick, limits, timeScale: 60 })
    const model = pool(createAnthropic({ baseURL: provider.baseURL, apiKey: 'any' })('small'))
    await map(
      Array.from({ length: 60 }, (_, i) => i),
      async (i) => generateText({ model, prompt: `What is ${i} + 1?`, maxOutputTokens: 1_000 }),
      { concurrency: 60 },
    )
    // 60,000 output tokens are reserved where 20,000 may be: most must have waited.
    expectBalanced(model.report())
    expect(model.report()).toMatchObject({ succeeded: 60, failed: 0 })
    expect(model.report().waitedMs.limiter + model.report().waitedMs.rateLimit).toBeGreaterThan(0)
  })

  test('wrong models and options are named', async () => {
    await using provider = await simulate(quick)
    expect(() => pool([])).toThrow(InvalidOption)
    expect(() => pool('gpt' as never)).toThrow(/language models of the AI SDK, got "gpt"/)
    expect(() => pool(member(provider), { concurency: 2 } as never)).toThrow(/Unknown option `concurency` of pool/)
    expect(() => pool(member(provider), { limits: { rpm: 2 } as never })).toThrow(/`rpm` of `limits` of pool/)
    expect(() => pool(member(provider), { budget: budget({ usd: 1 }) })).toThrow(/a price for simulated.chat\/small/)
    expect(() => pool(member(provider), { hedge: { after: 'soon' as never } })).toThrow(/`after`/)
  })
})

describe('rate limits', () => {
  const calls = runs(110, 250)
  const limits = { requestsPerMinute: runs(80, 180), tokensPerMinute: runs(27_000, 60_000) }
  const run = async (model: ReturnType<typeof member>): Promise<void> => {
    await map(
      Array.from({ length: calls }, (_, i) => i),
      async (i) => generateText({ model, prompt: `What is ${i} * 2?`, maxOutputTokens: 100 }),
      { concurrency: calls },
    )
  }

  test.each([
    ['learned from the headers', undefined],
    ['unknown, as the headers say -1', 'unknown'],
    ['unknown, as there are no headers', 'none'],
    ['wrong, as the headers lie', 'lying'],
  ] as const)('%s: every call is answered in the end', async (_, headers) => {
    await using provider = await simulate({ ...quick, limits, timeScale: 120, ...(headers && { headers }) })
    const model = pool(member(provider))
    await run(model as never)
    expectBalanced(model.report())
    expect(model.report()).toMatchObject({ calls, succeeded: calls, failed: 0 })
    expect(provider.stats().answered).toBe(calls)
    expect(provider.stats().refused.requests + provider.stats().refused.tokens).toBe(model.report().rateLimited)
  })

  test('learned from the headers, they are not exceeded again and again', async () => {
    // Not too fast: a machine that is busy for a moment shall not look like a crowd. How seldom it is, `bench/ai-limits` measures.
    await using provider = await simulate({ ...quick, limits, timeScale: 10 })
    const model = pool(member(provider))
    await run(model as never)
    expect(model.report().rateLimited).toBeLessThan(calls / 2)
  })

  test('a refusal pauses everybody for as long as the provider says, also above a minute', async () => {
    await using provider = await simulate({
      ...quick,
      limits: { requestsPerMinute: 1, burst: '1m' },
      headers: 'none',
      timeScale: 400,
    })
    const model = pool(member(provider))
    const started = performance.now()
    // Three calls at one per minute: two minutes of the provider's time at least.
    await Promise.all([1, 2, 3].map(async (i) => generateText({ model, prompt: `What is ${i} + 1?` })))
    expect((performance.now() - started) * 400).toBeGreaterThanOrEqual(119_000)
    expect(model.report().succeeded).toBe(3)
    expect(model.report().rateLimited).toBeLessThan(20)
  })

  test("the SDK's own retries do not multiply ours", async () => {
    await using provider = await simulate({ ...quick, faults: { serverError: 1 } })
    const model = pool(member(provider), { retry: 1 })
    await expect(generateText({ model, prompt: 'x', maxRetries: 5 })).rejects.toThrow(ModelCallFailed)
    expect(provider.stats().requests).toBe(2)
  })
})

describe('failures', () => {
  test('a used-up quota stops everybody at once', async () => {
    await using provider = await simulate({ ...quick, quota: { calls: 5 }, firstToken: 20 })
    const model = pool(member(provider), { concurrency: 2 })
    const { ok, failed } = await map(
      Array.from({ length: 200 }, (_, i) => i),
      async (i) => generateText({ model, prompt: `${i}` }),
      { concurrency: 200, onFailure: 'settle' },
    )
    expect(ok.length).toBe(5)
    expect(failed.every(({ error }) => error instanceof QuotaExhausted)).toBe(true)
    expect(provider.stats().refused.quota).toBeLessThanOrEqual(2)
    expectBalanced(model.report())
  })

  test('the other models go on when one has used up its quota', async () => {
    await using spent = await simulate({ ...quick, quota: { calls: 3 }, firstToken: 10 })
    await using working = await simulate(quick)
    const model = pool([{ model: member(spent), concurrency: 2 }, member(working)], { prefer: 'first' })
    const texts = await map(
      Array.from({ length: 30 }, (_, i) => i),
      async (i) => (await generateText({ model, prompt: `What is ${i} + 1?` })).text,
      { concurrency: 30 },
    )
    expect(texts).toEqual(texts.map((_, i) => `${i + 1}`))
    expect(spent.stats().answered).toBe(3)
    expectBalanced(model.report())
  })

  test('who waits too long for a turn is told so, and not sent round again', async () => {
    await using provider = await simulate({ ...quick, firstToken: 200 })
    const model = pool(member(provider), { concurrency: 1, queueTimeout: 40 })
    const first = generateText({ model, prompt: 'first' })
    await expect(generateText({ model, prompt: 'second' })).rejects.toMatchObject({
      code: 'HEDDLE_TIMED_OUT',
      clock: 'queueTimeout',
    })
    await first
    expect(provider.stats().requests).toBe(1)
    expectBalanced(model.report())
  })

  test('a model that fails is replaced by the next before the first content, also in streams', async () => {
    await using broken = await simulate({ ...quick, faults: { overloaded: 1 } })
    await using working = await simulate(quick)
    const model = pool([member(broken), member(working)], { prefer: 'first' })
    for (let i = 0; i < 8; i++)
      expect(await textOf(streamText({ model, prompt: `What is ${i} + 1?` }).textStream)).toBe(`${i + 1}`)
    expect(broken.stats().requests).toBe(5)
    expect(model.report()).toMatchObject({ succeeded: 8, failed: 0, wastedAttempts: 5 })
    expectBalanced(model.report())
  })

  test('a bad request fails at once, with what the provider said as its cause', async () => {
    await using provider = await simulate({ ...quick, refuse: 'poison' })
    const model = pool(member(provider))
    const error: unknown = await generateText({ model, prompt: 'poison' }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ModelCallFailed)
    expect(error).toMatchObject({ failure: 'rejected', statusCode: 400, cause: { statusCode: 400 } })
    expect(provider.stats().requests).toBe(1)
  })

  test('a stream that breaks in the middle ends with a named error, and its permit is free again', async () => {
    await using provider = await simulate({
      ...quick,
      faults: { broken: 1 },
      tokensPerSecond: 2_000,
      outputTokens: { median: 60, sigma: 0 },
    })
    const model = pool(member(provider), { concurrency: 1, retry: 0 })
    const outcomes: unknown[] = []
    for (let i = 0; i < 6; i++) {
      const read = async (): Promise<void> => {
        const { stream } = await model.doStream({ prompt: [{ role: 'user', content: [{ type: 'text', text: `story ${i}` }] }] })
        for await (const part of stream) if (part.type === 'error') throw part.error
      }
      await read().catch((error: unknown) => outcomes.push(error))
    }
    expect(outcomes.length).toBe(6)
    expect(outcomes.every((error) => error instanceof ModelCallFailed && error.failure === 'broken-stream')).toBe(true)
    expectBalanced(model.report())
    expect(model.report().wastedTokens).toBeGreaterThan(0)
  })

  test('a provider that hangs is timed out, and one that stops in the middle, too', async () => {
    await using provider = await simulate({ ...quick, faults: { hang: 1 } })
    const model = pool(member(provider), { timeout: 50, retry: 1 })
    await expect(generateText({ model, prompt: 'x' })).rejects.toThrow(TimedOut)
    await expect(Promise.resolve(model.doStream({ prompt: [] }))).rejects.toThrow(/gave no answer within the timeout of 50 ms/)
    expectBalanced(model.report())

    await using slow = await simulate({ firstToken: 1, tokensPerSecond: 1, answer: () => 'one two three four five' })
    const stalling = pool(member(slow), { stallTimeout: 60 })
    const { stream } = await stalling.doStream({ prompt: [] })
    const read = async (): Promise<void> => {
      for await (const part of stream) expect(part.type).not.toBe('error')
    }
    await expect(read()).rejects.toThrow(TimedOut)
    expectBalanced(stalling.report())
  })

  test('no server at all: a named error after the retries', async () => {
    const provider = await simulate()
    const model = pool(member(provider), { retry: 1 })
    await provider.close()
    await expect(generateText({ model, prompt: 'x' })).rejects.toMatchObject({
      code: 'HEDDLE_MODEL_CALL_FAILED',
      failure: 'network',
    })
  })
})

describe('cancelling', () => {
  test('reaches calls under way, waiting and pausing; a reader that goes away ends its stream', async () => {
    await using provider = await simulate({ firstToken: '10s' })
    const model = pool(member(provider), { concurrency: 2 })
    const controller = new AbortController()
    const calls = Array.from({ length: 6 }, async (_, i) =>
      generateText({ model, prompt: `${i}`, abortSignal: controller.signal }),
    )
    setTimeout(() => controller.abort(new Error('enough')), 30)
    const outcomes = await Promise.allSettled(calls)
    // As the model itself: with the reason of the signal.
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'enough' } })
    expectBalanced(model.report())
    await expect.poll(() => provider.stats().running, { timeout: 20_000 }).toBe(0)

    await using talking = await simulate({ firstToken: 1, tokensPerSecond: 50, answer: () => 'word '.repeat(500) })
    const streaming = pool(member(talking), { concurrency: 1 })
    const { stream } = await streaming.doStream({ prompt: [] })
    const reader = stream.getReader()
    await reader.read()
    await reader.cancel()
    expectBalanced(streaming.report())
    expect(streaming.report().failed).toBe(1)
  })

  test('reaches calls of a scope that failed, without a signal passed along', async () => {
    await using provider = await simulate({ firstToken: '10s' })
    const model = pool(member(provider))
    const run = scope(async (s) => {
      s.fork(async () => generateText({ model, prompt: 'slow' })).catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 30))
      throw new Error('sibling')
    })
    await expect(run).rejects.toThrow('sibling')
    expectBalanced(model.report())
  })
})

describe('budgets', () => {
  test('calls, tokens and dollars are never exceeded, whatever runs at once', async () => {
    await using provider = await simulate({ ...quick, faults: { serverError: 0.2, broken: 0.1 } })
    const whole = budget({ usd: 0.02, tokens: 20_000 })
    const run = whole.child({ calls: 120 })
    const prices = { small: { input: 1, output: 4 } }
    const model = pool(member(provider), { budget: run, prices, maxOutputTokens: 50 })
    const { ok, failed } = await map(
      Array.from({ length: 300 }, (_, i) => i),
      async (i) => generateText({ model, prompt: `What is ${i} + ${i}?` }),
      { concurrency: 50, onFailure: 'settle' },
    )
    expect(ok.length).toBeGreaterThan(20)
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.some(({ error }) => error instanceof BudgetExceeded)).toBe(true)
    expect(run.spent.calls).toBeLessThanOrEqual(120)
    expect(provider.stats().requests).toBeLessThanOrEqual(120)
    expect(whole.spent.usd).toBeLessThanOrEqual(0.02)
    expect(whole.spent.tokens).toBeLessThanOrEqual(20_000)
    expect(whole.reserved).toEqual({ usd: expect.closeTo(0, 9), tokens: 0, calls: 0 })
    expectBalanced(model.report())
  })

  test('a view of a pool has its own budget', async () => {
    await using provider = await simulate(quick)
    const model = pool(member(provider))
    const one = model.with({ budget: budget({ calls: 1 }) })
    await generateText({ model: one, prompt: 'x' })
    await expect(generateText({ model: one, prompt: 'x' })).rejects.toThrow(BudgetExceeded)
    await generateText({ model, prompt: 'x' })
    expect(model.report()).toEqual(one.report())
    expect(model.report()).toMatchObject({ calls: 3, succeeded: 2, failed: 1 })
  })
})

test('keys are in no error, report or warning', async () => {
  const apiKey = 'sk-secret-0123456789'
  await using provider = await simulate({ ...quick, apiKey: 'another' })
  const model = pool(createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL, apiKey })('small'))
  const error = (await generateText({ model, prompt: 'x' }).catch((reason: unknown) => reason)) as Error
  expect(error).toBeInstanceOf(ModelCallFailed)
  const { inspect } = await import('node:util')
  expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(apiKey)
  expect(inspect(model.report(), { depth: 20 }) + inspect(model, { depth: 3 })).not.toContain(apiKey)
})

test('a key that the provider repeats is not repeated by us', async () => {
  const apiKey = 'sk-proj-0123456789abcdef'
  const fetch = async (): Promise<Response> =>
    Response.json({ error: { message: `Incorrect API key provided: ${apiKey}.`, type: 'x', code: 'y' } }, { status: 401 })
  const model = pool(createOpenAICompatible({ name: 'simulated', baseURL: 'http://127.0.0.1:1', apiKey, fetch })('small'))
  const error = (await generateText({ model, prompt: 'x' }).catch((reason: unknown) => reason)) as Error
  expect(error.message).toMatch(/failed \(rejected\): Incorrect API key provided: sk-…/)
  const { inspect } = await import('node:util')
  expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(apiKey)
  expect(inspect(model.report(), { depth: 20 })).not.toContain(apiKey)
  const { APICallError } = await import('ai')
  expect(APICallError.isInstance(error.cause) && error.cause.statusCode).toBe(401)
})

describe('embeddings', () => {
  const embedder = (provider: Simulator) =>
    createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL }).embeddingModel('embed')

  test('embedMany takes a pool as it is', async () => {
    await using provider = await simulate(quick)
    const model = pool.embedding(embedder(provider), { batch: 10 })
    const values = Array.from({ length: 95 }, (_, i) => `text ${i}`)
    const { embeddings } = await embedMany({ model, values })
    expect(embeddings).toHaveLength(95)
    expect(provider.stats().requests).toBe(10)
  })

  test('of ai 7', async () => {
    await using provider = await simulate(quick)
    const settings = { name: 'simulated', baseURL: provider.baseURL }
    const model = pool.embedding(createOpenAICompatible7(settings).embeddingModel('embed'), { batch: 10 })
    const { embeddings } = await embedMany7({ model, values: Array.from({ length: 25 }, (_, i) => `text ${i}`) })
    expect([embeddings.length, model.specificationVersion, provider.stats().requests]).toEqual([25, 'v4', 3])
  })

  test('is a sliding window: a slow request holds up no other', async () => {
    let answered = 0
    let slow = (): void => {}
    const model = pool.embedding(
      {
        specificationVersion: 'v3' as const,
        provider: 'test',
        modelId: 'embed',
        maxEmbeddingsPerCall: 1,
        supportsParallelCalls: true,
        async doEmbed({ values }: { values: string[] }) {
          // The first is answered when all the others are: in waves it would wait for ever.
          if (values[0] === 'text 0') await new Promise<void>((resolve) => (slow = resolve))
          else if (++answered === 59) slow()
          return { embeddings: [[values[0]?.length ?? 0]], usage: { tokens: 2 } }
        },
      },
      { concurrency: 4 },
    )
    const texts = Array.from({ length: 60 }, (_, i) => `text ${i}`)
    expect(await model.embedAll(texts)).toEqual(texts.map((text) => [text.length]))
  })

  test('bad texts cost only themselves', async () => {
    await using provider = await simulate({ ...quick, refuse: 'poison' })
    const model = pool.embedding(embedder(provider), { batch: 32 })
    const texts = Array.from({ length: 300 }, (_, i) => (i === 123 || i === 200 ? `poison ${i}` : `text ${i}`))
    const { ok, failed } = await model.embedAll(texts, { onFailure: 'settle' })
    expect(ok).toHaveLength(298)
    expect(failed.map(({ index }) => index)).toEqual([123, 200])
    const error: unknown = await model.embedAll(texts).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ModelCallFailed)
    expect(partialResults(error)).toMatchObject({ completed: 298, failed: 123 })
    expectBalanced(model.report())
  })
})

describe('storms', () => {
  /** Everything goes wrong at once; the provider's headers and the machine's clock cannot be trusted either. */
  test.each(['honest', 'lying'] as const)(
    'every call settles with a named error, and the figures add up (headers: %s)',
    { retry: 2 },
    async (headers) => {
      await using provider = await simulate({
        limits: { requestsPerMinute: 600, tokensPerMinute: 40_000, burst: '5s' },
        headers,
        timeScale: 60,
        firstToken: [{ weight: 1, median: 400, sigma: 1 }],
        tokensPerSecond: 5_000,
        faults: { overloaded: 0.05, serverError: 0.05, broken: 0.08, hang: 0.02 },
        refuse: 'poison',
        seed: 7,
      })
      const model = pool([member(provider), member(provider, 'other')], {
        timeout: 1_000,
        stallTimeout: 1_000,
        retry: 2,
        breaker: { reset: 100, probes: 4 },
      })
      const realNow = Date.now
      const jumping = setInterval(() => {
        const by = (Math.random() - 0.5) * 1e9
        Date.now = () => realNow() + by
      }, 20)
      try {
        const each = runs(25, 50)
        const prompts = Array.from({ length: 5 * each }, (_, i) => (i % each === 0 ? `poison ${i}` : `What is ${i} + 1?`))
        const ask = async (prompt: string, i: number): Promise<string> => {
          if (i % 2 === 0) return (await generateText({ model, prompt, maxOutputTokens: 50 })).text
          let text = ''
          for await (const part of streamText({ model, prompt, maxOutputTokens: 50, onError: () => {} }).fullStream) {
            if (part.type === 'error') throw part.error
            if (part.type === 'text-delta') text += part.text
          }
          return text
        }
        const { ok, failed } = await map(prompts, (prompt, { index }) => ask(prompt, index), {
          concurrency: 2 * each,
          onFailure: 'settle',
        })
        // A fifth at least. Calls have a second of real time each, so that a machine which is busy with something else may lose more: hence the retries.
        expect(ok.length).toBeGreaterThan(each)
        expect(failed.filter(({ item }) => item.startsWith('poison'))).toHaveLength(5)
        const named = [ModelCallFailed, TimedOut]
        expect(failed.filter(({ error }) => !named.some((type) => error instanceof type))).toEqual([])
        expectBalanced(model.report())
        expect(model.report().wastedAttempts).toBeLessThanOrEqual(model.report().attempts)
        expect(model.report().calls).toBe(prompts.length)
      } finally {
        clearInterval(jumping)
        Date.now = realNow
      }
    },
  )
})
