import { describe, expect, test } from 'vitest'
import { plan } from '../plan.ts'
import { readPlan } from './read.ts'

const day = 86_400_000
const read = (text: string, file = 'plan.yaml') => readPlan(text, { file })
const failure = async (text: string, file = 'plan.yaml'): Promise<string> =>
  read(text, file).then(
    () => 'it was read',
    (error: Error) => error.message,
  )

describe("heddle's own form", () => {
  const yaml = `
name: House
unit: d
resources:
  - { id: ann, name: Ann, skills: [wood] }
  - { id: crane, capacity: 2 }
tasks:
  - { id: dig, duration: 3, resources: { crane: 2 } }
  - id: pour
    duration: [1d, 2d, 4d]
    needs: [dig, { task: dig, type: SS, lag: 1d }]
    resources: [ann]
  - { id: roof, name: The roof, duration: 12h, needs: pour FF+2d, skills: wood, earliest: 1, due: 9 }
`
  test('says tasks, links, resources and estimates, with their lines', async () => {
    const { tasks, resources } = await read(yaml)
    expect(resources.map(({ id, capacity, skills }) => [id, capacity, skills])).toEqual([
      ['ann', 1, ['wood']],
      ['crane', 2, []],
    ])
    expect(tasks.map(({ id, durationMs, line }) => [id, durationMs / day, line])).toEqual([
      ['dig', 3, 8],
      ['pour', 2, 9],
      ['roof', 0.5, 13],
    ])
    expect(tasks[1]).toMatchObject({
      estimate: { minMs: day, likelyMs: 2 * day, maxMs: 4 * day },
      links: [
        { task: 'dig', type: 'FS', lagMs: 0 },
        { task: 'dig', type: 'SS', lagMs: day },
      ],
    })
    expect(tasks[2]).toMatchObject({
      name: 'The roof',
      links: [{ task: 'pour', type: 'FF', lagMs: 2 * day }],
      demands: [{ skill: 'wood', units: 1 }],
      earliestMs: day,
      dueMs: 9 * day,
    })
  })

  test('is the same in JSON', async () => {
    const json = JSON.stringify(
      {
        tasks: [
          { id: 'a', duration: 2 },
          { id: 'b', duration: '1w 2d', needs: ['a'] },
          { id: 'c', duration: 'PT36H' },
        ],
      },
      null,
      2,
    )
    const { tasks } = await read(json, 'plan.json')
    expect(tasks.map(({ durationMs, line }) => [durationMs / day, line])).toEqual([
      [2, 3],
      [9, 7],
      [1.5, 14],
    ])
  })

  test('may be short', async () => {
    const { tasks } = await read('tasks:\n  dig: 2\n  pour: { duration: 1, needs: dig }\n')
    expect(tasks.map(({ id, durationMs, links }) => [id, durationMs / day, links.length])).toEqual([
      ['dig', 2, 0],
      ['pour', 1, 1],
    ])
  })

  test('counts a day as a working day of its calendar', async () => {
    const project = await read(`
start: 2026-03-05
calendar: { days: mon-fri, hours: [09:00-12:00, 13:00-17:00], holidays: [2026-03-09] }
tasks:
  - { id: a, duration: 3d }
  - { id: b, duration: 2h, needs: a+1d }
`)
    expect(project.tasks.map(({ durationMs }) => durationMs / 3_600_000)).toEqual([21, 2])
    const { report } = plan(project)
    // Thursday, Friday, Tuesday, because Monday is a holiday; a day between; Thursday morning.
    expect(report.tasks.map(({ startDate, endDate }) => [startDate, endDate])).toEqual([
      ['2026-03-05T09:00:00.000Z', '2026-03-10T17:00:00.000Z'],
      ['2026-03-12T09:00:00.000Z', '2026-03-12T11:00:00.000Z'],
    ])
    expect(report).toMatchObject({ sequential: 3.285714, ideal: 4.285714, scheduled: 4.285714 })
  })

  test.each([
    ['tasks: [{ id: a, duration: 1, neds: b }]', 'Unknown name `neds` in task "a"'],
    ['tasks:\n  - { id: a, duration: 1, needs: [b] }', 'Task "a" needs "b", and there is no such task (plan.yaml:2)'],
    ['tasks:\n  - { id: a, duration: 1, needs: [a] }', 'Task "a" needs itself (plan.yaml:2)'],
    ['tasks:\n  - { id: a, duration: 1 }\n  - { id: a, duration: 1 }', 'Two tasks are called "a": line 2 and line 3'],
    ['tasks:\n  - { id: a, duration: -1 }', 'Expected the duration of "a" to be a length of time'],
    ['tasks:\n  - { id: a }', 'Task "a" has no `duration` (plan.yaml:2)'],
    ['tasks: []', 'This plan has no tasks'],
    [
      'resources: { ann: 1 }\ntasks:\n  - { id: a, duration: 1, resources: [bob] }',
      '"bob", which is not among the resources (plan.yaml:3)',
    ],
    [
      'resources: { ann: 2 }\ntasks:\n  - { id: a, duration: 1, resources: { ann: 3 } }',
      'takes 3 of "ann", and there are 2 (plan.yaml:3)',
    ],
    ['tasks:\n  - { id: a, duration: 1, skills: [wood] }', 'takes somebody who knows "wood", and nobody does'],
    ['tasks:\n  - { id: a, duration: [3, 2, 1] }', 'to ascend from min to max'],
    ['calendar: { days: someday }\ntasks: { a: 1 }', 'Expected a day of the week such as mon'],
    ['tasks:\n  - { id: a, duration: 1e300 }', 'longer than dates can express'],
    ['tasks:\n  - {', 'Not YAML'],
  ])('%s', async (text, message) => {
    expect(await failure(text)).toContain(message)
  })

  test('says where JSON is wrong', async () => {
    expect(await failure('{\n "tasks": [\n  {"id": "a",, "duration": 1}\n ]\n}', 'plan.json')).toBe(
      'Not JSON: expected a name in double quotes, and it says ", \\"duration\\": 1}" (plan.json:3)',
    )
    expect(await failure('{"tasks": [', 'plan.json')).toContain('the file ends (plan.json:1)')
    expect(await failure('{"tasks": '.repeat(5_000), 'plan.json')).toContain('nested deeper')
  })

  test('does not unfold aliases without end', async () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefghi'
        .split('')
        .map((name, i) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefghi'[i]}`).join(', ')}]`),
    ].join('\n')
    expect(await failure(`${bomb}\ntasks: { a: 1 }`)).toMatch(/repeats itself|Excessive alias|Unknown name/)
  })
})

