/** One layer retries: what a pool and a `retry` around it make of a failure together. */
import type { LanguageModelV3 } from '@ai-sdk/provider'
import { generateText, streamText } from 'ai'
import { describe, expect, test } from 'vitest'
import { ModelCallFailed } from '../../base/errors.ts'
import { channels, type Note } from '../../base/observer.ts'
import { graph } from '../../run/graph.ts'
import { guard } from '../../run/guard.ts'
import { map } from '../../run/map.ts'
import { all } from '../../run/all.ts'
import { stream } from '../../stream/index.ts'
import { hedge } from '../../patterns/hedge.ts'
import { answer, apiError, type Generate, mockModel } from './mock.fixture.ts'
import { pool } from './pool.ts'

const failing: Generate = () => Promise.reject(apiError(500))
const outer = { retries: 3, base: 1 }
const ask = (model: LanguageModelV3, maxRetries?: number) => () =>
  generateText({ model, prompt: 'Hi', ...(maxRetries !== undefined && { maxRetries }) }).then(({ text }) => text)

function oneTask(fn: () => Promise<string>): ReturnType<typeof graph> {
  const made = graph('report')
  made.task('summary', fn)
  return made
}

/** How many requests a call makes that fails for good. */
async function requests(call: (model: LanguageModelV3) => PromiseLike<unknown>, generate = failing): Promise<number> {
  const model = mockModel('m', generate)
  const pooled = pool(model, { retry: 2 })
  const error = await Promise.resolve(call(pooled)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeDefined()
  return model.calls
}

describe('a `retry` around a pool', () => {
  test.each<[string, (model: LanguageModelV3) => PromiseLike<unknown>]>([
    ['map', (model) => map([1], ask(model), { retry: outer })],
    ['guard', (model) => guard(ask(model), { retry: outer })()],
    ['all', (model) => all([ask(model)], { retry: outer })],
    ['stream', (model) => stream([1]).map(ask(model), { retry: outer }).toArray()],
    ['graph', (model) => oneTask(ask(model)).run(undefined, { retry: outer })],
    ['the own retries of the SDK besides', (model) => map([1], ask(model, 5), { retry: outer })],
    ['a stream', (model) => map([1], () => model.doStream({ prompt: [] }), { retry: outer })],
  ])('is the one that retries: %s', async (_name, call) => {
    expect(await requests(call)).toBe(4)
  })

  test('retries what may pass, and nothing else', async () => {
    const call = (model: LanguageModelV3): PromiseLike<unknown> => map([1], ask(model), { retry: outer })
    const lost = Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) })
    expect(await requests(call, () => Promise.reject(lost))).toBe(4)
    expect(await requests(call, () => Promise.reject(apiError(400)))).toBe(1)
    expect(await requests(call, () => Promise.reject(apiError(500, {}, { 'x-should-retry': 'false' })))).toBe(1)
    expect(await requests(call, () => Promise.reject(new TypeError('mistake')))).toBe(1)
  })

  test('gets the answer of a later attempt', async () => {
    let left = 2
    const model = mockModel('m', () => (left-- > 0 ? Promise.reject(apiError(503)) : answer('yes')))
    expect(await map([1], ask(pool(model)), { retry: outer })).toEqual(['yes'])
    expect(model.calls).toBe(3)
  })

  test('waits as long as the provider says', async () => {
    let left = 1
    const slow = { 'retry-after-ms': '120' }
    const model = mockModel('m', () => (left-- > 0 ? Promise.reject(apiError(503, {}, slow)) : answer('yes')))
    const from = performance.now()
    await map([1], ask(pool(model)), { retry: outer })
    expect(performance.now() - from).toBeGreaterThanOrEqual(119)
  })

  test('leaves other models to the pool: each is asked once for an attempt', async () => {
    const [a, b] = [mockModel('a', failing), mockModel('b', failing)]
    await expect(map([1], ask(pool([a, b])), { retry: { retries: 1, base: 1 } })).rejects.toThrow('said 500')
    expect([a.calls, b.calls]).toEqual([2, 2])
  })

  test('leaves to the pool what its `retryIf` does not want', async () => {
    const picky = { ...outer, retryIf: () => false }
    expect(await requests((model) => map([1], ask(model), { retry: picky }))).toBe(3)
  })

  test('does not count where runs between may swallow the failure: then the pool retries, and nobody besides', async () => {
    const settled = (model: LanguageModelV3): PromiseLike<unknown> => guard(() => map([1], ask(model)), { retry: outer })()
    expect(await requests(settled)).toBe(3)
    expect(await requests((model) => map([1], hedge(ask(model)), { retry: outer }))).toBe(3)
  })

  test('is said in a note', async () => {
    const notes: Note[] = []
    const listen = (message: unknown): void => void notes.push(message as Note)
    channels.note.subscribe(listen)
    try {
      await requests((model) =>
        map(
          [1],
          async function summarize() {
            return ask(model)()
          },
          { retry: outer },
        ),
      )
    } finally {
      channels.note.unsubscribe(listen)
    }
    const left = notes.filter(({ data }) => data?.leftToRetry === 1)
    expect(left).toHaveLength(4)
    expect(left[0]?.text).toMatch(/^the pool left a failure to the `retry` of map "summarize"/)
  })
})

describe('a pool without a `retry` around it', () => {
  test('retries', async () => {
    expect(await requests((model) => ask(model)())).toBe(3)
    expect(await requests((model) => map([1], ask(model)))).toBe(3)
  })

  test('says on its error that its budget is used up', async () => {
    const model = mockModel('m', failing)
    const pooled = pool(model, { retry: 1 })
    const errors = await Promise.all(Array.from({ length: 150 }, () => ask(pooled)().catch((error: unknown) => error)))
    const refused = errors.filter((error) => String((error as { hint?: string }).hint).startsWith('Not retried'))
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]).toBeInstanceOf(ModelCallFailed)
  }, 20_000)

  test('inside another pool retries, and the other one only falls back', async () => {
    const [a, b] = [mockModel('a', failing), mockModel('b', () => answer('yes'))]
    const inner = pool(a, { retry: 2 })
    await expect(pool(inner, { retry: 2 }).doGenerate({ prompt: [] })).rejects.toThrow('said 500')
    expect(a.calls).toBe(3)
    a.calls = 0
    const both = pool<LanguageModelV3>([inner, b], { prefer: 'first', retry: 2 })
    await expect(ask(both)()).resolves.toBe('yes')
    expect([a.calls, b.calls]).toEqual([3, 1])
  })

  test('does not touch the reason of a signal, which a `retry` around may want to try again', async () => {
    const model = mockModel('m', async ({ abortSignal }) => {
      await new Promise((_resolve, reject) => abortSignal?.addEventListener('abort', () => reject(abortSignal.reason as Error)))
      return answer('never')
    })
    const pooled = pool(model)
    const slow = (): Promise<unknown> =>
      Promise.resolve(generateText({ model: pooled, prompt: 'Hi', abortSignal: AbortSignal.timeout(20) }))
    await expect(map([1], slow, { retry: outer })).rejects.toThrow('timeout')
    expect(model.calls).toBe(4)
  })

  test('streams: what breaks in the middle is not tried again by the pool, and may be by the `retry` around', async () => {
    const model = mockModel('m', () => answer('yes'))
    const { text } = streamText({ model: pool(model), prompt: 'Hi' })
    expect(await text).toBe('yes')
  })
})
