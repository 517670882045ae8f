/** What a delay of one task does to the end. */
import type { Problem } from '../schedule/problem.ts'
import type { Scheduled } from '../schedule/schedule.ts'
import { OrderPolicy } from './policy.ts'

export const delayShares = [0.25, 0.5, 1] as const

/** How much later the plan ends, for a delay of 25, 50 and 100 % of the task. */
export type Delays = readonly [number, number, number]

/** Every task of larger plans would take too long: those with the least float relative to their duration are tried. */
const triesMax = 600

/**
 * The end moves for nobody whose delay is within the float. For the others the schedule is followed in its order with the delay; where that
 * would end earlier than the plan, it counts as no effect. Undefined for a task that was not tried.
 */
export function delays(problem: Problem, scheduled: Scheduled): (Delays | undefined)[] {
  const policy = new OrderPolicy(problem, scheduled)
  const durations = problem.durations.slice()
  const planned = Math.max(scheduled.end, policy.end(durations))
  const { float } = scheduled
  const exposed = Array.from({ length: problem.size }, (_, t) => t).filter((t) => (float[t] as number) < (durations[t] as number))
  exposed.sort((a, b) => (durations[b] as number) - (float[b] as number) - (durations[a] as number) + (float[a] as number))
  const tried = new Set(exposed.slice(0, Math.max(20, Math.floor((triesMax * 60) / Math.max(60, problem.size)))))
  return Array.from({ length: problem.size }, (_, t): Delays | undefined => {
    const duration = durations[t] as number
    if ((float[t] as number) >= duration) return [0, 0, 0]
    if (!tried.has(t)) return undefined
    const effects = delayShares.map((share) => {
      if (share * duration <= (float[t] as number)) return 0
      durations[t] = Math.round(duration * (1 + share))
      const end = policy.end(durations)
      durations[t] = duration
      return Math.max(0, end - planned)
    })
    const [quarter = 0, half = 0, whole = 0] = effects
    // A task that is less late can still wait: a longer delay never ends earlier (else this would be one of Graham's anomalies).
    return [Math.min(quarter, half, whole), Math.min(half, whole), whole]
  })
}
