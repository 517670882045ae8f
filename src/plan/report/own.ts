/** A project in heddle's own form: what `readPlan` reads is the same project again. */
import type { CalendarRules, Span } from '../model/calendar.ts'
import type { Demand, Link, Project, Resource, Task } from '../model/project.ts'
import { type DayLengths, unitMs } from '../model/time.ts'
import { daysOf } from '../model/lengths.ts'

const dayMs = 86_400_000
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

/** A part of a plan, as JSON writes it. */
export type Own = { readonly [name: string]: unknown }

export function ownProject(project: Project): Own {
  return { ...ownSettings(project), tasks: project.tasks.map((task) => ownTask(task, project)) }
}

/** All but the tasks. */
export function ownSettings({ name, unit, startMs, calendar, calendars, resources }: Project): Own {
  return {
    ...(name !== '' && { name }),
    unit,
    ...(startMs !== undefined && { start: new Date(startMs).toISOString().slice(0, 19) }),
    ...(Object.keys(calendars).length > 0 && {
      calendars: Object.fromEntries(Object.entries(calendars).map(([each, rules]) => [each, ownCalendar(rules)])),
    }),
    ...(calendar !== undefined && { calendar }),
    ...(resources.length > 0 && { resources: resources.map(ownResource) }),
  }
}

function ownResource({ id, name, capacity, skills, calendar }: Resource): Own {
  return {
    id,
    ...(name !== id && { name }),
    ...(capacity !== 1 && { capacity }),
    ...(skills.length > 0 && { skills }),
    ...(calendar !== undefined && { calendar }),
  }
}

export function ownTask(task: Task, project: Project): Own {
  const length = lengthOf(project)
  const { estimate, earliestMs, dueMs } = task
  return {
    id: task.id,
    ...(task.name !== task.id && { name: task.name }),
    duration: length(task.durationMs),
    ...(estimate && {
      estimate: { min: length(estimate.minMs), likely: length(estimate.likelyMs), max: length(estimate.maxMs) },
    }),
    ...(task.links.length > 0 && { needs: task.links.map((link) => ownLink(link, length)) }),
    ...ownDemands(task.demands),
    ...(earliestMs !== undefined && { earliest: length(earliestMs) }),
    ...(dueMs !== undefined && { due: length(dueMs) }),
    ...(task.calendar !== undefined && { calendar: task.calendar }),
    ...(task.section !== undefined && { section: task.section }),
  }
}

/** A number where the unit says it exactly, else milliseconds. */
export function lengthOf(project: Project): (ms: number) => number | string {
  const days: DayLengths = daysOf(project)
  const unit = unitMs(project.unit, days)
  return (ms) => {
    const number = Number((ms / unit).toFixed(6))
    return Math.round(number * unit) === ms ? number : `${ms}ms`
  }
}

export function ownLink({ task, type, lagMs, implied }: Link, length: (ms: number) => number | string): unknown {
  if (type === 'FS' && lagMs === 0 && !implied) return task
  const lag = typeof length(lagMs) === 'number' ? length(lagMs) : `${lagMs < 0 ? '-' : ''}${length(Math.abs(lagMs))}`
  return { task, type, ...(lagMs !== 0 && { lag }), ...(implied && { implied }) }
}

function ownDemands(demands: readonly Demand[]): Own {
  const resources = demands.flatMap((demand) =>
    'resource' in demand ? [demand.units === 1 ? demand.resource : { resource: demand.resource, units: demand.units }] : [],
  )
  const skills = demands.flatMap((demand) =>
    'skill' in demand ? [demand.units === 1 ? demand.skill : { skill: demand.skill, units: demand.units }] : [],
  )
  return { ...(resources.length > 0 && { resources }), ...(skills.length > 0 && { skills }) }
}

export function ownCalendar({ week, days }: CalendarRules): Own {
  const works = weekdays.filter((_, day) => (week[day] ?? []).length > 0)
  const texts = week.map((spans) => spans.map(spanText))
  const [first] = works.map((name) => texts[weekdays.indexOf(name)])
  const same = works.every((name) => JSON.stringify(texts[weekdays.indexOf(name)]) === JSON.stringify(first))
  const whole = same && first?.length === 1 && first[0] === '00:00-24:00'
  const dated = Object.entries(days).map(
    ([day, spans]) => [new Date(Number(day) * dayMs).toISOString().slice(0, 10), spans.map(spanText)] as const,
  )
  const holidays = dated.filter(([, spans]) => spans.length === 0).map(([date]) => date)
  const exceptions = dated.filter(([, spans]) => spans.length > 0)
  return {
    days: works,
    ...(!whole && { hours: same ? first : Object.fromEntries(works.map((name) => [name, texts[weekdays.indexOf(name)]])) }),
    ...(holidays.length > 0 && { holidays }),
    ...(exceptions.length > 0 && { exceptions: Object.fromEntries(exceptions) }),
  }
}

function spanText([from, to]: Span): string {
  const time = (ms: number): string =>
    `${String(Math.floor(ms / 3_600_000)).padStart(2, '0')}:${String(Math.floor(ms / 60_000) % 60).padStart(2, '0')}`
  return `${time(from)}-${time(to)}`
}
