import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { assess } from '../assess.ts'
import { readPlan } from '../formats/read.ts'
import type { Project } from '../model/project.ts'
import { plan } from '../plan.ts'
import { randomProject } from '../schedule/schedule.fixture.ts'
import { digests } from './digest.ts'
import { exportPlan } from './export.ts'

const house = `
name: House & garden
start: 2026-03-02
calendar: { days: mon-fri, hours: { mon-thu: [09:00-12:00, 13:00-17:00], fri: [09:00-13:00] }, holidays: [2026-03-06], exceptions: { 2026-03-07: [10:00-14:00] } }
calendars: { ann: { days: mon-thu } }
resources:
  - { id: ann, name: Ann, skills: [wood, iron], calendar: ann }
  - { id: crane, capacity: 2 }
tasks:
  - { id: dig, name: "Dig: deep; #1", duration: 3d, resources: { crane: 2 }, section: Ground }
  - { id: "b, c", name: "<b>Pour</b>", duration: 5h, estimate: [1h, 5h, 9h], needs: [{ task: dig, type: SS, lag: 1d }], resources: [ann] }
  - { id: roof, duration: 90min, needs: ["b, c", { task: dig, type: FF, lag: -2h }], skills: [wood], earliest: 2026-03-05, due: 2026-03-20 }
  - { id: done, duration: 0, needs: [roof] }
`
const without = ({ tasks, resources, calendars, calendar, startMs, unit, name }: Project) => ({
  name,
  unit,
  startMs,
  calendar,
  calendars: JSON.parse(JSON.stringify(calendars)) as unknown,
  resources: resources.map((resource) => ({ ...resource, line: 0 })),
  tasks: tasks.map((task) => ({
    ...task,
    line: 0,
    links: task.links.map((link) => ({ ...link, line: 0 })),
    demands: task.demands.map((demand) => ({ ...demand, line: 0 })),
  })),
})

describe('what is written is read as the same project', () => {
  for (const format of ['json', 'csv', 'mermaid'] as const) {
    test(`in ${format}`, async () => {
      const projects = [
        await readPlan(house, { file: 'house.yaml' }),
        ...[1, 2, 3, 4].map((seed) =>
          randomProject(seed, {
            tasks: 12,
            skills: true,
            releases: true,
            lags: true,
            links: ['FS', 'SS', 'FF', 'SF'],
            calendars: seed % 2 === 0,
          }),
        ),
      ]
      for (const project of projects) {
        const planned = plan(project, { schedules: 50 })
        const read = await readPlan(exportPlan(planned, format), { file: `house.${format}` })
        // A chart has sections one after the other.
        const sorted = (tasks: readonly { readonly id: string }[]) => tasks.toSorted((a, b) => (a.id < b.id ? -1 : 1))
        const [expected, got] = [without(planned.project), without(read)]
        expect({ ...got, tasks: sorted(got.tasks) }).toEqual({
          ...expected,
          name: expected.name,
          tasks: sorted(expected.tasks).map((task) => ({
            ...task,
            ...(format === 'mermaid' &&
              'name' in task && { name: String(task.name).replaceAll(':', '：').replaceAll(';', '；').replaceAll('#', '＃') }),
          })),
        })
      }
    })
  }

  test('in mspdi, but for skills, estimates and identities', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const planned = plan(
        randomProject(seed, {
          tasks: 12,
          releases: true,
          lags: true,
          links: ['FS', 'SS', 'FF', 'SF'],
          calendars: seed % 2 === 0,
        }),
        { schedules: 50 },
      )
      const again = plan(await readPlan(exportPlan(planned, 'mspdi'), { file: 'plan.xml' }), { schedules: 50 })
      expect(again.project.tasks.map(({ name, durationMs, earliestMs }) => [name, durationMs, earliestMs])).toEqual(
        planned.project.tasks.map(({ name, durationMs, earliestMs }) => [name, durationMs, earliestMs]),
      )
      expect(again.project.tasks.map(({ links }) => links.map(({ type, lagMs }) => [type, lagMs]))).toEqual(
        planned.project.tasks.map(({ links }) => links.map(({ type, lagMs }) => [type, lagMs])),
      )
      expect([again.scheduled.ideal.end, again.scheduled.lowerBound]).toEqual([
        planned.scheduled.ideal.end,
        planned.scheduled.lowerBound,
      ])
    }
  })
})

