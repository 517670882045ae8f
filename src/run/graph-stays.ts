/**
 * Which results of a graph stay with the workers: those of worker functions that only worker functions of the same executor need. They pass as
 * bytes (`encoding/sealed.js`), which this thread never reads.
 */
import { Sealed } from '../encoding/sealed.js'
import type { Selection } from '../graph/index.ts'
import type { CallOptions, Executor } from './executor.ts'

/** One flag per task of the selection; undefined where no result stays. */
export function staysThere(
  { dag, targets }: Selection,
  executorOf: (task: number) => Executor | undefined,
): Uint8Array | undefined {
  const stays = new Uint8Array(dag.size)
  const { needStart, needs } = dag
  // First those that somebody over there needs, then without those that are needed elsewhere too.
  let some = false
  for (let task = 0; task < dag.size; task++) {
    const executor = executorOf(task)
    if (!executor?.keepsValues) continue
    for (let i = needStart[task] as number; i < (needStart[task + 1] as number); i++) {
      const need = needs[i] as number
      if (executorOf(need) === executor) stays[need] = 1
      some ||= stays[need] === 1
    }
  }
  if (!some) return undefined
  for (let task = 0; task < dag.size; task++) {
    const executor = executorOf(task)
    for (let i = needStart[task] as number; i < (needStart[task + 1] as number); i++) {
      const need = needs[i] as number
      if (executorOf(need) !== executor) stays[need] = 0
    }
  }
  for (const target of targets) stays[target] = 0
  return stays
}

/** Where among the results that a task needs there are sealed ones. */
export function sealedAmong(results: unknown): NonNullable<CallOptions['sealed']> {
  const places: { argument: number; key: string | number | undefined }[] = []
  if (typeof results !== 'object' || results === null) return places
  for (const [key, value] of Object.entries(results)) if (value instanceof Sealed) places.push({ argument: 0, key })
  return places
}

/** A value for whoever is on this thread. */
export function opened(value: unknown): unknown {
  return value instanceof Sealed ? value.open() : value
}