test('prints a circle as a circle, with the lines that it comes from', async () => {
  expect(await failure('id,duration,needs\na,1,c\nb,2,a\nc,3,b\nd,1,c\n', 'plan.csv')).toBe(
    [
      'Tasks need one another in a circle: a → c → b → a',
      '  a needs c (plan.csv:2)',
      '  c needs b (plan.csv:4)',
      '  b needs a (plan.csv:3)',
    ].join('\n'),
  )
})

describe('CSV', () => {
  test('takes the headings of other tools, quotes, and predecessors with types and lags', async () => {
    const text =
      'ID,Task Name,Duration,Start,Predecessors,Resource Names\n1,"Dig, deep",3 days,,,Ann\n2,Pour,2,,1FS+1 day,"Bob,Crane[200%]"\n3,Paint,4h,,"1SS+2d;2",Ann\n'
    const project = await readPlan(text, { file: 'plan.csv' }).catch((error: Error) => error.message)
    expect(project).toBe('Task "2" takes 2 of "Crane", and there is 1 (plan.csv:3)')
    const { tasks } = await readPlan(text.replace('[200%]', '[50%]'), { file: 'plan.csv' })
    expect(
      tasks.map(({ name, durationMs, links, demands }) => [
        name,
        durationMs / day,
        links.map(({ task, type, lagMs }) => [task, type, lagMs / day]),
        demands.length,
      ]),
    ).toEqual([
      ['Dig, deep', 3, [], 1],
      ['Pour', 2, [['1', 'FS', 1]], 2],
      [
        'Paint',
        4 / 24,
        [
          ['1', 'SS', 2],
          ['2', 'FS', 0],
        ],
        1,
      ],
    ])
  })

  test('takes semicolons, decimal commas, a byte order mark, and three estimates', async () => {
    const { tasks } = await readPlan('\uFEFFname;min;likely;max;needs\r\nA;1;2,5;9;\r\nB;1;1;1;A\r\n', { file: 'plan.csv' })
    expect(tasks[0]?.estimate).toEqual({ minMs: day, likelyMs: 2.5 * day, maxMs: 9 * day })
    expect(tasks[1]?.links[0]?.task).toBe('A')
  })

  test('numbers rows where predecessors are numbers and there is no identity', async () => {
    const { tasks } = await readPlan('Name,Duration,Predecessors\nDig,1,\nPour,1,1\n', { file: 'plan.csv' })
    expect(tasks.map(({ id, name, links }) => [id, name, links.map(({ task }) => task)])).toEqual([
      ['1', 'Dig', []],
      ['2', 'Pour', ['1']],
    ])
  })

  test('says which heading was meant', async () => {
    await expect(readPlan('id,durration\na,1\n', { file: 'plan.csv' })).rejects.toMatchObject({
      hint: 'Did you mean "duration"?',
    })
    expect(await failure('id,duration\na,1,2\n', 'plan.csv')).toContain(
      'The row has 3 cells, and there are 2 headings (plan.csv:2)',
    )
  })
})

