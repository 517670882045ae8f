/**
 * What retries do to a dependency that is down. All of it in simulated time, with seeded random numbers: the same seed gives
 * the same run.
 */
import { expect, test } from 'vitest'
import { SimulatedClock } from '../src/base/clock.ts'
import { seeded } from '../src/limits/closed-loop.fixture.ts'
import type { RetryOptions } from '../src/limits/retry.ts'
import { guardWith } from '../src/run/guard.ts'
import { runs } from './support/runs.ts'

type Call = () => Promise<unknown>

const down = (): Error => Object.assign(new Error('down'), { status: 503 })

/** Three services on top of each other, each of which retries; only the last one calls the dependency. */
function layers(clock: SimulatedClock, retry: RetryOptions, dependency: Call): Call {
  const random = seeded(1)
  const wrapped = (inner: Call): Call => guardWith(inner, { retry }, { clock, random })
  return wrapped(wrapped(wrapped(dependency)))
}

/** Makes calls, one every 2 ms, and counts the attempts that reach the dependency. */
async function attemptsOf(count: number, retry: RetryOptions): Promise<number> {
  const clock = new SimulatedClock()
  let attempts = 0
  const ask = layers(clock, retry, () => {
    attempts++
    return Promise.reject(down())
  })
  const calls: Promise<unknown>[] = []
  for (let i = 0; i < count; i++) {
    calls.push(ask().catch(() => {}))
    if (i % 50 === 49) await clock.advance(100)
  }
  await clock.advance(120_000)
  await Promise.all(calls)
  return attempts
}

test('three layers with three retries each and a budget make at most 1.1 attempts per call of a dependency that is down', async () => {
  const calls = runs(4_000, 10_000)
  const attempts = await attemptsOf(calls, { retries: 3, budget: 0.1 })
  expect(attempts).toBeLessThanOrEqual(1.1 * calls)
  // The budget is used, too: nearly a call in ten is retried.
  expect(attempts).toBeGreaterThan(1.08 * calls)
})

test('without the budget, one layer retries and the others do not: 4 attempts per call, not 64', async () => {
  const calls = runs(1_000, 10_000)
  expect(await attemptsOf(calls, { retries: 3 })).toBe(4 * calls)
})

/** The most events in any 100 ms, and what 100 ms see on average between `from` and `to`. */
function spread(times: readonly number[], from: number, to: number): { busiest: number; mean: number } {
  const sorted = times.filter((at) => at >= from && at < to).toSorted((a, b) => a - b)
  let [busiest, first] = [0, 0]
  for (const [last, at] of sorted.entries()) {
    while ((sorted[first] as number) <= at - 100) first++
    busiest = Math.max(busiest, last - first + 1)
  }
  return { busiest, mean: (sorted.length / (to - from)) * 100 }
}

/** So many clients, each with a policy of its own. */
function clients(count: number, clock: SimulatedClock, retry: RetryOptions, dependency: Call): Call[] {
  return Array.from({ length: count }, (_, i) => guardWith(dependency, { retry }, { clock, random: seeded(i) }))
}

test('1,000 clients that lose a dependency at one moment come back spread out, also when it names one time to all', async () => {
  for (const asked of [{}, { retryAfter: '2s' }]) {
    const clock = new SimulatedClock()
    const base = 1_000
    const retries: number[] = []
    let lost = true
    const all = clients(1_000, clock, { retries: 1, base }, () => {
      if (lost) return Promise.reject(Object.assign(down(), asked))
      retries.push(clock.now())
      return Promise.resolve()
    })
    const calls = all.map((call) => call())
    lost = false
    await clock.advance(5_000)
    await Promise.all(calls)
    expect(retries).toHaveLength(1_000)
    const from = 'retryAfter' in asked ? 2_000 : 0
    const { busiest, mean } = spread(retries, from, from + base)
    expect(mean).toBe(100)
    expect(busiest).toBeLessThanOrEqual(2 * mean)
  }
})

test('1,000 clients of a dependency that stays down never gather: the busiest 100 ms see at most twice the mean', async () => {
  const clock = new SimulatedClock()
  const attempts: number[] = []
  const all = clients(1_000, clock, { retries: 3 }, () => {
    attempts.push(clock.now())
    return Promise.reject(down())
  })
  const think = seeded(7)
  const pause = (): Promise<void> => new Promise((resolve) => clock.schedule(2_000 * think(), resolve))
  const endless = all.map(async (call) => {
    while (clock.now() < 10_000) {
      await pause()
      await call().catch(() => {})
    }
  })
  await clock.advance(30_000)
  await Promise.all(endless)
  const { busiest, mean } = spread(attempts, 0, 10_000)
  expect(mean).toBeGreaterThan(50)
  expect(busiest).toBeLessThanOrEqual(2 * mean)
})
