/** The full figures of the reliability programme for runs; `load.test.ts` has the short ones. */
import { getEventListeners } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { map, mapReduce, scope } from '../src/index.ts'
import { plain } from './fixtures/plain.ts'

const rssMb = (): number => process.memoryUsage().rss / 2 ** 20

test('1 M child scopes on one signal: no listeners left, < 20 MB, no warnings', async () => {
  const warnings: unknown[] = []
  process.on('warning', (warning) => void warnings.push(warning))
  const { signal } = new AbortController()
  const some = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await scope(() => i, { signal })
  }
  await some(100_000)
  const before = rssMb()
  await some(1_000_000)
  const growthMb = rssMb() - before
  console.log(`1 M scopes: ${growthMb.toFixed(1)} MB`)
  expect(growthMb).toBeLessThan(20)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  expect(warnings).toEqual([])
})

test('1 M tasks from a lazy source: RSS growth < 50 MB', async () => {
  function* numbers(count: number): Generator<number> {
    for (let i = 0; i < count; i++) yield i
  }
  const sum = (count: number): Promise<number> =>
    mapReduce(
      numbers(count),
      async (n) => n,
      (a, b) => a + b,
    )
  await sum(50_000)
  const before = rssMb()
  expect(await sum(1_000_000)).toBe(499_999_500_000)
  const growthMb = rssMb() - before
  console.log(`1 M tasks: ${growthMb.toFixed(1)} MB`)
  expect(growthMb).toBeLessThan(50)
})

test.each([
  ['on this thread', async (n: number) => n],
  ['on the threads', plain.double],
] as const)('100,000 queued tiny tasks: p99 lag < 50 ms %s', async (where, fn) => {
  const items = Array.from({ length: 100_000 }, (_, n) => n)
  await map(items, fn as (n: number) => Promise<number>)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await map(items, fn as (n: number) => Promise<number>)
  await new Promise((resolve) => setTimeout(resolve, 5))
  delay.disable()
  console.log(`lag ${where}: p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, max ${(delay.max / 1e6).toFixed(1)} ms`)
  expect(delay.percentile(99) / 1e6).toBeLessThan(50)
})
