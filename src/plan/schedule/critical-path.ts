/**
 * The critical path method with links of all four kinds, lags, releases and calendars: what dependencies alone allow, as if there were enough of
 * everybody.
 */
import type { Calendar } from '../model/calendar.ts'
import { finishFinish, finishStart, type Problem, startStart } from './problem.ts'
import { SerialGeneration } from './serial.ts'

export interface CriticalPath {
  readonly starts: Float64Array
  readonly ends: Float64Array
  /** The end of the last task. */
  readonly end: number
  /** How much later each task may start without moving that end, in its own working time. */
  readonly slack: Float64Array
  /** The chain that decides the end, first to last. */
  readonly path: readonly number[]
}

export function criticalPath(problem: Problem): CriticalPath {
  const generation = new SerialGeneration(unlimited(problem))
  const end = generation.generate(Array.from({ length: problem.size }, (_, t) => t))
  const { starts, ends } = generation
  const latest = latestStarts(problem, end)
  const slack = new Float64Array(problem.size)
  for (let t = 0; t < problem.size; t++) slack[t] = worked(problem.calendars[t], starts[t] as number, latest[t] as number)
  const path = chainTo(problem, starts, ends, lastOf(ends))
  for (const t of path) slack[t] = 0
  return { starts, ends, end, slack, path }
}

/** The same tasks and links, with enough of everything. */
export function unlimited(problem: Problem): Problem {
  return {
    ...problem,
    demandStart: new Uint32Array(problem.size + 1),
    demandResources: new Uint32Array(0),
    demandUnits: new Float64Array(0),
    choices: problem.choices.map(() => []),
    hasChoices: false,
  }
}

/** Working time between two moments; 0 when the second is the earlier one. */
export function worked(calendar: Calendar | undefined, from: number, to: number): number {
  if (to <= from) return 0
  return calendar ? calendar.worked(to) - calendar.worked(from) : to - from
}

export function lastOf(ends: Float64Array): number {
  let last = 0
  for (let t = 1; t < ends.length; t++) if ((ends[t] as number) >= (ends[last] as number)) last = t
  return last
}

/** The latest start of each task at which everything still ends by `end`. */
function latestStarts({ size, dag, durations, dependentKinds, dependentLags, calendars }: Problem, end: number): Float64Array {
  const starts = new Float64Array(size)
  const ends = new Float64Array(size)
  for (let t = size - 1; t >= 0; t--) {
    let [startBy, endBy] = [Infinity, end]
    for (let e = dag.dependentStart[t] as number; e < (dag.dependentStart[t + 1] as number); e++) {
      const dependent = dag.dependents[e] as number
      const kind = dependentKinds[e] as number
      const at = (kind === finishStart || kind === startStart ? starts[dependent] : ends[dependent]) as number
      const bound = before(calendars[dependent], at, dependentLags[e] as number)
      if (kind === finishStart || kind === finishFinish) endBy = Math.min(endBy, bound)
      else startBy = Math.min(startBy, bound)
    }
    const calendar = calendars[t]
    const duration = durations[t] as number
    starts[t] = Math.min(startBy, calendar && duration > 0 ? calendar.subtract(endBy, duration) : endBy - duration)
    ends[t] = Math.min(
      endBy,
      calendar && duration > 0 ? calendar.add(Math.max(0, starts[t] as number), duration) : (starts[t] as number) + duration,
    )
  }
  return starts
}

function before(calendar: Calendar | undefined, at: number, lag: number): number {
  if (lag === 0 || !calendar) return at - lag
  return lag > 0 ? calendar.subtract(at, lag) : calendar.add(calendar.next(Math.max(0, at)), -lag)
}

/** From the task back to the start, always to the link that kept it from starting earlier. */
export function chainTo(
  problem: Problem,
  starts: Float64Array,
  ends: Float64Array,
  last: number,
  otherwise?: (task: number) => number,
): number[] {
  const { dag, kinds, lags, durations, calendars } = problem
  const chain = [last]
  const seen = new Set(chain)
  for (let task = last; ;) {
    let [next, latest] = [-1, -Infinity]
    const calendar = calendars[task]
    for (let e = dag.needStart[task] as number; e < (dag.needStart[task + 1] as number); e++) {
      const need = dag.needs[e] as number
      const kind = kinds[e] as number
      const base = (kind === finishStart || kind === finishFinish ? ends[need] : starts[need]) as number
      const lag = lags[e] as number
      const bound =
        calendar && lag !== 0 ? (lag > 0 ? calendar.add(calendar.next(base), lag) : calendar.subtract(base, -lag)) : base + lag
      const begins =
        kind === finishStart || kind === startStart
          ? bound
          : calendar
            ? calendar.subtract(bound, durations[task] as number)
            : bound - (durations[task] as number)
      if (begins > latest) [next, latest] = [need, begins]
    }
    const start = starts[task] as number
    // A milestone may stand outside of working time, a task may not.
    const reached =
      calendar && (durations[task] as number) > 0 && latest !== -Infinity ? calendar.next(Math.max(0, latest)) : latest
    if (next === -1 || reached < start) next = (start > 0 ? otherwise?.(task) : -1) ?? -1
    if (next === -1 || seen.has(next)) return chain.reverse()
    chain.push(next)
    seen.add(next)
    task = next
  }
}
