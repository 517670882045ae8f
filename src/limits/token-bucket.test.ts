import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TokenBucket } from './token-bucket.ts'

/** The most that was spent in any half-open window of that length; a nanosecond is left to rounding. */
function busiest(spent: readonly { at: number; cost: number }[], windowMs: number): number {
  let [most, sum, first] = [0, 0, 0]
  for (const { at, cost } of spent) {
    sum += cost
    while ((spent[first] as { at: number }).at <= at - windowMs + 1e-6) sum -= (spent[first++] as { cost: number }).cost
    most = Math.max(most, sum)
  }
  return most
}

describe('a sliding bucket', () => {
  test('lets through no more than the allowance in any window, and waits no longer than it must', () => {
    const call = fc.record({ pause: fc.double({ min: 0, max: 400, noNaN: true }), cost: fc.integer({ min: 1, max: 10 }) })
    fc.assert(
      fc.property(
        fc.array(call, { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 10, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        (calls, allowance, burst) => {
          const bucket = new TokenBucket({ allowance, perMs: 1_000, burst: Math.min(burst, allowance), window: 1 }, 0)
          const spent: { at: number; cost: number }[] = []
          let now = 0
          for (const { pause, cost } of calls) {
            now += pause
            for (let turns = 0, wait = bucket.waitMs(cost, now); wait > 0; wait = bucket.waitMs(cost, now)) {
              now += wait
              expect(++turns).toBeLessThan(20)
            }
            bucket.take(cost, now)
            spent.push({ at: now, cost })
          }
          expect(busiest(spent, 1_000)).toBeLessThanOrEqual(allowance)
        },
      ),
    )
  })

  test('uses all of the allowance when asked all the time, also when every wake-up is late', () => {
    for (const lateMs of [0, 1, 5, 20]) {
      const bucket = new TokenBucket({ allowance: 2_000, perMs: 1_000, burst: 101, window: 1 }, 0)
      const spent: { at: number; cost: number }[] = []
      for (let now = 0; now < 10_000;) {
        const wait = bucket.waitMs(1, now)
        if (wait > 0) now += Math.max(1, Math.ceil(wait)) + lateMs
        else {
          bucket.take(1, now)
          spent.push({ at: now, cost: 1 })
        }
      }
      expect(busiest(spent, 1_000)).toBeLessThanOrEqual(2_000)
      // Once the window is used up, a late start makes the same place of every later window late.
      expect(spent.length).toBeGreaterThan((0.995 - lateMs / 1_000) * 20_000)
    }
  })

  test('spaces starts evenly when few are allowed', () => {
    const bucket = new TokenBucket({ allowance: 4, perMs: 1_000, burst: 1, window: 1 }, 0)
    const starts: number[] = []
    for (let now = 0; starts.length < 5; now += bucket.waitMs(1, now)) {
      if (bucket.waitMs(1, now) > 0) continue
      bucket.take(1, now)
      starts.push(now)
    }
    expect(starts).toEqual([0, 250, 500, 750, 1_000])
  })

  test('counts a call from when it really starts', () => {
    const bucket = new TokenBucket({ allowance: 2, perMs: 1_000, burst: 2, window: 1 }, 0)
    const first = bucket.take(1, 0)
    bucket.take(1, 0)
    bucket.restart(first, 1, 400)
    // At 1000 one of the two has left the window, at 1400 the other.
    expect(bucket.waitMs(1, 1_000)).toBe(0)
    bucket.take(1, 1_000)
    expect(bucket.waitMs(1, 1_000)).toBe(400)
  })
})

describe('a plain bucket', () => {
  test('is full at first and fills evenly, as those of model providers', () => {
    // The case of continuedev/continue#11472: 30,000 a minute, 18,928 used, 11,159 requested, refused for 174 ms.
    const bucket = new TokenBucket({ allowance: 30_000, perMs: 60_000, burst: 30_000 }, 0)
    bucket.take(18_928, 0)
    expect(Math.round(bucket.waitMs(11_159, 0))).toBe(174)
    expect(bucket.waitMs(11_159, 174)).toBe(0)
  })
})

describe('reconciling', () => {
  test('gives back what was reserved too much, and lets nothing start before a debt is paid', () => {
    const bucket = new TokenBucket({ allowance: 100, perMs: 1_000, burst: 100 }, 0)
    const cheap = bucket.take(80, 0)
    bucket.correct(cheap, 80, 20, 0)
    expect(bucket.tokens(0)).toBe(80)
    const dear = bucket.take(50, 0)
    bucket.correct(dear, 50, 130, 0)
    expect(bucket.tokens(0)).toBe(-50)
    expect(bucket.waitMs(10, 0)).toBe(600)
  })

  test('frees the window of what was not used', () => {
    const bucket = new TokenBucket({ allowance: 100, perMs: 1_000, burst: 100, window: 1 }, 0)
    const receipt = bucket.take(100, 0)
    expect(bucket.waitMs(50, 500)).toBe(500)
    bucket.correct(receipt, 100, 10, 500)
    expect(bucket.waitMs(50, 500)).toBe(0)
  })
})

describe('changing limits', () => {
  test('keeps the share that is there', () => {
    const bucket = new TokenBucket({ allowance: 100, perMs: 1_000, burst: 100 }, 0)
    bucket.take(50, 0)
    bucket.update(1_000, 1_000, 1_000, 0)
    expect(bucket.tokens(0)).toBe(500)
    bucket.set(30, 0)
    expect(bucket.tokens(0)).toBe(30)
    bucket.set(9_000, 0)
    expect(bucket.tokens(0)).toBe(1_000)
  })

  test('lets a cost above the new allowance start from a full bucket rather than never', () => {
    const bucket = new TokenBucket({ allowance: 100, perMs: 1_000, burst: 100, window: 1 }, 0)
    bucket.update(40, 1_000, 40, 0)
    bucket.take(40, 0)
    const wait = bucket.waitMs(80, 0)
    expect(wait).toBe(1_000)
    expect(bucket.waitMs(80, wait)).toBe(0)
  })
})

test('remembers long streams in little memory', () => {
  const bucket = new TokenBucket({ allowance: 1e6, perMs: 1_000, burst: 1e6, window: 1 }, 0)
  let now = 0
  for (let i = 0; i < 200_000; i++) {
    now += bucket.waitMs(10, now)
    bucket.take(10, now)
  }
  expect(now).toBeGreaterThanOrEqual(1_000)
  expect(now).toBeLessThan(1_010)
})
