/** A pool behaves as the model inside it: direct and pooled, side by side, in both versions of the AI SDK. */
import type { EmbeddingModelV3, LanguageModelV3StreamPart } from '@ai-sdk/provider'
import { embedMany, generateText, streamText } from 'ai'
import { embedMany as embedMany7, generateText as generateText7, streamText as streamText7 } from 'ai7'
import { describe, expect, test } from 'vitest'
import { Cancelled, ModelCallFailed } from '../../base/errors.ts'
import { scope } from '../../run/scope.ts'
import { pool } from '../index.ts'
import { answer, mockModel, streamOf, usageOf } from './mock.fixture.ts'

type Model = ReturnType<typeof mockModel>

const finish = (reason: 'stop' | 'length' | 'error' = 'stop'): LanguageModelV3StreamPart => ({
  type: 'finish',
  finishReason: { unified: reason, raw: reason },
  usage: usageOf(1, 1),
})
const half: LanguageModelV3StreamPart[] = [
  { type: 'stream-start', warnings: [] },
  { type: 'text-start', id: '0' },
  { type: 'text-delta', id: '0', delta: 'half' },
]
const end: LanguageModelV3StreamPart = { type: 'text-end', id: '0' }

function streaming(make: (signal: AbortSignal | undefined) => ReadableStream<LanguageModelV3StreamPart>): Model {
  return Object.assign(
    mockModel('m', () => answer('x')),
    { doStream: async (options: { abortSignal?: AbortSignal }) => ({ stream: make(options.abortSignal) }) },
  )
}

interface Seen {
  readonly parts: string[]
  readonly text: string
  readonly calls: string[]
  readonly error?: unknown
}

/** What a program sees of a stream: the types of its parts, its text or error, and which callbacks are called. */
async function watch(version: 6 | 7, model: unknown, abort?: AbortController): Promise<Seen> {
  const calls: string[] = []
  const stream = version === 6 ? streamText : (streamText7 as unknown as typeof streamText)
  const result = stream({
    model: model as Model,
    prompt: 'x',
    maxRetries: 0,
    ...(abort && { abortSignal: abort.signal }),
    onError: () => void calls.push('onError'),
    onFinish: () => void calls.push('onFinish'),
    onAbort: () => void calls.push('onAbort'),
  })
  const parts: string[] = []
  let error: unknown
  try {
    for await (const part of result.fullStream) {
      parts.push(part.type)
      if (part.type === 'error') error = part.error
      if (part.type === 'text-delta') abort?.abort()
    }
  } catch (thrown) {
    parts.push('thrown')
    error = thrown
  }
  const text = await Promise.resolve(result.text).then(
    (value) => `text ${value}`,
    () => 'rejected',
  )
  return { parts, text, calls, error }
}

const versions = [6, 7] as const
const cases = {
  'a good answer': () => streamOf([...half, end, finish()]),
  'an answer that was too long': () => streamOf([...half, end, finish('length')]),
  'a stream that breaks': () => streamOf(half, new TypeError('terminated', { cause: new Error('other side closed') })),
  'an error part, and the end of the answer': () =>
    streamOf([...half, { type: 'error', error: new Error('mid') }, end, finish('error')]),
  'an error part, and no end': () => streamOf([...half, { type: 'error', error: new Error('mid') }]),
  'an error part that is an object': () =>
    streamOf([...half, { type: 'error', error: { type: 'overloaded_error', message: 'x' } }, end, finish('error')]),
}

