/** The tasks as a table: filtered, in order, a page at a time. A page of the list that was asked last costs nothing but its rows. */
import { printable } from '../../trace/explain/groups.ts'
import { orderBy } from '../../trace/explain/order.ts'
import { taskError, taskStates } from '../../trace/model/trace.ts'
import type { TaskOrder, TaskPage, TaskQuery, TaskRow } from '../protocol.ts'
import { rowNumbers } from './overview.ts'
import type { View } from './view.ts'

export const pageDefault = 100

/** The list of one query, without its page. */
export interface TaskList {
  readonly key: string
  readonly tasks: Uint32Array
}

export function listKey({ range, group, state, search, order, descending }: TaskQuery): string {
  return JSON.stringify([range, group, state, search, order, descending])
}

export function listTasks(view: View, query: TaskQuery): TaskList {
  const chosen = choose(view, query)
  const order = orderBy(keysOf(view, chosen, query.order ?? 'start'))
  if (query.descending) order.reverse()
  return { key: listKey(query), tasks: order.map((i) => chosen[i] as number) }
}

export function pageOf(view: View, { tasks }: TaskList, query: TaskQuery, version: number): TaskPage {
  const offset = query.offset ?? 0
  const rows = Array.from(tasks.subarray(offset, offset + (query.limit ?? pageDefault)), (task) => rowOf(view, task))
  return { version, total: tasks.length, offset, rows }
}

export function rowOf(view: View, task: number): TaskRow {
  const { trace, times } = view
  const { tasks } = trace
  const error = taskError(trace, task)
  const unsettled = view.unsettled(task)
  return {
    ...view.ref(task),
    executor: tasks.row[task] as number,
    queuedAt: tasks.queuedAt[task] as number,
    readyAt: tasks.readyAt[task] as number,
    startedAt: tasks.startedAt[task] as number,
    settledAt: unsettled ? -1 : (tasks.settledAt[task] as number),
    durationMs: (times.settled[task] as number) - (times.started[task] as number),
    waitMs: (times.started[task] as number) - (times.queued[task] as number),
    attempts: tasks.attempts[task] as number,
    ...(error && { error: printable(`${error.name}: ${error.message}`) }),
  }
}

function choose(view: View, { range, group, state, search }: TaskQuery): Uint32Array {
  const { times, groupOf, trace, count } = view
  const wanted = state === undefined ? -1 : taskStates.indexOf(state)
  const matches = search === undefined || search.trim() === '' ? undefined : new Search(view, search.trim())
  const all = rowNumbers(count)
  if (group === undefined && wanted < 0 && range === undefined && !matches) return all
  return all.filter(
    (task) =>
      (group === undefined || groupOf[task] === group) &&
      (wanted < 0 || trace.tasks.state[task] === wanted) &&
      (range === undefined || ((times.queued[task] as number) <= range.to && (times.settled[task] as number) >= range.from)) &&
      (matches === undefined || matches.test(task)),
  )
}

/** Each text is looked at once, however many tasks have it. */
class Search {
  readonly #view: View
  readonly #text: string
  readonly #texts = new Map<number, boolean>()
  readonly #groups: readonly boolean[]
  /** Only a text like these can be part of `label[7]` without being part of the label. */
  readonly #hasIndex: boolean

  constructor(view: View, text: string) {
    this.#view = view
    this.#text = text.toLowerCase()
    this.#groups = view.groups.labels.map((label) => this.#in(label))
    this.#hasIndex = /[[\]\d]/.test(text)
  }

  test(task: number): boolean {
    const { tasks } = this.#view.trace
    const name = tasks.name[task] as number
    if (name !== 0 ? this.#inText(name) : this.#groups[this.#view.groupOf[task] as number]) return true
    if (name === 0 && this.#hasIndex && this.#in(this.#view.label(task))) return true
    const error = tasks.error[task] as number
    return error !== 0 && this.#inError(error, task)
  }

  #in(text: string): boolean {
    return text.toLowerCase().includes(this.#text)
  }

  #inText(number: number): boolean {
    let found = this.#texts.get(number)
    if (found === undefined) this.#texts.set(number, (found = this.#in(printable(this.#view.trace.strings[number]))))
    return found
  }

  #inError(number: number, task: number): boolean {
    let found = this.#texts.get(number)
    if (found !== undefined) return found
    const error = taskError(this.#view.trace, task)
    found = error !== undefined && this.#in(`${error.name}: ${error.message} ${error.code ?? ''}`)
    this.#texts.set(number, found)
    return found
  }
}

function keysOf(view: View, chosen: Uint32Array, order: TaskOrder): Float64Array {
  const { times, trace } = view
  const { queued, started, settled } = times
  const key: Record<Exclude<TaskOrder, 'label'>, (task: number) => number> = {
    start: (task) => started[task] as number,
    settled: (task) => settled[task] as number,
    duration: (task) => (settled[task] as number) - (started[task] as number),
    wait: (task) => (started[task] as number) - (queued[task] as number),
    attempts: (task) => trace.tasks.attempts[task] as number,
  }
  const of = order === 'label' ? labelKeys(view) : key[order]
  const keys = new Float64Array(chosen.length)
  for (let i = 0; i < chosen.length; i++) keys[i] = of(chosen[i] as number)
  return keys
}

/** Numbers in the order of the labels: the rank of the name, or that of the group and then the place in it. */
function labelKeys({ trace: { tasks, strings }, groups, groupOf }: View): (task: number) => number {
  const texts = new Set(groups.labels)
  const names = new Map<number, string>()
  for (const name of tasks.name) if (name !== 0 && !names.has(name)) names.set(name, printable(strings[name]))
  for (const name of names.values()) texts.add(name)
  const rank = new Map([...texts].sort(compareLabels).map((text, i) => [text, i]))
  const groupRank = groups.labels.map((label) => rank.get(label) as number)
  const nameRank = new Map([...names].map(([name, text]) => [name, rank.get(text) as number]))
  return (task) => {
    const name = nameRank.get(tasks.name[task] as number)
    const place = (name ?? groupRank[groupOf[task] as number]) as number
    return place * 2 ** 32 + (name === undefined ? (tasks.index[task] as number) + 2 ** 31 : 0)
  }
}

/** `task 9` comes before `task 10`. */
const compareLabels = new Intl.Collator('en', { numeric: true }).compare