describe('Mermaid', () => {
  const chart = `%% a comment
gantt
  title The plan
  dateFormat YYYY-MM-DD
  excludes weekends
  section A
  Completed :done, des1, 2014-01-06, 2014-01-08
  Active    :active, des2, 2014-01-09, 3d
  Future    :des3, after des1 des2, 5d
  Implied   : 24h
  Milestone :milestone, m1, after des3, 0d
`
  test('reads dates, after, implied order, milestones and excluded days', async () => {
    const project = await readPlan(chart, { file: 'plan.mmd' })
    expect(
      project.tasks.map(({ id, durationMs, links, line }) => [
        id,
        durationMs / day,
        links.map(({ task, implied }) => `${task}${implied ? '?' : ''}`),
        line,
      ]),
    ).toEqual([
      ['des1', 2, [], 7],
      ['des2', 3, [], 8],
      ['des3', 5, ['des1', 'des2'], 9],
      ['task 4', 1, ['des3?'], 10],
      ['m1', 0, ['des3'], 11],
    ])
    const { report } = plan(project)
    // Thursday, Friday, Monday; five days from Tuesday; a day.
    expect(report.tasks.map(({ endDate }) => endDate?.slice(0, 10))).toEqual([
      '2014-01-08',
      '2014-01-14',
      '2014-01-21',
      '2014-01-22',
      '2014-01-21',
    ])
    expect(project.notes).toHaveLength(1)
  })

  test('reads it inside a fence of Markdown, and other formats of dates', async () => {
    const { tasks, startMs } = await readPlan(
      '# Plan\n```mermaid\ngantt\n  dateFormat DD.MM.YYYY HH:mm\n  A :a, 06.01.2014 08:00, 90m\n```\nText: more, text\n',
      { file: 'plan.md' },
    )
    expect([startMs, tasks[0]?.durationMs]).toEqual([Date.UTC(2014, 0, 6, 8), 90 * 60_000])
  })

  const lengths = async (text: string): Promise<readonly (readonly [string, number])[]> => {
    const { tasks } = await readPlan(text, { file: 'plan.mmd' })
    return tasks.map(({ name, durationMs }) => [name, durationMs / day])
  }

  test('a task lasts until another begins, over days that are excluded and after tasks that stand below', async () => {
    const until =
      'gantt\n dateFormat YYYY-MM-DD\n excludes weekends\n Release :r, 2024-10-14, 5d\n Hands on :h, 2024-10-14, until p\n Phased :p, after r, 5d'
    // Monday to Monday: five days of work, however many the calendar has.
    expect(await lengths(until)).toEqual([
      ['Release', 5],
      ['Hands on', 5],
      ['Phased', 5],
    ])
    // mermaid-js/mermaid#5867: day 3 is excluded, so one day is left between the end of day 1 and the start of day 4.
    expect(
      await lengths('gantt\n dateFormat D\n excludes 3\n One :one, 1, 1d\n Two :after one, until three\n Three :three, 4, 1d'),
    ).toEqual([
      ['One', 1],
      ['Two', 1],
      ['Three', 1],
    ])
    const { notes } = await readPlan(until, { file: 'plan.mmd' })
    expect(notes[0]).toMatch(/^1 task lasts "until" others begin/)
  })

  test('days that are excluded do not lengthen a task between two dates', async () => {
    // mermaid-js/mermaid#6794: the end stays on the day that is written; 18 of its 24 days are worked.
    const text = 'gantt\n dateFormat DD/MM/YY\n excludes weekends, 2025/07/14\n Task1: 01/07/25,25/07/25'
    const project = await readPlan(text, { file: 'plan.mmd' })
    expect(plan(project).report.tasks[0]?.endDate?.slice(0, 10)).toBe('2025-07-25')
  })

  test('markers are not work, milestones need no end, and dates may stand in another form', async () => {
    const text = `gantt
      dateFormat dd MMM YY
      Sprint End : vert, v2, 2025-10-20 23:59:00, 4m
      Start : vert, 01/01/2025,
      Discussions :done, d, 01-Jan-2025, 2w
      Contingency :crit, c, after d, until deadline
      Deadline : milestone, deadline, 01-Mar-2025 ,     `
    expect(await lengths(text)).toEqual([
      ['Discussions', 14],
      ['Contingency', 45],
      ['Deadline', 0],
    ])
    expect(await lengths('gantt\n Gate :vert, g, 2025-01-06, 0d\n A :a, after g, 3d')).toEqual([
      ['Gate', 0],
      ['A', 3],
    ])
  })

  test.each([
    [
      'gantt\n A :a, 2025-01-01, until b\n B :b, after a, 1d',
      '"A" lasts until "b" begins, which waits for "A" itself (plan.mmd:2)',
    ],
    ['gantt\n A :a, 2025-01-01, until x', '"A" lasts until "x", and there is no such task (plan.mmd:2)'],
    ['gantt\n A :a, version 2025, 3d', 'Expected the start of "A" to be a date in the form YYYY-MM-DD'],
    ['gantt\n A :a, 2014-13-01, 3d', 'Expected the start of "A" to be a date in the form YYYY-MM-DD'],
    ['gantt\n A :a, after b, 3d', 'Task "a" needs "b", and there is no such task (plan.mmd:2)'],
    ['gantt\n A :a, 2014-01-02, 2014-01-01', '"A" ends before it starts (plan.mmd:2)'],
    ['gantt\n A :a, after b, 3d\n B :b, after a, 3d', 'a → b → a'],
    ['gantt\n what is this', 'Expected a task of a gantt chart'],
  ])('%s', async (text, message) => {
    expect(await failure(text, 'plan.mmd')).toContain(message)
  })
})

