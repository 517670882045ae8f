/**
 * XML of Microsoft Project (MSPDI). Summary tasks become sections, and what they need or what needs them becomes links of the tasks inside. Material and
 * cost resources are left out, because they hold nobody up.
 */
import type { CalendarRules, Span } from '../model/calendar.ts'
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import type { Demand, Link, LinkType, Project, Resource, Task } from '../model/project.ts'
import { parseDate, parseLength, type Unit, wholeDays } from '../model/time.ts'
import { checked, nameOfFile } from './draft.ts'
import { all, child, type Element, readXml, textIn } from './xml.ts'

const dayMs = 86_400_000
const linkOf: readonly LinkType[] = ['FF', 'FS', 'SF', 'SS']
/** Constraints that give a task an earliest start: must start on, start no earlier than. */
const startsFrom = new Set(['2', '4'])
/** Constraints that give it a latest finish: must finish on, finish no later than. */
const endsBy = new Set(['3', '7'])
/** A lag of the file counts tenths of minutes. */
const lagMs = 6_000
/** Formats of durations that go on through nights and weekends. */
const elapsed = new Set(['4', '6', '8', '10', '12', '36', '38', '40', '42', '44'])
const aroundTheClock = 'around the clock'
/** Dates that are further apart are a mistake of the file. */
const exceptionDaysMost = 3_660

export function looksLikeMspdi(text: string): boolean {
  return /<(?:\w+:)?Project[\s>]/.test(text.slice(0, 2_000)) && text.slice(0, 4_000).includes('schemas.microsoft.com/project')
}

export async function readMspdi(text: string, file: string): Promise<Project> {
  const root = child(await readXml(text, file), 'Project')
  if (!root) throw new InvalidPlan(`Expected XML of Microsoft Project, with <Project> around it${place(file, 1)}`)
  return new MspdiReader(root, file).project()
}

class MspdiReader {
  readonly #root: Element
  readonly #file: string
  readonly #startMs: number
  readonly #names = new Map<string, string>()
  readonly #calendars: Record<string, CalendarRules> = Object.create(null)
  readonly #notes: string[] = []

