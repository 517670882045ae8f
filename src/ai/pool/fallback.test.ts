/** Fallback that knows why: classes of failure, where they lead, what fits, what is good enough, and what the report says. */
import { generateText, streamText } from 'ai'
import { expect, test } from 'vitest'
import { InvalidOption, ModelCallFailed } from '../../base/errors.ts'
import { performance } from '../../base/globals.js'
import { map } from '../../run/map.ts'
import { pool } from '../index.ts'
import { answer, answerAfter, apiError, mockModel, usageOf } from './mock.fixture.ts'
import { runs } from '../../../test/support/runs.ts'

const fails = (id: string, error: () => unknown) =>
  mockModel(id, () => {
    throw error()
  })
const says = (id: string) => mockModel(id, () => answer(id))
const ask = async (model: ReturnType<typeof pool<ReturnType<typeof says>>>, prompt = 'x'): Promise<string> =>
  (await generateText({ model, prompt })).text

test('under a dead key nothing is lost, and one call is wasted for each time that it is left alone', async () => {
  const realNow = performance.now
  let ahead = 0
  performance.now = () => realNow() + ahead
  try {
    for (const prefer of ['first', 'least-busy', 'fastest'] as const) {
      const dead = mockModel('dead', async () => {
        await new Promise((resolve) => setTimeout(resolve, 5))
        throw apiError(401)
      })
      const alive = mockModel('alive', () => answerAfter(1, 'yes'))
      const model = pool([dead, alive], { prefer, coolDown: '1s' })
      const calls = runs(100, 300)
      const burst = (): Promise<string[]> =>
        map(
          Array.from({ length: calls }, (_, i) => `${i}`),
          (prompt) => ask(model, prompt),
          { concurrency: calls },
        )
      for (let round = 1; round <= 3; round++) {
        expect(new Set(await burst())).toEqual(new Set(['yes']))
        expect(dead.calls).toBeLessThanOrEqual(round)
        ahead += 600_000
      }
      expect(dead.calls).toBe(3)
      expect(model.report()).toMatchObject({ succeeded: 3 * calls, failed: 0 })
    }
  } finally {
    performance.now = realNow
  }
})

test('a first answer that takes long holds the others up for a moment only', async () => {
  let asked = 0
  const slow = mockModel('slow', () => answerAfter(++asked === 1 ? 4_000 : 1, 'slow'))
  const dead = fails('dead', () => apiError(401))
  const model = pool([slow, dead], { prefer: 'first' })
  const first = ask(model)
  expect(await ask(model)).toBe('slow')
  expect(slow.calls).toBe(2)
  await first
}, 10_000)

test.each([
  ['key', 401, {}],
  ['model', 404, { error: { code: 'model_not_found' } }],
  ['quota', 429, { error: { type: 'insufficient_quota', code: 'insufficient_quota' } }],
  ['window', 400, { error: { code: 'context_length_exceeded' } }],
  ['policy', 400, { error: { code: 'content_filter' } }],
  ['rejected', 422, {}],
  ['overload', 503, {}],
  ['timeout', 504, {}],
  ['server', 500, {}],
] as const)('class %s: reported, and sent where `fallback` says', async (because, status, body) => {
  const make = () => [fails('a', () => apiError(status, body)), says('b'), says('c')] as const
  const [a, b, c] = make()
  const anywhere = pool([a, b, c], { prefer: 'first' })
  expect(await ask(anywhere)).toBe('b')
  expect(anywhere.report().fallbacks).toEqual([{ from: 'mock/a', to: 'mock/b', because, calls: 1 }])
  expect(anywhere.report().models[0]?.failures).toEqual({ [because]: 1 })

  const there = pool([...make()], { prefer: 'first', fallback: { [because]: ['c'] } })
  expect(await ask(there)).toBe('c')

  const [only, other] = make()
  const nowhere = pool([only, other], { prefer: 'first', fallback: { [because]: false }, retry: 1 })
  const error: unknown = await ask(nowhere).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(Error)
  // An empty account has a class of errors of its own.
  expect(error instanceof ModelCallFailed ? error.because : 'quota').toBe(because)
  expect(other.calls).toBe(0)
})

