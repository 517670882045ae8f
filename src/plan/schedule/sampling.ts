/** First orders for a search: by the latest-finish rule, exactly, and with chance (A. Drexl, "Scheduling of project networks by job assignment", 1991). */
import type { Problem } from './problem.ts'

/** How long the longest path takes that begins when each task ends. Lags of other kinds count as far as they lengthen it. */
export function tails({ size, dag, durations, dependentLags }: Problem): Float64Array {
  const tail = new Float64Array(size)
  for (let t = size - 1; t >= 0; t--) {
    for (let e = dag.dependentStart[t] as number; e < (dag.dependentStart[t + 1] as number); e++) {
      const dependent = dag.dependents[e] as number
      tail[t] = Math.max(
        tail[t] as number,
        (tail[dependent] as number) + (durations[dependent] as number) + (dependentLags[e] as number),
      )
    }
  }
  return tail
}

/**
 * @param urgency of each task, larger first
 * @param random undefined for the rule itself; else each ready task may come next, the likelier the more urgent it is
 */
export function listByRule({ size, dag }: Problem, urgency: Float64Array, random: (() => number) | undefined): Uint32Array {
  const missing = new Uint32Array(size)
  const ready: number[] = []
  for (let t = 0; t < size; t++) {
    missing[t] = (dag.needStart[t + 1] as number) - (dag.needStart[t] as number)
    if (missing[t] === 0) ready.push(t)
  }
  const order = new Uint32Array(size)
  for (let i = 0; i < size; i++) {
    const at = random ? drawn(ready, urgency, random) : mostUrgent(ready, urgency)
    const task = ready[at] as number
    ready[at] = ready.at(-1) as number
    ready.pop()
    order[i] = task
    for (let e = dag.dependentStart[task] as number; e < (dag.dependentStart[task + 1] as number); e++) {
      const dependent = dag.dependents[e] as number
      const left = (missing[dependent] as number) - 1
      missing[dependent] = left
      if (left === 0) ready.push(dependent)
    }
  }
  return order
}

function mostUrgent(ready: readonly number[], urgency: Float64Array): number {
  let best = 0
  for (let i = 1; i < ready.length; i++) {
    const [a, b] = [ready[i] as number, ready[best] as number]
    if ((urgency[a] as number) > (urgency[b] as number) || (urgency[a] === urgency[b] && a < b)) best = i
  }
  return best
}

/** By regret: how much more urgent a task is than the least urgent one. */
function drawn(ready: readonly number[], urgency: Float64Array, random: () => number): number {
  let least = Infinity
  let most = -Infinity
  for (const task of ready) {
    least = Math.min(least, urgency[task] as number)
    most = Math.max(most, urgency[task] as number)
  }
  // The smallest regret has a chance too; how large is chosen.
  const floor = (most - least) / 20 + 1
  let sum = 0
  for (const task of ready) sum += (urgency[task] as number) - least + floor
  let left = random() * sum
  for (let i = 0; i < ready.length - 1; i++) {
    left -= (urgency[ready[i] as number] as number) - least + floor
    if (left < 0) return i
  }
  return ready.length - 1
}
