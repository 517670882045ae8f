/** Many scopes on one signal, and a hundred thousand tiny tasks: what is left behind, and whether the event loop still turns. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { map } from '../src/index.ts'
import { plain } from './fixtures/plain.ts'
import { measured, measuredWithin } from './support/programs.ts'

/** Sleeping is no part of being right here: the monitor needs a turn to begin. */
const turn = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('child scopes leave nothing on a signal that lives long', () => {
  const { heldMb, listeners, warnings } = measured('many-scopes.mjs', '200000')
  expect({ listeners, warnings }).toEqual({ listeners: 0, warnings: 0 })
  expect(heldMb).toBeLessThan(2)
})

test.each([
  ['on this thread', async (n: number) => n],
  ['on the threads', plain.double],
] as const)('100,000 queued tiny tasks let the event loop turn: %s', async (_, fn) => {
  const items = Array.from({ length: 100_000 }, (_, n) => n)
  await map(items.slice(0, 5_000), fn as (n: number) => Promise<number>)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await turn(5)
  delay.reset()
  expect(await map(items, fn as (n: number) => Promise<number>)).toHaveLength(100_000)
  await turn(5)
  delay.disable()
  // 50 ms is the figure on an idle machine.
  expect(delay.percentile(99) / 1e6).toBeLessThan(200)
})

test.each(['array', 'iterable'])('a million settled items fit into a heap of 64 MB: %s', (kind) => {
  expect(measuredWithin(64, 'many-settled.mjs', kind)).toEqual({ ok: 999_000, failed: 1_000, first: 7, item: 1_007, results: 0 })
})
