/** Lengths of time of a project, for people. */
import { dayLengthsOf } from './calendar.ts'
import type { Project } from './project.ts'
import { type DayLengths, lengthText, unitMs } from './time.ts'

/** How long a day and a week of the project are. */
export function daysOf({ calendar, calendars }: Project): DayLengths {
  return dayLengthsOf(calendar === undefined ? undefined : calendars[calendar])
}

/** Shows numbers that count in the unit of the project. */
export function lengths(project: Project): (value: number) => string {
  const days = daysOf(project)
  const ms = unitMs(project.unit, days)
  return (value) => lengthText(value * ms, project.unit, days)
}
