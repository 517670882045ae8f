/**
 * Spans as a trace of heddle's own, so that the page, the pictures and the exports show them: a request is a run, a span is a task, and a service is a machine with as many
 * rows as it had spans at once.
 */
import { availableParallelism } from 'node:os'
import { makeTrace, newTables, runStates, taskStates, type Trace } from '../model/trace.ts'
import { findingNote } from '../advice/imported.ts'
import { Strings } from '../model/strings.ts'
import { type Forest, forestOf } from './analysis/forest.ts'
import { nameOf, operationLabel, serviceOf } from './analysis/operations.ts'
import { explainSpans } from './report.ts'
import type { Spans } from './spans/spans.ts'
import { flag } from './spans/vocabulary.ts'

/** Rows that are named; more of a service than anybody reads share the last one. */
const mostRowsOfService = 64

/**
 * Makes a trace of heddle's own of the spans of another system, for the page and for `exportTrace`. Never throws.
 *
 * @param spans as `readSpans` gives them
 * @param name what the page calls it: the file
 * @example
 * saveTrace(traceOfSpans(await readSpans(['otlp.json']), 'checkout'), 'checkout.heddle')
 */
export function traceOfSpans(spans: Spans, name: string): Trace {
  const forest = forestOf(spans)
  const [from, to] = extent(forest)
  const draft: Draft = { spans, forest, from, strings: new Strings(), tables: newTables() }
  const rows = laneOf(forest)
  addTasks(draft, addRuns(draft), rows.rows)
  addFindings(draft)
  addExecutors(draft, rows.names)
  return makeTrace(
    {
      name,
      epochMs: spans.epochMs + from,
      durationMs: to - from,
      window: 'all',
      cores: availableParallelism(),
      runtime: spans.format,
      complete: true,
    },
    draft.strings.list,
    draft.tables,
  )
}

/** The trace as far as it is made. */
interface Draft {
  readonly spans: Spans
  readonly forest: Forest
  /** When the first span began. */
  readonly from: number
  readonly strings: Strings
  readonly tables: ReturnType<typeof newTables>
}

/** A run for each request. @returns the number of the run by the row of its root */
function addRuns({ spans, forest, from, strings, tables }: Draft): ReadonlyMap<number, number> {
  const { start, end } = forest
  const runs = new Map<number, number>()
  for (const root of forest.roots.toSorted((a, b) => (start[a] as number) - (start[b] as number))) {
    const line = tables.runs.append()
    const { columns } = tables.runs
    runs.set(root, line + 1)
    columns.id[line] = line + 1
    columns.kind[line] = strings.intern('request')
    columns.name[line] = strings.intern(nameOf(spans, root))
    columns.startedAt[line] = (start[root] as number) - from
    columns.settledAt[line] = (end[root] as number) - from
    columns.total[line] = -1
    columns.concurrency[line] = -1
    columns.state[line] = runStates.indexOf(failed(spans, root) ? 'failed' : 'done')
  }
  return runs
}

/** The root of each span. */
function rootsOf(spans: Spans, order: Iterable<number>): Int32Array {
  const rootOf = new Int32Array(spans.rows.count)
  for (const row of order) {
    const parent = spans.rows.parent[row] as number
    rootOf[row] = parent < 0 ? row : (rootOf[parent] as number)
  }
  return rootOf
}

