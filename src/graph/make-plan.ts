import { bounds } from './bounds.ts'
import type { Selection } from './dag.ts'
import type { GraphModel } from './model.ts'
import { criticalPath, earliestStarts, levels, remainingPaths, span, work } from './paths.ts'
import type { Plan, PlannedTask } from './plan.ts'
import { mermaid, planText } from './render.ts'
import { simulate } from './simulate.ts'

/**
 * Simulates a run of the selected tasks. O((tasks + needs) log tasks).
 * @param durations expected milliseconds of each task of the selection
 * @param concurrency slots, from 1 up, `Infinity` too
 * @param durationsKnown false when nothing is known of any
 */
export function makePlan(
  model: GraphModel,
  { dag, tasks }: Selection,
  durations: Float64Array,
  concurrency: number,
  durationsKnown = true,
): Plan {
  const names = Array.from(tasks, (task) => model.nameOf(task))
  const remaining = remainingPaths(dag, durations)
  const earliest = earliestStarts(dag, durations)
  const level = levels(dag)
  const path = criticalPath(dag, remaining)
  const critical = new Uint8Array(dag.size)
  for (const task of path) critical[task] = 1
  const [workMs, spanMs] = [work(durations), span(remaining)]
  const { starts, ends, slots, order, makespanMs, heldMax } = simulate(dag, durations, remaining, concurrency)

  const task = (t: number): PlannedTask => ({
    name: names[t] as string,
    needs: Array.from(new Set(dag.needs.subarray(dag.needStart[t], dag.needStart[t + 1])), (need) => names[need] as string),
    durationMs: durations[t] as number,
    startMs: starts[t] as number,
    endMs: ends[t] as number,
    slot: slots[t] as number,
    level: level[t] as number,
    // Sums of the same durations in another order may differ in the last bits.
    slackMs: critical[t] === 1 ? 0 : Math.max(0, spanMs - (earliest[t] as number) - (remaining[t] as number)),
    critical: critical[t] === 1,
  })
  const plan: Omit<Plan, 'toString' | 'toMermaid'> = {
    graph: model.name,
    concurrency,
    tasks: Array.from(order, task),
    levels: byLevel(names, level),
    criticalPath: path.map((t) => names[t] as string),
    workMs,
    spanMs,
    parallelism: ratio(workMs, spanMs),
    makespanMs,
    speedup: ratio(workMs, makespanMs),
    idle: Number.isFinite(concurrency) && makespanMs > 0 ? Math.max(0, 1 - workMs / (makespanMs * concurrency)) : 0,
    bounds: bounds(workMs, spanMs, concurrency),
    heldMax,
    durationsKnown,
  }
  // Not enumerable: the plan is data, for JSON and comparisons too.
  return Object.defineProperties(plan, {
    toString: { value: (columns?: number) => planText(plan as Plan, columns) },
    toMermaid: { value: () => mermaid(plan as Plan) },
  }) as Plan
}

function byLevel(names: readonly string[], level: Uint32Array): string[][] {
  const rows: string[][] = []
  for (let t = 0; t < names.length; t++) (rows[level[t] as number] ??= []).push(names[t] as string)
  return rows
}

/** Of two lengths of time; 1 when there is no work at all. */
function ratio(a: number, b: number): number {
  return b === 0 ? 1 : a / b
}
