/**
 * Which task is drawn on which line. Tasks of one executor that overlap lie on lines of their own, the lowest free one each, so a line is
 * a row of slices in order of time in which nothing overlaps. Beyond {@link linesMax} lines of one executor the rest share
 * one; so do the executors beyond {@link executorsMax}.
 *
 * Over the slices of a line lies an index of blocks, the coarser level of a mipmap: what {@link blockSlices} slices sum to. A window that is wider than a block reads
 * blocks, so its price depends on its pixels and not on the tasks behind them, and what it shows is exact at every zoom.
 */
import { bucketsOf } from '../../trace/explain/buckets.ts'
import { layLanes } from '../../trace/export/lanes.ts'
import { taskStates } from '../../trace/model/trace.ts'
import { RowNames } from '../../trace/processor/rows.ts'
import { orderBy } from '../../trace/explain/order.ts'
import { linesMax } from '../protocol.ts'
import type { View } from './view.ts'

/** More executors than this are not a picture any more; a stranger's file may claim a million. */
const executorsMax = 512
/** Chosen: a column of an overview holds a few dozen slices, and a scan within one block costs less than one more level. */
export const blockSlices = 8

export interface Line {
  readonly key: string
  readonly executor: number
  readonly line: number
  readonly label: string
  /** 1, or for a shared line the most tasks that were at work on it at once. */
  readonly capacity: number
  readonly shared: boolean
  readonly count: number
  /** Rows of its tasks, in order of start; the columns below stand beside it. */
  readonly task: Uint32Array
  readonly from: Float64Array
  readonly to: Float64Array
  readonly group: Uint16Array
  readonly failed: Uint8Array
  /** Not for shared lines. */
  readonly blocks?: Blocks
  /** Only for shared lines: when the last of the slices up to here ends, so that a window finds those that reach into it. */
  readonly latest?: Float64Array
}

/** Sums over {@link blockSlices} slices each; slices at the end that fill no block are in none. */
export interface Blocks {
  readonly busyMs: Float64Array
  readonly failedMs: Float64Array
  /** The group with the most time, and its time. */
  readonly group: Uint16Array
  readonly groupMs: Float64Array
  readonly anyFailed: Uint8Array
}

export interface Timeline {
  readonly lines: readonly Line[]
  /** Place in `lines` by task; −1 for a task that never started. */
  readonly lineOf: Int32Array
}

export function layOut(view: View): Timeline {
  const lineOf = new Int32Array(view.count).fill(-1)
  const lines: Line[] = []
  const add = (name: Omit<Line, 'count' | 'capacity' | 'blocks' | 'latest' | LineColumn>, tasks: Uint32Array): void => {
    for (const task of tasks) lineOf[task] = lines.length
    lines.push(makeLine(view, name, tasks))
  }
  const executors = tasksByExecutor(view)
  const names = new RowNames(view.trace)
  const shown = executors.length > executorsMax ? executors.slice(0, executorsMax - 1) : executors
  for (const { executor, tasks } of shown) {
    const of = (line: number, label: string, shared: boolean) => ({ key: `${executor}.${line}`, executor, line, label, shared })
    const parts = split(view, tasks)
    const name = names.label(executor)
    const single = parts.length > linesMax ? parts.slice(0, linesMax - 1) : parts
    for (const [line, part] of single.entries()) add(of(line, parts.length > 1 ? `${name}, ${line + 1}` : name, false), part)
    if (parts.length > linesMax) {
      const rest = merged(view, parts.slice(linesMax - 1))
      add(of(linesMax - 1, `${name}, ${linesMax} to ${parts.length}`, true), rest)
    }
  }
  if (executors.length > shown.length) {
    const rest = executors.slice(shown.length)
    const tasks = merged(
      view,
      rest.map(({ tasks }) => tasks),
    )
    const first = rest[0]?.executor ?? 0
    add({ key: 'rest', executor: first, line: 0, label: `${rest.length} more workers`, shared: true }, tasks)
  }
  return { lines, lineOf }
}

