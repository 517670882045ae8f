/** Small random projects, and a checker of schedules that shares nothing with the scheduler. */
import type { Link, LinkType, Project, Task } from '../model/project.ts'
import type { Planned } from '../plan.ts'
import { randomFrom } from './random.ts'

export function projectOf(tasks: readonly Partial<Task>[], more: Partial<Project> = {}): Project {
  return {
    name: 'test',
    file: '',
    format: 'plan',
    unit: 'period',
    calendars: {},
    resources: [],
    notes: [],
    ...more,
    tasks: tasks.map((task, i) => ({
      id: String(i),
      name: `task ${i}`,
      durationMs: 1_000,
      links: [],
      demands: [],
      line: 0,
      ...task,
    })),
  }
}

export interface Shape {
  readonly tasks: number
  readonly links?: readonly LinkType[]
  readonly lags?: boolean
  readonly skills?: boolean
  readonly calendars?: boolean
  readonly releases?: boolean
}

/** A project of tasks of up to 9 hours, which need some of those before them, and of three resources with 1 to 3 units. */
export function randomProject(seed: number, shape: Shape): Project {
  const random = randomFrom(seed)
  const below = (bound: number): number => Math.floor(random() * bound)
  const types = shape.links ?? ['FS']
  const hour = 3_600_000
  const capacities = [1 + below(3), 1 + below(3), 1 + below(3)]
  const people = ['ann', 'bob', 'cat', 'dan']
  const weekday = [[9 * hour, 12 * hour] as const, [13 * hour, 17 * hour] as const]
  const rules = { week: [[], weekday, weekday, weekday, weekday, weekday, []], days: { 20_000: [] } }
  const part = { week: [[], [], weekday, weekday, [[8 * hour, 20 * hour] as const], weekday, weekday], days: {} }
  const tasks = Array.from({ length: shape.tasks }, (_, t): Partial<Task> => {
    const links: Link[] = []
    for (let need = 0; need < t; need++) {
      if (random() > 1.6 / t) continue
      const type = types[below(types.length)] ?? 'FS'
      links.push({ task: String(need), type, lagMs: shape.lags && random() < 0.5 ? (below(7) - 3) * hour : 0, line: 0 })
    }
    const demands = capacities.flatMap((capacity, r) =>
      random() < 0.5 ? [{ resource: `R${r}`, units: 1 + below(capacity), line: 0 }] : [],
    )
    const skills =
      shape.skills && random() < 0.7 ? [{ skill: below(2) === 0 ? 'wood' : 'iron', units: 1 + below(2), line: 0 }] : []
    return {
      durationMs: below(10) * hour,
      links,
      demands: [...demands, ...skills],
      ...(shape.releases && random() < 0.3 && { earliestMs: below(20) * hour }),
    }
  })
  return projectOf(tasks, {
    unit: 'h',
    ...(shape.calendars && { startMs: 20_000 * 86_400_000, calendar: 'work', calendars: { work: rules, part } }),
    resources: [
      ...capacities.map((capacity, r) => ({
        id: `R${r}`,
        name: `R${r}`,
        capacity,
        skills: [],
        line: 0,
        ...(shape.calendars && r === 2 && { calendar: 'part' }),
      })),
      ...(shape.skills
        ? people.map((id, i) => ({
            id,
            name: id,
            capacity: 1,
            skills: i < 2 ? ['wood', 'iron'] : [i === 2 ? 'wood' : 'iron'],
            line: 0,
            ...(shape.calendars && i === 3 && { calendar: 'part' }),
          }))
        : []),
    ],
  })
}

/** What a schedule breaks, a sentence each. Looks at every hour and every pair of tasks, without any of the scheduler's code. */
export function violations({ project, scheduled, compiled }: Planned): string[] {
  const wrong: string[] = []
  const { starts, ends, taken } = scheduled
  const number = new Map(compiled.tasks.map(({ id }, t) => [id, t]))
  const at = (times: Float64Array, id: string): number => times[number.get(id) ?? -1] ?? Number.NaN
  for (const task of project.tasks) {
    const [start, end] = [at(starts, task.id), at(ends, task.id)]
    const own = taken[number.get(task.id) ?? -1] ?? []
    if (!(start >= (task.earliestMs ?? 0))) wrong.push(`${task.id} starts before its release`)
    const names = [task.calendar ?? project.calendar, ...own.map(([r]) => project.resources[r]?.calendar)]
    const done = workBetween(project, names, start, end)
    if (done !== task.durationMs) wrong.push(`${task.id} works ${done} of ${task.durationMs}`)
    for (const { task: need, type, lagMs } of task.links) {
      const from = at(type === 'FS' || type === 'FF' ? ends : starts, need)
      const to = type === 'FS' || type === 'SS' ? start : end
      // A lag is working time; a lead may be rounded to it.
      if (!project.calendar && to < from + lagMs) wrong.push(`${task.id} breaks its ${type} to ${need}`)
      if (project.calendar && lagMs >= 0 && to < from) wrong.push(`${task.id} breaks its ${type} to ${need}`)
    }
    if (task.durationMs === 0) continue
    for (const demand of task.demands) {
      const units = own.reduce((sum, [r, each]) => {
        const resource = project.resources[r]
        return (
          sum + (('resource' in demand ? resource?.id === demand.resource : resource?.skills.includes(demand.skill)) ? each : 0)
        )
      }, 0)
      if (units < demand.units) wrong.push(`${task.id} has ${units} of ${demand.units} ${JSON.stringify(demand)}`)
    }
  }
  for (const [r, { capacity, id }] of project.resources.entries()) {
    for (const moment of starts) {
      let used = 0
      for (let t = 0; t < starts.length; t++) {
        if ((starts[t] ?? 0) <= moment && moment < (ends[t] ?? 0))
          for (const [resource, units] of taken[t] ?? []) if (resource === r) used += units
      }
      if (used > capacity) wrong.push(`${used} of ${capacity} ${id} are taken at ${moment}`)
    }
  }
  return wrong
}

function workBetween(
  { calendars, startMs = 0 }: Project,
  names: readonly (string | undefined)[],
  start: number,
  end: number,
): number {
  const used = names.flatMap((name) => (name === undefined ? [] : [calendars[name]]))
  if (used.length === 0) return end - start
  const [minute, day] = [60_000, 86_400_000]
  let sum = 0
  for (let t = start; t < end; t += minute) {
    const date = Math.floor((startMs + t) / day)
    const time = startMs + t - date * day
    const works = used.every((rules) =>
      (rules?.days[date] ?? rules?.week[(date + 4) % 7] ?? []).some(([from, to]) => from <= time && time < to),
    )
    if (works) sum += minute
  }
  return sum
}
