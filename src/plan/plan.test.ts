import { expect, test } from 'vitest'
import { plan } from './plan.ts'
import { planText } from './report/text.ts'
import { readPlan } from './formats/read.ts'

/*
 *  dig 3 ── pour 2 ── roof 4        Ann: dig, paint    Bob: pour, roof
 *     └──── paint 4
 */
const house = `
name: House
resources: [ann]
tasks:
  - { id: dig, duration: 3, resources: [ann] }
  - { id: pour, duration: 2, needs: dig, resources: [ann] }
  - { id: paint, duration: 4, needs: dig, resources: [ann] }
  - { id: roof, duration: 4, needs: pour }
`

test('answers how long it takes: one after the other, as dependencies allow, with who there is', async () => {
  const planned = plan(await readPlan(house, { file: 'house.yaml' }))
  expect(planned.report).toMatchObject({
    name: 'House',
    unit: 'd',
    sequential: 13,
    ideal: 9,
    scheduled: 9,
    lowerBound: 9,
    gap: 0,
    criticalPath: [{ id: 'dig', name: 'dig' }, { id: 'pour' }, { id: 'roof' }],
    tasks: [
      { id: 'dig', start: 0, end: 3, slack: 0, resource: 'ann' },
      { id: 'pour', start: 3, end: 5, slack: 0, resource: 'ann' },
      { id: 'paint', start: 5, end: 9, slack: 2, float: 0, resource: 'ann' },
      { id: 'roof', start: 5, end: 9, slack: 0, resource: null },
    ],
    resources: [{ id: 'ann', busy: 9, utilization: 1, float: 0 }],
  })
  expect(planText(planned)).toMatchInlineSnapshot(`
    "plan "House": 4 tasks, 1 resource
      one after the other      ████████████████████████████████████████  13 d
      as dependencies allow    ████████████████████████████············  9 d, 1.44 times as fast
      with what there is       ████████████████████████████············  9 d, 1.44 times as fast
      no schedule with them ends earlier

    critical path: dig → pour → roof

      dig    █████████████···························  3 d, critical  ann
      pour   ·············█████████··················  2 d, critical  ann
      paint  ······················▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒  4 d, float 0 d  ann
      roof   ······················██████████████████  4 d, critical

    people and machines, the busiest first
      ann  busy 100 %, 9 d; may be 0 d late"
  `)
})

test('schedules on slots where nobody is named', async () => {
  const project = await readPlan('tasks: { a: 2, b: 2, c: 2 }', { file: 'p.yaml' })
  expect(plan(project).report.scheduled).toBe(2)
  expect(plan(project, { concurrency: 2 }).report).toMatchObject({ scheduled: 4, resources: [{ id: 'slots', capacity: 2 }] })
})

test('refuses an option that it does not know', async () => {
  const project = await readPlan('tasks: { a: 2 }', { file: 'p.yaml' })
  expect(() => plan(project, { schedule: 3 } as never)).toThrow('Unknown option `schedule` of plan')
})
