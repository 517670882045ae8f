/** Dates in a format such as `YYYY-MM-DD HH:mm`, in the words of Day.js. */

const tokens: Readonly<Record<string, string>> = {
  YYYY: String.raw`(?<year>\d{4})`, YY: String.raw`(?<shortYear>\d{2})`, MM: String.raw`(?<month>\d{2})`, M: String.raw`(?<month>\d{1,2})`,
  DD: String.raw`(?<day>\d{2})`, D: String.raw`(?<day>\d{1,2})`, HH: String.raw`(?<hour>\d{2})`, H: String.raw`(?<hour>\d{1,2})`, mm: String.raw`(?<minute>\d{2})`, m: String.raw`(?<minute>\d{1,2})`,
  ss: String.raw`(?<second>\d{2})`, s: String.raw`(?<second>\d{1,2})`, SSS: String.raw`(?<ms>\d{3})`, X: String.raw`(?<unix>\d{1,12})`, x: String.raw`(?<unixMs>\d{1,15})`,
} // prettier-ignore

/** Reads dates of one format, as milliseconds since 1970 in UTC; undefined for what is not one. */
export function dateReader(format: string): (text: string) => number | undefined {
  const used = new Set<string>()
  const source = format.replaceAll(/YYYY|YY|MM|M|DD|D|HH|H|mm|m|SSS|ss|s|X|x|[.*+?^${}()|[\]\\]/g, (found) => {
    const group = tokens[found]
    if (group === undefined) return `\\${found}`
    const name = /<(\w+)>/.exec(group)?.[1] ?? ''
    if (used.has(name)) return group.replace(/\?<\w+>/, '?:')
    used.add(name)
    return group
  })
  const pattern = new RegExp(`^${source}$`)
  return (text) => {
    const groups = pattern.exec(text.trim())?.groups
    if (!groups) return undefined
    if (groups.unix !== undefined) return Number(groups.unix) * 1_000
    if (groups.unixMs !== undefined) return Number(groups.unixMs)
    const number = (name: string, otherwise: number): number => Number(groups[name] ?? otherwise)
    const year = groups.shortYear === undefined ? number('year', 1970) : 2000 + Number(groups.shortYear)
    const [month, day] = [number('month', 1), number('day', 1)]
    if (month < 1 || month > 12 || day < 1 || day > 31) return undefined
    return Date.UTC(year, month - 1, day, number('hour', 0), number('minute', 0), number('second', 0), number('ms', 0))
  }
}

/** `Date` takes almost any text with a number in it: these are the ones that people mean as dates. */
const year = /(?<!\d)\d{4}(?!\d)/
const words =
  /^(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|january|february|march|april|august|september|october|november|december|(?:mon|tues?|wed|wednes|thu|thurs?|fri|sat|satur|sun)(?:day)?|am|pm|t|z|utc|gmt)$/i

function meansDate(text: string): boolean {
  return year.test(text) && (text.match(/[a-z]+/gi) ?? []).every((word) => words.test(word))
}

/** Dates of a chart: in its format, else as `Date` reads them, as Mermaid does. A text without a zone is UTC. */
export function chartDates(format: string): (text: string) => number | undefined {
  const exact = dateReader(format)
  return (text) => {
    const date = exact(text)
    if (date !== undefined || !meansDate(text)) return date
    const iso = /^\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?$/.test(text)
    const ms = Date.parse(iso ? `${text.replace(' ', 'T')}${text.length > 10 ? 'Z' : ''}` : `${text} UTC`)
    return Number.isNaN(ms) ? undefined : ms
  }
}