describe.each(versions)('AI SDK %i', (version) => {
  test.each(Object.entries(cases))('%s: the same parts, text and callbacks', async (_, make) => {
    const { error: _1, ...direct } = await watch(version, streaming(make))
    const pooled = pool(streaming(make), { retry: 0 })
    const { error, ...seen } = await watch(version, pooled)
    expect(seen).toEqual(direct)
    const good = !seen.parts.includes('error') && !seen.parts.includes('thrown')
    expect(error instanceof ModelCallFailed).toBe(!good)
    expect(pooled.report()).toMatchObject({ calls: 1, succeeded: good ? 1 : 0, failed: good ? 0 : 1, running: 0 })
  })

  test('half an answer is not taken for a whole one', async () => {
    const seen = await watch(
      version,
      pool(
        streaming(() => streamOf(half)),
        { retry: 0 },
      ),
    )
    expect(seen).toMatchObject({ text: 'rejected', error: expect.any(ModelCallFailed) })
  })

  test('an abort in the middle: the same parts and callbacks', async () => {
    const slow = (signal: AbortSignal | undefined): ReadableStream<LanguageModelV3StreamPart> => {
      const left = [...half]
      return new ReadableStream({
        start: (controller) => signal?.addEventListener('abort', () => controller.error(signal.reason)),
        pull: async (controller) => {
          const part = left.shift()
          if (part) return controller.enqueue(part)
          await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()))
        },
      })
    }
    const direct = await watch(version, streaming(slow), new AbortController())
    const pooled = pool(streaming(slow))
    expect(await watch(version, pooled, new AbortController())).toEqual(direct)
    expect(direct.calls).toContain('onAbort')
    expect(direct.calls).not.toContain('onError')
    await expect.poll(() => pooled.report().running).toBe(0)
  })

  test.each([
    ['an abort', undefined, 'AbortError'],
    ['an abort with a reason', new Error('enough'), 'Error'],
    ['a time', new DOMException('late', 'TimeoutError'), 'TimeoutError'],
  ])('%s rejects with the same error', async (_, reason, name) => {
    const model = mockModel(
      'm',
      ({ abortSignal }) =>
        new Promise((_resolve, reject) => abortSignal?.addEventListener('abort', () => reject(abortSignal.reason as Error))),
    )
    const generate = version === 6 ? generateText : (generateText7 as unknown as typeof generateText)
    const fail = async (of: Model): Promise<Error> => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(reason), 10)
      return generate({ model: of, prompt: 'x', maxRetries: 0, abortSignal: controller.signal }).then(
        () => new Error('did not fail'),
        (error: unknown) => error as Error,
      )
    }
    const [direct, pooled] = [await fail(model), await fail(pool(model) as unknown as Model)]
    expect(pooled.name).toBe(name)
    expect([pooled.name, pooled.message]).toEqual([direct.name, direct.message])
  })

  test('a pool behind a Proxy', async () => {
    const model = pool(mockModel('m', () => answer('yes')))
    const generate = version === 6 ? generateText : (generateText7 as unknown as typeof generateText)
    const plain = new Proxy(model, {})
    expect((await generate({ model: plain, prompt: 'x' })).text).toBe('yes')
    expect(plain.report().succeeded).toBe(1)
    expect(plain.supportedUrls).toEqual({})
    const { doGenerate } = model
    expect(await doGenerate({ prompt: [] })).toMatchObject({ content: [{ text: 'yes' }] })
  })

  test('embedMany over a pool of V3', async () => {
    const embedding: EmbeddingModelV3 = {
      specificationVersion: 'v3',
      provider: 'mock',
      modelId: 'e',
      maxEmbeddingsPerCall: 0,
      supportsParallelCalls: true,
      doEmbed: async ({ values }) => ({ embeddings: values.map((value) => [value.length]), usage: { tokens: 1 }, warnings: [] }),
    }
    const embed = version === 6 ? embedMany : (embedMany7 as unknown as typeof embedMany)
    const { embeddings } = await embed({ model: pool.embedding(embedding, { batch: 2 }), values: ['a', 'bb', 'ccc'] })
    expect(embeddings).toEqual([[1], [2], [3]])
  })
})

test('a model of V2 in AI SDK 6', async () => {
  const old = { ...answer('old'), finishReason: 'stop', usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 } }
  const v2 = { ...mockModel('v2', () => old as never), specificationVersion: 'v2' } as unknown as Model
  const model = pool(v2)
  expect((await generateText({ model, prompt: 'x' })).text).toBe('old')
  expect(model.report().tokens).toMatchObject({ input: 3, output: 4 })
})

test('what heddle itself stops is Cancelled', async () => {
  const model = pool(mockModel('m', () => new Promise(() => {})))
  let error: unknown
  await scope(async (s) => {
    s.fork(async () => generateText({ model, prompt: 'x' })).catch((reason: unknown) => (error = reason))
    await new Promise((resolve) => setTimeout(resolve, 10))
    throw new Error('sibling')
  }).catch(() => {})
  expect(error).toBeInstanceOf(Cancelled)
})
