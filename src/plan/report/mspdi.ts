/** A plan as XML of Microsoft Project (MSPDI), with the dates of its schedule. Durations are working time, as there. */
import type { CalendarRules, Span } from '../model/calendar.ts'
import type { LinkType } from '../model/project.ts'
import type { Planned } from '../plan.ts'

const typeOf: Readonly<Record<LinkType, number>> = { FF: 0, FS: 1, SF: 2, SS: 3 }
const dayMs = 86_400_000
/** Files of Microsoft Project have dates; a plan without begins on this Monday. */
const noDate = Date.UTC(2000, 0, 3)
const always: CalendarRules = { week: Array.from({ length: 7 }, (): readonly Span[] => [[0, dayMs]]), days: {} }

export function mspdi({ project, compiled, scheduled }: Planned): string {
  const startMs = project.startMs ?? noDate
  const date = (ms: number): string => new Date(startMs + ms).toISOString().slice(0, 19)
  const calendars = Object.entries({
    ...(project.calendar === undefined && { 'Around the clock': always }),
    ...project.calendars,
  })
  const calendarUid = new Map(calendars.map(([name], i) => [name, i + 1]))
  const uid = new Map(project.tasks.map(({ id }, i) => [id, i + 1]))
  const resourceUid = new Map(project.resources.map(({ id }, i) => [id, i + 1]))
  const number = new Map(compiled.tasks.map(({ id }, t) => [id, t]))
  const tasks = project.tasks.map((task, i) => {
    const t = number.get(task.id) ?? 0
    return element('Task', [
      leaf('UID', i + 1),
      leaf('ID', i + 1),
      leaf('Name', task.name),
      leaf('Type', 1),
      leaf('WBS', task.id),
      leaf('OutlineLevel', 1),
      leaf('Start', date(scheduled.starts[t] ?? 0)),
      leaf('Finish', date(scheduled.ends[t] ?? 0)),
      leaf('Duration', duration(task.durationMs)),
      leaf('DurationFormat', 7),
      leaf('Milestone', task.durationMs === 0 ? 1 : 0),
      leaf('Summary', 0),
      ...(task.calendar === undefined ? [] : [leaf('CalendarUID', calendarUid.get(task.calendar) ?? -1)]),
      ...(task.earliestMs === undefined
        ? [leaf('ConstraintType', 0)]
        : [leaf('ConstraintType', 4), leaf('ConstraintDate', date(task.earliestMs))]),
      ...(task.dueMs === undefined ? [] : [leaf('Deadline', date(task.dueMs))]),
      ...task.links.map((link) =>
        element('PredecessorLink', [
          leaf('PredecessorUID', uid.get(link.task) ?? 0),
          leaf('Type', typeOf[link.type]),
          leaf('CrossProject', 0),
          leaf('LinkLag', Math.round(link.lagMs / 6_000)),
          leaf('LagFormat', 7),
        ]),
      ),
    ])
  })
  const resources = project.resources.map(({ name, capacity, calendar }, i) =>
    element('Resource', [
      leaf('UID', i + 1),
      leaf('ID', i + 1),
      leaf('Name', name),
      leaf('Type', 1),
      leaf('MaxUnits', capacity),
      ...(calendar === undefined ? [] : [leaf('CalendarUID', calendarUid.get(calendar) ?? -1)]),
    ]),
  )
  // A resource that was chosen by skill is assigned like any other.
  const assigned = project.tasks.flatMap((task) =>
    (scheduled.taken[number.get(task.id) ?? 0] ?? []).map(([r, units]) => ({
      task,
      resource: project.resources[r]?.id ?? '',
      units,
    })),
  )
  const assignments = assigned.map(({ task, resource, units }, i) =>
    element('Assignment', [
      leaf('UID', i + 1),
      leaf('TaskUID', uid.get(task.id) ?? 0),
      leaf('ResourceUID', resourceUid.get(resource) ?? 0),
      leaf('Units', units),
    ]),
  )
  const [{ dayMs: day, weekMs: week }] = [
    project.calendar === undefined ? { dayMs, weekMs: 7 * dayMs } : lengths(project.calendars[project.calendar]),
  ]
  const root = element(
    'Project',
    [
      leaf('SaveVersion', 14),
      leaf('Name', project.name),
      leaf('Title', project.name),
      leaf('ScheduleFromStart', 1),
      leaf('StartDate', date(0)),
      leaf('FinishDate', date(scheduled.end)),
      leaf('CalendarUID', calendarUid.get(project.calendar ?? 'Around the clock') ?? 1),
      leaf('MinutesPerDay', Math.round(day / 60_000)),
      leaf('MinutesPerWeek', Math.round(week / 60_000)),
      leaf('DaysPerMonth', 20),
      element(
        'Calendars',
        calendars.map(([name, rules], i) => calendarOf(name, rules, i + 1)),
      ),
      element('Tasks', tasks),
      element('Resources', resources),
      element('Assignments', assignments),
    ],
    ' xmlns="http://schemas.microsoft.com/project"',
  )
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${root}\n`
}

function lengths(rules: CalendarRules | undefined): { readonly dayMs: number; readonly weekMs: number } {
  const days = (rules ?? always).week.map((spans) => spans.reduce((sum, [from, to]) => sum + to - from, 0))
  return { dayMs: Math.max(...days), weekMs: days.reduce((sum, each) => sum + each, 0) }
}

function calendarOf(name: string, { week, days }: CalendarRules, uid: number): string {
  const weekDays = week.map((spans, day) =>
    element('WeekDay', [leaf('DayType', day + 1), leaf('DayWorking', spans.length > 0 ? 1 : 0), ...times(spans)]),
  )
  const exceptions = Object.entries(days).map(([day, spans]) => {
    const date = new Date(Number(day) * dayMs).toISOString().slice(0, 10)
    return element('Exception', [
      leaf('EnteredByOccurrences', 0),
      element('TimePeriod', [leaf('FromDate', `${date}T00:00:00`), leaf('ToDate', `${date}T23:59:00`)]),
      leaf('Occurrences', 1),
      leaf('Name', spans.length === 0 ? 'free' : 'other hours'),
      leaf('Type', 1),
      leaf('DayWorking', spans.length > 0 ? 1 : 0),
      ...times(spans),
    ])
  })
  return element('Calendar', [
    leaf('UID', uid),
    leaf('Name', name),
    leaf('IsBaseCalendar', 1),
    leaf('BaseCalendarUID', -1),
    element('WeekDays', weekDays),
    ...(exceptions.length > 0 ? [element('Exceptions', exceptions)] : []),
  ])
}

function times(spans: readonly Span[]): string[] {
  if (spans.length === 0) return []
  return [
    element(
      'WorkingTimes',
      spans.map(([from, to]) => element('WorkingTime', [leaf('FromTime', time(from)), leaf('ToTime', time(to % dayMs))])),
    ),
  ]
}

function time(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19)
}

/** Whole seconds, as `PT8H0M0S`. */
function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  return `PT${Math.floor(seconds / 3_600)}H${Math.floor(seconds / 60) % 60}M${seconds % 60}S`
}

function element(name: string, children: readonly string[], attributes = ''): string {
  return `<${name}${attributes}>\n${children.map((each) => each.replaceAll(/^/gm, '  ')).join('\n')}\n</${name}>`
}

function leaf(name: string, value: string | number): string {
  return `<${name}>${escaped(String(value))}</${name}>`
}

/** XML has no way to write other control characters. */
export function escaped(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
