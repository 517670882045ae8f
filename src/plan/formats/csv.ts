/**
 * A table with a task in each row. Columns are known by their headings, those of MS Project, Jira and spreadsheets among them. What a
 * table cannot say (resources, calendars, the unit) may stand in a first line `#heddle,{…}` in heddle's own form.
 */
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import type { Project } from '../model/project.ts'
import { csvRows, type Row } from './csv-table.ts'
import { checked, meant } from './draft.ts'
import { type Located, locateJson } from './located.ts'
import { parseOwn } from './own.ts'

/** By the heading in small letters, without anything but letters. */
const headings: Readonly<Record<string, string>> = {
  id: 'id', key: 'id', issuekey: 'id', uniqueid: '', wbs: '',
  name: 'name', task: 'name', taskname: 'name', title: 'name', summary: 'name', description: '',
  duration: 'duration', days: 'duration', length: 'duration', time: 'duration', estimate: 'duration', estimateddays: 'duration',
  needs: 'needs', predecessors: 'needs', predecessor: 'needs', dependencies: 'needs', dependson: 'needs', depends: 'needs', after: 'needs', blockedby: 'needs',
  resources: 'resources', resource: 'resources', resourcenames: 'resources', assignee: 'resources', assignees: 'resources', assignedto: 'resources', owner: 'resources', who: 'resources', people: 'resources',
  skills: 'skills', skill: 'skills', role: 'skills',
  earliest: 'earliest', release: 'earliest', due: 'due', duedate: 'due', deadline: 'due',
  section: 'section', group: 'section', phase: 'section', calendar: 'calendar',
  min: 'min', optimistic: 'min', best: 'min', likely: 'likely', mostlikely: 'likely', max: 'max', pessimistic: 'max', worst: 'max',
  start: '', finish: '', end: '', startdate: '', enddate: '', slack: '', critical: '', status: '', priority: '', notes: '', outlinelevel: '', complete: '', cost: '', taskmode: '', active: '', type: '', progress: '',
} // prettier-ignore

export function looksLikeCsv(text: string): boolean {
  const [first] = csvRows(text.slice(0, 4_000)).filter(({ cells }) => !cells[0]?.startsWith('#'))
  const known = first?.cells.map((cell) => columnOf(cell)) ?? []
  return known.includes('duration') && (known.includes('id') || known.includes('name'))
}

export function readCsv(text: string, file: string): Project {
  const rows = csvRows(text)
  const settings = rows
    .filter(({ cells }) => cells[0] === '#heddle')
    .map(({ cells, line }) => withLine(locateJson(cells[1] ?? '', file), line))
  const [head, ...body] = rows.filter(({ cells }) => !cells[0]?.startsWith('#')) as [Row | undefined, ...Row[]]
  const columns = head?.cells.map((cell) => columnOf(cell)) ?? []
  if (
    !head ||
    !(columns.includes('id') || columns.includes('name')) ||
    !(columns.includes('duration') || columns.includes('likely'))
  ) {
    const unknown = head?.cells.filter((_, i) => columns[i] === undefined) ?? []
    throw new InvalidPlan(
      `A table needs the headings id (or name) and duration in its first row${place(file, head?.line ?? 1)}`,
      {
        hint:
          unknown.map((cell) => meant(cell, ['duration', 'name', 'needs'])).find(Boolean) ??
          'For example: id,name,duration,needs,resources',
      },
    )
  }
  // Tools number rows when they name predecessors, so that a table without an identity column has numbers as identities.
  const numbered = !columns.includes('id') && body.some(({ cells }) => /^\d/.test(cells[columns.indexOf('needs')] ?? ''))
  const tasks = body.map((row, i) => rowOf(row, columns, numbered ? String(i + 1) : undefined, head.cells, file))
  const document: Located = {
    kind: 'map',
    line: 1,
    entries: new Map([
      ...settings.flatMap((setting) => (setting.kind === 'map' ? [...setting.entries] : [])),
      ['tasks', { kind: 'list', line: head.line, items: tasks }],
    ]),
  }
  return checked({ ...parseOwn(document, file), format: 'csv' })
}

