/** How calls take turns at a model, in simulated time: no server, no sleeping. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CircuitOpen, ModelCallFailed } from '../../base/errors.ts'
import type { CallableModel, CallOptions, StreamPart } from '../model/sdk-model.ts'
import { pool } from '../index.ts'

// What heddle takes when it is loaded is what the test fakes later.
vi.mock(import('../../base/globals.js'), async (original) => ({
  ...(await original()),
  setTimeout: ((...args: Parameters<typeof setTimeout>) => globalThis.setTimeout(...args)) as typeof setTimeout,
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
  performance: { ...(await original()).performance, now: () => globalThis.performance.now() },
}))

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

test('while every model has failed too often, calls wait for one to recover; for two minutes, and then they fail by name', async () => {
  let down = true
  const { model, asked } = scripted(() => (down ? { status: 500 } : { ms: 10 }))
  const pooled = pool(model, { breaker: { consecutive: 3, reset: '10s' }, retry: 2 })
  const failing = Promise.allSettled(Array.from({ length: 3 }, async (_, i) => pooled.doGenerate({ prompt: `${i}` })))
  await vi.advanceTimersByTimeAsync(1)
  expect(asked).toHaveLength(3)
  const waiting = Promise.all(Array.from({ length: 30 }, async (_, i) => pooled.doGenerate({ prompt: `${i}` })))
  down = false
  await vi.advanceTimersByTimeAsync(60_000)
  await failing
  await waiting
  expect(pooled.report().waitedMs.breaker).toBeGreaterThan(30 * 9_000)
  expect(pooled.report().wastedAttempts).toBeLessThanOrEqual(3)

  down = true
  const late = Promise.allSettled(Array.from({ length: 40 }, async (_, i) => pooled.doGenerate({ prompt: `${i}` })))
  await vi.advanceTimersByTimeAsync(200_000)
  const reasons = (await late).flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
  expect(reasons).toHaveLength(40)
  expect(reasons.filter((reason) => reason instanceof CircuitOpen).length).toBeGreaterThan(20)
  expect(reasons.every((reason) => reason instanceof CircuitOpen || reason instanceof ModelCallFailed)).toBe(true)
})

test('several models share the calls by how busy they are', async () => {
  const [one, two] = [scripted(() => ({ ms: 100 }), 'one'), scripted(() => ({ ms: 100 }), 'two')]
  const pooled = pool([one.model, two.model])
  // Each has to show first that it takes requests.
  const first = [pooled.doGenerate({ prompt: 'a' }), pooled.doGenerate({ prompt: 'b' })]
  await vi.advanceTimersByTimeAsync(1_000)
  await Promise.all(first)
  const calls = Array.from({ length: 40 }, (_, i) => pooled.doGenerate({ prompt: `${i}` }))
  await vi.advanceTimersByTimeAsync(1_000)
  await Promise.all(calls)
  expect([one.asked.length, two.asked.length]).toEqual([21, 21])
})

test.each([
  [0, 20, 0],
  // The first comes before there is any share to spend.
  [0.5, 1, 19],
])(
  'hedging: a slow first token is overtaken by a second copy, within its share of tokens (extra: %d)',
  async (extra, slowCalls, second) => {
    const seen = new Set<string>()
    // Every tenth question is slow to begin the first time.
    const { model, asked } = scripted((what) => {
      const isFirst = !seen.has(what)
      seen.add(what)
      return { ms: isFirst && Number(what) % 10 === 9 ? 400 : 10 }
    })
    const pooled = pool(model, { hedge: { after: 60, extra } })
    const times: number[] = []
    for (let i = 0; i < 200; i++) {
      const started = performance.now()
      const answered = pooled.doStream({ prompt: `${i}` }).then(async ({ stream }) => {
        times.push(performance.now() - started)
        for await (const _ of stream);
      })
      await vi.advanceTimersByTimeAsync(500)
      await answered
    }
    const { hedges, tokens, wastedTokens, attempts, calls, succeeded } = pooled.report()
    expect(times.filter((ms) => ms > 100)).toHaveLength(slowCalls)
    expect([attempts, hedges.started, hedges.won]).toEqual([200 + second, second, second])
    expect(asked).toHaveLength(attempts)
    expect([calls, succeeded]).toEqual([200, 200])
    expect(wastedTokens).toBeLessThanOrEqual(extra * (tokens.input + tokens.output))
  },
)

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
