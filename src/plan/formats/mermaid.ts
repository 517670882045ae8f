/**
 * Gantt charts of Mermaid (mermaid.js.org/syntax/gantt.html). A task without a start follows the one above it: that order is drawn, and perhaps not
 * meant, so its link is marked as implied. Lines `%% heddle {…}` hold, in heddle's own form, what Mermaid cannot say.
 */
import type { CalendarRules } from '../model/calendar.ts'
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import type { Link, Project, Task } from '../model/project.ts'
import { parseDate } from '../model/time.ts'
import { withLine } from './csv.ts'
import { checked } from './draft.ts'
import { at, type Located, locateJson, textOf } from './located.ts'
import { chartDates, dateReader } from './mermaid-dates.ts'
import { ChartTimes, type DrawnTask, named } from './mermaid-times.ts'
import { parseOwn } from './own.ts'

const dayMs = 86_400_000
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']
const tags = new Set(['active', 'done', 'crit', 'milestone', 'vert'])

/** Settings before a chart, in which a line may say anything. */
const frontMatter = /^\s*---[^\S\n]*\n[\s\S]*?\n---/

export function looksLikeMermaid(text: string): boolean {
  return text
    .replace(frontMatter, '')
    .split('\n')
    .some((line) => line.trim() === 'gantt')
}

interface Draft extends DrawnTask {
  readonly section: string | undefined
  /** A line in the chart, not work. */
  readonly marker: boolean
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
    if (this.#work().length === 0) throw this.#wrong(1, 'There is no task in this gantt chart')
  }

  #draft(line: string, section: string | undefined, number: number): Draft {
    const colon = line.indexOf(':')
    const parts = line
      .slice(colon + 1)
      .split(',')
      .map((part) => part.trim())
    const own = new Set<string | undefined>()
    while (parts.length > 0 && tags.has(parts[0] ?? '')) own.add(parts.shift())
    const [milestone, marker] = [own.has('milestone'), own.has('vert')]
    // What takes no time needs no end.
    if ((milestone || marker) && parts.at(-1) === '') parts[parts.length - 1] = '0d'
    const common = { name: line.slice(0, colon).trim(), section, line: number, milestone, marker }
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
    const dateOf = chartDates(this.#format)
    const drafts = this.#work()
    const dated = drafts.flatMap(({ start, end }) =>
      [start, end].flatMap((part) => (part === undefined ? [] : (dateOf(part) ?? []))),
    )
    const calendar = this.#calendar()
    const settings = this.#settings()
    const stated = at(settings.document, 'start')
    const startMs = (stated && parseDate(textOf(stated) ?? '')) ?? (dated.length > 0 ? Math.min(...dated) : undefined)
    // A chart that was written from a plan without dates has some only because it must.
    const hasDates = startMs !== undefined && (stated !== undefined || !at(settings.document, 'unit'))
    const shortest = drafts.map(({ end }) => /^[\d.]+(ms|[smh])$/.exec(end)).some((length) => length !== null)
    const own = parseOwn(settings.document, this.#file)
    const calendars = { ...own.calendars, ...(calendar && { excludes: calendar }) }
    const name = calendar ? 'excludes' : own.calendar
    const tasks: Task[] = []
    const times = new ChartTimes(drafts, {
      format: this.#format,
      dateOf,
      startMs: startMs ?? 0,
      calendar,
      inclusive: this.#inclusive,
      wrong: (line, message) => this.#wrong(line, message),
    })
    for (const [number, draft] of drafts.entries()) {
      const task = taskOf(draft, tasks.at(-1), times.durationMs(number), dateOf, startMs)
      const told = settings.told.get(draft.id)
      const mentioned = told && own.tasks.find(({ id }) => id === told.id)
      const { name, durationMs, line, section } = task
      // A length that somebody has changed in the chart counts, else the comment is more exact.
      const exact = told?.shown === draft.end && mentioned ? mentioned.durationMs : durationMs
      tasks.push(mentioned ? { ...mentioned, name, durationMs: exact, line, ...(section !== undefined && { section }) } : task)
    }
    const stretched = drafts.filter(({ end }) => named(end, 'until')).length
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
        ...(stretched > 0
          ? [
              `${stretched} ${stretched === 1 ? 'task lasts' : 'tasks last'} "until" others begin: each has the length that the chart draws, and is not stretched when they move`,
            ]
          : []),
      ],
    })
  }

  /** Tasks without the markers, but for those that others name. */
  #work(): readonly Draft[] {
    const words = this.#drafts.flatMap(({ start, end }) => [...(named(start, 'after') ?? []), ...(named(end, 'until') ?? [])])
    const wanted = new Set(words)
    return this.#drafts
      .filter(({ marker, id }) => !marker || wanted.has(id))
      .map((draft) => (draft.marker ? { ...draft, milestone: true } : draft))
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

function taskOf(
  { id, name, section, line, start }: Draft,
  above: Task | undefined,
  durationMs: number,
  dateOf: (text: string) => number | undefined,
  startMs = 0,
): Task {
  const after = named(start, 'after')
  const links: Link[] = (after ?? []).map((task) => ({ task, type: 'FS', lagMs: 0, line }))
  if (start === undefined && above) links.push({ task: above.id, type: 'FS', lagMs: 0, line, implied: true })
  const date = start === undefined || after ? undefined : dateOf(start)
  return {
    id,
    name,
    durationMs,
    links,
    demands: [],
    ...(date !== undefined && { earliestMs: date - startMs }),
    ...(section !== undefined && { section }),
    line,
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
