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
  const { start, end, order } = forest
  const strings = new Strings()
  const tables = newTables()
  const [from, to] = extent(forest)
  const rowOf = laneOf(forest)
  const runs = new Map<number, number>()
  const rootOf = new Int32Array(spans.rows.count)
  for (const row of order) {
    const parent = spans.rows.parent[row] as number
    rootOf[row] = parent < 0 ? row : (rootOf[parent] as number)
  }
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
  const { tasks, needs } = tables
  const bySettled = Int32Array.from({ length: spans.rows.count }, (_, row) => row).sort(
    (a, b) => (end[a] as number) - (end[b] as number) || b - a,
  )
  const places = new Map<number, number>()
  tasks.reserve(spans.rows.count)
  for (const row of bySettled) {
    const task = tasks.append()
    const { columns } = tasks
    const at = (start[row] as number) - from
    columns.id[task] = row + 1
    columns.run[task] = runs.get(rootOf[row] as number) ?? 0
    columns.parent[task] = (spans.rows.parent[row] as number) + 1
    columns.index[task] = places.size
    columns.name[task] = strings.intern(operationLabel(spans, row))
    for (const needed of spans.needs.get(row) ?? []) needs.columns.task[needs.append()] = needed + 1
    columns.needsEnd[task] = needs.count
    columns.row[task] = rowOf.rows[row] as number
    columns.queuedAt[task] = at
    columns.readyAt[task] = at
    columns.startedAt[task] = at
    columns.settledAt[task] = (end[row] as number) - from
    columns.attempts[task] = 1
    columns.state[task] = taskStates.indexOf(failed(spans, row) ? 'failed' : 'done')
    if (failed(spans, row))
      columns.error[task] = strings.intern(JSON.stringify({ name: 'Error', message: 'the span says that it failed' }))
    places.set(row, task)
  }
  for (const { tier, message, where, proof, question, savingMs, remedy } of explainSpans(spans).findings) {
    if (tier === 'info') continue
    const line = tables.notes.append()
    const { columns } = tables.notes
    columns.kind[line] = strings.intern(findingNote)
    columns.text[line] = strings.intern(message)
    const asked = question === undefined ? proof : [...proof, question]
    columns.data[line] = strings.intern(JSON.stringify({ where, proof: asked.join('\n'), savingMs, remedy }))
  }
  for (const [row, service] of rowOf.names) {
    const line = tables.executors.append()
    tables.executors.columns.row[line] = row
    tables.executors.columns.kind[line] = strings.intern('remote')
    tables.executors.columns.machine[line] = strings.intern(service.machine)
    tables.executors.columns.name[line] = strings.intern(service.name)
  }
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
    strings.list,
    tables,
  )
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