/** Tasks that started, in order of start, by executor; this thread first. */
function tasksByExecutor({ count, times, trace: { tasks } }: View): { executor: number; tasks: Uint32Array }[] {
  const places = new Map<number, number>()
  const placeOf = new Int32Array(count)
  for (let task = 0; task < count; task++) {
    const executor = tasks.row[task] as number
    let place = (tasks.startedAt[task] as number) < 0 ? -1 : places.get(executor)
    if (place === undefined) places.set(executor, (place = places.size))
    placeOf[task] = place
  }
  // Tasks that never started fall into the last bucket.
  const { start, items } = bucketsOf(placeOf, places.size + 1, orderBy(times.started))
  return [...places]
    .sort(([a], [b]) => a - b)
    .map(([executor, place]) => ({ executor, tasks: items.subarray(start[place], start[place + 1]) }))
}

/** The tasks of one executor by line. */
function split({ times }: View, tasks: Uint32Array): Uint32Array[] {
  const from = new Float64Array(tasks.length)
  const to = new Float64Array(tasks.length)
  let overlap = false
  for (let i = 0; i < tasks.length; i++) {
    from[i] = times.started[tasks[i] as number] as number
    to[i] = times.settled[tasks[i] as number] as number
    overlap ||= i > 0 && (from[i] as number) < (to[i - 1] as number)
  }
  if (!overlap) return [tasks]
  const lanes = layLanes(from, to)
  const counts = new Uint32Array(lanes.count)
  for (const lane of lanes.of) (counts[lane] as number)++
  const parts = Array.from(counts, (count) => new Uint32Array(count))
  counts.fill(0)
  for (let i = 0; i < tasks.length; i++) {
    const lane = lanes.of[i] as number
    const part = parts[lane] as Uint32Array
    part[(counts[lane] as number)++] = tasks[i] as number
  }
  return parts
}

function merged({ times }: View, parts: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return orderBy(Float64Array.from(all, (task) => times.started[task] as number)).map((i) => all[i] as number)
}

type LineColumn = 'task' | 'from' | 'to' | 'group' | 'failed'

const failedState = taskStates.indexOf('failed')

function makeLine(
  { times, groupOf, trace }: View,
  name: Omit<Line, 'count' | 'capacity' | 'blocks' | 'latest' | LineColumn>,
  task: Uint32Array,
): Line {
  const count = task.length
  const from = new Float64Array(count)
  const to = new Float64Array(count)
  const group = new Uint16Array(count)
  const failed = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    const row = task[i] as number
    from[i] = times.started[row] as number
    to[i] = times.settled[row] as number
    group[i] = groupOf[row] as number
    failed[i] = trace.tasks.state[row] === failedState ? 1 : 0
  }
  const columns = { count, task, from, to, group, failed }
  if (name.shared) return { ...name, ...columns, capacity: mostAtOnce(from, to), latest: latestOf(to) }
  return { ...name, ...columns, capacity: 1, blocks: blocksOf(columns) }
}

function blocksOf({ count, from, to, group, failed }: Pick<Line, 'count' | LineColumn>): Blocks {
  const blocks = Math.floor(count / blockSlices)
  const busyMs = new Float64Array(blocks)
  const failedMs = new Float64Array(blocks)
  const groupMs = new Float64Array(blocks)
  const most = new Uint16Array(blocks)
  const anyFailed = new Uint8Array(blocks)
  const tally = new Map<number, number>()
  for (let block = 0; block < blocks; block++) {
    tally.clear()
    for (let i = block * blockSlices; i < (block + 1) * blockSlices; i++) {
      const ms = (to[i] as number) - (from[i] as number)
      busyMs[block] = (busyMs[block] as number) + ms
      if (failed[i] === 1) {
        failedMs[block] = (failedMs[block] as number) + ms
        anyFailed[block] = 1
      }
      tally.set(group[i] as number, (tally.get(group[i] as number) ?? 0) + ms)
    }
    groupMs[block] = -1
    for (const [number, ms] of tally) {
      if (ms <= (groupMs[block] as number)) continue
      groupMs[block] = ms
      most[block] = number
    }
  }
  return { busyMs, failedMs, group: most, groupMs, anyFailed }
}

function latestOf(to: Float64Array): Float64Array {
  const latest = to.slice()
  for (let i = 1; i < latest.length; i++) latest[i] = Math.max(latest[i] as number, latest[i - 1] as number)
  return latest
}

function mostAtOnce(from: Float64Array, to: Float64Array): number {
  const ends = to.slice().sort()
  let [most, ended] = [0, 0]
  for (let i = 0; i < from.length; i++) {
    while ((ends[ended] as number) <= (from[i] as number) && ended < i) ended++
    most = Math.max(most, i + 1 - ended)
  }
  return Math.max(1, most)
}
