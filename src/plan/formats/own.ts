/** heddle's own form of a plan, in JSON or YAML. docs/plan.md describes it; a name that it does not have is an error, so that no typo is ignored. */
import { nearest } from '../../base/options.ts'
import { type CalendarRules, dayLengthsOf } from '../model/calendar.ts'
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import type { Demand, Estimate, Link, Project, Resource, Task } from '../model/project.ts'
import { type DayLengths, parseDate, parseLength, type Unit, unitMs, unitOf, wholeDays } from '../model/time.ts'
import { calendarRules } from './own-calendar.ts'
import { checked, isLinkType, meant, nameOfFile, parseLink } from './draft.ts'
import { at, type Located, textOf, textsOf } from './located.ts'

const planNames = ['name', 'unit', 'start', 'calendar', 'calendars', 'resources', 'tasks', 'notes']
const resourceNames = ['id', 'name', 'capacity', 'skills', 'calendar']
const taskNames = ['id', 'name', 'duration', 'estimate', 'needs', 'resources', 'skills', 'earliest', 'due', 'calendar', 'section']
/** Other words for the same, which people coming from other tools write. */
const otherWords: Readonly<Record<string, string>> = {
  dependsOn: 'needs', depends_on: 'needs', dependencies: 'needs', predecessors: 'needs', after: 'needs',
  resource: 'resources', assignee: 'resources', assignees: 'resources', people: 'resources',
  skill: 'skills', title: 'name', deadline: 'due', release: 'earliest', start: 'earliest', units: 'capacity', group: 'section', duration: 'duration',
} // prettier-ignore

export function readOwn(root: Located, file: string): Project {
  return checked(parseOwn(root, file))
}

/** Not yet checked: what tasks name may not be there. */
export function parseOwn(root: Located, file: string): Project {
  return new OwnReader(root, file).project()
}

class OwnReader {
  readonly #root: Located
  readonly #file: string
  readonly #unit: Unit
  readonly #startMs: number | undefined
  readonly #calendars: Record<string, CalendarRules> = Object.create(null)
  readonly #calendar: string | undefined
  readonly #days: DayLengths
  readonly #ids = new Set<string>()

  constructor(root: Located, file: string) {
    this.#root = root
    this.#file = file
    if (root.kind !== 'map') throw this.#wrong(root, 'Expected a plan to be an object with `tasks`')
    this.#names(root, planNames, 'a plan', ['dependsOn'])
    const unit = at(root, 'unit')
    this.#unit = unit ? this.#unitOf(unit) : 'd'
    const start = at(root, 'start')
    this.#startMs = start && this.#date(start, 'start')
    for (const [name, rules] of entriesOf(at(root, 'calendars'))) this.#calendars[name] = calendarRules(rules, file)
    const calendar = at(root, 'calendar')
    if (calendar?.kind === 'map') this.#calendars[(this.#calendar = 'project')] = calendarRules(calendar, file)
    else if (calendar) this.#calendar = this.#calendarName(calendar)
    this.#days = this.#calendar === undefined ? wholeDays : dayLengthsOf(this.#calendars[this.#calendar])
  }