test('names never become markup', async () => {
  const planned = plan(await readPlan(house, { file: 'house.yaml' }))
  for (const format of ['svg', 'html', 'mspdi'] as const) {
    const text = exportPlan(planned, format, assess(planned))
    expect(text).not.toContain('<b>Pour')
    expect(text).toContain('&lt;b&gt;Pour')
  }
  expect(exportPlan(planned, 'digest')).not.toContain('<b>')
  expect(exportPlan(planned, 'csv')).not.toMatch(/^=|,=/m)
})

test('a digest says what starts when, what it waits for and whom it blocks', async () => {
  const planned = plan(
    await readPlan(
      'start: 2026-03-02\ntasks:\n  - { id: a, name: The API, duration: 2d, resources: [ann] }\n  - { id: b, name: The page, duration: 1d, needs: [a], resources: [bob] }\n',
      { file: 'p.yaml' },
    ),
  )
  expect(digests(planned).map(({ text }) => text)).toEqual([
    '## ann: 1 task in p, the first from 2026-03-02\n\n- **The API**: from 2026-03-02 to 2026-03-04, 2 d; a delay here delays the end\n  - The page (bob) waits for it\n',
    '## bob: 1 task in p, the first from 2026-03-04\n\n- **The page**: from 2026-03-04 to 2026-03-05, 1 d; a delay here delays the end\n  - after The API (ann)\n',
  ])
})

describe('files of others', () => {
  const fixture = (name: string) =>
    readPlan(readFileSync(new URL(`../../../test/fixtures/plan/${name}`, import.meta.url), 'utf8'), { file: name })

  test('links of every kind, as Microsoft Project schedules them', async () => {
    const { report, project } = plan(await fixture('mspdirelations.xml'))
    expect(project.tasks.map(({ name, links }) => [name, links.map(({ type }) => type).join()])).toEqual([
      ['Task 1', ''],
      ['Task 2', 'FS'],
      ['Task 3', 'SS'],
      ['Task 4', 'FF'],
      ['Task 5', 'SF'],
    ])
    // As the file itself says: Start and Finish of each task.
    expect(
      Object.fromEntries(
        report.tasks.map(({ name, startDate, endDate }) => [name, `${startDate?.slice(8, 13)} ${endDate?.slice(8, 13)}`]),
      ),
    ).toEqual({
      'Task 1': '21T08 21T17',
      'Task 2': '22T08 22T17',
      'Task 3': '25T08 25T17',
      'Task 4': '25T08 25T17',
      'Task 5': '22T08 25T08',
    })
    expect(report).toMatchObject({ sequential: 5, ideal: 3 })
  })

  test('assignments', async () => {
    const { report } = plan(await fixture('assignment-assignments-project2016-mspdi.xml'))
    expect(report.tasks.map(({ name, duration, resource }) => [name, duration, resource])).toEqual([
      ['Task 1', 10, 'Resource 1'],
      ['Task 2', 10, 'Resource 2'],
      ['Task 3', 10, 'Resource 3'],
    ])
  })

  test('a task that was split', async () => {
    const { tasks, calendars } = await fixture('mspdisplittask.xml')
    expect(tasks.length).toBeGreaterThan(0)
    expect(Object.keys(calendars)).toContain('Standard')
  })

  test('a workflow with a matrix that includes more', async () => {
    const { report } = plan(await fixture('vite-ci.yml'))
    expect(report).toMatchObject({ sequential: 9, ideal: 3 })
    expect(report.tasks.map(({ name }) => name)).toContain('Build&Test: node-20, windows-latest')
  })

  test('a workflow with a product of axes', async () => {
    const { report } = plan(await fixture('undici-ci.yml'))
    expect(report).toMatchObject({ sequential: 25, ideal: 2 })
    expect(report.tasks.at(-1)).toMatchObject({ id: 'automerge', start: 1 })
  })
})
