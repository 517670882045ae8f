import type { Trace } from './model.ts'

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
