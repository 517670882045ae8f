/** Questions as they come from outside: every value is checked, and what is not known is refused. */
import { describe } from '../../base/errors.ts'
import {
  exportFormats,
  type GraphQuery,
  type PathQuery,
  type Question,
  type Range,
  type RangeQuery,
  type ReportFormat,
  type SeriesQuery,
  type TaskQuery,
  taskOrders,
  taskStates,
  type WindowQuery,
} from '../protocol.ts'

export class BadQuery extends Error {
  override readonly name = 'BadQuery'
}

export interface Queries {
  readonly overview: RangeQuery
  readonly explanation: RangeQuery
  readonly window: WindowQuery
  readonly path: PathQuery
  readonly series: SeriesQuery
  readonly tasks: TaskQuery
  readonly task: { readonly id: number }
  readonly graph: GraphQuery
  readonly export: { readonly format: ReportFormat }
}

type Check = (value: unknown, name: string) => unknown

const time: Check = (value, name) => (Number.isFinite(value) ? value : refuse(name, 'a finite number', value))

function whole(min: number, max: number): Check {
  return (value, name) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? value
      : refuse(name, `a whole number from ${min} to ${max}`, value)
}

function oneOf(values: readonly string[]): Check {
  return (value, name) => (values.includes(value as string) ? value : refuse(name, `one of ${values.join(', ')}`, value))
}

function listOf(check: Check, max: number): Check {
  return (value, name) =>
    Array.isArray(value) && value.length <= max
      ? value.map((one) => check(one, name))
      : refuse(name, `a list of at most ${max}`, value)
}

const text: Check = (value, name) =>
  typeof value === 'string' && value.length <= 1_000 ? value : refuse(name, 'a text of at most 1,000 characters', value)
const yesNo: Check = (value, name) => (typeof value === 'boolean' ? value : refuse(name, 'true or false', value))

const range: Check = (value, name): Range => {
  if (typeof value !== 'object' || value === null) return refuse(name, 'an object with from and to', value)
  const { from, to } = value as Record<string, unknown>
  time(from, `${name}.from`)
  time(to, `${name}.to`)
  return (from as number) < (to as number)
    ? { from: from as number, to: to as number }
    : refuse(name, 'a stretch of time whose end comes after its beginning', value)
}

const group = whole(0, 0xffff)
const id = whole(0, 0xffff_ffff)

/** By question: its fields, those that it cannot do without marked. */
const fields: { readonly [Q in Question]: Readonly<Record<string, Check | readonly [Check, 'needed']>> } = {
  overview: { range },
  explanation: { range },
  window: {
    from: [time, 'needed'],
    to: [time, 'needed'],
    columns: [whole(1, 8_192), 'needed'],
    group,
    lanes: listOf(text, 10_000),
  },
  path: { range, limit: whole(1, 10_000) },
  series: { range, points: whole(2, 4_096) },
  tasks: {
    range,
    group,
    state: oneOf(taskStates),
    search: text,
    order: oneOf(taskOrders),
    descending: yesNo,
    offset: whole(0, 0xffff_ffff),
    limit: whole(1, 1_000),
  },
  task: { id: [id, 'needed'] },
  graph: { range, expanded: listOf(group, 1_000) },
  export: { format: [oneOf(exportFormats), 'needed'] },
}

/** @throws {BadQuery} */
export function checkQuery<Q extends Question>(question: Q, value: unknown): Queries[Q] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadQuery('A query is an object')
  const known = fields[question]
  const checked: Record<string, unknown> = {}
  for (const name of Object.keys(value))
    if (!Object.hasOwn(known, name)) throw new BadQuery(`A query has no field ${JSON.stringify(name)}`)
  for (const [name, rule] of Object.entries(known)) {
    const given = (value as Record<string, unknown>)[name]
    const [check, needed] = typeof rule === 'function' ? [rule, undefined] : rule
    if (given !== undefined && given !== null) checked[name] = check(given, name)
    else if (needed) refuse(name, 'given', given)
  }
  if (question === 'window' && (checked.from as number) >= (checked.to as number)) refuse('to', 'after from', checked.to)
  return checked as unknown as Queries[Q]
}

function refuse(name: string, expected: string, value: unknown): never {
  throw new BadQuery(`Expected ${name} to be ${expected}, got ${describe(value)}`)
}
