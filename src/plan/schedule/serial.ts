/**
 * Serial schedule generation (J. E. Kelley, "The critical-path method", 1963): tasks are taken in a given order, and each starts as early as its
 * links and what is left of its resources allow. Every schedule made here is feasible, and for every regular objective the best one can
 * be had by some order (R. Kolisch, "Serial and parallel resource-constrained project scheduling methods revisited", 1996).
 */
import type { Calendar } from '../model/calendar.ts'
import { bothOf, type Choice, finishFinish, finishStart, type Problem, startStart } from './problem.ts'
import { Profile } from './profile.ts'

/** A resource, and how many units of it. */
export type Taken = readonly [resource: number, units: number]

const nothing: readonly Taken[] = []

/** Makes one schedule after the other of a problem. What a call gave is overwritten by the next. */
export class SerialGeneration {
  readonly starts: Float64Array
  readonly ends: Float64Array
  /** The resources chosen for each task by skill. */
  readonly chosen: (readonly Taken[])[]
  makespan = 0
  readonly #problem: Problem
  readonly #profiles: readonly Profile[]
  /** Where the task that was placed last ends. */
  #end = 0

  constructor(problem: Problem) {
    this.#problem = problem
    this.starts = new Float64Array(problem.size)
    this.ends = new Float64Array(problem.size)
    this.chosen = Array.from({ length: problem.size }, () => nothing)
    this.#profiles = Array.from(problem.capacities, (capacity) => new Profile(capacity))
  }

  /** @param order every task once, each after those that it needs */
  generate(order: ArrayLike<number>): number {
    for (const profile of this.#profiles) profile.clear()
    this.makespan = 0
    for (let i = 0; i < order.length; i++) this.#schedule(order[i] as number)
    return this.makespan
  }

  #schedule(t: number): void {
    const { dag, kinds, lags, durations, release, choices, hasCalendars } = this.#problem
    let from = release[t] as number
    let finish = -Infinity
    for (let e = dag.needStart[t] as number; e < (dag.needStart[t + 1] as number); e++) {
      const need = dag.needs[e] as number
      const kind = kinds[e] as number
      const lag = lags[e] as number
      const base = (kind === finishStart || kind === finishFinish ? this.ends[need] : this.starts[need]) as number
      const bound = hasCalendars && lag !== 0 ? this.#lagged(t, base, lag) : base + lag
      if (kind === finishStart || kind === startStart) {
        if (bound > from) from = bound
      } else if (bound > finish) finish = bound
    }
    if (durations[t] === 0 || (choices[t] as readonly Choice[]).length === 0) {
      this.#take(t, this.#earliest(t, from, finish, nothing), nothing)
    } else this.#choose(t, from, finish)
  }

