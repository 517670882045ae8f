/** Several models, of which some do not take a call, or any call. */
import { generateText, streamText } from 'ai'
import { expect, test } from 'vitest'
import { ModelCallFailed, QuotaExhausted } from '../../base/errors.ts'
import { performance } from '../../base/globals.js'
import { map } from '../../run/map.ts'
import { pool } from '../index.ts'
import { answer, answerAfter, apiError, mockModel } from './mock.fixture.ts'

function fail(error: () => unknown): () => never {
  return () => {
    throw error()
  }
}

const dead = [
  ['a key that is refused', () => apiError(401)],
  ['a key that may not', () => apiError(403, { error: { type: 'permission_error' } })],
  ['a key that may not, without a word', () => apiError(403)],
  ['a model that does not exist', () => apiError(404, { error: { code: 'model_not_found' } })],
  [
    'Gemini and a wrong key',
    () => apiError(400, [{ error: { code: 400, status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] } }]),
  ],
  ['an empty account', () => apiError(402)],
  ['no key at all', () => Object.assign(new Error('OpenAI API key is missing.'), { name: 'AI_LoadAPIKeyError' })],
] as const

test.each(dead)('%s ruins no pool: others answer, and it is hardly asked', async (_, error) => {
  const bad = mockModel('bad', fail(error))
  const good = ['a', 'b', 'c'].map((id) => mockModel(id, () => answerAfter(3, id)))
  const model = pool([good[0], good[1], bad, good[2]].map((m) => m as typeof bad))
  const texts = await map(
    Array.from({ length: 400 }, (_, i) => i),
    async () => (await generateText({ model, prompt: 'x' })).text,
    { concurrency: 40 },
  )
  expect(texts).toHaveLength(400)
  expect(bad.calls).toBeLessThanOrEqual(40)
  expect(model.report()).toMatchObject({ succeeded: 400, failed: 0, running: 0 })
})

test.each([400, 401, 402, 403, 404, 410, 413, 422])(
  'with `prefer: first`, the next model is asked after a %i, also for streams',
  async (status) => {
    const first = mockModel(
      'first',
      fail(() => apiError(status)),
    )
    const second = mockModel('second', () => answer('yes'))
    const model = pool([first, second], { prefer: 'first', retry: 0 })
    expect((await generateText({ model, prompt: 'x' })).text).toBe('yes')
    expect(await streamText({ model, prompt: 'x' }).text).toBe('yes')
    expect(model.report()).toMatchObject({ succeeded: 2, failed: 0 })
  },
)

test('a model that refuses what the others answer is left alone after three such calls', async () => {
  const misfit = mockModel(
    'misfit',
    fail(() => apiError(400, { error: { type: 'invalid_request_error' } })),
  )
  const good = mockModel('good', () => answer('yes'))
  const model = pool([misfit, good], { prefer: 'first' })
  for (let i = 0; i < 20; i++) await generateText({ model, prompt: 'x' })
  expect(misfit.calls).toBe(3)
})

test('a request that every model refuses fails once by each, closes nobody, and says what all said', async () => {
  const poison = ({ prompt }: { prompt: unknown }) => {
    if (JSON.stringify(prompt).includes('poison')) throw apiError(400, { error: { type: 'invalid_request_error' } })
    return answer('yes')
  }
  const models = [mockModel('a', poison), mockModel('b', poison)]
  const model = pool(models, { prefer: 'first' })
  for (let i = 0; i < 10; i++) {
    const error: unknown = await generateText({ model, prompt: 'poison' }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ModelCallFailed)
    expect(error).toMatchObject({ failure: 'rejected', statusCode: 400, hint: expect.stringContaining('mock/b: said 400') })
  }
  expect(models.map(({ calls }) => calls)).toEqual([10, 10])
  expect((await generateText({ model, prompt: 'x' })).text).toBe('yes')
})

test('a closed model is asked again later, and used again when it answers', async () => {
  const realNow = performance.now
  let ahead = 0
  performance.now = () => realNow() + ahead
  try {
    let works = false
    const renewed = mockModel('renewed', () => {
      if (!works) throw apiError(401)
      return answer('renewed')
    })
    const other = mockModel('other', () => answer('other'))
    const model = pool([renewed, other], { prefer: 'first' })
    const ask = async (): Promise<string> => (await generateText({ model, prompt: 'x' })).text
    expect([await ask(), await ask(), renewed.calls]).toEqual(['other', 'other', 1])
    ahead += 10_000
    expect([await ask(), await ask(), renewed.calls]).toEqual(['other', 'other', 2])
    works = true
    ahead += 20_000
    expect([await ask(), await ask(), renewed.calls]).toEqual(['renewed', 'renewed', 4])
  } finally {
    performance.now = realNow
  }
})