  project(): Project {
    const tasks = at(this.#root, 'tasks')
    const rows =
      tasks?.kind === 'map'
        ? [...tasks.entries]
        : tasks?.kind === 'list'
          ? tasks.items.map((item) => [undefined, item] as const)
          : undefined
    if (!rows)
      throw this.#wrong(tasks ?? this.#root, 'Expected `tasks` to be a list of tasks, or an object with a task for each identity')
    const ids = rows.map(([key, row]) => key ?? textOf(at(row, 'id')) ?? textOf(at(row, 'name')) ?? textOf(at(row, 'title')))
    for (const id of ids) if (id !== undefined) this.#ids.add(id)
    const resources = at(this.#root, 'resources')
    return {
      name: textOf(at(this.#root, 'name')) ?? nameOfFile(this.#file),
      file: this.#file,
      format: 'plan',
      unit: this.#unit,
      ...(this.#startMs !== undefined && { startMs: this.#startMs }),
      ...(this.#calendar !== undefined && { calendar: this.#calendar }),
      calendars: this.#calendars,
      resources: this.#resources(resources),
      tasks: rows.map(([, row], i) => this.#task(row, ids[i])),
      notes: textsOf(at(this.#root, 'notes')).map(({ text }) => text),
    }
  }

  #resources(node: Located | undefined): Resource[] {
    if (!node) return []
    if (node.kind === 'map') return [...node.entries].map(([id, row]) => this.#resource(id, row))
    if (node.kind === 'list')
      return node.items.map((row) => this.#resource(textOf(row) ?? textOf(at(row, 'id')) ?? textOf(at(row, 'name')), row))
    throw this.#wrong(node, 'Expected `resources` to be a list, or an object with a resource for each name')
  }

  #resource(id: string | undefined, row: Located): Resource {
    if (id === undefined || id === '') throw this.#wrong(row, 'A resource has no `id`')
    // `{ painter: 2 }` or `[painter]`.
    if (row.kind === 'scalar') {
      const capacity = row.value === id || row.value === null ? 1 : this.#amount(row, `the capacity of "${id}"`)
      return { id, name: id, capacity, skills: [], line: row.line }
    }
    this.#names(row, resourceNames, `resource "${id}"`, ['start', 'duration', 'release'])
    const [capacity, calendar] = [this.#get(row, 'capacity'), at(row, 'calendar')]
    const own = calendar && (calendar.kind === 'map' ? this.#ownCalendar(`${id}`, calendar) : this.#calendarName(calendar))
    return {
      id,
      name: textOf(at(row, 'name')) ?? id,
      capacity: capacity ? this.#amount(capacity, `the capacity of "${id}"`) : 1,
      skills: textsOf(this.#get(row, 'skills')).map(({ text }) => text),
      ...(own !== undefined && { calendar: own }),
      line: row.line,
    }
  }

  #ownCalendar(name: string, rules: Located): string {
    this.#calendars[name] = calendarRules(rules, this.#file)
    return name
  }

  #task(row: Located, id: string | undefined): Task {
    if (id === undefined || id === '') throw this.#wrong(row, 'A task has no `id`')
    // `{ build: 3d }`
    if (row.kind === 'scalar')
      return { id, name: id, durationMs: this.#length(row, `the duration of "${id}"`), links: [], demands: [], line: row.line }
    if (row.kind === 'list') throw this.#wrong(row, `Expected task "${id}" to be an object, got a list`)
    this.#names(row, taskNames, `task "${id}"`, ['units'])
    const estimate = this.#estimate(id, at(row, 'estimate') ?? at(row, 'duration'))
    const duration = at(row, 'duration')
    const plain = duration?.kind === 'scalar' ? this.#length(duration, `the duration of "${id}"`) : undefined
    if (plain === undefined && !estimate) throw this.#wrong(row, `Task "${id}" has no \`duration\``)
    const [earliest, due, section, calendar] = [
      this.#get(row, 'earliest'),
      this.#get(row, 'due'),
      this.#get(row, 'section'),
      textOf(at(row, 'calendar')),
    ]
    return {
      id,
      name: textOf(this.#get(row, 'name')) ?? id,
      durationMs: plain ?? (estimate as Estimate).likelyMs,
      ...(estimate && { estimate }),
      links: this.#links(id, this.#get(row, 'needs')),
      demands: [
        ...this.#demands(id, this.#get(row, 'resources'), 'resource'),
        ...this.#demands(id, this.#get(row, 'skills'), 'skill'),
      ],
      ...(earliest && { earliestMs: Math.max(0, this.#moment(earliest, `earliest of "${id}"`)) }),
      ...(due && { dueMs: this.#moment(due, `due of "${id}"`) + (isDay(textOf(due) ?? '') ? wholeDays.dayMs : 0) }),
      ...(calendar !== undefined && { calendar }),
      ...(section && { section: textOf(section) ?? '' }),
      line: row.line,
    }
  }

  /** `{ min, likely, max }` or `[min, likely, max]`. */
  #estimate(id: string, node: Located | undefined): Estimate | undefined {
    if (!node || node.kind === 'scalar') return undefined
    const parts = node.kind === 'list' ? node.items : ['min', 'likely', 'max'].map((name) => at(node, name))
    const known = parts.filter((part) => part !== undefined)
    if (known.length !== 3 || (node.kind === 'map' && node.entries.size !== 3))
      throw this.#wrong(node, `Expected the estimate of "${id}" to be { min, likely, max } or a list of the three`)
    const [minMs, likelyMs, maxMs] = known.map((part) => this.#length(part, `the estimate of "${id}"`)) as [
      number,
      number,
      number,
    ]
    if (minMs > likelyMs || likelyMs > maxMs)
      throw this.#wrong(node, `Expected the estimate of "${id}" to ascend from min to max`)
    return { minMs, likelyMs, maxMs }
  }

  #links(id: string, node: Located | undefined): Link[] {
    if (!node) return []
    const items = node.kind === 'list' ? node.items : [node]
    return items.flatMap((item) => {
      if (item.kind !== 'map') {
        const text = textOf(item)
        if (text === undefined || text === '') return []
        // In a short form several stand in one text.
        const parts = this.#ids.has(text.trim()) || node.kind === 'list' ? [text] : text.split(/[,;]/)
        return parts.map((part) => {
          const link = parseLink(part, item.line, this.#unit, this.#days, (word) => this.#ids.has(word))
          if (!link)
            throw this.#wrong(
              item,
              `Task "${id}" needs ${JSON.stringify(part)}, which is not a task with an optional FS, SS, FF or SF and a lag`,
            )
          return link
        })
      }
      this.#names(item, ['task', 'id', 'type', 'lag', 'implied'], `a need of task "${id}"`, [])
      const task = textOf(at(item, 'task') ?? at(item, 'id'))
      if (task === undefined) throw this.#wrong(item, `A need of task "${id}" has no \`task\``)
      const type = (textOf(at(item, 'type')) ?? 'FS').toUpperCase()
      if (!isLinkType(type))
        throw this.#wrong(item, `Expected the type of a need of "${id}" to be FS, SS, FF or SF, got ${JSON.stringify(type)}`)
      const lag = at(item, 'lag')
      return [
        {
          task,
          type,
          lagMs: lag ? this.#signedLength(lag, `the lag between "${task}" and "${id}"`) : 0,
          line: item.line,
          ...(textOf(at(item, 'implied')) === 'true' && { implied: true }),
        },
      ]
    })
  }

  #demands(id: string, node: Located | undefined, kind: 'resource' | 'skill'): Demand[] {
    if (!node) return []
    const demand = (name: string, units: number, line: number): Demand =>
      kind === 'resource' ? { resource: name, units, line } : { skill: name, units, line }
    if (node.kind === 'map' && !['resource', 'skill', 'units'].some((name) => node.entries.has(name)))
      return [...node.entries].map(([name, units]) =>
        demand(name, this.#amount(units, `units of "${name}" for task "${id}"`), units.line),
      )
    const items = node.kind === 'list' ? node.items : [node]
    return items.flatMap((item): Demand[] => {
      const text = textOf(item)
      if (text !== undefined)
        return text.trim() === ''
          ? []
          : (node.kind === 'list' ? [text] : text.split(/[,;]/)).map((name) => demand(name.trim(), 1, item.line))
      if (item.kind === 'scalar') return []
      this.#names(item, ['resource', 'skill', 'units'], `a resource of task "${id}"`, [])
      const [resource, skill, units] = [textOf(at(item, 'resource')), textOf(at(item, 'skill')), at(item, 'units')]
      const amount = units ? this.#amount(units, `units for task "${id}"`) : 1
      if (resource !== undefined) return [{ resource, units: amount, line: item.line }]
      if (skill !== undefined) return [{ skill, units: amount, line: item.line }]
      throw this.#wrong(item, `What task "${id}" takes has neither \`resource\` nor \`skill\``)
    })
  }

  /** By its own name, or another word for it. */
  #get(row: Located, name: string): Located | undefined {
    if (row.kind !== 'map') return undefined
    const own = row.entries.get(name)
    if (own) return own
    for (const [word, value] of row.entries) if (word !== 'duration' && otherWords[word] === name) return value
    return undefined
  }

  #names(node: Located, known: readonly string[], what: string, not: readonly string[]): void {
    if (node.kind !== 'map') throw this.#wrong(node, `Expected ${what} to be an object`)
    for (const [name, value] of node.entries) {
      if (known.includes(name)) continue
      const other = Object.hasOwn(otherWords, name) && !not.includes(name) ? otherWords[name] : undefined
      if (other !== undefined && known.includes(other)) continue
      const near = nearest(name, known)
      throw new InvalidPlan(
        `Unknown name \`${name}\` in ${what}; it may have ${known.map((word) => `\`${word}\``).join(', ')}${place(this.#file, value.line)}`,
        {
          hint: near === undefined ? undefined : `Did you mean \`${near}\`?`,
        },
      )
    }
  }

  #unitOf(node: Located): Unit {
    const unit = unitOf(textOf(node) ?? '')
    if (unit === undefined)
      throw this.#wrong(node, `Expected \`unit\` to be w, d, h, min, s, ms or period, got ${JSON.stringify(textOf(node))}`)
    return unit
  }

  #length(node: Located, what: string): number {
    const ms =
      node.kind === 'scalar' && typeof node.value === 'number'
        ? Math.round(node.value * unitMs(this.#unit, this.#days))
        : parseLength(textOf(node) ?? '', this.#unit, this.#days)
    if (ms === undefined || !(ms >= 0) || !Number.isFinite(ms))
      throw this.#wrong(
        node,
        `Expected ${what} to be a length of time such as 3, "3d" or "4h", got ${JSON.stringify(textOf(node) ?? null)}`,
      )
    return ms
  }

  #signedLength(node: Located, what: string): number {
    if (node.kind === 'scalar' && typeof node.value === 'number') return Math.round(node.value * unitMs(this.#unit, this.#days))
    const text = textOf(node) ?? ''
    const sign = /^\s*-/.test(text) ? -1 : 1
    return sign * this.#length({ kind: 'scalar', line: node.line, value: text.replace(/^\s*[-+]\s*/, '') }, what)
  }

  #amount(node: Located, what: string): number {
    const value = node.kind === 'scalar' ? Number(node.value) : Number.NaN
    if (!Number.isSafeInteger(value) || value < 1)
      throw this.#wrong(node, `Expected ${what} to be a whole number from 1 up, got ${JSON.stringify(textOf(node) ?? null)}`)
    return value
  }

  /** A date, or a length of time from the start. */
  #moment(node: Located, what: string): number {
    const date = node.kind === 'scalar' && typeof node.value === 'string' ? parseDate(node.value) : undefined
    if (date === undefined) return this.#length(node, what)
    if (this.#startMs === undefined) throw this.#wrong(node, `${what} is a date, and the plan has no \`start\``)
    return date - this.#startMs
  }

  #date(node: Located, what: string): number {
    const date = parseDate(textOf(node) ?? '')
    if (date === undefined)
      throw this.#wrong(node, `Expected \`${what}\` to be a date such as 2026-03-02, got ${JSON.stringify(textOf(node) ?? null)}`)
    return date
  }

  #calendarName(node: Located): string {
    const name = textOf(node) ?? ''
    if (!Object.hasOwn(this.#calendars, name))
      throw new InvalidPlan(`There is no calendar "${name}"${place(this.#file, node.line)}`, {
        hint: meant(name, Object.keys(this.#calendars)),
      })
    return name
  }

  #wrong(node: Located, message: string): InvalidPlan {
    return new InvalidPlan(`${message}${place(this.#file, node.line)}`)
  }
}

/** Something that is due on a day may take all of it. */
function isDay(text: string): boolean {
  return /^\d{4}-\d{1,2}-\d{1,2}$/.test(text.trim())
}

function entriesOf(node: Located | undefined): Iterable<readonly [string, Located]> {
  return node?.kind === 'map' ? node.entries : []
}