test('names of a fallback and its classes are checked', () => {
  expect(() => pool([says('a'), says('b')], { fallback: { key: ['z'] } })).toThrow(/to name models of the pool, got "z"/)
  expect(() => pool([says('a')], { fallback: { keys: true } as never })).toThrow(InvalidOption)
  expect(() => pool([{ model: says('a'), abilities: ['fly'] as never }])).toThrow(/abilities/)
  expect(() => pool([says('a')], { within: { latency: 'soon' as never } })).toThrow(InvalidOption)
})

test('two deployments of one model by their names', async () => {
  const model = pool(
    [
      { model: fails('gpt', () => apiError(503)), name: 'east' },
      { model: says('gpt'), name: 'west' },
    ],
    { prefer: 'first', fallback: { overload: ['west'] } },
  )
  expect(await ask(model)).toBe('gpt')
  expect(model.report().fallbacks).toEqual([{ from: 'east', to: 'west', because: 'overload', calls: 1 }])
})

test('a text that is too long for one model does not go to one that is known to be smaller', async () => {
  const large = fails('large', () => apiError(400, { error: { code: 'context_length_exceeded' } }))
  const small = says('small')
  const model = pool(
    [
      { model: large, contextWindow: 100_000 },
      { model: small, contextWindow: 50_000 },
    ],
    { prefer: 'first' },
  )
  await expect(ask(model, 'word '.repeat(30_000))).rejects.toMatchObject({ because: 'window' })
  expect(small.calls).toBe(0)
})

test('a call goes first to models that are known to do what it needs', async () => {
  const text = says('text')
  const eyes = says('eyes')
  const model = pool(
    [
      { model: text, abilities: [] },
      { model: eyes, abilities: ['images'] },
    ],
    { prefer: 'first' },
  )
  const image = { type: 'file', mediaType: 'image/png', data: new Uint8Array(8) } as const
  const { text: said } = await generateText({ model, messages: [{ role: 'user', content: [image] }] })
  expect([said, text.calls]).toEqual(['eyes', 0])
  expect(await ask(model)).toBe('text')
  const short = pool(
    [
      { model: text, maxOutput: 100 },
      { model: eyes, maxOutput: 9_000 },
    ],
    { prefer: 'first' },
  )
  expect((await generateText({ model: short, prompt: 'x', maxOutputTokens: 5_000 })).text).toBe('eyes')
  // Nobody is known to hear: somebody is asked all the same.
  const sound = { ...image, mediaType: 'audio/wav' }
  expect((await generateText({ model, messages: [{ role: 'user', content: [sound] }] })).text).not.toBe('')
})

test('an answer that does not pass `check` is paid for, and the next model is asked; streams are not checked', async () => {
  const models = [says('bad'), says('worse'), says('good')]
  const check = ({ text, model }: { text: string; model: string }) => {
    expect(model).toBe(`mock/${text}`)
    if (text === 'worse') throw new Error('not this one')
    return text === 'good' || 'too short'
  }
  const model = pool(models, { prefer: 'first', check })
  for (let i = 0; i < 5; i++) expect(await ask(model)).toBe('good')
  const report = model.report()
  expect(report).toMatchObject({ calls: 5, succeeded: 5, attempts: 15, wastedTokens: 110, tokens: { input: 150 } })
  expect(report.fallbacks).toEqual([
    { from: 'mock/bad', to: 'mock/worse', because: 'quality', calls: 5 },
    { from: 'mock/worse', to: 'mock/good', because: 'quality', calls: 5 },
  ])
  // No model is closed for it.
  expect(models.map(({ calls }) => calls)).toEqual([5, 5, 5])
  expect(await streamText({ model, prompt: 'x' }).text).toBe('bad')
  const none = pool([says('bad'), says('worse')], { prefer: 'first', check })
  await expect(ask(none)).rejects.toMatchObject({
    failure: 'quality',
    because: 'quality',
    message: expect.stringContaining('did not pass `check`: too short'),
    hint: expect.stringContaining('not this one'),
  })
  expect(none.report()).toMatchObject({ failed: 1, succeeded: 0, running: 0 })
})

