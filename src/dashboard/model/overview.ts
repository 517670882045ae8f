/** Head, counts, groups, failures and notes: what a first view shows beside the timeline. */
import { bucketsOf } from '../../trace/explain/buckets.ts'
import { failuresOf } from '../../trace/explain/failures.ts'
import { printable, quantile, runLabel } from '../../trace/explain/groups.ts'
import { taskStates } from '../../trace/model/trace.ts'
import type { GroupRow, NoteRow, Overview } from '../protocol.ts'
import { countNames, noCounts, statesAt, tasksToCome } from './counts.ts'
import type { View } from './view.ts'

const notesShown = 1_000

export interface OverviewContext {
  readonly version: number
  readonly live: boolean
  /** The view of everything, whatever the range. */
  readonly whole: View
}

export function overviewOf(view: View, { version, live, whole }: OverviewContext): Overview {
  const { meta } = whole.trace
  const groups = groupRows(view, view === whole)
  const counts = noCounts()
  for (const row of groups) for (const name of countNames) counts[name] += row.counts[name]
  const { notes, notesTotal } = noteRows(view)
  return {
    version,
    head: {
      name: printable(meta.name),
      epochMs: meta.epochMs,
      nowMs: meta.durationMs,
      wall: whole.wall,
      live,
      complete: meta.complete,
      cores: meta.cores,
      runtime: printable(meta.runtime),
      tasks: whole.trace.tasks.count,
      runs: whole.trace.runs.count,
    },
    counts,
    groups,
    failures: failureRows(view),
    notes,
    notesTotal,
  }
}

function groupRows(view: View, whole: boolean): GroupRow[] {
  const { groups, groupOf, count } = view
  const toCome = whole ? comingByGroup(view) : new Map<number, number>()
  const { start, items } = bucketsOf(groupOf, groups.labels.length, rowNumbers(count))
  const rows: GroupRow[] = []
  for (let number = 0; number < groups.labels.length; number++) {
    const tasks = items.subarray(start[number], start[number + 1])
    const coming = toCome.get(number) ?? 0
    if (tasks.length + coming > 0) rows.push(groupRow(view, number, tasks, coming))
  }
  return rows
}

const failedState = taskStates.indexOf('failed')

function groupRow(view: View, number: number, tasks: Uint32Array, coming: number): GroupRow {
  const { trace, times, groups, wall } = view
  const stateOf = statesAt(trace, wall.to)
  const counts = noCounts()
  const durations = new Float64Array(tasks.length)
  let [attempts, totalMs, firstFailure, failedAt, started] = [0, 0, 0, Number.POSITIVE_INFINITY, 0]
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i] as number
    counts[stateOf(task)]++
    attempts += trace.tasks.attempts[task] as number
    if ((trace.tasks.startedAt[task] as number) >= 0) {
      const ms = (times.settled[task] as number) - (times.started[task] as number)
      durations[started++] = ms
      totalMs += ms
    }
    const settledAt = trace.tasks.settledAt[task] as number
    if (trace.tasks.state[task] === failedState && settledAt < failedAt) {
      failedAt = settledAt
      firstFailure = trace.tasks.id[task] as number
    }
  }
  const sorted = durations.subarray(0, started).sort()
  counts.waiting += coming
  return {
    number,
    label: groups.labels[number] as string,
    kind: groups.kinds[number] as string,
    counts,
    total: tasks.length + coming,
    attempts,
    totalMs,
    medianMs: quantile(sorted, 0.5),
    p95Ms: quantile(sorted, 0.95),
    maxMs: quantile(sorted, 1),
    firstFailure,
  }
}

/** Tasks known to come count to the group that bears the name of their run. */
function comingByGroup({ trace, groups }: View): Map<number, number> {
  const byGroup = new Map<number, number>()
  for (const [run, left] of tasksToCome(trace)) {
    if (left === 0) continue
    const label = runLabel(trace, run)
    const number = groups.number(`${label}\n`, label, printable(trace.strings[trace.runs.kind[run] as number]))
    byGroup.set(number, (byGroup.get(number) ?? 0) + left)
  }
  return byGroup
}

function failureRows(view: View): Overview['failures'] {
  return failuresOf(view.trace, view.grouping).kinds.map(({ error, id, tasks }) => {
    const task = view.rowOf(id)
    const { name, message, code } = error
    return {
      name,
      message,
      ...(code !== undefined && { code }),
      tasks,
      first: view.ref(task),
      group: view.groupOf[task] as number,
    }
  })
}

function noteRows({ trace: { notes, strings }, wall }: View): { notes: NoteRow[]; notesTotal: number } {
  const rows: NoteRow[] = []
  for (let i = 0; i < notes.count; i++) {
    const at = notes.at[i] as number
    if (at < wall.from || at > wall.to) continue
    rows.push({
      at,
      kind: printable(strings[notes.kind[i] as number]),
      text: printable(strings[notes.text[i] as number]),
    })
  }
  return { notes: rows.slice(-notesShown), notesTotal: rows.length }
}

export function rowNumbers(count: number): Uint32Array {
  const rows = new Uint32Array(count)
  for (let i = 0; i < count; i++) rows[i] = i
  return rows
}
