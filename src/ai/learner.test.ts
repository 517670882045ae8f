import { expect, test } from 'vitest'
import { LimitLearner, type Mark } from './learner.ts'
import { ProviderBucket } from './simulator/bucket.ts'

/** A provider of 600 per minute, and what its headers say. */
function provider() {
  const bucket = new ProviderBucket(600, 60_000, 0)
  return { bucket, meter: (now: number) => ({ limit: 600, remaining: Math.floor(bucket.remaining(now)), perMs: 60_000 }) }
}

test('the first reading tells limit and level, calls under way included', () => {
  const { bucket, meter } = provider()
  const learner = new LimitLearner()
  const marks = Array.from({ length: 10 }, () => learner.charge(1, 0))
  bucket.take(1, 0)
  const reading = meter(0)
  for (let i = 1; i < 10; i++) bucket.take(1, 0)
  expect(learner.read(reading, marks[0] as Mark, false)).toBe(true)
  expect([learner.limit, learner.perMs]).toEqual([600, 60_000])
  expect(learner.latest(0)).toBeCloseTo(bucket.remaining(0))
  // The same a second later, when the bucket has refilled by ten, whose level is the limit.
  expect(learner.latest(1_000)).toBeCloseTo(bucket.remaining(1_000))
})

test('a level that agrees is left alone; somebody else who uses the account is noticed', () => {
  const { bucket, meter } = provider()
  const learner = new LimitLearner()
  let level = 600
  let corrections = 0
  let correctionsAlone = 0
  for (let i = 0; i < 400; i++) {
    const now = i * 50
    level = Math.min(600, level + (i > 0 ? 0.5 : 0))
    const mark = learner.charge(1, now)
    level--
    bucket.take(1, now)
    // From the hundredth call on another program takes as much as we do.
    if (i >= 100) bucket.take(1, now)
    learner.read(meter(now), mark, false)
    learner.settle(mark, 1)
    const corrected = learner.correction(level, now)
    if (corrected !== undefined) {
      corrections++
      level = corrected
    }
    if (i < 100) correctionsAlone = corrections
  }
  expect(correctionsAlone).toBe(0)
  expect(corrections).toBeGreaterThan(0)
  expect(Math.abs(level - bucket.remaining(399 * 50))).toBeLessThan(10)
})

test('requests that overtake one another move the level by less than they were out of order, and not for long', () => {
  const { bucket, meter } = provider()
  const learner = new LimitLearner()
  let level = 540
  // Sixty leave together, and arrive in another order: only few readings are right.
  const marks = Array.from({ length: 60 }, () => learner.charge(1, 0))
  for (let i = 0; i < 60; i++) {
    bucket.take(1, 0)
    const mark = marks[(i * 37) % 60] as Mark
    learner.read(meter(0), mark, false)
    level = learner.correction(level, 0) ?? level
  }
  for (const mark of marks) learner.settle(mark, 1)
  expect(Math.abs(level - 540)).toBeLessThan(30)
  for (let i = 0; i < 60; i++) {
    bucket.take(1, 0)
    level--
    const mark = learner.charge(1, 0)
    learner.read(meter(0), mark, false)
    learner.settle(mark, 1)
    level = learner.correction(level, 0) ?? level
  }
  expect(Math.abs(level - bucket.remaining(0))).toBeLessThanOrEqual(3)
})

test('what the provider gives back raises the level again', () => {
  const learner = new LimitLearner()
  const mark = learner.charge(500, 0)
  learner.read({ limit: 600, remaining: 100, perMs: 60_000 }, mark, false)
  expect(learner.latest(0)).toBe(100)
  learner.settle(mark, 50)
  expect(learner.latest(0)).toBe(550)
})

test('a refused call was not charged', () => {
  const learner = new LimitLearner()
  learner.charge(590, 0)
  const refused = learner.charge(100, 0)
  learner.read({ limit: 600, remaining: 10, perMs: 60_000 }, refused, true)
  learner.settle(refused, 0)
  expect(learner.latest(0)).toBe(10)
})
