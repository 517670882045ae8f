import { expect, test } from 'vitest'
import { assess } from './assess.ts'
import { readPlan } from './formats/read.ts'
import { plan } from './plan.ts'
import { changes } from './risk/changes.ts'
import { randomProject } from './schedule/schedule.fixture.ts'
import { runs } from '../../test/support/runs.ts'

const of = async (yaml: string) => plan(await readPlan(yaml, { file: 'plan.yaml' }))

/*
 *  a 4 ── b 4     c 2
 */
const two = 'tasks:\n  - { id: a, duration: 4 }\n  - { id: b, duration: 4, needs: [a] }\n  - { id: c, duration: 2 }\n'

test('a task absorbs its float, and what is more moves the end', async () => {
  const { risk } = assess(await of(two))
  expect(
    Object.fromEntries(
      risk.tasks.map(({ id, absorbs, delay25, delay50, delay100 }) => [id, [absorbs, delay25, delay50, delay100]]),
    ),
  ).toEqual({
    a: [0, 1, 2, 4],
    b: [0, 1, 2, 4],
    c: [6, 0, 0, 0],
  })
})

test('delays never help, and none within the float hurts', () => {
  for (let seed = 1; seed <= runs(6, 15); seed++) {
    const planned = plan(randomProject(seed, { tasks: 15, skills: seed % 2 === 0 }), { schedules: 60 })
    for (const { id, absorbs, delay25, delay50, delay100 } of assess(planned).risk.tasks) {
      const duration = planned.report.tasks.find((task) => task.id === id)?.duration ?? 0
      expect([0 <= (delay25 ?? -1), (delay25 ?? -1) <= (delay50 ?? -1), (delay50 ?? -1) <= (delay100 ?? -1)]).toEqual([
        true,
        true,
        true,
      ])
      expect(absorbs < duration || delay100 === 0).toBe(true)
    }
  }
})

test('the end is drawn from the estimates', async () => {
  const { risk } = assess(await of('tasks:\n  - { id: a, duration: [2, 3, 10] }\n  - { id: b, duration: [1, 1, 1] }\n'))
  // Triangular on 2, 3, 10: half lies below 10 − √(8 · 7 / 2), 80 % below 10 − √(0.2 · 56).
  expect(risk.p50).toBeCloseTo(10 - Math.sqrt(28), 0)
  expect(risk.p80).toBeCloseTo(10 - Math.sqrt(11.2), 0)
  expect(risk.p95).toBeCloseTo(10 - Math.sqrt(2.8), 0)
  expect(risk.onTime).toBeCloseTo(1 / 8, 1)
  expect(risk.tasks.map(({ id, criticality }) => [id, criticality])).toEqual([
    ['a', 1],
    ['b', 0],
  ])
  expect(risk).toMatchObject({ runs: 1_000, estimated: 2 })
})

test('the same seed gives the same figures', async () => {
  const planned = await of(two)
  expect(assess(planned, { seed: 5 })).toEqual(assess(planned, { seed: 5 }))
  expect(assess(planned, { seed: 6 }).risk.p50).not.toBe(assess(planned, { seed: 5 }).risk.p50)
})

test('the cheapest changes that buy most come first, each with its new end', async () => {
  const { mitigation } = assess(await of(two))
  expect(mitigation.map(({ rule, saves, end, where, question }) => [rule, saves, end, where, typeof question])).toEqual([
    ['cut-dependency', 4, 4, 'plan.yaml:3', 'string'],
    ['overlap', 2, 6, 'plan.yaml:3', 'string'],
    ['split-task', 2, 6, 'plan.yaml:2', 'string'],
  ])
})

test('one more of whoever is busy, where that helps and only there', async () => {
  const busy =
    'resources: [ann]\ntasks:\n  - { id: a, duration: 4, resources: [ann] }\n  - { id: b, duration: 4, resources: [ann] }\n'
  expect(assess(await of(busy)).mitigation).toMatchObject([{ rule: 'one-more', saves: 4, end: 4, remedy: 'a second "ann"' }])
  // A chain on one person gains nothing from a second one.
  const chain =
    'resources: [ann]\ntasks:\n  - { id: a, duration: 4, resources: [ann] }\n  - { id: b, duration: 4, resources: [ann], needs: [a] }\n'
  expect(assess(await of(chain)).mitigation.filter(({ rule }) => rule === 'one-more')).toEqual([])
})

test('a fixed date may be what holds a plan up', async () => {
  const { mitigation } = assess(await of('tasks:\n  - { id: a, duration: 1, earliest: 5 }\n'))
  expect(mitigation[0]).toMatchObject({ rule: 'start-earlier', saves: 5, end: 1 })
})

test('what a change saves is what its own schedule shows', () => {
  for (let seed = 1; seed <= runs(5, 12); seed++) {
    const planned = plan(randomProject(seed, { tasks: 12 }))
    for (const { message, rule, endMs } of assess(planned).mitigation) {
      const change = changes(planned.project, planned.compiled, planned.scheduled).find(
        (each) => each.message === message && each.kind === rule,
      )
      const { scheduled } = plan(change?.project ?? planned.project, { schedules: 1_500 })
      expect(scheduled.lowerBound, `seed ${seed}: ${message}`).toBeLessThanOrEqual(endMs)
      expect(scheduled.end).toBeLessThanOrEqual(planned.scheduled.end)
    }
  }
})
