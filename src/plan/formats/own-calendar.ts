/** `{ days: [mon, …], hours: ["09:00-12:00", …], holidays: ["2026-04-03", "2026-12-24..2027-01-02"] }`; hours may differ by day, `{ mon-thu: [...], fri: [...] }`, and by date, in `exceptions`. */
import type { CalendarRules, Span } from '../model/calendar.ts'
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import { parseDate } from '../model/time.ts'
import { at, type Located, textsOf } from './located.ts'

const dayMs = 86_400_000
export const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
/** Dates that are further apart are a typo. */
const longestHolidays = 3_660

export function calendarRules(node: Located, file: string): CalendarRules {
  const wrong = (line: number, message: string): InvalidPlan => new InvalidPlan(`${message}${place(file, line)}`)
  if (node.kind !== 'map') throw wrong(node.line, 'Expected a calendar to be an object with `days`, `hours` and `holidays`')
  for (const [name, { line }] of node.entries) {
    if (!['days', 'hours', 'holidays', 'exceptions'].includes(name))
      throw wrong(line, `Unknown name \`${name}\` in a calendar; it may have \`days\`, \`hours\`, \`holidays\`, \`exceptions\``)
  }
  const days = at(node, 'days')
  const working = new Set<number>(days ? [] : [1, 2, 3, 4, 5])
  for (const { text, line } of textsOf(days))
    for (const day of daysOf(text)) {
      if (day === -1) throw wrong(line, `Expected a day of the week such as mon, or mon-fri, got ${JSON.stringify(text)}`)
      working.add(day)
    }
  if (working.size === 0) throw wrong(node.line, 'A calendar needs at least one working day')
  const spansOf = (hours: Located | undefined): Span[] => {
    const spans: Span[] = textsOf(hours).map(
      ({ text, line }) =>
        spanOf(text) ?? fail(wrong(line, `Expected working hours such as 09:00-17:00, got ${JSON.stringify(text)}`)),
    )
    spans.sort(([a], [b]) => a - b)
    if (spans.some(([from], i) => from < (spans[i - 1]?.[1] ?? 0)))
      throw wrong(node.line, 'The working hours of a calendar overlap')
    return spans
  }
  const hours = at(node, 'hours')
  const common = hours?.kind === 'map' ? [] : spansOf(hours)
  const own: readonly Span[] = common.length > 0 ? common : [[0, dayMs]]
  const week = Array.from({ length: 7 }, (_, day) => (working.has(day) ? own : []))
  if (hours?.kind === 'map')
    for (const [text, spans] of hours.entries)
      for (const day of daysOf(text)) {
        if (day === -1) throw wrong(spans.line, `Expected a day of the week such as mon, or mon-fri, got ${JSON.stringify(text)}`)
        week[day] = spansOf(spans)
      }
  const free: Record<number, readonly Span[]> = {}
  for (const { text, line } of textsOf(at(node, 'holidays'))) {
    const [from, to] = text.split('..').map((part) => parseDate(part)) as [number | undefined, number | undefined]
    const last = text.includes('..') ? to : from
    if (from === undefined || last === undefined || last < from || last - from > longestHolidays * dayMs)
      throw wrong(line, `Expected a holiday such as 2026-04-03, or 2026-12-24..2027-01-02, got ${JSON.stringify(text)}`)
    for (let day = Math.floor(from / dayMs); day <= Math.floor(last / dayMs); day++) free[day] = []
  }
  const exceptions = at(node, 'exceptions')
  if (exceptions?.kind === 'map')
    for (const [text, spans] of exceptions.entries) {
      const date = parseDate(text)
      if (date === undefined) throw wrong(spans.line, `Expected a date such as 2026-04-03, got ${JSON.stringify(text)}`)
      free[Math.floor(date / dayMs)] = spansOf(spans)
    }
  return { week, days: free }
}

function daysOf(text: string): number[] {
  const [from = '', to] = text.split('-')
  const first = dayOf(from)
  if (to === undefined) return [first]
  const last = dayOf(to)
  if (first === -1 || last === -1) return [-1]
  const days: number[] = []
  for (let day = first; ; day = (day + 1) % 7) {
    days.push(day)
    if (day === last) return days
  }
}

function dayOf(text: string): number {
  const short = text.trim().slice(0, 3).toLowerCase()
  return (weekdays as readonly string[]).indexOf(short)
}

function spanOf(text: string): Span | undefined {
  const found = /^\s*(\d{1,2})(?::(\d{2}))?\s*-\s*(\d{1,2})(?::(\d{2}))?\s*$/.exec(text)
  if (!found) return undefined
  const [from, to] = [Number(found[1]) * 60 + Number(found[2] ?? 0), Number(found[3]) * 60 + Number(found[4] ?? 0)]
  return from < to && to <= 24 * 60 ? [from * 60_000, to * 60_000] : undefined
}

function fail(error: InvalidPlan): never {
  throw error
}
