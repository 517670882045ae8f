/** Lengths of time as plans write them, and as reports show them. */

/** What the numbers of a plan mean. A period is what the plan says it is. */
export type Unit = 'w' | 'd' | 'h' | 'min' | 's' | 'ms' | 'period'

/** How long a day and a week are: 24 hours and 7 days, or the working time of a calendar. */
export interface DayLengths {
  readonly dayMs: number
  readonly weekMs: number
}

export const wholeDays: DayLengths = { dayMs: 86_400_000, weekMs: 7 * 86_400_000 }

const fixedMs = { h: 3_600_000, min: 60_000, s: 1_000, ms: 1, period: 1_000 } as const

export function unitMs(unit: Unit, days: DayLengths): number {
  return unit === 'd' ? days.dayMs : unit === 'w' ? days.weekMs : fixedMs[unit]
}

const words: Readonly<Record<string, Unit>> = {
  w: 'w', wk: 'w', wks: 'w', week: 'w', weeks: 'w',
  d: 'd', day: 'd', days: 'd', dy: 'd',
  h: 'h', hr: 'h', hrs: 'h', hour: 'h', hours: 'h',
  m: 'min', min: 'min', mins: 'min', minute: 'min', minutes: 'min',
  s: 's', sec: 's', secs: 's', second: 's', seconds: 's',
  ms: 'ms', millisecond: 'ms', milliseconds: 'ms',
  period: 'period', periods: 'period',
} // prettier-ignore

/** The unit of that name, such as `d`, `days` or `hours`; undefined when there is none. */
export function unitOf(word: string): Unit | undefined {
  const lower = word.toLowerCase()
  return Object.hasOwn(words, lower) ? words[lower] : undefined
}

const part = /(\d+(?:\.\d+)?)\s*([a-z]*)/giy
const iso = /^P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

/**
 * Milliseconds of `3`, `3d`, `2.5 days`, `1w 2d`, `90 min`, `PT8H30M`; a number alone counts in `unit`. Undefined when it is not a length of time.
 * Days of ISO 8601 are whole days only where the calendar's are.
 */
export function parseLength(text: string, unit: Unit, days: DayLengths): number | undefined {
  const trimmed = text.trim().replace(/\?$/, '')
  const found = iso.exec(trimmed)
  if (found && trimmed.length > 1 && !trimmed.endsWith('T')) {
    const [weeks, inDays, hours, minutes, seconds] = found.slice(1).map((number) => Number(number ?? 0)) as [
      number,
      number,
      number,
      number,
      number,
    ]
    return Math.round(weeks * days.weekMs + inDays * days.dayMs + hours * 3_600_000 + minutes * 60_000 + seconds * 1_000)
  }
  let sum = 0
  let at = 0
  while (at < trimmed.length) {
    part.lastIndex = at
    const match = part.exec(trimmed)
    if (!match) return undefined
    const [whole, number = '', word = ''] = match
    const of = word === '' ? unit : unitOf(word)
    if (of === undefined || (word === '' && (at > 0 || whole.length < trimmed.length))) return undefined
    sum += Number(number) * unitMs(of, days)
    at += whole.length
    while (/[\s,]/.test(trimmed[at] ?? '')) at++
  }
  return trimmed === '' || !Number.isFinite(sum) ? undefined : Math.round(sum)
}

/** Longer plans cannot be counted in whole milliseconds. */
export const longestMs = 8.64e15

/** Milliseconds since 1970 of `2026-03-02`, with or without a time of day; undefined when it is not a date. No time zone means UTC. */
export function parseDate(text: string): number | undefined {
  const found = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/.exec(
    text.trim(),
  )
  if (!found) return undefined
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((number) => Number(number ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const ms = Date.UTC(year, month - 1, day, hour, minute, second)
  const date = new Date(ms)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 24 || minute > 59 || second > 59) return undefined
  const zone = found[7]
  if (zone === undefined || zone === 'Z') return ms
  const [, sign, hours, minutes] = /([+-])(\d{2}):?(\d{2})/.exec(zone) ?? []
  return ms - (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}

/** `2026-03-02`, or with the time of day where it is not midnight. */
export function dateText(ms: number): string {
  const text = new Date(ms).toISOString()
  return text.endsWith('T00:00:00.000Z')
    ? text.slice(0, 10)
    : text.slice(0, text.endsWith(':00.000Z') ? 16 : 19).replace('T', ' ')
}

const suffix: Readonly<Record<Unit, string>> = { w: ' w', d: ' d', h: ' h', min: ' min', s: ' s', ms: ' ms', period: '' }

/** A length of time for people, in the unit of the plan: `3 d`, `2.5 h`, `12`. */
export function lengthText(ms: number, unit: Unit, days: DayLengths): string {
  const number = inUnit(ms, unit, days)
  const digits = Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2
  return `${String(Number(number.toFixed(digits)))}${suffix[unit]}`
}

/** Without the dust of division. */
export function inUnit(ms: number, unit: Unit, days: DayLengths): number {
  return Number((ms / unitMs(unit, days)).toFixed(6))
}
