import { describe, expect, test } from 'vitest'
import { SimulatedClock } from '../base/clock.ts'
import { InvalidOption } from '../base/errors.ts'
import type { TaskContext } from '../base/frame.ts'
import { scope } from '../run/scope.ts'
import { hedge, HedgeTiming, hedgeWith } from './hedge.ts'
import { SlidingQuantile } from './quantile.ts'

/** A function whose calls take, one after the other, the times of the list; a negative one fails after it. */
function scripted(times: readonly number[]) {
  const clock = new SimulatedClock()
  const seen = { started: [] as number[], stopped: [] as number[], signals: [] as AbortSignal[] }
  const fn = (text: string, context?: TaskContext): Promise<string> => {
    const nth = seen.started.push(clock.now()) - 1
    const { signal } = context as TaskContext
    seen.signals.push(signal)
    const ms = times[nth] as number
    return new Promise((resolve, reject) => {
      const timer = clock.schedule(Math.abs(ms), () => (ms < 0 ? reject(new Error(`try ${nth}`)) : resolve(`${text} ${nth}`)))
      signal.addEventListener('abort', () => {
        clock.cancel(timer)
        seen.stopped.push(nth)
        reject(signal.reason as Error)
      })
    })
  }
  const settle = async (promise: Promise<string>) => {
    const settled = promise.then(
      (value) => ({ value, at: clock.now() }),
      (error: unknown) => ({ error, at: clock.now() }),
    )
    await clock.advance(5_000)
    return settled
  }
  return { clock, seen, fn, settle }
}

/** The same numbers in every run (Park and Miller's generator). */
function seeded(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

describe('hedge', () => {
  test('makes one call while that is fast', async () => {
    const { clock, seen, fn, settle } = scripted([50])
    expect(await settle(hedgeWith(fn, { after: 100 }, clock)('a'))).toEqual({ value: 'a 0', at: 50 })
    expect(seen.started).toEqual([0])
    expect(clock.pending).toBe(0)
  })

  test('takes the second try when it is first, and cancels the other', async () => {
    const { clock, seen, fn, settle } = scripted([900, 20])
    expect(await settle(hedgeWith(fn, { after: 100 }, clock)('a'))).toEqual({ value: 'a 1', at: 120 })
    expect(seen.stopped).toEqual([0])
    expect(seen.signals[1]?.aborted).toBe(false)
    expect(clock.pending).toBe(0)
  })

  test('takes the first try when that still wins', async () => {
    const { clock, seen, fn, settle } = scripted([150, 200])
    expect(await settle(hedgeWith(fn, { after: 100 }, clock)('a'))).toEqual({ value: 'a 0', at: 150 })
    expect(seen.stopped).toEqual([1])
  })

  test('fails at once before the second try, later only when both failed, and with the first failure', async () => {
    const early = scripted([-50])
    expect(await early.settle(hedgeWith(early.fn, { after: 100 }, early.clock)('a'))).toMatchObject({ at: 50 })
    expect(early.seen.started).toEqual([0])
    const one = scripted([-120, 50])
    expect(await one.settle(hedgeWith(one.fn, { after: 100 }, one.clock)('a'))).toEqual({ value: 'a 1', at: 150 })
    const both = scripted([-300, -50])
    expect(await both.settle(hedgeWith(both.fn, { after: 100 }, both.clock)('a'))).toMatchObject({
      at: 300,
      error: { message: 'try 1' },
    })
    expect(both.clock.pending).toBe(0)
  })

  test('does not wait for a loser that ignores its signal', async () => {
    const clock = new SimulatedClock()
    let calls = 0
    const hedged = hedgeWith((): unknown => (calls++ === 0 ? new Promise(() => {}) : 'second'), { after: 10 }, clock)
    const answer = hedged()
    await clock.advance(10)
    expect(await answer).toBe('second')
  })

  test('is cancelled with the task that calls it', async () => {
    const { clock, seen, fn } = scripted([900, 900])
    const hedged = hedgeWith(fn, { after: 100 }, clock)
    const running = scope(async (s) => {
      const call = s.fork(() => hedged('a'))
      await clock.advance(200)
      s.cancel()
      await call
    })
    await expect(running).rejects.toMatchObject({ name: 'Cancelled' })
    expect(seen.stopped).toEqual([0, 1])
    expect(clock.pending).toBe(0)
  })

  test('keeps `this`, arguments and name, and drops a context that the caller passed', async () => {
    const thing = {
      factor: 2,
      times(this: { factor: number }, n: number): number {
        return this.factor * n
      },
    }
    const hedged = { ...thing, times: hedge(thing.times) }
    expect(await hedged.times(21)).toBe(42)
    expect(hedged.times.name).toBe('times')
    const attempt = hedge((_: number, ctx: TaskContext) => ctx.attempt)
    expect(
      await attempt(1, { signal: new AbortController().signal, index: 0, attempt: 7, deadline: 0, idempotencyKey: 'k' }),
    ).toBe(1)
  })

  test('checks its options', () => {
    expect(() => hedge(() => 1, { after: 'p100' })).toThrow(InvalidOption)
    expect(() => hedge(() => 1, { extra: 2 })).toThrow(InvalidOption)
    expect(() => hedge('fn' as never)).toThrow(InvalidOption)
  })
})

describe('the budget of second tries', () => {
  test('never exceeds its share of the calls so far, and one', () => {
    const timing = new HedgeTiming({ after: 0, extra: 0.05 })
    let spent = 0
    for (let calls = 1; calls <= 10_000; calls++) {
      timing.begin()
      // After a long calm, everything is slow.
      if ((calls < 10 || calls > 5_000) && timing.spend()) spent++
      expect(spent).toBeLessThanOrEqual(1 + 0.05 * calls)
    }
    expect(spent).toBe(1 + 10 + 250 - 1)
  })

  test('is nothing at `extra: 0`', () => {
    const timing = new HedgeTiming({ after: 0, extra: 0 })
    timing.begin()
    expect(timing.spend()).toBe(false)
  })
})

describe('SlidingQuantile', () => {
  test('knows nothing before 40 times, then the nearest rank of the latest 512', () => {
    const p95 = new SlidingQuantile(0.95)
    for (let i = 1; i < 40; i++) p95.add(i)
    expect(p95.value).toBeUndefined()
    p95.add(40)
    expect(p95.value).toBe(38)
    for (let i = 0; i < 512; i++) p95.add(1_000 + i)
    expect(p95.value).toBe(1_000 + 486)
  })

  test('cuts the tail of 98 % fast and 2 % slow calls within its budget', async () => {
    const random = seeded(7)
    const clock = new SimulatedClock()
    let tries = 0
    const fn = (): Promise<void> => {
      tries++
      const ms = (random() < 0.02 ? 10 : 1) * (9 + 2 * random())
      return new Promise((resolve) => clock.schedule(ms, resolve))
    }
    const hedged = hedgeWith(fn, {}, clock)
    const times: number[] = []
    const calls = Array.from({ length: 1_000 }, async (_, i) => {
      await new Promise<void>((resolve) => clock.schedule(i, resolve))
      const from = clock.now()
      await hedged()
      times.push(clock.now() - from)
    })
    const all = Promise.all(calls)
    await clock.advance(2_000)
    await all
    times.sort((a, b) => a - b)
    expect(times[990]).toBeLessThan(50)
    expect(tries).toBeGreaterThan(1_000)
    expect(tries).toBeLessThanOrEqual(1_051)
  })
})
