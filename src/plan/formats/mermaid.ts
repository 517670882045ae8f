/**
 * Gantt charts of Mermaid (mermaid.js.org/syntax/gantt.html). A task without a start follows the one above it: that order is drawn, and perhaps not
 * meant, so its link is marked as implied. Lines `%% heddle {…}` hold, in heddle's own form, what Mermaid cannot say.
 */
import type { CalendarRules } from '../model/calendar.ts'
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import type { Link, Project, Task } from '../model/project.ts'
import { parseDate, parseLength, wholeDays } from '../model/time.ts'
import { withLine } from './csv.ts'
import { checked } from './draft.ts'
import { at, type Located, locateJson, textOf } from './located.ts'
import { dateReader } from './mermaid-dates.ts'
import { parseOwn } from './own.ts'

const dayMs = 86_400_000
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']
const tags = new Set(['active', 'done', 'crit', 'milestone', 'vert'])
const longest = { y: 365 * dayMs, M: 30 * dayMs }

/** Settings before a chart, in which a line may say anything. */
const frontMatter = /^\s*---[^\S\n]*\n[\s\S]*?\n---/

export function looksLikeMermaid(text: string): boolean {
  return text
    .replace(frontMatter, '')
    .split('\n')
    .some((line) => line.trim() === 'gantt')
}

interface Draft {
  readonly id: string
  readonly name: string
  readonly section: string | undefined
  readonly line: number
  readonly milestone: boolean
  readonly start: string | undefined
  readonly end: string
}

export function readMermaid(text: string, file: string): Project {
  return new MermaidReader(text, file).project()
}

class MermaidReader {
  readonly #file: string
  readonly #drafts: Draft[] = []
  readonly #comments: Located[] = []
  #title = ''
  #format = 'YYYY-MM-DD'
  #inclusive = false
  #weekend = 6
  readonly #excluded = new Set<string>()

  constructor(text: string, file: string) {
    this.#file = file
    let section: string | undefined
    let inside = false
    for (const [i, whole] of text.split(/\r?\n/).entries()) {
      const line = whole.trim()
      const comment = /^%%\s*heddle\s*(\{.*\})$/.exec(line)
      if (comment) this.#comments.push(withLine(locateJson(comment[1] ?? '', file), i + 1))
      if (line === 'gantt') inside = true
      else if (inside && line.startsWith('```')) break
      if (!inside || line === '' || line === 'gantt' || line.startsWith('%%')) continue
      const [word = ''] = line.split(/\s/)
      const rest = line.slice(word.length).trim()
      if (word === 'title') this.#title = rest
      else if (word === 'dateFormat') this.#format = rest
      else if (word === 'inclusiveEndDates') this.#inclusive = true
      else if (word === 'excludes') for (const day of rest.toLowerCase().split(/[\s,]+/)) this.#excluded.add(day)
      else if (word === 'weekend') this.#weekend = rest.toLowerCase() === 'friday' ? 5 : 6
      else if (word === 'section') section = rest
      else if (
        /^(axisFormat|tickInterval|todayMarker|weekday|includes|topAxis|displayMode|click|accTitle|accDescr|compact)\b/.test(line)
      )
        continue
      else if (line.includes(':')) this.#drafts.push(this.#draft(line, section, i + 1))
      else
        throw this.#wrong(
          i + 1,
          `Expected a task of a gantt chart, "name :id, start, duration", got ${JSON.stringify(line.slice(0, 60))}`,
        )
    }
    if (this.#drafts.length === 0) throw this.#wrong(1, 'There is no task in this gantt chart')
  }

