/** What crossing to workers took of the thread that owns the runs: writing arguments, reading results, and its own code that got these. */
import type { Trace } from '../model/trace.ts'
import { notesOf } from './notes.ts'

/** Of one function in one kind of run. */
export interface Copied {
  readonly name: string
  /** `map`, `mapReduce`, `stream` …; `call` for direct calls. */
  readonly kind: string
  items: number
  bytes: number
  writeMs: number
  readMs: number
  /** Code of the caller's own that ran when results came: `merge`, a plain stage. */
  ownMs: number
  /** Of workers, for reading and writing what is large. */
  workerMs: number
}

/** By function, the one that took longest first. */
export function copyingIn(trace: Trace): Copied[] {
  const kinds = new Map<number, string>()
  const { runs, strings } = trace
  for (let i = 0; i < runs.count; i++) kinds.set(runs.id[i] as number, strings[runs.kind[i] as number] ?? '')
  const byFunction = new Map<string, Copied>()
  for (const { run, data } of notesOf(trace, 'copying')) {
    const kind = kinds.get(run) ?? 'call'
    const key = `${kind} ${String(data.name)} ${String(data.module)}`
    let sum = byFunction.get(key)
    if (!sum) {
      sum = { name: String(data.name), kind, items: 0, bytes: 0, writeMs: 0, readMs: 0, ownMs: 0, workerMs: 0 }
      byFunction.set(key, sum)
    }
    for (const field of ['items', 'bytes', 'writeMs', 'readMs', 'ownMs', 'workerMs'] as const)
      sum[field] += Number(data[field]) || 0
  }
  return [...byFunction.values()].sort((a, b) => threadMs(b) - threadMs(a))
}

export const threadMs = ({ writeMs, readMs, ownMs }: Copied): number => writeMs + readMs + ownMs
