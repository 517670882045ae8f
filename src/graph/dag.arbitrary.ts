/** Random graphs for the property tests of this folder. */
import * as fc from 'fast-check'
import { type Dag, dagOf } from './dag.ts'

export interface RandomGraph {
  readonly dag: Dag
  readonly durations: Float64Array
}

/** Up to `size` tasks with up to four needs each, sometimes the same need twice; whole durations, often equal. */
export function randomGraph(size: number): fc.Arbitrary<RandomGraph> {
  const task = fc.record({ needs: fc.array(fc.nat(), { maxLength: 4 }), duration: fc.oneof(fc.constant(1), fc.nat(5)) })
  return fc.array(task, { minLength: 1, maxLength: size }).map((tasks) => {
    const rows = tasks.map(({ needs }, t) => (t === 0 ? [] : needs.map((need) => need % t)))
    return { dag: dagFromRows(rows), durations: Float64Array.from(tasks, ({ duration }) => duration) }
  })
}

/** @param rows the needs of each task */
export function dagFromRows(rows: readonly (readonly number[])[]): Dag {
  const start = new Uint32Array(rows.length + 1)
  for (let t = 0; t < rows.length; t++) start[t + 1] = (start[t] as number) + (rows[t] as readonly number[]).length
  return dagOf(start, Uint32Array.from(rows.flat()))
}

export function needsOf(dag: Dag, task: number): number[] {
  return Array.from(dag.needs.subarray(dag.needStart[task], dag.needStart[task + 1]))
}

export function dependentsOf(dag: Dag, task: number): number[] {
  return Array.from(dag.dependents.subarray(dag.dependentStart[task], dag.dependentStart[task + 1]))
}
