/**
 * A trace made ready for analysis: ids resolved to rows, times put in order, tasks grouped by parent, run and executor.
 *
 * Times of other threads are translated, so they may be off by microseconds: here queued ≤ ready ≤ started ≤ settled holds for
 * every task, and nothing lies outside the window. Traces from files may claim anything; whatever cannot be resolved
 * counts as not said.
 */
import { type Buckets, bucketsOf } from './buckets.ts'
import type { Trace } from '../model/trace.ts'
import { orderBy } from './order.ts'

/** The times of all tasks, in order: queued ≤ ready ≤ started ≤ settled, within the wall time. */
export interface Times {
  readonly queued: Float64Array
  readonly ready: Float64Array
  readonly started: Float64Array
  readonly settled: Float64Array
}

export interface Related extends Times {
  readonly trace: Trace
  /** Number of tasks. */
  readonly count: number
  /** The wall time: from, to, and the difference. */
  readonly from: number
  readonly to: number
  readonly wallMs: number
  /** All tasks, in order of settling. */
  readonly order: Uint32Array
  /** Row of the parent task, −1 for none. */
  readonly parent: Int32Array
  /** Row of the run, −1 for none. */
  readonly run: Int32Array
  /** Rows of the needed tasks, −1 where unknown: task `i` has those from `needsEnd[i − 1]` up to `needsEnd[i]`. */
  readonly needs: Int32Array
  /** Tasks by parent, in order of settling; the last group has those without. */
  readonly children: Buckets
  /** Tasks by run, in order of settling; the last group has those without. */
  readonly byRun: Buckets
  /** Row of the task inside which a run was started, −1 for none. */
  readonly runParent: Int32Array
  readonly runFrom: Float64Array
  readonly runTo: Float64Array
  /**
   * Runs whose tasks heddle starts, not the caller's code line by line (that is `scope` and `call`): their caller waits from their start to their
   * end, and among their tasks only needs say what came after what.
   */
  readonly runClosed: Uint8Array
  /** Closed runs by parent task, in order of settling; the last group has those without. */
  readonly childRuns: Buckets
}

const openKinds: ReadonlySet<string> = new Set(['scope', 'call'])

/**
 * @param wall from and to; what lies outside counts as being at its edge. Default: the window that the trace names
 * @param times what {@link orderedTimes} gave for it, when that is there already
 */
export function relate(
  trace: Trace,
  [from, to]: readonly [number, number] = wallOf(trace),
  times: Times = orderedTimes(trace, from, to),
): Related {
  const { tasks, runs } = trace
  const count = tasks.count
  const order = orderBy(times.settled)
  const rowOfTask = rowsById(tasks.id)
  const rowOfRun = rowsById(runs.id)
  const parent = resolve(tasks.parent, rowOfTask)
  // A child has a higher id than its parent; anything else would be a circle.
  for (let i = 0; i < count; i++) if ((tasks.parent[i] as number) >= (tasks.id[i] as number)) parent[i] = -1
  const run = resolve(tasks.run, rowOfRun)
  const runParent = resolve(runs.parentTask, rowOfTask)
  const { runFrom, runTo } = orderedRuns(trace, from, to)
  const runClosed = Uint8Array.from(runs.kind, (kind) => (openKinds.has(trace.strings[kind] ?? '') ? 0 : 1))
  return {
    trace,
    count,
    from,
    to,
    wallMs: to - from,
    ...times,
    order,
    parent,
    run,
    needs: resolve(trace.needs.task, rowOfTask),
    children: bucketsOf(parent, count + 1, order),
    byRun: bucketsOf(run, runs.count + 1, order),
    runParent,
    runFrom,
    runTo,
    runClosed,
    childRuns: bucketsOf(
      runParent,
      count + 1,
      orderBy(runTo).filter((run) => runClosed[run] === 1),
    ),
  }
}

/** First position of a task's needs; `needsEnd` of the task is the one after the last. */
export function needsStart(related: Related, task: number): number {
  return task === 0 ? 0 : (related.trace.tasks.needsEnd[task - 1] as number)
}

/** From and to of the wall time. */
export function wallOf({ meta, runs }: Trace): readonly [number, number] {
  if (meta.window === 'all' || runs.count === 0) return [0, Math.max(0, meta.durationMs)]
  let [from, to] = [Number.POSITIVE_INFINITY, 0]
  for (let i = 0; i < runs.count; i++) {
    from = Math.min(from, Math.max(0, runs.startedAt[i] as number))
    const settledAt = runs.settledAt[i] as number
    to = Math.max(to, settledAt < 0 ? meta.durationMs : settledAt)
  }
  return [from, Math.max(from, to)]
}

export function orderedTimes({ tasks }: Trace, from: number, to: number): Times {
  const count = tasks.count
  const queued = new Float64Array(count)
  const ready = new Float64Array(count)
  const started = new Float64Array(count)
  const settled = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const end = clamp(tasks.settledAt[i] as number, from, to)
    const startedAt = tasks.startedAt[i] as number
    const start = startedAt < 0 ? end : clamp(startedAt, from, end)
    const readyAt = clamp(tasks.readyAt[i] as number, from, start)
    settled[i] = end
    started[i] = start
    ready[i] = readyAt
    queued[i] = clamp(tasks.queuedAt[i] as number, from, readyAt)
  }
  return { queued, ready, started, settled }
}

function orderedRuns({ runs }: Trace, from: number, to: number) {
  const runFrom = Float64Array.from(runs.startedAt, (at) => clamp(at, from, to))
  const runTo = Float64Array.from(runs.settledAt, (at, run) => (at < 0 ? to : clamp(at, runFrom[run] as number, to)))
  return { runFrom, runTo }
}

const clamp = (value: number, min: number, max: number): number => (value < min ? min : value > max ? max : value)

/** Looks a row up by id. Ids are numbered through, so nearly always an array will do. */
export function rowsById(ids: Uint32Array): (id: number) => number {
  let [min, max] = [Number.POSITIVE_INFINITY, 0]
  for (const id of ids) {
    if (id < min) min = id
    if (id > max) max = id
  }
  if (max - min > 4 * ids.length + 1_024) {
    const rows = new Map<number, number>()
    for (let row = 0; row < ids.length; row++) rows.set(ids[row] as number, row)
    return (id) => (id === 0 ? -1 : (rows.get(id) ?? -1))
  }
  const rows = new Int32Array(Math.max(0, max - min + 1)).fill(-1)
  for (let row = 0; row < ids.length; row++) rows[(ids[row] as number) - min] = row
  return (id) => (id === 0 ? -1 : (rows[id - min] ?? -1))
}

function resolve(ids: Uint32Array, rowOf: (id: number) => number): Int32Array {
  const rows = new Int32Array(ids.length)
  for (let i = 0; i < ids.length; i++) rows[i] = rowOf(ids[i] as number)
  return rows
}
