import { describe, expect, test } from 'vitest'
import { cull } from './dag.ts'
import { expectedMs } from './estimates.ts'
import { makePlan } from './make-plan.ts'
import { GraphModel } from './model.ts'
import type { Plan } from './plan.ts'

//  schema (2 s) → api (3 s) → ship (2 s)
//              ↘ ui  (2 s) ↗
function ship(): GraphModel {
  const model = new GraphModel('ship')
  const schema = model.add('schema', undefined, 2000)
  const api = model.add('api', { schema }, 3000)
  const ui = model.add('ui', { schema, again: schema }, 2000)
  model.add('ship', { api, ui }, 2000)
  model.add('unneeded "x"', undefined, 100)
  return model
}

function plan(model: GraphModel, targets: readonly number[], concurrency: number): Plan {
  const selection = cull(model.needStart, model.needs, targets)
  return makePlan(model, selection, expectedMs(model, selection.tasks, undefined), concurrency)
}

describe('makePlan', () => {
  test('foretells the run of a small graph', () => {
    const two = plan(ship(), [3], 2)
    expect(two).toMatchObject({
      graph: 'ship',
      concurrency: 2,
      levels: [['schema'], ['api', 'ui'], ['ship']],
      criticalPath: ['schema', 'api', 'ship'],
      workMs: 9000,
      spanMs: 7000,
      parallelism: 9 / 7,
      makespanMs: 7000,
      speedup: 9 / 7,
      bounds: { lowerMs: 7000, upperMs: 8000, graham: 1.5 },
    })
    expect(two.idle).toBeCloseTo(5 / 14)
    expect(
      two.tasks.map(({ name, startMs, endMs, slot, slackMs, level, critical }) => [
        name,
        startMs,
        endMs,
        slot,
        slackMs,
        level,
        critical,
      ]),
    ).toEqual([
      ['schema', 0, 2000, 0, 0, 0, true],
      ['api', 2000, 5000, 0, 0, 1, true],
      ['ui', 2000, 4000, 1, 1000, 1, false],
      ['ship', 5000, 7000, 0, 0, 2, true],
    ])
    expect(two.tasks.find((task) => task.name === 'ui')?.needs).toEqual(['schema'])
    expect(plan(ship(), [3], 1).makespanMs).toBe(9000)
    expect(plan(ship(), [3], Number.POSITIVE_INFINITY)).toMatchObject({ makespanMs: 7000, idle: 0, bounds: { upperMs: 7000 } })
  })

  test('is plain data, for JSON too', () => {
    const two = plan(ship(), [3], 2)
    expect(JSON.parse(JSON.stringify(two))).toEqual({ ...two })
    expect(Object.keys(two)).not.toContain('toString')
  })

  test('reads well in a terminal', () => {
    expect(`${plan(ship(), [3], 2)}`).toBe(
      [
        'graph "ship": 4 tasks, work 9.00 s, span 7.00 s, parallelism 1.29',
        'on 2 slots: 7.00 s, 1.29 times faster than one after the other, slots idle 36 %',
        'no schedule is shorter than 7.00 s: this one is the shortest possible',
        'critical path: schema → api → ship',
        '',
        '  schema  █████████·······················  slot 0  2.00 s, critical',
        '  api     ·········██████████████·········  slot 0  3.00 s, critical',
        '  ui      ·········▒▒▒▒▒▒▒▒▒··············  slot 1  2.00 s, slack 1.00 s',
        '  ship    ·······················█████████  slot 0  2.00 s, critical',
      ].join('\n'),
    )
  })

  test('says how far from the best a schedule can be, and stays short for large graphs', () => {
    const model = new GraphModel('wide')
    for (let i = 0; i < 101; i++) model.add(`t${i}`, undefined, 10)
    const text = plan(
      model,
      Array.from({ length: 101 }, (_, i) => i),
      100,
    ).toString()
    expect(text).toContain('no schedule is shorter than 10 ms: this one is at most 1.98 times the shortest possible')
    expect(text).toContain('… and 61 more, in `tasks`')
    expect(text.split('\n').length).toBeLessThan(50)
    expect(plan(model, [0], 1).toString()).toContain('1 task,')
  })

  test('draws the graph for Mermaid, names escaped', () => {
    expect(plan(ship(), [3], 2).toMermaid()).toBe(
      [
        'flowchart LR',
        '  t0["schema<br/>2.00 s"]',
        '  t1["api<br/>3.00 s"]',
        '  t2["ui<br/>2.00 s"]',
        '  t3["ship<br/>2.00 s"]',
        '  t0 ==> t1',
        '  t0 --> t2',
        '  t1 ==> t3',
        '  t2 --> t3',
        '  classDef critical stroke-width:3px',
        '  class t0,t1,t3 critical',
        '',
      ].join('\n'),
    )
    expect(plan(ship(), [4], 2).toMermaid()).toContain('t0["unneeded #34;x#34;<br/>100 ms"]')
  })

  test('of nothing is empty', () => {
    const nothing = plan(ship(), [], 2)
    expect(nothing).toMatchObject({ tasks: [], levels: [], criticalPath: [], workMs: 0, makespanMs: 0, speedup: 1, idle: 0 })
    expect(`${nothing}`).toContain('0 tasks')
    expect(nothing.toMermaid()).toBe('flowchart LR\n')
  })
})
