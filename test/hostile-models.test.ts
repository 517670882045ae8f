/** Whatever a model throws or streams, its pool settles with it, and nothing is an unhandled rejection. */
import type { EmbeddingModelV3, LanguageModelV3StreamPart } from '@ai-sdk/provider'
import { generateText, streamText } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { map } from 'heddle'
import { ask, best, pool, vote } from 'heddle/ai'
import { answer, mockModel, streamOf } from '../src/ai/pool/mock.fixture.ts'
import { thrown, thrower } from './support/hostile-values.ts'

const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
beforeAll(() => void process.on('unhandledRejection', note))
afterAll(() => void process.off('unhandledRejection', note))

const quick = { retry: 0 } as const
const half: LanguageModelV3StreamPart[] = [
  { type: 'stream-start', warnings: [] },
  { type: 'text-start', id: '0' },
  { type: 'text-delta', id: '0', delta: 'half' },
]

type Model = ReturnType<typeof mockModel>
type Program = (error: unknown) => Promise<unknown>

const throwing = (error: unknown): Model => mockModel('m', () => Promise.reject(error as Error))
const streaming = (make: () => ReadableStream): Model =>
  Object.assign(
    mockModel('m', () => answer('x')),
    { doStream: async () => ({ stream: make() as never }) },
  )

const embedding = (error: unknown): EmbeddingModelV3 => ({
  specificationVersion: 'v3',
  provider: 'mock',
  modelId: 'e',
  maxEmbeddingsPerCall: 10,
  supportsParallelCalls: true,
  doEmbed: () => Promise.reject(error as Error),
})

async function read(model: unknown): Promise<never> {
  let failure: unknown
  const result = streamText({ model: model as Model, prompt: 'x', maxRetries: 0, onError: () => {} })
  for await (const part of result.fullStream) if (part.type === 'error') failure = { error: part.error }
  throw failure ?? new Error('no error part')
}

const programs: Readonly<Record<string, Program>> = {
  generateText: (error) => generateText({ model: pool([throwing(error)], quick), prompt: 'x', maxRetries: 0 }),
  'generateText of two': (error) =>
    generateText({ model: pool([throwing(error), throwing(error)], { ...quick, prefer: 'first' }), prompt: 'x', maxRetries: 0 }),
  'generateText, hedged': (error) =>
    generateText({ model: pool([throwing(error), throwing(error)], { ...quick, hedge: { after: '1s', extra: 1 } }), prompt: 'x', maxRetries: 0 }), // prettier-ignore
  'doGenerate that throws at once': (error) =>
    generateText({
      model: pool([Object.assign(mockModel('m', () => answer('x')), { doGenerate: () => { throw error } })], quick), // prettier-ignore
      prompt: 'x',
      maxRetries: 0,
    }),
  streamText: (error) => read(pool([throwing(error)], quick)),
  'a first part that is an error': (error) => read(pool([streaming(() => streamOf([{ type: 'error', error }]))], quick)),
  'an error part': (error) => read(pool([streaming(() => streamOf([...half, { type: 'error', error }]))], quick)),
  'an error part, hedged': (error) =>
    read(pool([streaming(() => streamOf([...half, { type: 'error', error }]))], { ...quick, hedge: { after: '1s', extra: 1 } })),
  'a stream that breaks': (error) => read(pool([streaming(() => streamOf([...half], error ?? null))], quick)),
  'a stream that breaks at once': (error) => read(pool([streaming(() => streamOf([], error ?? null))], quick)),
  embed: (error) => pool.embedding([embedding(error)], quick).doEmbed({ values: ['a', 'b'] }) as Promise<unknown>,
  'a retry outside whose retryIf throws': (error) =>
    map([1], () => generateText({ model: pool([throwing(error)], { retry: 1 }), prompt: 'x', maxRetries: 0 }), {
      retry: { retries: 1, base: 0, retryIf: thrower },
    }),
  'ask with a schema that throws': (error) =>
    ask(
      mockModel('m', () => answer('{"a":1}')),
      'x',
      {
        schema: z.object({ a: z.number() }).transform(() => { throw error }), // prettier-ignore
      },
    ),
  ask: (error) => ask(throwing(error), 'x'),
  vote: (error) => vote(() => Promise.reject(error as Error), { n: 3 }),
  best: (error) => best(() => Promise.reject(error as Error), { n: 3, score: () => 1 }),
}

describe.each(Object.entries(programs))('%s', (_, program) => {
  test.each(Object.entries(thrown))('rejects within a second when a model throws %s', async (_name, make) => {
    const late = Symbol('late')
    const outcome = await Promise.race([
      program(make()).then(
        () => 'resolved',
        () => 'rejected',
      ),
      new Promise((resolve) => setTimeout(resolve, 1_500, late)),
    ])
    expect(outcome).toBe('rejected')
  })
})

test('nothing is left unhandled', async () => {
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(unhandled.length).toBe(0)
})
