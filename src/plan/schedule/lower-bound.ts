/** What no schedule can beat: lower bounds of the end that are cheap to have. */
import type { CriticalPath } from './critical-path.ts'
import type { Problem } from './problem.ts'
import { tails } from './sampling.ts'

/**
 * The largest of these, rounded up to what sums of the durations can be: the critical path; for each resource the work that must pass through it between the earliest head and the least tail of
 * every set of tasks that have at least such a head and such a tail (A. Mingozzi and others' capacity bound, 1998, over all heads and tails);
 * the same of everybody who may be chosen by skill, together; sets of tasks of which no two can go on at once, because one needs the other or both are
 * too much for a resource. With calendars only the critical path counts.
 */
export function lowerBound(problem: Problem, { starts, end }: CriticalPath): number {
  if (problem.hasCalendars) return end
  // Only lags of finish-to-start links are tails for certain.
  const tail = problem.plain ? tails(problem) : new Float64Array(problem.size)
  let bound = end
  for (const { tasks, work, capacity } of [...fixedLoads(problem), ...chosenLoad(problem)]) {
    bound = Math.max(bound, capacityBound(tasks, work, capacity, starts, tail))
  }
  bound = Math.max(bound, cliqueBound(problem, starts, tail))
  const step = commonStep(problem)
  return step > 1 ? Math.ceil(bound / step) * step : bound
}

/** The greatest common divisor of all lengths of time: no schedule of {@link SerialGeneration} ends at anything but a multiple of it. */
function commonStep({ durations, lags, release }: Problem): number {
  let common = 0
  for (const times of [durations, lags, release]) {
    for (const time of times)
      for (let [a, b] = [common, Math.abs(time)]; ; [a, b] = [b, a % b]) {
        if (b !== 0) continue
        common = a
        break
      }
  }
  return common
}

/** Larger problems have too many pairs. */
const cliqueTasksMax = 400

/** From each task a set of tasks that exclude one another, the longest first. */
function cliqueBound(problem: Problem, heads: Float64Array, tail: Float64Array): number {
  const { size, durations } = problem
  if (size > cliqueTasksMax || !problem.plain) return 0
  const excludes = exclusions(problem)
  const byLength = Array.from({ length: size }, (_, t) => t).sort((a, b) => (durations[b] as number) - (durations[a] as number))
  let bound = 0
  for (let first = 0; first < size; first++) {
    const clique = [first]
    let [head, sum, rest] = [heads[first] as number, durations[first] as number, tail[first] as number]
    for (const t of byLength) {
      if (t === first || !clique.every((other) => excludes[t * size + other] === 1)) continue
      const next = [
        Math.min(head, heads[t] as number),
        sum + (durations[t] as number),
        Math.min(rest, tail[t] as number),
      ] as const
      if (next[0] + next[1] + next[2] < head + sum + rest) continue
      clique.push(t)
      ;[head, sum, rest] = next
    }
    bound = Math.max(bound, head + sum + rest)
  }
  return bound
}

/** 1 where one of two tasks needs the other, directly or not, or both take more of a resource than there is. */
function exclusions({ size, dag, capacities, demandStart, demandResources, demandUnits }: Problem): Uint8Array {
  const excludes = new Uint8Array(size * size)
  for (let t = 0; t < size; t++) {
    for (let e = dag.needStart[t] as number; e < (dag.needStart[t + 1] as number); e++) {
      const need = dag.needs[e] as number
      excludes[t * size + need] = 1
      // What a need needs stands below it, and nothing else does so far.
      for (let before = 0; before < need; before++) if (excludes[need * size + before] === 1) excludes[t * size + before] = 1
    }
  }
  const units = Array.from(capacities, () => new Float64Array(size))
  for (let t = 0; t < size; t++) {
    for (let d = demandStart[t] as number; d < (demandStart[t + 1] as number); d++)
      (units[demandResources[d] as number] as Float64Array)[t] = demandUnits[d] as number
  }
  for (const [r, taken] of units.entries()) {
    for (let t = 0; t < size; t++)
      for (let other = 0; other < t; other++)
        if ((taken[t] as number) + (taken[other] as number) > (capacities[r] as number)) excludes[t * size + other] = 1
  }
  for (let t = 0; t < size; t++)
    for (let other = 0; other < t; other++) if (excludes[t * size + other] === 1) excludes[other * size + t] = 1
  return excludes
}

interface Load {
  readonly tasks: readonly number[]
  /** Units times duration, of each of them. */
  readonly work: readonly number[]
  readonly capacity: number
}

function fixedLoads({ size, capacities, demandStart, demandResources, demandUnits, durations }: Problem): Load[] {
  const loads = Array.from(capacities, (capacity): { tasks: number[]; work: number[]; capacity: number } => ({
    tasks: [],
    work: [],
    capacity,
  }))
  for (let t = 0; t < size; t++) {
    for (let d = demandStart[t] as number; d < (demandStart[t + 1] as number); d++) {
      const load = loads[demandResources[d] as number]
      load?.tasks.push(t)
      load?.work.push((durations[t] as number) * (demandUnits[d] as number))
    }
  }
  return loads
}

/** Everybody who may be chosen, for everything that chooses. */
function chosenLoad({ size, choices, capacities, durations }: Problem): Load[] {
  const tasks: number[] = []
  const work: number[] = []
  const people = new Set<number>()
  for (let t = 0; t < size; t++) {
    let units = 0
    for (const choice of choices[t] ?? []) {
      units += choice.units
      for (const candidate of choice.candidates) people.add(candidate)
    }
    if (units === 0) continue
    tasks.push(t)
    work.push(units * (durations[t] as number))
  }
  return tasks.length === 0
    ? []
    : [{ tasks, work, capacity: [...people].reduce((sum, person) => sum + (capacities[person] as number), 0) }]
}

/** O(tasks · distinct heads). Times are whole, so the bound may be rounded up. */
function capacityBound(
  tasks: readonly number[],
  work: readonly number[],
  capacity: number,
  heads: Float64Array,
  tail: Float64Array,
): number {
  const byTail = tasks
    .map((task, i) => ({ head: heads[task] as number, tail: tail[task] as number, work: work[i] as number }))
    .filter((each) => each.work > 0)
  byTail.sort((a, b) => b.tail - a.tail)
  const allHeads = [...new Set(byTail.map(({ head }) => head))].sort((a, b) => a - b)
  // Beyond that the bound would cost more than it is worth.
  const step = Math.max(1, Math.ceil((allHeads.length * byTail.length) / 4_000_000))
  let bound = 0
  for (let h = 0; h < allHeads.length; h += step) {
    const head = allHeads[h] as number
    let sum = 0
    for (const each of byTail) {
      if (each.head < head) continue
      sum += each.work
      bound = Math.max(bound, head + Math.ceil(sum / capacity - 1e-9) + each.tail)
    }
  }
  return bound
}
