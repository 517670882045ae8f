/** The full figures of the reliability programme for runs; `load.built.test.ts` has the short ones. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { map } from '../src/index.ts'
import { plain } from './fixtures/plain.ts'
import { measured } from './support/programs.ts'

test('1 M child scopes on one signal: no listeners left, < 20 MB, no warnings', () => {
  const { rssMb, heldMb, listeners, warnings } = measured('many-scopes.mjs', '1000000')
  console.log(`1 M scopes: RSS + ${rssMb?.toFixed(1)} MB, of which held ${heldMb?.toFixed(1)} MB`)
  expect({ listeners, warnings }).toEqual({ listeners: 0, warnings: 0 })
  expect(heldMb).toBeLessThan(2)
  expect(rssMb).toBeLessThan(20)
})

test('1 M tasks from a lazy source: RSS growth < 50 MB', () => {
  const { growthMb, total } = measured('many-tasks.mjs')
  console.log(`1 M tasks: ${growthMb?.toFixed(1)} MB`)
  expect(total).toBe(499_999_500_000)
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