test('one model alone whose key is refused: everybody fails with that, and few requests are sent', async () => {
  const only = mockModel('only', async () => {
    await new Promise((resolve) => setTimeout(resolve, 2))
    throw apiError(401)
  })
  const model = pool(only, { concurrency: 4 })
  const { failed } = await map(
    Array.from({ length: 100 }, (_, i) => i),
    async () => generateText({ model, prompt: 'x' }),
    { concurrency: 100, onFailure: 'settle' },
  )
  expect(failed).toHaveLength(100)
  for (const { error } of failed) expect(error).toMatchObject({ code: 'HEDDLE_MODEL_CALL_FAILED', statusCode: 401 })
  expect(only.calls).toBeLessThanOrEqual(8)
})

test('a firewall that dislikes one text closes no model', async () => {
  const walled = (id: string) =>
    mockModel(id, ({ prompt }) => {
      if (JSON.stringify(prompt).includes('rude')) throw apiError(403, '<html>Forbidden</html>')
      return answer('yes')
    })
  const model = pool(walled('a'))
  await expect(generateText({ model, prompt: 'rude' })).rejects.toMatchObject({ statusCode: 403 })
  expect((await generateText({ model, prompt: 'x' })).text).toBe('yes')
  const two = pool([walled('a'), walled('b')])
  for (let i = 0; i < 20; i++) {
    await generateText({ model: two, prompt: 'x' })
    await generateText({ model: two, prompt: 'x' })
    await expect(generateText({ model: two, prompt: 'rude' })).rejects.toMatchObject({ statusCode: 403 })
  }
})

test('a long text goes to the model that has room for it, also when that is learned', async () => {
  const tooLong = fail(() => apiError(400, { error: { code: 'context_length_exceeded', message: 'x' } }))
  const small = mockModel('small', ({ prompt }) => (JSON.stringify(prompt).length > 8_000 ? tooLong() : answer('small')))
  const large = mockModel('large', () => answer('large'))
  const long = 'word '.repeat(8_000)
  const known = pool([{ model: small, contextWindow: 2_000 }, large], { prefer: 'first' })
  expect((await generateText({ model: known, prompt: long })).text).toBe('large')
  expect(small.calls).toBe(0)
  expect((await generateText({ model: known, prompt: 'x' })).text).toBe('small')
  const learned = pool([small, large], { prefer: 'first' })
  for (let i = 0; i < 5; i++) expect((await generateText({ model: learned, prompt: long })).text).toBe('large')
  expect(small.calls).toBe(2)
  expect((await generateText({ model: learned, prompt: 'x' })).text).toBe('small')
})

test('the words of an answer close nobody: a provider repeats the text that it refuses', async () => {
  const words = [
    'insufficient_quota',
    'Your credit balance is too low',
    'billing_hard_limit_reached',
    '"quotaId": "x_PerDay"',
    'limit: 0',
    'overloaded',
    'rate_limit',
    'invalid_api_key',
    'context_length_exceeded',
    'model_not_found',
  ]
  for (const status of [400, 422, 429]) {
    const echoing = mockModel('echo', ({ prompt }) => {
      const text = JSON.stringify(prompt)
      if (!words.some((word) => text.includes(JSON.stringify(word).slice(1, -1)))) return answer('yes')
      const said = status === 429 ? { type: 'requests', code: 'rate_limit_exceeded' } : { type: 'invalid_request_error' }
      throw apiError(
        status,
        { detail: [{ input: text }], error: { ...said, message: `Cannot read ${text}` } },
        { 'x-should-retry': 'false' },
      )
    })
    const model = pool(echoing)
    const texts = Array.from({ length: 100 }, (_, i) => words[i] ?? `text ${i}`)
    const { ok, failed } = await map(texts, async (prompt) => generateText({ model, prompt }), {
      concurrency: 10,
      onFailure: 'settle',
    })
    expect([ok.length, failed.length]).toEqual([90, 10])
    expect(failed.some(({ error }) => error instanceof QuotaExhausted)).toBe(false)
  }
})

test('a stream that begins with an error object is tried again with and without hedging', async () => {
  for (const hedge of [undefined, { after: '5s', extra: 0.05 } as const]) {
    let asked = 0
    const base = mockModel('stream', () => answer('yes'))
    const model = pool(
      {
        ...base,
        doStream: async (options: Parameters<typeof base.doStream>[0]) => {
          if (++asked > 1) return base.doStream(options)
          const error = { message: 'The server had an error', type: 'server_error' }
          return { stream: new ReadableStream({ start: (c) => (c.enqueue({ type: 'error', error }), c.close()) }) }
        },
      },
      { ...(hedge && { hedge }) },
    )
    const { stream } = await model.doStream({ prompt: [] })
    const types: string[] = []
    for await (const { type } of stream) types.push(type)
    expect([asked, types.at(-1)]).toEqual([2, 'finish'])
  }
})
