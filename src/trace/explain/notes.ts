import type { Trace } from '../model/trace.ts'
import type { Related } from './relate.ts'
import { isWorkerRow } from '../processor/rows.ts'

export interface WorkerStart {
  /** Number of the worker. */
  readonly row: number
  readonly from: number
  readonly to: number
}

/** When workers were starting, from notes of kind `worker-start` with `{ row, ms }`, written when the worker was ready. */
export function workerStarts(trace: Trace): WorkerStart[] {
  const starts: WorkerStart[] = []
  for (const { at, data } of notesOf(trace, 'worker-start')) {
    if (typeof data.row === 'number' && typeof data.ms === 'number') starts.push({ row: data.row, from: at - data.ms, to: at })
  }
  return starts
}

/** Each worker that began within the wall time, from then until its first task started: it starts, and loads its module. */
export function firstTasks(related: Related): WorkerStart[] {
  const { trace, from, to, started, count } = related
  const first = new Map<number, number>()
  for (let task = 0; task < count; task++) {
    const row = trace.tasks.row[task] as number
    if (isWorkerRow(row)) first.set(row, Math.min(first.get(row) ?? to, started[task] as number))
  }
  return workerStarts(trace).flatMap((start) => {
    const at = first.get(start.row)
    return at === undefined || start.from < from ? [] : { row: start.row, from: start.from, to: Math.max(start.to, at) }
  })
}

/** From the moment at which the first of them began until one had a task. */
export function startingMs(related: Related): number {
  const starts = firstTasks(related)
  if (starts.length === 0) return 0
  const [from, to] = [Math.min(...starts.map((start) => start.from)), Math.min(...starts.map((start) => start.to))]
  return Math.max(0, to - from)
}

export interface TraceNote {
  readonly at: number
  readonly run: number
  readonly text: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The notes of one kind, in order of time. */
export function notesOf({ notes, strings }: Trace, kind: string): TraceNote[] {
  const found: TraceNote[] = []
  for (let i = 0; i < notes.count; i++) {
    if (strings[notes.kind[i] as number] !== kind) continue
    found.push({
      at: notes.at[i] as number,
      run: notes.run[i] as number,
      text: strings[notes.text[i] as number] ?? '',
      data: parseData(strings[notes.data[i] as number]),
    })
  }
  return found
}

function parseData(text: string | undefined): Record<string, unknown> {
  if (!text) return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
