/** How calls take turns at a model, in simulated time: no server, no sleeping. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ModelCallFailed } from '../base/errors.ts'
import type { CallableModel, CallOptions, StreamPart } from './model.ts'
import { pool } from './index.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const usage = { inputTokens: { total: 10 }, outputTokens: { total: 5 } }

interface Reply {
  /** Refused with this status. */
  readonly status?: number
  readonly headers?: Record<string, string>
  /** Milliseconds until the answer. */
  readonly ms?: number
}

/** A model whose replies are told, and which notes when it was asked for what. */
function scripted(reply: (asked: string, count: number) => Reply, modelId = 'scripted') {
  const asked: { readonly what: string; readonly at: number }[] = []
  const answer = async ({ prompt, abortSignal }: CallOptions): Promise<Reply> => {
    const what = String(prompt)
    asked.push({ what, at: performance.now() })
    const { status, headers = {}, ms = 0 } = reply(what, asked.length)
    if (ms > 0) {
      await new Promise<void>((resolve, reject) => {
        setTimeout(resolve, ms)
        abortSignal?.addEventListener('abort', () => reject(abortSignal.reason as Error), { once: true })
      })
    }
    if (status !== undefined) throw Object.assign(new Error(`status ${status}`), { statusCode: status, responseHeaders: headers })
    return { headers }
  }
  const model: CallableModel & { readonly supportedUrls: object } = {
    specificationVersion: 'v3',
    provider: 'test',
    modelId,
    supportedUrls: {},
    doGenerate: async (options) => ({ usage, response: { headers: (await answer(options)).headers ?? {} } }),
    doStream: async (options) => {
      const { headers = {} } = await answer(options)
      const parts: StreamPart[] = [
        { type: 'text-delta', delta: 'one' },
        { type: 'text-delta', delta: 'two' },
        { type: 'finish', usage },
      ]
      const stream = new ReadableStream<StreamPart>({
        pull(controller) {
          const part = parts.shift()
          if (part) controller.enqueue(part)
          else controller.close()
        },
      })
      return { stream, response: { headers } }
    },
  }
  return { model, asked }
}

test('a refusal pauses everybody, also above a minute; the refused call goes first, and a place is free meanwhile', async () => {
  const { model, asked } = scripted((_, count) => (count === 1 ? { status: 429, headers: { 'retry-after': '90' } } : { ms: 10 }))
  const pooled = pool(model, { concurrency: 1 })
  const calls = ['a', 'b', 'c'].map((prompt) => pooled.doGenerate({ prompt }))
  await vi.advanceTimersByTimeAsync(89_999)
  expect(asked.map(({ what }) => what)).toEqual(['a'])
  await vi.advanceTimersByTimeAsync(2_000)
  await Promise.all(calls)
  expect(asked.map(({ what }) => what)).toEqual(['a', 'a', 'b', 'c'])
  expect(pooled.report()).toMatchObject({ calls: 3, succeeded: 3, attempts: 4, rateLimited: 1, wastedAttempts: 0 })
  expect(pooled.report().waitedMs.rateLimit).toBeGreaterThan(3 * 89_000)
})

test('after a refusal that no header explains, calls start one by one, not all at the same moment', async () => {
  const { model, asked } = scripted((_, count) =>
    count <= 20 ? { status: 429, headers: { 'retry-after-ms': '500' } } : { ms: 10 },
  )
  const pooled = pool(model, { concurrency: 20 })
  const calls = Array.from({ length: 20 }, (_, i) => pooled.doGenerate({ prompt: `${i}` }))
  await vi.advanceTimersByTimeAsync(60_000)
  await Promise.all(calls)
  const again = asked.slice(20).map(({ at }) => at)
  expect(again[0]).toBeGreaterThanOrEqual(500)
  // Twenty at once would be twenty equal times.
  expect(new Set(again.slice(0, 20)).size).toBeGreaterThan(15)
})

