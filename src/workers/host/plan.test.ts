import { expect, test } from 'vitest'
import { SplitProgress } from './split-progress.ts'
import { Estimate } from './estimate.ts'
import { type Costs, foreseen, type Plan, Planner } from './plan.ts'

const computing: Costs = { hereMs: 1, thereMs: 1, crossingMs: 0.001, workerCopyMs: undefined }
/** Here would be best. */
const dear: Costs = { hereMs: 1, thereMs: 1, crossingMs: 1.2, workerCopyMs: 1 }

test('what computes goes to the workers, what is dear to send stays, what is in between is shared', () => {
  expect(new Planner().choose(computing, 64, 2)).toBe('there')
  expect(new Planner().choose(dear, 64, 2)).toBe('here')
  expect(new Planner().choose({ hereMs: 1.3, thereMs: 1.3, crossingMs: 0.35, workerCopyMs: 0.45 }, 64, 2)).toBe('both')
})

test('a way that takes longer than foreseen gives way to another', () => {
  const planner = new Planner()
  for (let i = 0; i < 5; i++) planner.record('there', 64, 3 * foreseen('there', computing, 64, 2), computing, 2)
  expect(planner.choose(computing, 64, 2)).toBe('here')
  // And comes back when it goes better.
  for (let i = 0; i < 12; i++) planner.record('there', 64, foreseen('there', computing, 64, 2), computing, 2)
  expect(planner.choose(computing, 64, 2)).toBe('there')
})

test('what seemed slow on workers is tried again, and more and more rarely in vain', () => {
  const planner = new Planner()
  const known: Costs = { ...computing, thereMs: 8 }
  const trials: Plan[] = []
  for (let i = 0; i < 1_000; i++) {
    const trial = planner.trial('here', { ...known, thereMs: 1 }, 64, 2)
    if (trial) {
      trials.push(trial)
      planner.tried(false)
    } else planner.record('here', 20, 20, known, 2)
  }
  expect(new Set(trials)).toEqual(new Set(['there']))
  expect(trials.length).toBeGreaterThan(4)
  expect(trials.length).toBeLessThan(20)
  planner.tried(true)
  for (let i = 0; i < 4; i++) planner.record('here', 20, 20, known, 2)
  expect(planner.trial('here', { ...known, thereMs: 1 }, 64, 2)).toBe('there')
})

test('a bad first impression of this thread does not stay, where sharing goes worse than foreseen', () => {
  const shared: Costs = { hereMs: 1.3, thereMs: 1.3, crossingMs: 0.35, workerCopyMs: 0.45 }
  const planner = new Planner()
  const record = (plan: Plan, factor: number): void => planner.record(plan, 64, factor * foreseen(plan, shared, 64, 2), shared, 2)
  // Code that was not compiled yet, and somebody else on the cores.
  for (let i = 0; i < 5; i++) record('here', 2.1)
  let trial: Plan | undefined
  for (let i = 0; i < 200 && trial !== 'here'; i++) {
    const known = planner.choose(shared, 64, 2)
    trial = planner.trial(known, shared, 64, 2)
    if (trial) planner.tried(false)
    record(trial ?? known, 1.6)
  }
  expect(trial).toBe('here')
  for (let i = 0; i < 5; i++) record('here', 1)
  expect(planner.choose(shared, 64, 2)).toBe('here')
})

/** Jobs of 64 items of a millisecond on two workers, one after the other; each way takes what it takes. Gives the ways. */
function jobs(estimate: Estimate, count: number, thereMs: (job: number) => number): Plan[] {
  return Array.from({ length: count }, (_, job) => {
    const plan = estimate.plan(64, 2)
    for (let batch = 0; batch < 8; batch++) {
      if (plan === 'there') estimate.record(8, 8 * thereMs(job), false, batch < 2 && job === 0)
      else estimate.recordInline(8, 8)
    }
    return plan
  })
}

test('the first calls of a worker are of code that is not compiled, and do not decide', () => {
  const estimate = new Estimate()
  // The first batch of each worker took ten times as long.
  estimate.record(1, 10, false, true)
  estimate.record(1, 10, false, true)
  estimate.recordInline(1, 1)
  expect(estimate.plan(62, 2)).toBe('there')
  expect(jobs(estimate, 5, () => 1)).toEqual(['there', 'there', 'there', 'there', 'there'])
})

test('workers that stay slow get nothing', () => {
  const estimate = new Estimate()
  estimate.record(1, 10, false, true)
  estimate.recordInline(1, 1)
  const plans = jobs(estimate, 5, () => 5)
  expect(plans.slice(1)).toEqual(['here', 'here', 'here', 'here'])
})

test('a course holds what happens against what was foreseen, and takes the other way', async () => {
  const estimate = new Estimate()
  for (let i = 0; i < 10; i++) {
    estimate.record(10, 10, false)
    estimate.recordInline(10, 10)
  }
  const plans = new Set<Plan>()
  for (let job = 0; job < 3; job++) {
    let begun = 0
    const course = new SplitProgress({ estimate, work: {}, remaining: () => 20 - begun }, 2, () => begun)
    plans.add(course.next())
    // Foreseen were ten milliseconds; somebody else has the cores.
    const until = performance.now() + 45
    while (performance.now() < until) begun = 20
    course.end()
  }
  expect(plans).toEqual(new Set(['there', 'here']))
})
