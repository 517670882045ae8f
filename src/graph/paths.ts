/**
 * Longest paths through a graph whose tasks have known durations: the critical path method (Kelley and Walker, 1959). Every function
 * is one pass over tasks and needs, because the order of creation is a topological order.
 */
import type { Dag } from './dag.ts'

/** For each task, how long the longest path from its start to the end of the graph takes, itself included. */
export function remainingPaths(dag: Dag, durations: Float64Array): Float64Array {
  const { size, needStart, needs } = dag
  const remaining = new Float64Array(size)
  for (let t = size - 1; t >= 0; t--) {
    // All dependents of t have been seen: until here the entry holds the longest of their paths.
    const path = (remaining[t] as number) + (durations[t] as number)
    remaining[t] = path
    for (let e = needStart[t] as number; e < (needStart[t + 1] as number); e++) {
      const need = needs[e] as number
      if (path > (remaining[need] as number)) remaining[need] = path
    }
  }
  return remaining
}

/** When each task starts if slots are never short: the longest path that leads to it, itself not included. */
export function earliestStarts(dag: Dag, durations: Float64Array): Float64Array {
  const { size, needStart, needs } = dag
  const starts = new Float64Array(size)
  for (let t = 0; t < size; t++) {
    let start = 0
    for (let e = needStart[t] as number; e < (needStart[t + 1] as number); e++) {
      const need = needs[e] as number
      start = Math.max(start, (starts[need] as number) + (durations[need] as number))
    }
    starts[t] = start
  }
  return starts
}

/** Number of tasks on the longest chain of needs above each one; 0 for a task that needs none. */
export function levels(dag: Dag): Uint32Array {
  const { size, needStart, needs } = dag
  const levels = new Uint32Array(size)
  for (let t = 0; t < size; t++) {
    let level = 0
    for (let e = needStart[t] as number; e < (needStart[t + 1] as number); e++) {
      level = Math.max(level, (levels[needs[e] as number] as number) + 1)
    }
    levels[t] = level
  }
  return levels
}

/** The chain of tasks that decides the makespan, first to last; of several equally long ones, the one with the earliest tasks. */
export function criticalPath(dag: Dag, remaining: Float64Array): number[] {
  const { size, needStart, dependentStart, dependents } = dag
  let task = -1
  for (let t = 0; t < size; t++) {
    const isSource = needStart[t] === needStart[t + 1]
    if (isSource && (task < 0 || (remaining[t] as number) > (remaining[task] as number))) task = t
  }
  const path: number[] = []
  while (task >= 0) {
    path.push(task)
    let next = -1
    for (let e = dependentStart[task] as number; e < (dependentStart[task + 1] as number); e++) {
      const dependent = dependents[e] as number
      if (next < 0 || (remaining[dependent] as number) > (remaining[next] as number)) next = dependent
    }
    task = next
  }
  return path
}

/** The length of the critical path: no number of slots makes the graph faster. */
export function span(remaining: Float64Array): number {
  let longest = 0
  for (const path of remaining) if (path > longest) longest = path
  return longest
}

/** The sum of all durations: what one slot would take. */
export function work(durations: Float64Array): number {
  let sum = 0
  for (const duration of durations) sum += duration
  return sum
}
