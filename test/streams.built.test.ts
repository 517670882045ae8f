/** Streams together with worker functions, traces and the other patterns. */
import { afterAll, expect, test } from 'vitest'
import { Cancelled, hedge, limiter, stream, threads, TimedOut, WorkerCrashed } from '../src/index.ts'
import { explain, record } from '../src/trace/index.ts'
import { deaths } from './fixtures/deaths.ts'
import { plain } from './fixtures/plain.ts'

const executor = threads({ size: 2 })
afterAll(() => executor.close({ graceMs: 0 }))
const on = { on: executor }
const range = (length: number): number[] => Array.from({ length }, (_, i) => i)

async function* later(length: number): AsyncGenerator<number> {
  for (let i = 0; i < length; i++) {
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    yield i
  }
}

test('worker functions as stages, in order and not, among others', async () => {
  const result = await stream(later(3_000))
    .map(plain.double, on)
    .map(async (x) => x + 1)
    .map(plain.doubleLater, { ...on, concurrency: 64 })
    .filter((x) => x % 3 !== 0)
    .toArray()
  const expected = range(3_000)
    .map((x) => (x * 2 + 1) * 2)
    .filter((x) => x % 3 !== 0)
  expect(result).toEqual(expected)
  const unordered = await stream(range(2_000))
    .map(plain.doubleLater, { ...on, ordered: false })
    .reduce((sum, x) => sum + x, 0)
  expect(unordered).toBe(2_000 * 1_999)
})

test('on the shared threads, which may finish here what is not worth a crossing', async () => {
  const sum = await stream(range(20_000))
    .map(plain.double)
    .reduce((a, b) => a + b, 0)
  expect(sum).toBe(20_000 * 19_999)
})

test('worker functions in filter, flatMap, keys, terminals, and under policies', async () => {
  const shared = limiter({ concurrency: 4 })
  const truthy = await stream(range(20)).filter(plain.double, on).toArray()
  expect(truthy).toEqual(range(20).slice(1))
  const doubled = await stream(range(50))
    .by((x) => x % 5)
    .map(plain.doubleLater, { limit: shared, retry: 1 })
    .toArray()
  expect(doubled).toEqual(range(50).map((x) => x * 2))
  const limited = await stream(range(50))
    .map(plain.doubleLater, { ...on, limit: shared, timeout: '10s' })
    .toArray()
  expect(limited).toEqual(range(50).map((x) => x * 2))
  await stream(range(50)).forEach(plain.doubleLater, on)
})

test('a source is read no faster than workers take items', async () => {
  let pulled = 0
  let consumed = 0
  let most = 0
  const source = (function* () {
    while (pulled < 2_000) {
      most = Math.max(most, ++pulled - consumed)
      yield pulled
    }
  })()
  for await (const _ of stream(source).map(plain.double, { ...on, concurrency: 16, buffer: 8 })) {
    consumed++
    if (consumed % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  expect(consumed).toBe(2_000)
  expect(most).toBeLessThanOrEqual(16 + 8 + 1)
})

test('failures, crashes, timeouts and cancellation of workers end a stream', async () => {
  const closed: string[] = []
  const source = function* (name: string): Generator<number> {
    try {
      for (let i = 0; ; i++) yield i
    } finally {
      closed.push(name)
    }
  }
  // Which of the odd ones fails first is up to the threads.
  await expect(stream(source('failure')).map(plain.oddFails, on).toArray()).rejects.toThrow(/^refused because \d*[13579]$/)
  await expect(stream(source('crash')).map(deaths.doubleOrDie, on).toArray()).rejects.toBeInstanceOf(WorkerCrashed)
  await expect(
    stream(source('timeout'))
      .map(() => 5_000)
      .map(plain.spin, { ...on, timeout: 30, concurrency: 2 })
      .toArray(),
  ).rejects.toBeInstanceOf(TimedOut)
  const stop = new AbortController()
  const waiting = stream(source('abort'), { signal: stop.signal })
    .map(() => 5_000)
    .map(plain.sleep, { ...on, concurrency: 4 })
    .toArray()
  setTimeout(() => stop.abort(), 20)
  await expect(waiting).rejects.toBeInstanceOf(Cancelled)
  expect(await stream(source('take')).map(plain.double, on).take(5).toArray()).toEqual([0, 2, 4, 6, 8])
  expect(closed).toEqual(['failure', 'crash', 'timeout', 'abort', 'take'])
  const settled = await stream(range(6))
    .map(plain.oddFails, { ...on, onFailure: 'settle' })
    .toArray()
  expect(settled.map(({ status }) => status)).toEqual(range(3).flatMap(() => ['fulfilled', 'rejected']))
})

test('a trace shows every stage, and what an item came of', async () => {
  const { trace } = await record(async () => {
    await stream(range(60), { name: 'pages' })
      .map(async function fetchPage(x: number) {
        await new Promise((resolve) => setTimeout(resolve, 1))
        return x
      })
      .map(plain.double, on)
      .batch({ size: 20 })
      .map(async (items) => items.length, { name: 'store', concurrency: 2 })
      .tee({ total: (s) => s.reduce((a, b) => a + b, 0), all: (s) => s.toArray() })
  })
  const { groups, verdict } = explain(trace)
  const counts = new Map(groups.map(({ label, tasks }) => [label, tasks]))
  expect([...counts.keys()]).toEqual(expect.arrayContaining(['fetchPage', 'double', 'store', 'total', 'all']))
  expect(['fetchPage', 'double', 'store', 'total', 'all'].map((name) => counts.get(name))).toEqual([60, 60, 3, 1, 1])
  // Each of the 60 worker calls needed one call, and each of the three batches twenty of them.
  const { tasks, needs } = trace
  expect([needs.count >= 60 + 3 * 20, tasks.count]).toEqual([true, tasks.count])
  expect(verdict[0]).toMatch(/against wall time|of processor time in|too little work to judge/)
})

test('the verdict says what adaptive concurrency did', async () => {
  let underWay = 0
  const serve = async (x: number): Promise<number> => {
    if (++underWay > 8) {
      underWay--
      throw Object.assign(new Error('too many'), { status: 429 })
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
    underWay--
    return x
  }
  const { trace } = await record(() =>
    stream(range(400), { name: 'pages' })
      .map(serve, { retry: { retries: 20, base: 1 } })
      .toArray(),
  )
  const { verdict, adapted } = explain(trace)
  expect(adapted[0]).toMatchObject({ name: 'stream "pages" stage "serve"', from: 16 })
  expect(adapted[0]?.overloads).toBeGreaterThan(0)
  expect(verdict[3]).toMatch(/^concurrency of stream "pages" stage "serve": 16 → \d+.*lowered \d+ × after refused calls$/)
})

test('hedged calls as stages', async () => {
  const ask = hedge(async (x: number) => x * 2, { after: '1s' })
  expect(await stream(range(5)).map(ask).toArray()).toEqual([0, 2, 4, 6, 8])
})
