/** Runs a graph in thought: the schedule that a run with these durations on this many slots would follow, if nothing cost anything else. */
import { Heap } from '../base/heap.ts'
import type { Dag } from './dag.ts'
import { Schedule } from './schedule.ts'

export interface Simulation {
  /** Milliseconds from the start of the run, by task. */
  readonly starts: Float64Array
  readonly ends: Float64Array
  /** On which slot each task ran, from 0 up. */
  readonly slots: Uint32Array
  /** Tasks in the order in which they were started. */
  readonly order: Uint32Array
  readonly makespanMs: number
  /** The largest number of results that were held at one time, because a dependent had not finished or nobody needs them. */
  readonly heldMax: number
}

/**
 * O((tasks + needs) log tasks).
 * @param slots from 1 up, `Infinity` too
 */
export function simulate(dag: Dag, durations: Float64Array, remaining: Float64Array, slots: number): Simulation {
  const { size } = dag
  const [starts, ends] = [new Float64Array(size), new Float64Array(size)]
  const [slotOf, order] = [new Uint32Array(size), new Uint32Array(size)]
  let held = 0
  let heldMax = 0
  const schedule = new Schedule(dag, durations, remaining, slots, () => held--)
  const running = new Running(ends, Math.min(slots, size))
  let now = 0
  let started = 0
  while (started < size || running.size > 0) {
    while (!running.full && schedule.ready > 0) {
      const task = schedule.next()
      starts[task] = now
      ends[task] = now + (durations[task] as number)
      slotOf[task] = running.start(task)
      order[started++] = task
    }
    // All that end at this moment end before anything starts, so that the order of equal ends decides nothing.
    now = ends[running.first] as number
    while (running.size > 0 && ends[running.first] === now) {
      const task = running.end(slotOf)
      heldMax = Math.max(heldMax, ++held)
      schedule.finish(task)
    }
  }
  let makespanMs = 0
  for (const end of ends) if (end > makespanMs) makespanMs = end
  return { starts, ends, slots: slotOf, order, makespanMs, heldMax }
}

/** The tasks under way, the first to end on top; and the slots that are free. */
class Running {
  readonly #heap: Heap<number>
  readonly #slots: number
  /** The slot that was freed last is used next. */
  readonly #free: number[] = []
  #used = 0

  constructor(ends: Float64Array, slots: number) {
    this.#slots = slots
    this.#heap = new Heap((a, b) => {
      const [endA, endB] = [ends[a] as number, ends[b] as number]
      return endA === endB ? a < b : endA < endB
    })
  }

  get size(): number {
    return this.#heap.size
  }

  get full(): boolean {
    return this.size === this.#slots
  }

  /** The task that ends first; only while there is one. */
  get first(): number {
    return this.#heap.top as number
  }

  /** Gives the slot that the task gets. */
  start(task: number): number {
    this.#heap.push(task)
    return this.#free.pop() ?? this.#used++
  }

  /** Takes out the task that ends first, and frees its slot. */
  end(slotOf: Uint32Array): number {
    const first = this.#heap.pop() as number
    this.#free.push(slotOf[first] as number)
    return first
  }
}