  #draft(line: string, section: string | undefined, number: number): Draft {
    const colon = line.indexOf(':')
    const parts = line
      .slice(colon + 1)
      .split(',')
      .map((part) => part.trim())
    let milestone = false
    while (parts.length > 0 && tags.has(parts[0] ?? '')) if (parts.shift() === 'milestone') milestone = true
    const common = { name: line.slice(0, colon).trim(), section, line: number, milestone }
    const [a, b, c] = parts
    if (parts.length > 3 || a === undefined || a === '')
      throw this.#wrong(
        number,
        `Expected after ":" an identity, a start and a duration, got ${JSON.stringify(line.slice(colon + 1).trim())}`,
      )
    if (c !== undefined) return { ...common, id: a, start: b, end: c }
    if (b !== undefined) return { ...common, id: `task ${this.#drafts.length + 1}`, start: a, end: b }
    return { ...common, id: `task ${this.#drafts.length + 1}`, start: undefined, end: a }
  }

  project(): Project {
    const dateOf = dateReader(this.#format)
    const dated = this.#drafts.flatMap(({ start, end }) =>
      [start, end].flatMap((part) => (part === undefined ? [] : (dateOf(part) ?? []))),
    )
    const calendar = this.#calendar()
    const settings = this.#settings()
    const stated = at(settings.document, 'start')
    const startMs = (stated && parseDate(textOf(stated) ?? '')) ?? (dated.length > 0 ? Math.min(...dated) : undefined)
    // A chart that was written from a plan without dates has some only because it must.
    const hasDates = startMs !== undefined && (stated !== undefined || !at(settings.document, 'unit'))
    const shortest = this.#drafts
      .map(({ end }) => /(?<![a-z])[a-z]+$/.exec(end)?.[0])
      .some((word) => word !== undefined && !['d', 'w', 'y', 'M'].includes(word))
    const own = parseOwn(settings.document, this.#file)
    const calendars = { ...own.calendars, ...(calendar && { excludes: calendar }) }
    const name = calendar ? 'excludes' : own.calendar
    const tasks: Task[] = []
    const ends = new Map<string, number>()
    for (const draft of this.#drafts) {
      const task = this.#task(draft, tasks.at(-1), dateOf, startMs, calendar, ends)
      const told = settings.told.get(draft.id)
      const mentioned = told && own.tasks.find(({ id }) => id === told.id)
      const { name, durationMs, line, section } = task
      // A length that somebody has changed in the chart counts, else the comment is more exact.
      const exact = told?.shown === draft.end && mentioned ? mentioned.durationMs : durationMs
      tasks.push(mentioned ? { ...mentioned, name, durationMs: exact, line, ...(section !== undefined && { section }) } : task)
    }
    const implied = tasks.filter(({ links }) => links.some((link) => link.implied)).length
    return checked({
      name: this.#title || own.name,
      file: this.#file,
      format: 'mermaid',
      unit: at(settings.document, 'unit') ? own.unit : shortest ? 'h' : 'd',
      ...(hasDates && { startMs }),
      ...(name !== undefined && { calendar: name }),
      calendars,
      resources: own.resources,
      tasks,
      notes: [
        ...own.notes,
        ...(implied > 0
          ? [
              `${implied} ${implied === 1 ? 'task has' : 'tasks have'} neither a start nor "after": the chart draws each after the one above it, and that counts as a dependency`,
            ]
          : []),
      ],
    })
  }

  /** The comments as one document of heddle's own form; tasks that they do not mention stand there empty, so that others can name them. */
  #settings(): { readonly document: Located; readonly told: ReadonlyMap<string, Told> } {
    const entries = new Map<string, Located>()
    const rows = new Map<string, Located>()
    const told = new Map<string, Told>()
    for (const comment of this.#comments) {
      if (comment.kind !== 'map') continue
      const id = textOf(at(comment, 'id'))
      if (id === undefined) for (const [name, value] of comment.entries) entries.set(name, value)
      else {
        told.set(textOf(at(comment, 'at')) ?? id, { id, shown: textOf(at(comment, 'shown')) })
        const own = [...comment.entries].filter(([name]) => name !== 'at' && name !== 'shown')
        const timed = own.some(([name]) => name === 'duration' || name === 'estimate')
        rows.set(id, { ...comment, entries: new Map(timed ? own : [...own, ['duration', scalar(0, comment.line)]]) })
      }
    }
    for (const { id, line } of this.#drafts) {
      if (told.has(id) || rows.has(id)) continue
      const empty = new Map<string, Located>([
        ['id', scalar(id, line)],
        ['duration', scalar(0, line)],
      ])
      rows.set(id, { kind: 'map', line, entries: empty })
    }
    entries.set('tasks', { kind: 'list', line: 1, items: [...rows.values()] })
    return { document: { kind: 'map', line: 1, entries }, told }
  }

  #task(
    draft: Draft,
    above: Task | undefined,
    dateOf: (text: string) => number | undefined,
    startMs = 0,
    calendar: CalendarRules | undefined,
    ends: Map<string, number>,
  ): Task {
    const { id, name, section, line, start, end } = draft
    const after = /^after\s+(.+)$/.exec(start ?? '')
    const links: Link[] = after ? (after[1] ?? '').split(/\s+/).map((task) => ({ task, type: 'FS', lagMs: 0, line })) : []
    const date = start === undefined || after ? undefined : dateOf(start)
    if (start !== undefined && !after && date === undefined)
      throw this.#wrong(
        line,
        `Expected the start of "${name}" to be a date in the form ${this.#format}, or "after" and tasks, got ${JSON.stringify(start)}`,
      )
    if (start === undefined && above) links.push({ task: above.id, type: 'FS', lagMs: 0, line, implied: true })
    const earliestMs = date === undefined ? undefined : date - startMs
    const begins = earliestMs ?? Math.max(0, ...links.map(({ task }) => ends.get(task) ?? 0))
    const durationMs = draft.milestone ? 0 : this.#duration(draft, begins, dateOf, startMs, calendar)
    ends.set(id, begins + durationMs)
    if (/^until\s/.test(end))
      throw this.#wrong(line, `"until" ties the end of "${name}" to the start of another task; give a duration instead`)
    return {
      id,
      name,
      durationMs,
      links,
      demands: [],
      ...(earliestMs !== undefined && { earliestMs }),
      ...(section !== undefined && { section }),
      line,
    }
  }

  #duration(
    { name, end, line }: Draft,
    begins: number,
    dateOf: (text: string) => number | undefined,
    startMs: number,
    calendar: CalendarRules | undefined,
  ): number {
    const length = /^(\d+(?:\.\d+)?)(ms|[smhdwMy])$/.exec(end)
    if (length) {
      const [, number = '', unit = ''] = length
      if (unit === 'M' || unit === 'y') return Number(number) * longest[unit]
      // A week in a chart is five of its days only where the others are excluded.
      return parseLength(`${number}${unit}`, 'd', wholeDays) ?? 0
    }
    const date = dateOf(end)
    if (date === undefined)
      throw this.#wrong(
        line,
        `Expected the end of "${name}" to be a length such as 3d, or a date in the form ${this.#format}, got ${JSON.stringify(end)}`,
      )
    const until = date + (this.#inclusive ? dayMs : 0)
    if (until - startMs < begins) throw this.#wrong(line, `"${name}" ends before it starts`)
    if (!calendar) return until - startMs - begins
    let work = 0
    for (let day = Math.floor((startMs + begins) / dayMs); day * dayMs < until; day++) {
      const works = (calendar.days[day] ?? calendar.week[(day + 4) % 7] ?? []).length > 0
      if (works) work += Math.min(until, (day + 1) * dayMs) - Math.max(startMs + begins, day * dayMs)
    }
    return work
  }

  #calendar(): CalendarRules | undefined {
    if (this.#excluded.size === 0) return undefined
    const week = weekdays.map((name, day) => {
      const weekend = this.#excluded.has('weekends') && (day === this.#weekend || day === (this.#weekend + 1) % 7)
      return weekend || this.#excluded.has(name) ? [] : [[0, dayMs] as const]
    })
    if (week.every(({ length }) => length === 0)) throw this.#wrong(1, 'Every day of the week is excluded')
    const dates = [...this.#excluded].flatMap((text) => dateReader(this.#format)(text) ?? parseDate(text) ?? [])
    return { week, days: Object.fromEntries(dates.map((date) => [Math.floor(date / dayMs), []])) }
  }

  #wrong(line: number, message: string): InvalidPlan {
    return new InvalidPlan(`${message}${place(this.#file, line)}`)
  }
}

/** What a comment says of a task: its identity, and the length that the chart shows. */
interface Told {
  readonly id: string
  readonly shown: string | undefined
}

function scalar(value: string | number, line: number): Located {
  return { kind: 'scalar', line, value }
}
