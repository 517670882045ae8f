/** What a schedule leaves open: how late each task may be while everybody keeps the order of their tasks, and which tasks decide the end. */
import { chainTo, lastOf, worked } from './critical-path.ts'
import { finishFinish, finishStart, type Problem, startStart } from './problem.ts'
import type { Taken } from './serial.ts'

type TakenBy = readonly (readonly Taken[])[]

/**
 * A task that starts after another has ended, and shares a resource with it, waits for it: as long as these pairs keep their order, nobody is ever asked for
 * more than there is. O((tasks + links) log tasks).
 */
export function floats(problem: Problem, starts: Float64Array, ends: Float64Array, taken: TakenBy): Float64Array {
  const { size, dag, durations, dependentKinds, dependentLags, calendars, capacities } = problem
  const end = ends[lastOf(ends)] as number
  const order = Uint32Array.from({ length: size }, (_, t) => t).sort(
    (a, b) => (starts[b] as number) - (starts[a] as number) || b - a,
  )
  const latest = new Float64Array(size).fill(-1)
  const latestEnd = new Float64Array(size)
  const later = Array.from(capacities, () => new Later())
  for (const t of order) {
    let [startBy, endBy] = [Infinity, end]
    for (let e = dag.dependentStart[t] as number; e < (dag.dependentStart[t + 1] as number); e++) {
      const dependent = dag.dependents[e] as number
      const kind = dependentKinds[e] as number
      // With a lead, a dependent may stand before; it then stays where it is.
      const known = latest[dependent] !== -1
      const start = (known ? latest[dependent] : starts[dependent]) as number
      const finish = (known ? latestEnd[dependent] : ends[dependent]) as number
      const at = kind === finishStart || kind === startStart ? start : finish
      const bound = at - (dependentLags[e] as number)
      if (kind === finishStart || kind === finishFinish) endBy = Math.min(endBy, bound)
      else startBy = Math.min(startBy, bound)
    }
    for (const [resource] of taken[t] as readonly Taken[])
      endBy = Math.min(endBy, (later[resource] as Later).firstAfter(ends[t] as number))
    const calendar = calendars[t]
    const duration = durations[t] as number
    const lastStart = calendar && duration > 0 ? calendar.subtract(endBy, duration) : endBy - duration
    latest[t] = Math.max(starts[t] as number, Math.min(startBy, lastStart))
    latestEnd[t] = Math.max(ends[t] as number, endBy)
    for (const [resource] of taken[t] as readonly Taken[])
      (later[resource] as Later).add(starts[t] as number, latest[t] as number)
  }
  return latest.map((start, t) => worked(calendars[t], starts[t] as number, start))
}

/** Tasks of one resource, the last to start first: the smallest latest start of all that start no earlier than some moment. */
class Later {
  readonly #starts: number[] = []
  readonly #least: number[] = []

  add(start: number, latest: number): void {
    this.#starts.push(start)
    this.#least.push(Math.min(latest, this.#least.at(-1) ?? Infinity))
  }

  firstAfter(moment: number): number {
    let [low, high] = [0, this.#starts.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#starts[middle] as number) >= moment) low = middle + 1
      else high = middle
    }
    return low === 0 ? Infinity : (this.#least[low - 1] as number)
  }
}

/** From the task that ends last back to the start: through what it needs, else through who was busy until then. */
export function handovers(problem: Problem, starts: Float64Array, ends: Float64Array, taken: TakenBy): number[] {
  const byResource = new Map<number, number[]>()
  for (const [t, own] of taken.entries())
    for (const [resource] of own) byResource.set(resource, append(byResource.get(resource), t))
  for (const tasks of byResource.values()) tasks.sort((a, b) => (ends[b] as number) - (ends[a] as number))
  const busyUntil = (t: number): number => {
    const start = starts[t] as number
    const calendar = problem.calendars[t]
    for (const [resource] of taken[t] as readonly Taken[]) {
      const found = (byResource.get(resource) ?? []).find((other) => other !== t && (ends[other] as number) <= start)
      if (found !== undefined && (calendar ? calendar.next(ends[found] as number) : (ends[found] as number)) === start)
        return found
    }
    return -1
  }
  return chainTo(problem, starts, ends, lastOf(ends), busyUntil)
}

function append(list: number[] | undefined, value: number): number[] {
  if (!list) return [value]
  list.push(value)
  return list
}