/** A task for each span, in the order in which they settled. @param rows the row of each span */
function addTasks(draft: Draft, runs: ReadonlyMap<number, number>, rows: ArrayLike<number>): void {
  const { spans, forest, from, strings, tables } = draft
  const { start, end, order } = forest
  const rootOf = rootsOf(spans, order)
  const { tasks, needs } = tables
  const bySettled = Int32Array.from({ length: spans.rows.count }, (_, row) => row).sort(
    (a, b) => (end[a] as number) - (end[b] as number) || b - a,
  )
  tasks.reserve(spans.rows.count)
  bySettled.forEach((row, index) => {
    const task = tasks.append()
    const { columns } = tasks
    const at = (start[row] as number) - from
    const hasFailed = failed(spans, row)
    columns.id[task] = row + 1
    columns.run[task] = runs.get(rootOf[row] as number) ?? 0
    columns.parent[task] = (spans.rows.parent[row] as number) + 1
    columns.index[task] = index
    columns.name[task] = strings.intern(operationLabel(spans, row))
    for (const needed of spans.needs.get(row) ?? []) needs.columns.task[needs.append()] = needed + 1
    columns.needsEnd[task] = needs.count
    columns.row[task] = rows[row] as number
    columns.queuedAt[task] = at
    columns.readyAt[task] = at
    columns.startedAt[task] = at
    columns.settledAt[task] = (end[row] as number) - from
    columns.attempts[task] = 1
    columns.state[task] = taskStates.indexOf(hasFailed ? 'failed' : 'done')
    if (hasFailed)
      columns.error[task] = strings.intern(JSON.stringify({ name: 'Error', message: 'the span says that it failed' }))
  })
}

/** What the report finds, as notes. */
function addFindings({ spans, strings, tables }: Draft): void {
  for (const { tier, message, where, proof, question, savingMs, remedy } of explainSpans(spans).findings) {
    if (tier === 'info') continue
    const line = tables.notes.append()
    const { columns } = tables.notes
    columns.kind[line] = strings.intern(findingNote)
    columns.text[line] = strings.intern(message)
    const asked = question === undefined ? proof : [...proof, question]
    columns.data[line] = strings.intern(JSON.stringify({ where, proof: asked.join('\n'), savingMs, remedy }))
  }
}

/** The names of the rows. */
function addExecutors(
  { strings, tables }: Draft,
  names: Iterable<readonly [row: number, service: { machine: string; name: string }]>,
): void {
  for (const [row, service] of names) {
    const line = tables.executors.append()
    const { columns } = tables.executors
    columns.row[line] = row
    columns.kind[line] = strings.intern('remote')
    columns.machine[line] = strings.intern(service.machine)
    columns.name[line] = strings.intern(service.name)
  }
}

const failed = ({ rows }: Spans, row: number): boolean => ((rows.flags[row] as number) & flag.failed) !== 0

function extent({ start, end }: Forest): [number, number] {
  let [from, to] = [Infinity, -Infinity]
  for (let row = 0; row < start.length; row++) {
    from = Math.min(from, start[row] as number)
    to = Math.max(to, end[row] as number)
  }
  return from <= to ? [from, to] : [0, 0]
}

interface Lanes {
  /** The trace's row of each span. */
  readonly rows: Uint32Array
  readonly names: ReadonlyMap<number, { readonly machine: string; readonly name: string }>
}

/** Spans of a service side by side: each in the first row that is free when it begins. */
function laneOf({ spans, start, end }: Forest): Lanes {
  const { service, count } = spans.rows
  const order = Int32Array.from({ length: count }, (_, row) => row).sort(
    (a, b) => (start[a] as number) - (start[b] as number) || (end[b] as number) - (end[a] as number) || a - b,
  )
  const rows = new Uint32Array(count)
  const names = new Map<number, { machine: string; name: string }>()
  const lanes = new Map<number, { row: number; until: number }[]>()
  let next = 1
  for (const row of order) {
    const number = service[row] as number
    let own = lanes.get(number)
    if (!own) lanes.set(number, (own = []))
    let lane = own.find(({ until }) => until <= (start[row] as number))
    if (!lane && own.length < mostRowsOfService) {
      lane = { row: next++, until: 0 }
      own.push(lane)
      const machine = serviceOf(spans, row) || 'service'
      names.set(lane.row, { machine, name: String(own.length) })
    }
    lane ??= own.at(-1) as { row: number; until: number }
    lane.until = Math.max(lane.until, end[row] as number)
    rows[row] = lane.row
  }
  return { rows, names }
}
