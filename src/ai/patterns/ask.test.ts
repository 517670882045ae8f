import { beforeAll, expect, test } from 'vitest'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { z } from 'zod'
import { InvalidOption, SchemaMismatch } from '../../base/errors.ts'
import { ask, budget, perspectives, pool } from '../index.ts'
import { simulate, type SimulatorOptions } from '../simulator/index.ts'
import { createAnthropic } from '@ai-sdk/anthropic'

beforeAll(() => {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
})

const quick: SimulatorOptions = { firstToken: 1, tokensPerSecond: 1e6 }
const modelOf = (baseURL: string) =>
  createOpenAICompatible({ name: 'simulated', baseURL, supportsStructuredOutputs: true })('small')

interface Tree {
  readonly name: string
  readonly below: readonly Tree[]
}
const tree: z.ZodType<Tree> = z.object({ name: z.string(), below: z.lazy(() => z.array(tree)) })
const date = (text: string): Date => new Date(text)

/** A kind of schema, an answer of the model, and what `ask` makes of it. */
const kinds: Readonly<Record<string, readonly [z.ZodType, answer: unknown, given: unknown]>> = {
  transform: [z.string().transform(date), '2026-11-30', new Date('2026-11-30')],
  'transform to another type': [z.string().transform((text) => text.length), 'loom', 4],
  preprocess: [z.preprocess((value) => `${String(value)}!`, z.string()), 'hi', 'hi!'],
  'transform that is not its own inverse': [z.number().transform((n) => n + 1), 1, 2],
  refine: [z.string().refine((text) => text.length === 2), 'ab', 'ab'],
  'refine after transform': [
    z
      .string()
      .transform(Number)
      .refine((n) => n > 1),
    '2',
    2,
  ],
  union: [z.union([z.number(), z.string()]), 'x', 'x'],
  'discriminated union': [
    z.discriminatedUnion('kind', [z.object({ kind: z.literal('a'), n: z.number() }), z.object({ kind: z.literal('b') })]),
    { kind: 'a', n: 1 },
    { kind: 'a', n: 1 },
  ],
  record: [z.record(z.string(), z.number()), { a: 1 }, { a: 1 }],
  tuple: [z.tuple([z.string(), z.number()]), ['a', 1], ['a', 1]],
  lazy: [tree, { name: 'a', below: [{ name: 'b', below: [] }] }, { name: 'a', below: [{ name: 'b', below: [] }] }],
  default: [z.string().default('x'), undefined, 'x'],
  optional: [z.string().optional(), undefined, undefined],
  nullable: [z.string().nullable(), null, null],
  enum: [z.enum(['a', 'b']), 'b', 'b'],
  literal: [z.literal(['a', 3]), 3, 3],
  branded: [z.string().brand<'Id'>(), 'x', 'x'],
  pipe: [z.string().transform(Number).pipe(z.number().min(3)), '4', 4],
  codec: [z.codec(z.string(), z.date(), { decode: date, encode: String }), '2026-11-30', new Date('2026-11-30')],
  catch: [z.number().catch(7), 'no number', 7],
  intersection: [z.intersection(z.object({ a: z.string() }), z.object({ b: z.number() })), { a: 'x', b: 1 }, { a: 'x', b: 1 }],
  'a set, by a transform': [z.array(z.string()).transform((list) => new Set(list)), ['a', 'a'], new Set(['a'])],
  'a map, by a transform': [
    z.array(z.tuple([z.string(), z.number()])).transform((list) => new Map(list)),
    [['a', 1]],
    new Map([['a', 1]]),
  ],
  'a bigint, by a transform': [z.string().transform(BigInt), '12', 12n],
  readonly: [z.array(z.string()).readonly(), ['a'], ['a']],
  'transform that is asynchronous': [z.string().transform(async (text) => `${text}.`), 'x', 'x.'],
}

test.each(Object.entries(kinds))('a schema of the kind: %s', async (_, [kind, answer, given]) => {
  await using provider = await simulate({ ...quick, answer: () => JSON.stringify({ it: answer }) })
  expect(await ask(modelOf(provider.baseURL), 'x', { schema: z.object({ it: kind }) as z.ZodType<{ it: unknown }> })).toEqual({
    it: given,
  })
})