test('an answer that a content filter has ended: another model is asked, and where none does better, it is given as it is', async () => {
  const filtered = (id: string) =>
    mockModel(id, () => ({ ...answer(id, usageOf(10, 1)), finishReason: { unified: 'content-filter' as const, raw: 'safety' } }))
  const model = pool([filtered('strict'), says('mild')], { prefer: 'first' })
  expect(await ask(model)).toBe('mild')
  const strict = pool([filtered('a'), filtered('b')], { prefer: 'first' })
  const { text, finishReason } = await generateText({ model: strict, prompt: 'x' })
  expect([text, finishReason]).toEqual(['a', 'content-filter'])
  expect(strict.report()).toMatchObject({ calls: 1, succeeded: 1, failed: 0, running: 0 })
  const kept = pool([filtered('strict'), says('mild')], { prefer: 'first', fallback: { policy: false } })
  expect(await ask(kept)).toBe('strict')
  expect((await generateText({ model: pool(filtered('alone')), prompt: 'x' })).finishReason).toBe('content-filter')
})

test('the cheapest, the fastest, and the cheapest that is fast enough, by measured figures', async () => {
  const cheap = mockModel('cheap', () => answerAfter(60, 'cheap'))
  const dear = mockModel('dear', () => answerAfter(1, 'dear'))
  const prices = { cheap: { input: 0.1, output: 0.2 }, dear: { input: 5, output: 15 } }
  const times = async (options: object, count = 12): Promise<Record<string, number>> => {
    const model = pool([cheap, dear], { prices, ...options })
    const counts: Record<string, number> = {}
    for (let i = 0; i < count; i++) {
      const said = await ask(model)
      counts[said] = (counts[said] ?? 0) + 1
    }
    return counts
  }
  expect(await times({ prefer: 'cheapest' })).toEqual({ cheap: 12 })
  expect(await times({ prefer: 'fastest' })).toEqual({ cheap: 1, dear: 11 })
  expect(await times({ prefer: 'cheapest', within: { latency: 30 } })).toEqual({ cheap: 1, dear: 11 })
  expect(await times({ prefer: 'fastest', within: { usd: 0.0001 } })).toEqual({ cheap: 12 })
  expect(await times({ prefer: () => 'mock/dear' })).toEqual({ dear: 12 })
})

test('with `rate-limit: true` a paused model is passed over, else it is waited for', async () => {
  for (const [fallback, said] of [
    [{ 'rate-limit': true }, 'other'],
    [{}, 'first'],
  ] as const) {
    let asked = 0
    const first = mockModel('first', () => {
      if (++asked === 1) throw apiError(429, { error: { code: 'rate_limit_exceeded' } }, { 'retry-after-ms': '60' })
      return answer('first')
    })
    expect(await ask(pool([first, says('other')], { prefer: 'first', fallback }))).toBe(said)
  }
})

test('the report: dollars, latency and failures of each model, and who is left alone', async () => {
  const model = pool([fails('dead', () => apiError(401)), says('alive')], {
    prefer: 'first',
    prices: { alive: { input: 1, output: 10 }, dead: { input: 1, output: 1 } },
  })
  await ask(model)
  const [dead, alive] = model.report().models
  expect(dead).toMatchObject({ failures: { key: 1 }, usd: 0, leftAlone: { reason: expect.stringContaining('401') } })
  expect(dead?.leftAlone?.forMs).toBeGreaterThan(1_000)
  expect(alive).toMatchObject({ failures: {}, usd: (10 + 10) / 1e6, leftAlone: undefined, latencyMs: expect.any(Number) })
})
