import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, embedMany, generateText, Output, stepCountIs, streamText, tool } from 'ai'
import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { InvalidOption } from '../../base/errors.ts'
import { simulate, type Simulator, type SimulatorOptions } from './index.ts'

beforeAll(() => {
  // The SDK warns about model names that it does not know.
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
})

/** Fast unless a test says otherwise. */
const quick: SimulatorOptions = { firstToken: 1, tokensPerSecond: 1e6 }

function openaiModel(provider: Simulator, id = 'small') {
  return createOpenAICompatible({
    name: 'simulated',
    baseURL: provider.baseURL,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })(id)
}

function anthropicModel(provider: Simulator, id = 'small') {
  return createAnthropic({ baseURL: provider.baseURL, apiKey: 'any' })(id)
}

const ask = (provider: Simulator, body: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${provider.baseURL}/chat/completions`, { method: 'POST', headers, body: JSON.stringify({ model: 'small', ...body }) })
const says = (content: string): object => ({ messages: [{ role: 'user', content }] })

test('answers real clients of both wire formats', async () => {
  await using provider = await simulate(quick)
  for (const model of [openaiModel(provider), anthropicModel(provider)]) {
    const { text, usage, finishReason } = await generateText({ model, prompt: 'What is 17 * 23?' })
    expect(text).toBe('391')
    expect(usage.inputTokens).toBe(4)
    expect(usage.outputTokens).toBe(1)
    expect(finishReason).toBe('stop')
  }
  expect(provider.stats()).toMatchObject({ requests: 2, answered: 2, broken: 0, running: 0 })
})

test('streams piece by piece', async () => {
  await using provider = await simulate(quick)
  const prompt = 'Summarize the following text:\n\nOne thing happened here. Then another.\n\nA second paragraph came. And went.'
  for (const model of [openaiModel(provider), anthropicModel(provider)]) {
    const result = streamText({ model, prompt })
    const pieces: string[] = []
    for await (const piece of result.textStream) pieces.push(piece)
    expect(pieces.join('')).toBe('One thing happened here. A second paragraph came.')
    expect(pieces.length).toBeGreaterThan(3)
    expect((await result.usage).outputTokens).toBe(Math.ceil(pieces.join('').length / 4))
  }
})

test('fills in schemas, calls tools, cuts at max_tokens', async () => {
  await using provider = await simulate(quick)
  const schema = z.object({
    sentiment: z.enum(['positive', 'negative', 'neutral']),
    entities: z.array(z.string()),
    score: z.number(),
  })
  const text = 'Review this:\n\nThe trip with Nordic Rail to Oslo was great and the staff in Bergen helpful.'
  const { output } = await generateText({ model: openaiModel(provider), prompt: text, output: Output.object({ schema }) })
  expect(output.sentiment).toBe('positive')
  expect(output.entities).toEqual(['Nordic Rail', 'Oslo', 'Bergen'])

  for (const model of [openaiModel(provider), anthropicModel(provider)]) {
    const weather = tool({ inputSchema: z.object({ city: z.string() }), execute: ({ city }) => `sunny in ${city}` })
    const called = await generateText({ model, prompt: 'Use weather for Oslo.', tools: { weather } })
    expect(called.toolCalls.map((call) => call.toolName)).toEqual(['weather'])
    const cut = await generateText({ model, prompt: 'Say a long sentence about the loom please', maxOutputTokens: 2 })
    expect(cut.finishReason).toBe('length')
    expect(cut.usage.outputTokens).toBe(2)
  }
})

test('embeds, and refuses the whole request for one bad input', async () => {
  await using provider = await simulate({ ...quick, refuse: 'poison' })
  const model = createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL }).embeddingModel('embed')
  const { embeddings } = await embedMany({ model, values: ['a red apple', 'the red apple', 'parallel systems'] })
  const cosine = (a: number[], b: number[]): number => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)
  const [a, b, c] = embeddings as [number[], number[], number[]]
  expect(cosine(a, a)).toBeCloseTo(1)
  expect(cosine(a, b)).toBeGreaterThan(cosine(a, c))
  await expect(embedMany({ model, values: ['fine', 'poison'], maxRetries: 0 })).rejects.toMatchObject({ statusCode: 400 })
})

test('tells the same limits in both header forms, and refuses with the time to wait', async () => {
  const limits = { requestsPerMinute: 60, tokensPerMinute: 6_000, inputTokensPerMinute: 50_000, outputTokensPerMinute: 20_000 }
  await using provider = await simulate({ ...quick, limits })
  const first = await ask(provider, { ...says('hello'), max_tokens: 600 })
  const header = (name: string): string | null => first.headers.get(`x-ratelimit-${name}`)
  expect([header('limit-requests'), header('remaining-requests')]).toEqual(['60', '59'])
  expect([header('limit-tokens'), header('remaining-tokens')]).toEqual(['6000', '5400'])
  expect(header('reset-tokens')).toMatch(/^(6|5\.9\d*)s$/)
  const refused = await ask(provider, { ...says('hello'), max_tokens: 5_900 })
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after-ms'))).toBeGreaterThan(4_000)
  expect(Number(refused.headers.get('retry-after-ms'))).toBeLessThanOrEqual(5_000)
  expect(await refused.json()).toMatchObject({ error: { type: 'tokens', code: 'rate_limit_exceeded', param: null } })
  const large = await ask(provider, { ...says('hello'), max_tokens: 7_000 })
  expect(large.headers.get('x-should-retry')).toBe('false')

  const { response } = await generateText({ model: anthropicModel(provider, 'other'), prompt: 'hello', maxOutputTokens: 1_000 })
  expect(response.headers).toMatchObject({
    'anthropic-ratelimit-requests-remaining': '59',
    'anthropic-ratelimit-input-tokens-limit': '50000',
    'anthropic-ratelimit-output-tokens-remaining': '19000',
  })
  expect(response.headers?.['anthropic-ratelimit-requests-reset']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
})

test('a time scale speeds up buckets and models alike, and header durations with them', async () => {
  // Ten minutes: without the scale the test would end first.
  await using slow = await simulate({ firstToken: '10m', timeScale: 10_000 })
  const started = performance.now()
  await ask(slow, says('one'))
  expect(performance.now() - started).toBeGreaterThanOrEqual(59)

  await using provider = await simulate({ firstToken: '2s', limits: { requestsPerMinute: 1 }, timeScale: 100 })
  await ask(provider, says('one'))
  const results = await Promise.all([ask(provider, says('two')), ask(provider, says('three')), ask(provider, says('four'))])
  const refused = results.filter((result) => result.status === 429)
  expect(refused.length).toBeGreaterThan(0)
  // A minute between requests, a hundred times faster.
  for (const { headers } of refused) expect(Number(headers.get('retry-after-ms'))).toBeLessThanOrEqual(600)
})

test('equal seeds give equal answers, faults and latencies in any order', async () => {
  const settings: SimulatorOptions = {
    firstToken: [{ weight: 1, median: 10, sigma: 1 }],
    timeScale: 10,
    accuracy: 0.6,
    faults: { serverError: 0.3 },
  }
  const run = async (seed: number, order: (prompts: string[]) => string[]): Promise<Record<string, string>> => {
    await using provider = await simulate({ ...settings, seed })
    const prompts = order(Array.from({ length: 40 }, (_, i) => `What is ${i} + ${i}?`))
    const answers = await Promise.all(
      prompts.map(async (prompt) => {
        const response = await ask(provider, says(prompt))
        const body = (await response.json()) as { choices?: [{ message: { content: string } }] }
        return [prompt, `${response.status} ${body.choices?.[0].message.content}`]
      }),
    )
    return Object.fromEntries(answers) as Record<string, string>
  }
  const forward = await run(1, (prompts) => prompts)
  expect(await run(1, (prompts) => prompts.toReversed())).toEqual(forward)
  expect(await run(2, (prompts) => prompts)).not.toEqual(forward)
  const statuses = Object.values(forward).map((answer) => answer.slice(0, 3))
  expect(statuses.filter((status) => status === '500').length).toBeGreaterThan(3)
  expect(statuses.filter((status) => status === '200').length).toBeGreaterThan(15)
})

test('faults: overload, used-up quota, broken answers, hanging', async () => {
  await using overloaded = await simulate({ ...quick, faults: { overloaded: 1 } })
  expect((await ask(overloaded, says('x'))).status).toBe(503)
  await expect(generateText({ model: anthropicModel(overloaded), prompt: 'x', maxRetries: 0 })).rejects.toMatchObject({
    statusCode: 529,
  })

  await using spent = await simulate({ ...quick, quota: { calls: 1 } })
  expect((await ask(spent, says('x'))).status).toBe(200)
  const refused = await ask(spent, says('x'))
  expect([refused.status, await refused.json()]).toMatchObject([429, { error: { code: 'insufficient_quota' } }])

  await using breaking = await simulate({ ...quick, faults: { broken: 1 } })
  for (let i = 0; i < 8; i++) {
    const outcome = ask(breaking, { ...says(`Say ${i} words and more of them`), stream: true }).then((response) =>
      response.text(),
    )
    const text = await outcome.catch((error: unknown) => error)
    expect(text instanceof Error || !(text as string).includes('[DONE]')).toBe(true)
  }
  await expect(ask(breaking, says('x')).then((response) => response.json())).rejects.toThrow(/./)
  expect(breaking.stats()).toMatchObject({ broken: 9, answered: 0, running: 0 })

  await using hanging = await simulate({ ...quick, faults: { hang: 1 } })
  const signal = AbortSignal.timeout(50)
  await expect(
    fetch(`${hanging.baseURL}/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'm', ...says('x') }), signal }),
  ).rejects.toThrow(/aborted/)
})