  /** A lag is working time of the task that waits. */
  #lagged(t: number, base: number, lag: number): number {
    const calendar = this.#problem.calendars[t]
    if (!calendar) return base + lag
    return lag > 0 ? calendar.add(calendar.next(base), lag) : Math.max(0, calendar.subtract(base, -lag))
  }

  /** The first start from which the task and the people can work; its end is left in `#end`. */
  #earliest(t: number, from: number, finish: number, people: readonly Taken[]): number {
    const { durations, demandStart, demandResources, demandUnits, resourceCalendars } = this.#problem
    const duration = durations[t] as number
    let calendar = this.#problem.calendars[t]
    for (const [person] of people) {
      const own = resourceCalendars[person]
      if (own) calendar = calendar ? bothOf(calendar, own) : own
    }
    let start = startOf(calendar, Math.max(0, from), finish, duration)
    let end = endOf(calendar, start, finish, duration)
    const [first, last] = [demandStart[t] as number, demandStart[t + 1] as number]
    const count = last - first + people.length
    // A milestone takes nothing.
    if (duration > 0) {
      for (let fitting = 0, d = 0; fitting < count; d = (d + 1) % count) {
        const person = d < last - first ? undefined : people[d - (last - first)]
        const resource = person ? person[0] : (demandResources[first + d] as number)
        const units = person ? person[1] : (demandUnits[first + d] as number)
        const free = (this.#profiles[resource] as Profile).fit(start, end - start, units)
        if (free > start) {
          start = startOf(calendar, free, finish, duration)
          end = endOf(calendar, start, finish, duration)
          fitting = 1
          // A later start may cross a pause, and then it takes longer.
          if (calendar) fitting = 0
        } else fitting++
      }
    }
    this.#end = end
    return start
  }

  #take(t: number, start: number, people: readonly Taken[]): void {
    const { durations, demandStart, demandResources, demandUnits } = this.#problem
    const end = this.#end
    this.starts[t] = start
    this.ends[t] = end
    this.chosen[t] = people
    if (end > this.makespan) this.makespan = end
    if (durations[t] === 0) return
    for (let d = demandStart[t] as number; d < (demandStart[t + 1] as number); d++) {
      ;(this.#profiles[demandResources[d] as number] as Profile).reserve(start, end, demandUnits[d] as number)
    }
    for (const [person, units] of people) (this.#profiles[person] as Profile).reserve(start, end, units)
  }

  /** Takes those with whom the task ends first. */
  #choose(t: number, from: number, finish: number): void {
    const choices = this.#problem.choices[t] as readonly Choice[]
    const [only] = choices as [Choice]
    if (choices.length === 1 && only.units === 1) {
      let best: { start: number; end: number; people: readonly Taken[] } | undefined
      for (const candidate of only.candidates) {
        const people: readonly Taken[] = [[candidate, 1]]
        const start = this.#earliest(t, from, finish, people)
        if (!best || this.#end < best.end) best = { start, end: this.#end, people }
      }
      if (best) {
        this.#end = best.end
        this.#take(t, best.start, best.people)
      }
      return
    }
    let at = this.#earliest(t, from, finish, nothing)
    for (;;) {
      let next = Infinity
      const free = new Map<number, number>()
      for (const candidate of new Set(choices.flatMap(({ candidates }) => candidates))) {
        const capacity = this.#problem.capacities[candidate] as number
        for (let units = 1; units <= capacity; units++) {
          const start = this.#earliest(t, at, finish, [[candidate, units]])
          if (start > at) {
            next = Math.min(next, start)
            break
          }
          free.set(candidate, units)
        }
      }
      const people = match(choices, free)
      if (people) {
        this.#take(t, this.#earliest(t, at, finish, people), people)
        return
      }
      at = next
    }
  }
}

function startOf(calendar: Calendar | undefined, from: number, finish: number, duration: number): number {
  if (!calendar) return Math.max(from, finish - duration)
  // A milestone stands where it is put, also outside working time.
  if (duration === 0) return Math.max(from, finish)
  return calendar.next(finish === -Infinity ? from : Math.max(from, calendar.subtract(finish, duration)))
}

function endOf(calendar: Calendar | undefined, start: number, finish: number, duration: number): number {
  // Work that is done before it may end is held until then.
  return calendar ? Math.max(calendar.add(start, duration), finish) : start + duration
}

/** One unit of a free candidate for each unit that is asked for; undefined when there are not enough. Augmenting paths, as H. W. Kuhn's (1955). */
function match(choices: readonly Choice[], free: ReadonlyMap<number, number>): Taken[] | undefined {
  const slots = choices.flatMap((choice) => Array.from({ length: choice.units }, () => choice.candidates))
  const holders = new Map<number, number[]>()
  const give = (slot: number, seen: Set<number>): boolean => {
    for (const candidate of slots[slot] as readonly number[]) {
      const units = free.get(candidate) ?? 0
      if (units === 0 || seen.has(candidate)) continue
      seen.add(candidate)
      const held = holders.get(candidate) ?? []
      holders.set(candidate, held)
      if (held.length < units) {
        held.push(slot)
        return true
      }
      const moved = held.findIndex((other) => give(other, seen))
      if (moved !== -1) {
        held[moved] = slot
        return true
      }
    }
    return false
  }
  for (let slot = 0; slot < slots.length; slot++) if (!give(slot, new Set())) return undefined
  return [...holders].flatMap(([candidate, { length }]) => (length > 0 ? [[candidate, length] as const] : []))
}
