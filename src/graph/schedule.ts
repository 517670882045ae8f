/**
 * Which task runs next: the state of one list schedule, used by the simulation and by the run alike, so that a plan foretells
 * what a run will do.
 *
 * Policy. Longest remaining path first (T. C. Hu, "Parallel sequencing and assembly line problems", 1961). Of equal paths, the task
 * that frees more results: those whose last unfinished dependent it is. Sources (tasks that need nothing) are withheld while other
 * tasks are ready and what is left to start will keep the slots busy for longer than the source's path takes: to start it now
 * would fill memory and gain no time (compare Dask's root-task withholding). Every such order is greedy, so Graham's bound holds.
 *
 * State. `missing[t]`: needs of t that have not finished; t is ready at 0. `unfinished[t]`: dependents of t that have not; its result can
 * go at 0. `frees[t]`: needs of t whose last unfinished dependent it is. A need that stands twice under two names counts twice.
 */
import type { Dag } from './dag.ts'
import { work } from './paths.ts'
import { ReadyHeap } from './ready-heap.ts'

export class Schedule {
  readonly #dag: Dag
  readonly #slots: number
  readonly #durations: Float64Array
  readonly #remaining: Float64Array
  readonly #missing: Uint32Array
  readonly #unfinished: Uint32Array
  readonly #frees: Uint32Array
  /** 1 once a task has finished, or will never run. */
  readonly #over: Uint8Array
  readonly #sources: ReadyHeap
  readonly #others: ReadyHeap
  /** Work of the tasks that have not been started. */
  #workLeft: number
  readonly #release: (task: number) => void

  /**
   * @param remaining longest remaining path of each task, as of {@link durations}
   * @param release gets each task whose last dependent has finished: its result is not needed any more
   */
  constructor(
    dag: Dag,
    durations: Float64Array,
    remaining: Float64Array,
    slots: number,
    release: (task: number) => void = () => {},
  ) {
    this.#dag = dag
    this.#slots = slots
    this.#durations = durations
    this.#remaining = remaining
    this.#release = release
    this.#missing = degrees(dag.needStart)
    this.#unfinished = degrees(dag.dependentStart)
    this.#frees = new Uint32Array(dag.size)
    this.#over = new Uint8Array(dag.size)
    this.#workLeft = work(durations)
    this.#sources = new ReadyHeap(remaining, this.#frees)
    this.#others = new ReadyHeap(remaining, this.#frees)
    for (let t = 0; t < dag.size; t++) {
      if (this.#unfinished[t] === 1) increment(this.#frees, dag.dependents[dag.dependentStart[t] as number] as number)
      if (this.#missing[t] === 0) this.#sources.push(t)
    }
  }

  /** How many tasks could start now. */
  get ready(): number {
    return this.#sources.size + this.#others.size
  }

  /** Starts the most urgent ready task and gives it; -1 when none is ready. */
  next(): number {
    const [sources, others] = [this.#sources, this.#others]
    if (sources.size === 0 && others.size === 0) return -1
    const task = (others.size === 0 || this.#sourceFirst() ? sources : others).pop()
    this.#workLeft -= this.#durations[task] as number
    return task
  }

  #sourceFirst(): boolean {
    if (this.#sources.size === 0) return false
    const source = this.#sources.top
    const withheld = this.#workLeft / this.#slots > (this.#remaining[source] as number)
    return !withheld && this.#others.before(source, this.#others.top)
  }

  /** The task has a result: its dependents may become ready, and results that it needed may go. */
  finish(task: number): void {
    const { dependentStart, dependents } = this.#dag
    this.#end(task)
    for (let e = dependentStart[task] as number; e < (dependentStart[task + 1] as number); e++) {
      const dependent = dependents[e] as number
      if (decrement(this.#missing, dependent) === 0) this.#others.push(dependent)
    }
  }

  /** The task has no result: whatever needs it, directly or not, will never run; `skipped` gets each, a need before its dependents. */
  fail(task: number, skipped: (task: number, because: number) => void): void {
    const { dependentStart, dependents } = this.#dag
    this.#end(task)
    const queue = [task]
    for (let head = 0; head < queue.length; head++) {
      const gone = queue[head] as number
      for (let e = dependentStart[gone] as number; e < (dependentStart[gone + 1] as number); e++) {
        const dependent = dependents[e] as number
        if (this.#over[dependent] === 1) continue
        this.#end(dependent)
        this.#workLeft -= this.#durations[dependent] as number
        skipped(dependent, gone)
        queue.push(dependent)
      }
    }
  }

  /** Nothing of the task is under way or to come: the results that it needed have one dependent less. */
  #end(task: number): void {
    const { needStart, needs } = this.#dag
    this.#over[task] = 1
    for (let e = needStart[task] as number; e < (needStart[task + 1] as number); e++) {
      const need = needs[e] as number
      const left = decrement(this.#unfinished, need)
      if (left === 0) this.#release(need)
      else if (left === 1) this.#lastDependent(need)
    }
  }

  /** The only dependent of `need` that is left will free its result. Once per task, so all these searches together are O(needs). */
  #lastDependent(need: number): void {
    const { dependentStart, dependents } = this.#dag
    for (let e = dependentStart[need] as number; e < (dependentStart[need + 1] as number); e++) {
      const dependent = dependents[e] as number
      if (this.#over[dependent] === 1) continue
      increment(this.#frees, dependent)
      if (this.#others.has(dependent)) this.#others.raise(dependent)
      return
    }
  }
}

/** Differences of neighbours: how many needs, or dependents, each task has. */
function degrees(start: Uint32Array): Uint32Array {
  const degrees = new Uint32Array(start.length - 1)
  for (let t = 0; t < degrees.length; t++) degrees[t] = (start[t + 1] as number) - (start[t] as number)
  return degrees
}

function increment(counts: Uint32Array, at: number): void {
  counts[at] = (counts[at] as number) + 1
}

function decrement(counts: Uint32Array, at: number): number {
  return (counts[at] = (counts[at] as number) - 1)
}
