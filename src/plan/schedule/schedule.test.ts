import { describe, expect, test } from 'vitest'
import { plan } from '../plan.ts'
import { keepingNeeds } from './keys.ts'
import { compile, type Problem } from './problem.ts'
import { randomProject, projectOf, type Shape, violations } from './schedule.fixture.ts'
import { SerialGeneration } from './serial.ts'
import { runs } from '../../../test/support/runs.ts'

const shapes: Readonly<Record<string, Shape>> = {
  'plain links': { tasks: 20 },
  'all kinds of links, with lags and leads': { tasks: 20, links: ['FS', 'SS', 'FF', 'SF'], lags: true },
  skills: { tasks: 20, skills: true },
  'releases and skills': { tasks: 15, skills: true, releases: true, lags: true },
  calendars: { tasks: 12, calendars: true, links: ['FS', 'SS', 'FF', 'SF'] },
  everything: { tasks: 12, calendars: true, skills: true, releases: true, lags: true, links: ['FS', 'SS', 'FF', 'SF'] },
}

describe('every schedule is feasible', () => {
  for (const [name, shape] of Object.entries(shapes)) {
    test(`with ${name}`, () => {
      for (let seed = 1; seed <= runs(12, 40); seed++) {
        const planned = plan(randomProject(seed, shape), { schedules: 90, seed })
        expect(violations(planned), `seed ${seed}`).toEqual([])
      }
    })
  }
})

/** The best of all orders: serial generation reaches an optimum with one of them. */
function best(problem: Problem): number {
  const generation = new SerialGeneration(problem)
  let least = Infinity
  const order: number[] = []
  const extend = (): void => {
    if (order.length === problem.size) {
      least = Math.min(least, generation.generate(order))
      return
    }
    for (let t = 0; t < problem.size; t++) {
      if (order.includes(t)) continue
      const needs = problem.dag.needs.subarray(problem.dag.needStart[t], problem.dag.needStart[t + 1])
      if (!needs.every((need) => order.includes(need))) continue
      order.push(t)
      extend()
      order.pop()
    }
  }
  extend()
  return least
}

test('finds the optimum of small projects, and the lower bound is below it', () => {
  for (let seed = 1; seed <= runs(24, 60); seed++) {
    const project = randomProject(seed, { tasks: 6, ...(seed % 2 === 0 && { skills: true }) })
    const optimum = best(compile(project).problem)
    const { scheduled } = plan(project)
    expect(scheduled.end, `seed ${seed}`).toBe(optimum)
    expect(scheduled.lowerBound).toBeLessThanOrEqual(optimum)
    expect(scheduled.ideal.end).toBeLessThanOrEqual(optimum)
  }
})

test('makes no more schedules than it may, and the same ones for the same seed', () => {
  const project = randomProject(7, { tasks: 30 })
  const [one, two] = [plan(project, { schedules: 137, seed: 3 }), plan(project, { schedules: 137, seed: 3 })]
  expect(one.report).toEqual(two.report)
  expect(one.report.schedules).toBeLessThanOrEqual(137)
})

test('ends as soon as no schedule can be better', () => {
  expect(plan(projectOf([{}, {}, {}])).report.schedules).toBe(1)
})

test('prefers what is due', () => {
  const resources = [{ id: 'ann', name: 'Ann', capacity: 1, skills: [], line: 0 }]
  const demands = [{ resource: 'ann', units: 1, line: 0 }]
  const tasks = [{ demands }, { demands }, { demands, dueMs: 1_000 }, { demands, dueMs: 2_000 }]
  expect(
    plan(projectOf(tasks, { resources }))
      .report.tasks.map(({ id }) => id)
      .slice(0, 2),
  ).toEqual(['2', '3'])
})

test('the float of a task is what it can be late', () => {
  for (let seed = 1; seed <= runs(8, 20); seed++) {
    const project = randomProject(seed, { tasks: 12 })
    const { scheduled, compiled } = plan(project)
    const { problem } = compiled
    // Later by its float, in the same order, the end stays; later by an hour more, it does not.
    const order = keepingNeeds(
      problem,
      Uint32Array.from({ length: problem.size }, (_, t) => t).sort(
        (a, b) => (scheduled.starts[a] ?? 0) - (scheduled.starts[b] ?? 0) || a - b,
      ),
    )
    for (let t = 0; t < problem.size; t++) {
      const release = problem.release.slice()
      release[t] = (scheduled.starts[t] ?? 0) + (scheduled.float[t] ?? 0)
      const generation = new SerialGeneration({ ...problem, release })
      expect(generation.generate(order), `seed ${seed}, task ${t}`).toBeLessThanOrEqual(scheduled.end)
    }
  }
})

test('the checker of these tests sees a schedule that is not feasible', () => {
  const planned = plan(randomProject(3, { tasks: 20, skills: true }))
  const late = {
    ...planned,
    scheduled: {
      ...planned.scheduled,
      starts: planned.scheduled.starts.map(() => 0),
      ends: planned.scheduled.ends.map((end, t) => end - (planned.scheduled.starts[t] ?? 0)),
    },
  }
  expect(violations(late).join('\n')).toMatch(/breaks its FS[^]*are taken/)
  expect(
    violations({ ...planned, scheduled: { ...planned.scheduled, taken: planned.scheduled.taken.map(() => []) } }).join('\n'),
  ).toContain('has 0 of')
})