describe('PSPLIB', () => {
  const rows = ['RESOURCES\n  - renewable : 1 R', 'PRECEDENCE RELATIONS:', 'jobnr. #modes #successors successors', ' 1 1 2 2 3', ' 2 1 1 4', ' 3 1 1 4', ' 4 1 0', '****', 'REQUESTS/DURATIONS:', 'jobnr. mode duration R 1', '----', ' 1 1 0 0', ' 2 1 3 2', ' 3 1 4 2', ' 4 1 0 0', '****', 'RESOURCEAVAILABILITIES:', '  R 1', '   3', '****'] // prettier-ignore
  test('reads .sm', async () => {
    const { report } = plan(await readPlan(rows.join('\n'), { file: 'j2.sm' }))
    expect(report).toMatchObject({ sequential: 7, ideal: 4, scheduled: 7, lowerBound: 7, unit: 'period' })
    expect(report.criticalPath.map(({ id }) => id)).toEqual(['1', '3', '4'])
  })
  test('reads .rcp', async () => {
    const { report } = plan(await readPlan('4 1\n3\n0 0 2 2 3\n3 2 1 4\n4 2 1 4\n0 0 0\n', { file: 'p.rcp' }))
    expect(report).toMatchObject({ sequential: 7, ideal: 4, scheduled: 7 })
    expect(await failure('4 1\n3\n0 0 2 2 9\n3 2 1 4\n4 2 1 4\n0 0 0\n', 'p.rcp')).toBe(
      'Task 1 is followed by 9, and there are 4 tasks (p.rcp:3)',
    )
  })
  test('refuses several modes', async () => {
    expect(await failure(rows.join('\n').replace(' 2 1 1 4', ' 2 3 1 4'), 'm.mm')).toContain('Job 2 has 3 modes')
  })
})
