/**
 * When the plan ends if tasks take as long as people fear and hope: many runs with durations drawn from three-point estimates, each following the
 * schedule in its order. Triangular distributions, because three points say no more.
 */
import type { Estimate, Task } from '../model/project.ts'
import type { Problem } from '../schedule/problem.ts'
import { randomFrom } from '../schedule/random.ts'
import type { Scheduled } from '../schedule/schedule.ts'
import { OrderPolicy } from './policy.ts'

/** What a task without an estimate is taken for: a tenth less to half more than planned. Chosen; plans are rather too short than too long. */
const unknown = { min: 0.9, max: 1.5 } as const
/** Runs for small plans; large ones get as many as this many tasks in all. */
const [runsMost, tasksMost, runsLeast] = [1_000, 200_000, 100]

export interface Outcomes {
  readonly runs: number
  /** The end in half, 80 % and 95 % of the runs is no later. */
  readonly p50: number
  readonly p80: number
  readonly p95: number
  /** Share of the runs that end no later than planned. */
  readonly onTime: number
  /** Of each task, the share of the runs in which it was one of those that decided the end. */
  readonly criticality: Float64Array
  /** How many tasks have an estimate of their own. */
  readonly estimated: number
}

export function monteCarlo(problem: Problem, tasks: readonly Task[], scheduled: Scheduled, seed: number): Outcomes {
  const random = randomFrom(seed)
  const policy = new OrderPolicy(problem, scheduled)
  const runs = Math.max(runsLeast, Math.min(runsMost, Math.floor(tasksMost / Math.max(1, problem.size))))
  const estimates = tasks.map(estimateOf)
  const durations = new Float64Array(problem.size)
  const criticality = new Float64Array(problem.size)
  const ends = new Float64Array(runs)
  let onTime = 0
  for (let run = 0; run < runs; run++) {
    for (const [t, estimate] of estimates.entries()) durations[t] = drawn(estimate, random())
    const end = policy.end(durations)
    ends[run] = end
    if (end <= scheduled.end) onTime++
    for (const t of policy.chain()) criticality[t] = (criticality[t] as number) + 1 / runs
  }
  ends.sort()
  const at = (share: number): number => ends[Math.min(runs - 1, Math.ceil(share * runs) - 1)] as number
  return {
    runs,
    p50: at(0.5),
    p80: at(0.8),
    p95: at(0.95),
    onTime: onTime / runs,
    criticality,
    estimated: tasks.filter(({ estimate }) => estimate).length,
  }
}

function estimateOf({ estimate, durationMs }: Task): Estimate {
  return estimate ?? { minMs: durationMs * unknown.min, likelyMs: durationMs, maxMs: durationMs * unknown.max }
}

/** The inverse of a triangular distribution, at `share` from 0 to 1. */
function drawn({ minMs, likelyMs, maxMs }: Estimate, share: number): number {
  const width = maxMs - minMs
  if (width === 0) return likelyMs
  const low = (likelyMs - minMs) / width
  const value =
    share < low
      ? minMs + Math.sqrt(share * width * (likelyMs - minMs))
      : maxMs - Math.sqrt((1 - share) * width * (maxMs - likelyMs))
  return Math.round(value)
}