function columnOf(heading: string): string | undefined {
  const key = heading.toLowerCase().replace(/[^a-z]/g, '')
  return Object.hasOwn(headings, key) ? headings[key] : undefined
}

function rowOf(
  { cells, line }: Row,
  columns: readonly (string | undefined)[],
  number: string | undefined,
  head: readonly string[],
  file: string,
): Located {
  if (cells.length > head.length)
    throw new InvalidPlan(`The row has ${cells.length} cells, and there are ${head.length} headings${place(file, line)}`, {
      hint: 'Put text that holds the delimiter in double quotes.',
    })
  const scalar = (value: string | number): Located => ({ kind: 'scalar', line, value })
  const entries = new Map<string, Located>()
  for (const [i, column] of columns.entries()) {
    const cell = cells[i] ?? ''
    if (column === undefined || column === '' || cell === '' || entries.has(column)) continue
    const list = column === 'needs' || column === 'skills' || column === 'resources'
    const bare = ['duration', 'earliest', 'due', 'min', 'likely', 'max'].includes(column) && /^\d+([.,]\d+)?$/.test(cell)
    // A list of JSON, where identities hold separators.
    if (list && /^\[.*\]$/.test(cell) && !/^\[[^"{\]]/.test(cell)) entries.set(column, withLine(locateJson(cell, file), line))
    else if (list) entries.set(column, listOf(column, cell, line))
    else entries.set(column, scalar(bare ? Number(cell.replace(',', '.')) : cell))
  }
  const estimate = ['min', 'likely', 'max'].map((name) => [name, entries.get(name) ?? entries.get('duration')] as const)
  const three = ['min', 'max'].some((name) => entries.has(name))
  for (const name of ['min', 'likely', 'max']) entries.delete(name)
  if (three)
    entries.set('estimate', {
      kind: 'map',
      line,
      entries: new Map(estimate.flatMap(([name, value]) => (value ? [[name, value] as const] : []))),
    })
  else if (!entries.has('duration')) {
    const likely = estimate[1]?.[1]
    if (likely) entries.set('duration', likely)
  }
  if (number !== undefined) entries.set('id', scalar(number))
  return { kind: 'map', line, entries }
}

/** `a; b+2d`, `Anna, crane×2`, `Anna[200%]` */
function listOf(column: string, cell: string, line: number): Located {
  const parts = cell.split(
    column === 'needs' && !/[,;]/.test(cell) && /^\S+(\s+\S+)+$/.test(cell) && !/[+-]|FS|SS|FF|SF/.test(cell) ? /\s+/ : /[,;]/,
  )
  const items = parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part): Located => {
      const found = column === 'needs' ? null : /^(.*?)(?:[×*]\s*(\d+)|\[(\d+)%?\])$/.exec(part)
      if (!found) return { kind: 'scalar', line, value: part }
      const units = found[2] === undefined ? Math.max(1, Math.ceil(Number(found[3]) / 100)) : Number(found[2])
      const name = column === 'skills' ? 'skill' : 'resource'
      return {
        kind: 'map',
        line,
        entries: new Map<string, Located>([
          [name, { kind: 'scalar', line, value: (found[1] ?? '').trim() }],
          ['units', { kind: 'scalar', line, value: units }],
        ]),
      }
    })
  return { kind: 'list', line, items }
}

/** What stands in a comment has the line of the comment. */
export function withLine(node: Located, line: number): Located {
  if (node.kind === 'list') return { ...node, line, items: node.items.map((item) => withLine(item, line)) }
  if (node.kind === 'map')
    return { ...node, line, entries: new Map([...node.entries].map(([name, value]) => [name, withLine(value, line)])) }
  return { ...node, line }
}
