import { expect, test } from 'vitest'
import { LimitLearner, type Mark } from './learner.ts'
import { ProviderBucket } from '../../simulator/bucket.ts'

/** A provider of 600 per minute, and what its headers say. */
function provider() {
  const bucket = new ProviderBucket(600, 60_000, 0)
  return {
    bucket,
    meter: (now: number) => ({ limit: 600, remaining: Math.floor(bucket.remaining(now)), step: 1, perMs: 60_000 }),
  }
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

test.each([
  ['first come, first answered', (arrival: number) => arrival],
  ['the last answered first', (arrival: number) => -arrival],
])('a crowd that arrives in any order moves no level: %s', (_, answered) => {
  const { bucket, meter } = provider()
  const learner = new LimitLearner()
  let level = 600
  for (let crowd = 0; crowd < 4; crowd++) {
    // A hundred leave together; in what order they arrive has nothing to do with that in which they were charged.
    const marks = Array.from({ length: 100 }, () => learner.charge(1, 0))
    level -= 100
    const readings = marks.map((_, arrival) => {
      bucket.take(1, 0)
      return { mark: marks[(arrival * 37 + 11) % 100] as Mark, meter: meter(0), arrival }
    })
    for (const { mark, meter } of readings.toSorted((a, b) => answered(a.arrival) - answered(b.arrival))) {
      learner.read(meter, mark, false)
      learner.settle(mark, 1)
      level = learner.correction(level, 0) ?? level
      // Nobody is ever led to believe in more than there is.
      expect(level).toBeLessThanOrEqual(600 - 100 * (crowd + 1) + 1)
    }
    expect(Math.abs(level - bucket.remaining(0))).toBeLessThanOrEqual(10)
  }
})

test('a call that hangs holds up no correction', () => {
  const { bucket, meter } = provider()
  const learner = new LimitLearner()
  const marks = Array.from({ length: 40 }, () => learner.charge(1, 0))
  bucket.take(300, 0)
  for (const mark of marks.slice(1)) {
    bucket.take(1, 0)
    learner.read(meter(0), mark, false)
    learner.settle(mark, 1)
  }
  expect(Math.abs((learner.correction(560, 0) as number) - bucket.remaining(0))).toBeLessThanOrEqual(10)
})

test('what the provider gives back raises the level again', () => {
  const learner = new LimitLearner()
  const mark = learner.charge(500, 0)
  learner.read({ limit: 600, remaining: 100, step: 1, perMs: 60_000 }, mark, false)
  expect(learner.latest(0)).toBe(100)
  learner.settle(mark, 50)
  expect(learner.latest(0)).toBe(550)
})

test('a refused call was not charged', () => {
  const learner = new LimitLearner()
  learner.charge(590, 0)
  const refused = learner.charge(100, 0)
  learner.read({ limit: 600, remaining: 10, step: 1, perMs: 60_000 }, refused, true)
  learner.settle(refused, 0)
  expect(learner.latest(0)).toBe(10)
})
