import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Estimate } from './estimate.ts'

function measured(itemMs: number, items = 100): Estimate {
  const estimate = new Estimate()
  for (let i = 0; i < 20; i++) estimate.record(items, items * itemMs, false)
  return estimate
}

describe('an estimate', () => {
  test('begins with one item, because nothing is known', () => {
    const estimate = new Estimate()
    expect(estimate.batchSize(1_000, 2)).toBe(1)
    expect(estimate.inlineWins(1, 2)).toBe(false)
    expect(estimate.prefetches).toBe(false)
  })

  test('makes batches of about two milliseconds', () => {
    for (const itemMs of [0.001, 0.01, 0.1, 1]) {
      const size = measured(itemMs, 8_192).batchSize(Number.POSITIVE_INFINITY, 2)
      expect(size * itemMs).toSatisfy((ms: number) => ms > 1 && ms <= 2.001)
    }
    expect(measured(50).batchSize(1_000, 2)).toBe(1)
  })

  test('grows by eight at most, and gives the last items out in small batches', () => {
    const estimate = new Estimate()
    estimate.record(1, 0.000_1, false)
    expect(estimate.batchSize(1e6, 2)).toBe(8)
    expect(measured(0.000_1, 8_192).batchSize(10, 2)).toBe(3)
  })

  test('keeps batches of functions that wait small', () => {
    const estimate = new Estimate()
    for (let i = 0; i < 10; i++) estimate.record(64, 0.01, true)
    expect(estimate.batchSize(1e6, 2)).toBe(16)
    expect(estimate.inlineWins(1, 2)).toBe(false)
  })

  test('is always a size that can be handed out', () => {
    const record = fc.tuple(fc.integer({ min: 0, max: 10_000 }), fc.double({ min: 0, max: 1e5, noNaN: true }), fc.boolean())
    fc.assert(
      fc.property(
        fc.array(record),
        fc.integer({ min: 1, max: 1e9 }),
        fc.integer({ min: 1, max: 128 }),
        (records, left, slots) => {
          const estimate = new Estimate()
          for (const [items, busyMs, async] of records) estimate.record(items, busyMs, async)
          const size = estimate.batchSize(left, slots)
          expect(size).toSatisfy((n: number) => Number.isInteger(n) && n >= 1 && n <= Math.max(1, left))
        },
      ),
    )
  })

  test('stays here where the crossing costs more than the work, and only then', () => {
    expect(measured(0.000_05).inlineWins(1_000, 2)).toBe(true)
    expect(measured(0.01).inlineWins(1, 2)).toBe(true)
    expect(measured(1).inlineWins(1_000, 2)).toBe(false)
    expect(measured(0.000_05).inlineWins(Number.POSITIVE_INFINITY, 2)).toBe(false)
  })
})