test('a cold start delays the first calls only; above the knee everything is slower, and far above refused', async () => {
  await using cold = await simulate({ ...quick, coldStart: { idle: '1h', warmUp: '40s' }, timeScale: 100 })
  const timed = async (provider: Simulator): Promise<number> => {
    const started = performance.now()
    await (await ask(provider, says('x'))).text()
    return performance.now() - started
  }
  const first = await timed(cold)
  expect(first).toBeGreaterThanOrEqual(399)
  const next = [await timed(cold), await timed(cold), await timed(cold)]
  expect(Math.min(...next)).toBeLessThan(first)

  await using busy = await simulate({ firstToken: 250, knee: { concurrency: 2, reject: 6 } })
  const answers = await Promise.all(Array.from({ length: 9 }, () => ask(busy, says('x'))))
  expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 200, 200, 200, 200, 503, 503, 503])
  expect(busy.stats().peak).toBe(6)
})

test('the prompt cache is filled by the first token of an earlier call', async () => {
  await using provider = await simulate({ firstToken: 200 })
  const long = 'The quick brown fox jumps over the lazy dog. '.repeat(200)
  const usage = async (tail: string): Promise<number> => {
    const body = (await (await ask(provider, says(long + tail))).json()) as {
      usage: { prompt_tokens_details: { cached_tokens: number } }
    }
    return body.usage.prompt_tokens_details.cached_tokens
  }
  expect(await Promise.all([usage('a'), usage('b')])).toEqual([0, 0])
  expect(await usage('c')).toBeGreaterThan(2_000)
})

