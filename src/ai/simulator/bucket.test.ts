import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProviderBucket } from './bucket.ts'

test('the wait matches a refusal that was logged at OpenAI', () => {
  const bucket = new ProviderBucket(30_000, 60_000, 0)
  bucket.take(18_928, 0)
  // continuedev/continue#11472: limit 30000, used 18928, requested 11159: "try again in 174ms".
  expect(Math.ceil(bucket.wait(11_159, 0))).toBe(174)
})

test('reset is (limit - remaining) / limit × 60 s', () => {
  const bucket = new ProviderBucket(600, 60_000, 0)
  bucket.take(60, 0)
  expect(bucket.reset(0)).toBeCloseTo(6_000)
  expect(bucket.reset(3_000)).toBeCloseTo(3_000)
  expect(bucket.remaining(6_000)).toBe(600)
})

test('what never fits is never promised', () => {
  expect(new ProviderBucket(60, 1_000, 0).wait(2, 0)).toBe(Number.POSITIVE_INFINITY)
})

test('never lets through more than capacity + rate × time', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1_000, max: 120_000 }),
      fc.array(fc.record({ after: fc.integer({ min: 0, max: 5_000 }), amount: fc.integer({ min: 0, max: 500 }) })),
      (perMinute, burstMs, calls) => {
        const bucket = new ProviderBucket(perMinute, burstMs, 0)
        let now = 0
        for (const { after, amount } of calls) {
          now += after
          if (bucket.wait(amount, now) === 0) bucket.take(amount, now)
          expect(bucket.taken).toBeLessThanOrEqual(bucket.capacity + (perMinute * now) / 60_000 + 1e-6)
        }
      },
    ),
  )
})
