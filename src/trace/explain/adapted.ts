/** What adaptive concurrency did, from notes of kind `concurrency` with `{ name, from, to, overload }`, one for each change. */
import type { Trace } from '../model/trace.ts'
import { notesOf } from './notes.ts'

/** What adaptive concurrency did in one place. */
export interface Adapted {
  /** What it worked for: a map, a stage, a limiter. */
  readonly name: string
  /** How many calls might be under way at first, and at last. */
  readonly from: number
  readonly to: number
  readonly lowest: number
  readonly highest: number
  readonly changes: number
  /** How many of the changes were made because calls were refused. */
  readonly overloads: number
}

/** In the order of their first change. */
export function adaptedIn(trace: Trace): Adapted[] {
  const found = new Map<string, Adapted>()
  for (const { run, data } of notesOf(trace, 'concurrency')) {
    const { name, from, to, overload } = data
    if (typeof name !== 'string' || typeof from !== 'number' || typeof to !== 'number') continue
    const key = `${run} ${name}`
    const known = found.get(key) ?? { name, from, to, lowest: from, highest: from, changes: 0, overloads: 0 }
    found.set(key, {
      ...known,
      to,
      lowest: Math.min(known.lowest, to),
      highest: Math.max(known.highest, to),
      changes: known.changes + 1,
      overloads: known.overloads + (overload === 1 ? 1 : 0),
    })
  }
  return [...found.values()]
}