  constructor(root: Element, file: string) {
    this.#root = root
    this.#file = file
    this.#startMs = this.#date(root, 'StartDate') ?? 0
    const calendars = all(child(root, 'Calendars'), 'Calendar')
    const byUid = new Map(calendars.map((calendar) => [textIn(calendar, 'UID') ?? '', calendar]))
    for (const [uid, calendar] of byUid) {
      const name = textIn(calendar, 'Name') ?? `calendar ${uid}`
      const free = Object.hasOwn(this.#calendars, name) ? `${name} (${uid})` : name
      this.#names.set(uid, free)
      this.#calendars[free] = this.#rules(calendar, byUid, new Set())
    }
  }

  project(): Project {
    const rows = all(child(this.#root, 'Tasks'), 'Task').filter(
      (row) => textIn(row, 'IsNull') !== '1' && textIn(row, 'Active') !== '0' && textIn(row, 'UID') !== '0',
    )
    const calendar = this.#names.get(textIn(this.#root, 'CalendarUID') ?? '')
    const resources = this.#resources(calendar)
    const tree = outline(rows)
    const leaves = rows.filter((row) => !tree.inside.has(row))
    const tasks = leaves.map((row) => this.#task(row, tree, calendar, resources))
    if (rows.length > 0 && leaves.length < rows.length)
      this.#notes.push(
        `${rows.length - leaves.length} summary ${rows.length - leaves.length === 1 ? 'task is a section' : 'tasks are sections'}; what they need, their tasks need`,
      )
    return checked({
      name: textIn(this.#root, 'Title') ?? textIn(this.#root, 'Name')?.replace(/\.\w+$/, '') ?? nameOfFile(this.#file),
      file: this.#file,
      format: 'mspdi',
      unit: unitFor(tasks),
      startMs: this.#startMs,
      ...(calendar !== undefined && { calendar }),
      calendars: this.#calendars,
      resources: [...resources.values()],
      tasks,
      notes: this.#notes,
    })
  }

  #resources(projectCalendar: string | undefined): Map<string, Resource> {
    const found = new Map<string, Resource>()
    const named = new Set<string>()
    for (const row of all(child(this.#root, 'Resources'), 'Resource')) {
      const [uid, name] = [textIn(row, 'UID') ?? '', textIn(row, 'Name')]
      // 0: material, 2: cost.
      if (name === undefined || (textIn(row, 'Type') ?? '1') !== '1' || textIn(row, 'IsCostResource') === '1') continue
      const calendar = this.#names.get(textIn(row, 'CalendarUID') ?? '')
      const id = named.has(name) ? `${name} (${uid})` : name
      named.add(id)
      found.set(uid, {
        id,
        name,
        capacity: Math.max(1, Math.ceil(Number(textIn(row, 'MaxUnits') ?? 1) - 1e-9)),
        skills: [],
        ...(calendar !== undefined && calendar !== projectCalendar && { calendar }),
        line: row.line,
      })
    }
    return found
  }

  #task(row: Element, tree: Outline, projectCalendar: string | undefined, resources: ReadonlyMap<string, Resource>): Task {
    const id = textIn(row, 'UID') ?? ''
    const type = textIn(row, 'ConstraintType') ?? '0'
    const constraint = this.#date(row, 'ConstraintDate')
    const due = this.#date(row, 'Deadline') ?? (endsBy.has(type) ? constraint : undefined)
    const goesOn = elapsed.has(textIn(row, 'DurationFormat') ?? '')
    if (goesOn) this.#calendars[aroundTheClock] = { week: Array.from({ length: 7 }, (): Span[] => [[0, dayMs]]), days: {} }
    const calendar = goesOn ? aroundTheClock : this.#names.get(textIn(row, 'CalendarUID') ?? '')
    const section = tree.sections.get(row)
    return {
      id,
      name: textIn(row, 'Name') ?? `task ${textIn(row, 'ID') ?? id}`,
      durationMs: this.#duration(row),
      links: this.#links(row, tree),
      demands: this.#demands(id, resources),
      ...(constraint !== undefined && startsFrom.has(type) && { earliestMs: Math.max(0, constraint - this.#startMs) }),
      ...(due !== undefined && { dueMs: due - this.#startMs }),
      ...(calendar !== undefined && calendar !== projectCalendar && { calendar }),
      ...(section !== undefined && { section }),
      line: row.line,
    }
  }

  #duration(row: Element): number {
    const text = textIn(row, 'Duration')
    if (text === undefined) return 0
    const ms = parseLength(text, 'h', wholeDays)
    if (ms === undefined)
      throw new InvalidPlan(
        `Expected a duration such as PT8H0M0S, got ${JSON.stringify(text)}${place(this.#file, child(row, 'Duration')?.line ?? row.line)}`,
      )
    return ms
  }

  /** Its own, and those of the summaries around it. A link to a summary is a link to every task inside. */
  #links(row: Element, { around, inside }: Outline): Link[] {
    const links = new Map<string, Link>()
    for (const owner of [row, ...(around.get(row) ?? [])]) {
      for (const link of all(owner, 'PredecessorLink')) {
        if (textIn(link, 'CrossProject') === '1') {
          this.#notes.push(`a link to another project is left out${place(this.#file, link.line)}`)
          continue
        }
        const type = linkOf[Number(textIn(link, 'Type') ?? 1)] ?? 'FS'
        const need = inside.byUid.get(textIn(link, 'PredecessorUID') ?? '')
        if (!need)
          throw new InvalidPlan(
            `Task "${textIn(row, 'Name') ?? ''}" needs the task ${textIn(link, 'PredecessorUID') ?? ''}, and there is no such task${place(this.#file, link.line)}`,
          )
        const format = Number(textIn(link, 'LagFormat') ?? 7)
        const lag = Number(textIn(link, 'LinkLag') ?? 0)
        for (const task of inside.leavesOf(need)) {
          const uid = textIn(task, 'UID') ?? ''
          // 19 and 20: a percentage of what is needed.
          const ms = format === 19 || format === 20 ? Math.round((lag / 100) * this.#duration(task)) : lag * lagMs
          links.set(`${uid} ${type} ${ms}`, { task: uid, type, lagMs: ms, line: link.line })
        }
      }
    }
    return [...links.values()]
  }

  #demands(taskUid: string, resources: ReadonlyMap<string, Resource>): Demand[] {
    const demands = new Map<string, Demand>()
    for (const row of all(child(this.#root, 'Assignments'), 'Assignment')) {
      if (textIn(row, 'TaskUID') !== taskUid) continue
      const resource = resources.get(textIn(row, 'ResourceUID') ?? '')
      if (!resource) continue
      // Nobody can be taken more than there is of them; the file may say so of an overload.
      const units = Math.min(resource.capacity, Math.max(1, Math.ceil(Number(textIn(row, 'Units') ?? 1) - 1e-9)))
      demands.set(resource.id, { resource: resource.id, units, line: row.line })
    }
    return [...demands.values()]
  }

  #rules(calendar: Element, byUid: ReadonlyMap<string, Element>, seen: Set<string>): CalendarRules {
    const base = textIn(calendar, 'BaseCalendarUID')
    const parent = base === undefined || base === '-1' || seen.has(base) ? undefined : byUid.get(base)
    seen.add(textIn(calendar, 'UID') ?? '')
    const inherited = parent ? this.#rules(parent, byUid, seen) : { week: Array.from({ length: 7 }, (): Span[] => []), days: {} }
    const week = inherited.week.map((spans) => spans)
    const days: Record<number, readonly Span[]> = { ...inherited.days }
    for (const day of all(child(calendar, 'WeekDays'), 'WeekDay')) {
      const type = Number(textIn(day, 'DayType') ?? 0)
      if (type >= 1 && type <= 7) week[type - 1] = spansOf(day, 'DayWorking')
      else this.#exception(day, days)
    }
    for (const exception of all(child(calendar, 'Exceptions'), 'Exception')) this.#exception(exception, days)
    return { week, days }
  }

  /** Days in a row. Those that recur by a rule of weeks or months are told, and left out. */
  #exception(row: Element, days: Record<number, readonly Span[]>): void {
    const period = child(row, 'TimePeriod')
    const [from, to] = [this.#date(period, 'FromDate'), this.#date(period, 'ToDate')]
    if (from === undefined || to === undefined) return
    const occurrences = Number(textIn(row, 'Occurrences') ?? 0)
    const length = Math.floor(to / dayMs) - Math.floor(from / dayMs) + 1
    if (
      length > exceptionDaysMost ||
      (textIn(row, 'EnteredByOccurrences') === '1' && occurrences > 0 && occurrences !== length)
    ) {
      this.#notes.push(
        `the exception "${textIn(row, 'Name') ?? ''}" of a calendar recurs, and is left out${place(this.#file, row.line)}`,
      )
      return
    }
    const spans = spansOf(row, 'DayWorking')
    for (let day = Math.floor(from / dayMs); day <= Math.floor(to / dayMs); day++) days[day] = spans
  }

  #date(row: Element | undefined, name: string): number | undefined {
    const text = textIn(row, name)
    if (text === undefined) return undefined
    const date = parseDate(text)
    if (date === undefined)
      throw new InvalidPlan(
        `Expected <${name}> to be a date, got ${JSON.stringify(text)}${place(this.#file, child(row, name)?.line ?? 0)}`,
      )
    return date
  }
}

function spansOf(row: Element, working: string): Span[] {
  if (textIn(row, working) !== '1') return []
  const spans = all(child(row, 'WorkingTimes'), 'WorkingTime').flatMap((time): Span[] => {
    const [from, to] = [timeOf(textIn(time, 'FromTime')), timeOf(textIn(time, 'ToTime'))]
    // Midnight at the end is the end of the day.
    return from === undefined || to === undefined ? [] : [[from, to === 0 ? dayMs : to]]
  })
  return spans.filter(([from, to]) => from < to).sort(([a], [b]) => a - b)
}

function timeOf(text: string | undefined): number | undefined {
  const found = /^(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(text ?? '')
  return found ? Number(found[1]) * 3_600_000 + Number(found[2]) * 60_000 + Number(found[3] ?? 0) * 1_000 : undefined
}

interface Outline {
  /** The summaries around a task, the innermost first. */
  readonly around: ReadonlyMap<Element, readonly Element[]>
  readonly sections: ReadonlyMap<Element, string>
  readonly inside: {
    readonly has: (row: Element) => boolean
    readonly byUid: ReadonlyMap<string, Element>
    readonly leavesOf: (row: Element) => readonly Element[]
  }
}

/** Rows stand below their summary, one level deeper. */
function outline(rows: readonly Element[]): Outline {
  const around = new Map<Element, readonly Element[]>()
  const sections = new Map<Element, string>()
  const leaves = new Map<Element, Element[]>()
  const open: { readonly row: Element; readonly level: number }[] = []
  for (const [i, row] of rows.entries()) {
    const level = Number(textIn(row, 'OutlineLevel') ?? 1)
    while ((open.at(-1)?.level ?? -1) >= level) open.pop()
    const summaries = open.map(({ row }) => row).reverse()
    around.set(row, summaries)
    const [innermost] = summaries
    if (innermost) sections.set(row, textIn(innermost, 'Name') ?? '')
    const below = rows[i + 1]
    if (below && Number(textIn(below, 'OutlineLevel') ?? 1) > level) {
      open.push({ row, level })
      leaves.set(row, [])
    } else for (const summary of summaries) leaves.get(summary)?.push(row)
  }
  return {
    around,
    sections,
    inside: {
      has: (row) => leaves.has(row),
      byUid: new Map(rows.map((row) => [textIn(row, 'UID') ?? '', row])),
      leavesOf: (row) => leaves.get(row) ?? [row],
    },
  }
}

/** Days, unless everything is much shorter. */
function unitFor(tasks: readonly Task[]): Unit {
  const longest = tasks.reduce((most, { durationMs }) => Math.max(most, durationMs), 0)
  return longest === 0 || longest >= 3_600_000 ? 'd' : longest >= 60_000 ? 'min' : 's'
}
