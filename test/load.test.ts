/** Many scopes on one signal, and a hundred thousand tiny tasks: what is left behind, and whether the event loop still turns. */
import { getEventListeners } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { map, scope } from '../src/index.ts'
import { plain } from './fixtures/plain.ts'

/** Sleeping is no part of being right here: the monitor needs a turn to begin. */
const turn = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function scopesOnOneSignal(count: number): Promise<{ listeners: number; warnings: number; growthMb: number }> {
  let warnings = 0
  const warned = (): void => void warnings++
  process.on('warning', warned)
  const { signal } = new AbortController()
  const before = process.memoryUsage().rss
  await scope(
    async (outer) => {
      for (let i = 0; i < count; i++) {
        await scope(() => i, { signal: i % 2 === 0 ? signal : outer.signal })
      }
    },
    { signal },
  )
  await turn(0)
  process.off('warning', warned)
  return {
    listeners: getEventListeners(signal, 'abort').length,
    warnings,
    growthMb: (process.memoryUsage().rss - before) / 2 ** 20,
  }
}

test('child scopes leave nothing on a signal that lives long', async () => {
  await scopesOnOneSignal(20_000)
  const { listeners, warnings, growthMb } = await scopesOnOneSignal(200_000)
  expect({ listeners, warnings }).toEqual({ listeners: 0, warnings: 0 })
  // 20 MB is the figure; a collector that has other things to do may be late.
  expect(growthMb).toBeLessThan(60)
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