test('what the SDK has validated is not validated again', async () => {
  await using provider = await simulate({ ...quick, answer: () => '{"n":1}' })
  let calls = 0
  const schema = z.object({ n: z.number() }).transform(({ n }) => {
    calls++
    return { twice: n * 2 }
  })
  expect(await ask(modelOf(provider.baseURL), 'x', { schema })).toEqual({ twice: 2 })
  expect(calls).toBe(1)
})

test('schemas that JSON cannot have are refused before anything is sent, and so is what is no schema', async () => {
  await using provider = await simulate(quick)
  const model = modelOf(provider.baseURL)
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  for (const kind of [z.date(), z.bigint(), z.set(z.string()), z.map(z.string(), z.string()), z.coerce.date()]) {
    const error: unknown = await ask(model, 'x', { schema: z.object({ kind }) as z.ZodType<unknown> }).catch(
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(InvalidOption)
    expect(error).toMatchObject({ message: expect.stringMatching(/cannot be given to a model: \w+ cannot be represented/) })
  }
  for (const schema of [3, null, {}, 'x'])
    await expect(ask(model, 'x', { schema: schema as never })).rejects.toThrow(/Standard Schema|cannot be given/)
  await new Promise((resolve) => setTimeout(resolve, 5))
  process.off('unhandledRejection', note)
  expect([unhandled, provider.stats().requests]).toEqual([[], 0])
})

test('an answer that does not match says where; one that is cut off says so', async () => {
  const schema = z.object({ list: z.array(z.object({ n: z.number() })) })
  const said = async (answer: string, maxOutputTokens = 100): Promise<unknown> => {
    await using provider = await simulate({ ...quick, answer: () => answer })
    return await ask(modelOf(provider.baseURL), 'x', { schema, maxOutputTokens }).catch((error: unknown) => error)
  }
  expect(await said('{"list": [{"n": 1}, {"n": "two"}]}')).toMatchObject({
    message: expect.stringMatching(/its schema at list\.1\.n: Invalid input/),
  })
  expect(await said('no JSON')).toBeInstanceOf(SchemaMismatch)
  expect(await said('{"list": [{"n": 1}, {"n": 2}, {"n": 3}]}', 3)).toMatchObject({
    code: 'HEDDLE_SCHEMA_MISMATCH',
    message: expect.stringMatching(/cut off: it reached its limit of output tokens/),
  })
})

/** Answers one after the other; the last one again and again. */
function answers(...texts: readonly string[]): { readonly options: SimulatorOptions; readonly asked: string[][] } {
  const asked: string[][] = []
  const answer: SimulatorOptions['answer'] = ({ messages }) => {
    asked.push(messages.map(({ role, text }) => `${role}: ${text}`))
    return texts[Math.min(asked.length, texts.length) - 1]
  }
  return { options: { ...quick, answer }, asked }
}

test('an answer that does not match is asked for again with what is wrong, and the answers count in the budget', async () => {
  const { options, asked } = answers('{"n":"two","m":3}', '{"n":2}', '{"n":2,"m":"x"}')
  await using provider = await simulate(options)
  const spent = budget({ calls: 10 })
  const model = pool(modelOf(provider.baseURL), { budget: spent })
  const schema = z.object({ n: z.number(), m: z.string() })
  expect(await ask(model, 'Which?', { schema, system: 'Be brief.' })).toEqual({ n: 2, m: 'x' })
  expect(spent.spent.calls).toBe(3)
  expect(asked[0]).toEqual(['system: Be brief.', 'user: Which?'])
  const [, , answer, complaint] = asked[1] as string[]
  expect(answer).toBe('assistant: {"n":"two","m":3}')
  expect(complaint).toMatch(/- n: Invalid input.*\n- m: Invalid input/)
  expect(asked[2]).toHaveLength(6)
})

test('not more often than `repair` says, and not where a longer answer is needed', async () => {
  for (const [repair, calls] of [
    [0, 1],
    [1, 2],
    [undefined, 3],
  ] as const) {
    await using provider = await simulate(answers('{"n":"two"}').options)
    const asking = ask(modelOf(provider.baseURL), 'x', {
      schema: z.object({ n: z.number() }),
      ...(repair !== undefined && { repair }),
    })
    await expect(asking).rejects.toThrow(calls === 1 ? /schema at n: Invalid input[^(]*$/ : `(asked ${calls} times)`)
    expect(provider.stats().requests).toBe(calls)
  }
  await using provider = await simulate(answers('{"n":"a long answer that is cut off"}').options)
  const cut = ask(modelOf(provider.baseURL), 'x', { schema: z.object({ n: z.string() }), maxOutputTokens: 3 })
  await expect(cut).rejects.toThrow(/cut off/)
  expect(provider.stats().requests).toBe(1)
})

test.each([
  ['a fence', '```json\n{"n":1}\n```'],
  ['words and a fence', 'Here it is:\n```\n{"n":1}\n```\nGood luck.'],
  ['words', 'Sure! {"n":1} is my answer.'],
])('JSON with %s around it is taken, and not asked for again', async (_, text) => {
  await using provider = await simulate(answers(text).options)
  expect(await ask(modelOf(provider.baseURL), 'x', { schema: z.object({ n: z.number() }).transform(({ n }) => n + 1) })).toBe(2)
  expect(provider.stats().requests).toBe(1)
})

test('a failure of the call is not a wrong answer: it is not asked again', async () => {
  await using provider = await simulate({ ...quick, refuse: 'secret' })
  await expect(ask(modelOf(provider.baseURL), 'a secret', { schema: z.object({ n: z.number() }) })).rejects.toThrow('refused')
  expect(provider.stats().requests).toBe(1)
})

/** An Anthropic model, and the bodies that it was sent. */
function recorded(baseURL: string): { model: ReturnType<ReturnType<typeof createAnthropic>>; bodies: Record<string, unknown>[] } {
  const bodies: Record<string, unknown>[] = []
  const record: typeof fetch = (input, init) => {
    bodies.push(JSON.parse(String(init?.body)) as Record<string, unknown>)
    return fetch(input, init)
  }
  return { model: createAnthropic({ baseURL, apiKey: 'any', fetch: record })('claude-simulated'), bodies }
}

test('options of a provider go with the question', async () => {
  await using provider = await simulate(quick)
  const { model, bodies } = recorded(provider.baseURL)
  await ask(model, 'Hello', { providerOptions: { anthropic: { metadata: { userId: 'u1' }, effort: 'low' } } })
  expect(bodies[0]).toMatchObject({ metadata: { user_id: 'u1' } })
  await expect(ask(model, 'x', { providerOptions: 3 as never })).rejects.toThrow(/`providerOptions`/)
})

test('warm perspectives ask Anthropic to cache the content, and others do not', async () => {
  await using provider = await simulate(quick)
  const { model, bodies } = recorded(provider.baseURL)
  const content = `${'A long review of a long trip. '.repeat(300)}It was great.`
  const questions = {
    one: { prompt: 'Sentiment?' },
    two: { prompt: 'Summarize.' },
    three: { prompt: 'Names?', providerOptions: { anthropic: { metadata: { userId: 'u2' } } } },
  }
  await perspectives(content, questions, { model })
  expect(JSON.stringify(bodies)).not.toContain('cache_control')
  expect(provider.stats().cachedTokens).toBe(0)
  bodies.length = 0
  await perspectives(content, questions, { model, warm: true, providerOptions: { anthropic: { metadata: { userId: 'u1' } } } })
  expect(bodies).toHaveLength(3)
  for (const body of bodies) {
    const [{ content: parts }] = body['messages'] as [{ content: { text: string; cache_control?: unknown }[] }]
    expect(parts.map((part) => part.cache_control)).toEqual([{ type: 'ephemeral' }, undefined])
    expect(parts[0]?.text).toContain('It was great.')
  }
  expect(bodies.map((body) => body['metadata'])).toEqual([{ user_id: 'u1' }, { user_id: 'u1' }, { user_id: 'u2' }])
  // Both that come second read what the first has written.
  expect(provider.stats().cachedTokens).toBeGreaterThan(4_000)
})