test('with limits that are known, it paces instead of being refused, and does not trust a bucket that never fills', async () => {
  // 60 per minute, enforced as one per second: a second call within the second is refused.
  let last = Number.NEGATIVE_INFINITY
  let refused = 0
  const { model } = scripted(() => {
    const full = performance.now() - last >= 1_000
    const headers = {
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1s',
    }
    if (full) last = performance.now()
    else refused++
    return full ? { headers, ms: 20 } : { status: 429, headers: { ...headers, 'retry-after-ms': '1000' } }
  })
  const pooled = pool(model, { limits: { requestsPerMinute: 60 } })
  for (let round = 0; round < 3; round++) {
    const calls = Array.from({ length: 10 }, (_, i) => pooled.doGenerate({ prompt: `${i}` }))
    await vi.advanceTimersByTimeAsync(30_000)
    await Promise.all(calls)
    // Idle for so long that sixty calls would have gathered.
    await vi.advanceTimersByTimeAsync(120_000)
    if (round === 0) refused = 0
  }
  expect(refused).toBeLessThanOrEqual(2)
})

test('a provider that refuses everything is asked ever more rarely, and the call fails by name in the end', async () => {
  const { model, asked } = scripted(() => ({ status: 429, headers: { 'retry-after-ms': '1' } }))
  const pooled = pool(model, { queueTimeout: '30m' })
  const outcome = Promise.allSettled([pooled.doGenerate({ prompt: 'x' })])
  await vi.advanceTimersByTimeAsync(40 * 60_000)
  expect((await outcome)[0]).toMatchObject({ reason: expect.any(ModelCallFailed), status: 'rejected' })
  expect((await outcome)[0]).toMatchObject({ reason: { failure: 'rate-limited', statusCode: 429 } })
  expect(asked.length).toBeLessThan(60)
})

test('overload lowers the number of calls under way', async () => {
  let [running, most] = [0, 0]
  const { model } = scripted(() => ({}))
  const overloaded: CallableModel = {
    ...model,
    async doGenerate() {
      most = Math.max(most, ++running)
      const fits = running <= 8
      await new Promise((resolve) => setTimeout(resolve, fits ? 100 : 1))
      running--
      if (!fits) throw Object.assign(new Error('overloaded'), { statusCode: 529 })
      return { usage }
    },
  }
  const pooled = pool(overloaded as typeof model, { retry: 8 })
  const go = async (): Promise<number> => {
    const before = pooled.report().attempts
    const calls = Promise.allSettled(Array.from({ length: 200 }, async (_, i) => pooled.doGenerate({ prompt: `${i}` })))
    await vi.advanceTimersByTimeAsync(120_000)
    await calls
    return pooled.report().attempts - before - 200
  }
  await go()
  expect(most).toBeGreaterThan(8)
  most = 0
  await go()
  // It has learned that eight is all there is; now and then it tries one more.
  expect(most).toBeLessThanOrEqual(10)
})

test('several models share the calls by how busy they are', async () => {
  const [one, two] = [scripted(() => ({ ms: 100 }), 'one'), scripted(() => ({ ms: 100 }), 'two')]
  const pooled = pool([one.model, two.model])
  const calls = Array.from({ length: 40 }, (_, i) => pooled.doGenerate({ prompt: `${i}` }))
  await vi.advanceTimersByTimeAsync(1_000)
  await Promise.all(calls)
  expect([one.asked.length, two.asked.length]).toEqual([20, 20])
})

test('a stream holds its place until it is read to the end, or cancelled', async () => {
  const { model, asked } = scripted(() => ({}))
  const pooled = pool(model, { concurrency: 1 })
  const first = await pooled.doStream({ prompt: 'first' })
  const second = pooled.doStream({ prompt: 'second' })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(asked).toHaveLength(1)
  for await (const _ of first.stream);
  const third = pooled.doGenerate({ prompt: 'third' })
  const { stream } = await second
  await vi.advanceTimersByTimeAsync(10_000)
  expect(asked).toHaveLength(2)
  await stream.cancel()
  await third
  expect(asked.map(({ what }) => what)).toEqual(['first', 'second', 'third'])
  expect(pooled.report()).toMatchObject({ calls: 3, succeeded: 2, failed: 1, running: 0 })
})