test('keys, unknown models, malformed bodies and routes get the documented errors', async () => {
  await using provider = await simulate({ ...quick, apiKey: 'sk-simulated', models: { small: {} } })
  const authorization = 'Bearer sk-simulated'
  expect((await ask(provider, says('x'))).status).toBe(401)
  expect((await ask(provider, says('x'), { authorization })).status).toBe(200)
  expect((await ask(provider, { ...says('x'), model: 'none' }, { authorization })).status).toBe(404)
  const post = async (path: string, body: string): Promise<number> =>
    (await fetch(provider.url + path, { method: 'POST', body, headers: { authorization } })).status
  expect(await post('/v1/chat/completions', '{')).toBe(400)
  expect(await post('/v1/chat/completions', '[]')).toBe(400)
  expect(await post('/v1/messages', '{"model":"small","messages":[]}')).toBe(400)
  expect(await post('/v1/embeddings', '{"model":"small","input":["a",""]}')).toBe(400)
  expect(await post('/v1/other', '{}')).toBe(404)
  const models = await fetch(`${provider.baseURL}/models`, { headers: { authorization } })
  expect(await models.json()).toMatchObject({ data: [{ id: 'small' }] })
})

test('refusals are those that the AI SDK knows', async () => {
  await using provider = await simulate({ ...quick, limits: { requestsPerMinute: 1 } })
  const model = openaiModel(provider)
  await generateText({ model, prompt: 'x' })
  const error: unknown = await generateText({ model, prompt: 'x', maxRetries: 0 }).catch((reason: unknown) => reason)
  expect(APICallError.isInstance(error) && error.isRetryable).toBe(true)
})

test('wrong settings are named', async () => {
  await expect(simulate({ timescale: 2 } as never)).rejects.toThrow(InvalidOption)
  await expect(simulate({ faults: { overload: 1 } as never })).rejects.toThrow(/`overload` of `faults` of simulate/)
  await expect(simulate({ faults: { hang: 2 } })).rejects.toThrow(/`hang` to be a number from 0 to 1, got 2/)
})

test('calls several tools at once, whole and streamed, unless the request wants one at a time', async () => {
  await using provider = await simulate(quick)
  const schema = z.object({ city: z.string() })
  const tools = {
    weather: tool({ inputSchema: schema, execute: () => 'sunny' }),
    weather_history: tool({ inputSchema: schema, execute: () => 'it rained' }),
    news: tool({ inputSchema: schema, execute: () => 'none' }),
  }
  const prompt = 'Use weather for Oslo, weather for Bergen and weather_history for Oslo.'
  const names = ['weather', 'weather', 'weather_history']
  for (const model of [openaiModel(provider), anthropicModel(provider)]) {
    const { toolCalls } = await generateText({ model, prompt, tools })
    expect(toolCalls.map(({ toolName }) => toolName)).toEqual(names)
    expect(new Set(toolCalls.map(({ toolCallId }) => toolCallId)).size).toBe(3)
    const streamed = streamText({ model, prompt, tools, stopWhen: stepCountIs(2) })
    expect(await streamed.text).toBe('The tool says: sunny\nsunny\nit rained')
    const [first] = await streamed.steps
    expect(first?.toolCalls.map(({ toolName, input }) => [toolName, input])).toEqual(
      toolCalls.map(({ toolName, input }) => [toolName, input]),
    )
  }
  const providerOptions = { simulated: { parallel_tool_calls: false }, anthropic: { disableParallelToolUse: true } }
  for (const model of [openaiModel(provider), anthropicModel(provider)])
    expect((await generateText({ model, prompt, tools, toolChoice: 'required', providerOptions })).toolCalls).toHaveLength(1)
})
