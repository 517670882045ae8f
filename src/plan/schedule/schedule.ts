/** A project's schedule under what there is of everybody: the best that a search finds, how good it can be at most, and who does what. */
import type { Resource, Task } from '../model/project.ts'
import { criticalPath, type CriticalPath } from './critical-path.ts'
import { type SearchOptions, search } from './genetic.ts'
import { floats, handovers } from './floats.ts'
import { lowerBound } from './lower-bound.ts'
import type { Compiled, Problem } from './problem.ts'
import type { Taken } from './serial.ts'

export interface Scheduled {
  readonly starts: Float64Array
  readonly ends: Float64Array
  /** Resource and units of each task. */
  readonly taken: readonly (readonly Taken[])[]
  /** The end of the last task. */
  readonly end: number
  /** Late time of all tasks that are due, summed. */
  readonly late: number
  /** No schedule ends earlier. */
  readonly lowerBound: number
  /** How many schedules were made to find it. */
  readonly schedules: number
  /** How much later each task may start in this schedule without moving its end, with everybody's order as it is. */
  readonly float: Float64Array
  /** The tasks that decide the end, through dependencies and hand-overs of people and machines. */
  readonly chain: readonly number[]
  readonly ideal: CriticalPath
}

/** One unit of lateness counts as much as ten of the end; chosen. */
const lateWeight = 10

export type Budget = Pick<SearchOptions, 'schedules' | 'seed' | 'first' | 'stop'>

export function schedule({ problem, tasks }: Pick<Compiled, 'problem' | 'tasks'>, budget: Budget): Scheduled {
  const ideal = criticalPath(problem)
  const due = dueOf(tasks)
  const lower = lowerBound(problem, ideal)
  const cost = due && ((ends: Float64Array): number => endOf(ends) + lateWeight * lateness(due, ends))
  const found = search(problem, { ...budget, lower, ...(cost && { cost }) })
  const { starts, ends, makespan, schedules } = found
  const taken = takenBy(problem, found.chosen)
  const { float, chain } = { float: floats(problem, starts, ends, taken), chain: handovers(problem, starts, ends, taken) }
  return {
    starts,
    ends,
    taken,
    end: makespan,
    late: due ? lateness(due, ends) : 0,
    lowerBound: lower,
    schedules,
    float,
    chain,
    ideal,
  }
}

function dueOf(tasks: readonly Task[]): Float64Array | undefined {
  if (!tasks.some(({ dueMs }) => dueMs !== undefined)) return undefined
  return Float64Array.from(tasks, ({ dueMs }) => dueMs ?? Infinity)
}

function lateness(due: Float64Array, ends: Float64Array): number {
  let sum = 0
  for (let t = 0; t < ends.length; t++) sum += Math.max(0, (ends[t] as number) - (due[t] as number))
  return sum
}

function endOf(ends: Float64Array): number {
  let end = 0
  for (const each of ends) if (each > end) end = each
  return end
}

/** What each task takes for certain, and who was chosen. */
export function takenBy(
  { size, durations, demandStart, demandResources, demandUnits }: Problem,
  chosen: readonly (readonly Taken[])[],
): (readonly Taken[])[] {
  return Array.from({ length: size }, (_, t) => {
    if (durations[t] === 0) return []
    const fixed: Taken[] = []
    for (let d = demandStart[t] as number; d < (demandStart[t + 1] as number); d++)
      fixed.push([demandResources[d] as number, demandUnits[d] as number])
    return [...fixed, ...(chosen[t] ?? [])]
  })
}

/** `Anna, crane ×2` */
export function takenText(taken: readonly Taken[], resources: readonly Resource[]): string {
  return taken.map(([resource, units]) => `${resources[resource]?.name ?? ''}${units > 1 ? ` ×${units}` : ''}`).join(', ')
}
