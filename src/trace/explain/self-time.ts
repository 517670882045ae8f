/**
 * Self time: how long a task worked itself. Its time from start to end, without the time in which tasks that it started were
 * under way, and without waiting on limiters and pausing between attempts. So nothing is counted twice, however runs
 * are nested, and the sum over all tasks is the work that was done.
 */
import type { Related } from './relate.ts'

/** Stretches of time, each of one task; those of one task stand together. */
export interface Stretches {
  readonly count: number
  readonly task: Uint32Array
  readonly from: Float64Array
  readonly to: Float64Array
}

export interface SelfTimes {
  /** By task, in milliseconds. */
  readonly ms: Float64Array
  readonly totalMs: number
  /** When tasks were at work themselves: all of a task without children, else what its children leave. */
  readonly stretches: Stretches
}

export function selfTimes(related: Related): SelfTimes {
  const { count, started, settled } = related
  const stretches = new StretchList(count)
  const ms = new Float64Array(count)
  let totalMs = 0
  for (let task = 0; task < count; task++) {
    const own = addUncovered(stretches, related, task, started[task] as number, settled[task] as number)
    const self = Math.max(0, own - waitedInside(related, task))
    ms[task] = self
    totalMs += self
  }
  return { ms, totalMs, stretches: stretches.done() }
}

/** Waits of a task between its start and its end: pauses, and what its limiters cost beyond the wait before the start. */
export function waitedInside({ trace, ready, started }: Related, task: number): number {
  const limiterMs = trace.tasks.limiterMs[task] as number
  const retryMs = trace.tasks.retryMs[task] as number
  if (limiterMs === 0 && retryMs === 0) return 0
  return Math.max(0, limiterMs - ((started[task] as number) - (ready[task] as number))) + retryMs
}

/**
 * Adds what the children of a task leave of it, and gives its length. Goes back in time over children and the runs that
 * they belong to, by their ends: everything after the earliest beginning seen so far is covered.
 */
function addUncovered(stretches: StretchList, related: Related, task: number, from: number, to: number): number {
  const { children, childRuns, queued, settled, runFrom, runTo } = related
  let child = (children.start[task + 1] as number) - 1
  let run = (childRuns.start[task + 1] as number) - 1
  const firstChild = children.start[task] as number
  const firstRun = childRuns.start[task] as number
  let sum = 0
  let open = to
  while (open > from && (child >= firstChild || run >= firstRun)) {
    const childTask = children.items[child] as number
    const childRun = childRuns.items[run] as number
    const taskIsLater = run < firstRun || (child >= firstChild && (settled[childTask] as number) > (runTo[childRun] as number))
    const end = taskIsLater ? (settled[childTask] as number) : (runTo[childRun] as number)
    const begin = taskIsLater ? (queued[childTask] as number) : (runFrom[childRun] as number)
    if (taskIsLater) child--
    else run--
    if (end < open) sum += stretches.add(task, Math.max(from, end), open)
    if (begin < open) open = begin
  }
  if (open > from) sum += stretches.add(task, from, open)
  return sum
}

class StretchList {
  #task: Uint32Array
  #from: Float64Array
  #to: Float64Array
  #count = 0

  constructor(capacity: number) {
    this.#task = new Uint32Array(capacity + 16)
    this.#from = new Float64Array(capacity + 16)
    this.#to = new Float64Array(capacity + 16)
  }

  add(task: number, from: number, to: number): number {
    if (this.#count === this.#task.length) this.#grow()
    this.#task[this.#count] = task
    this.#from[this.#count] = from
    this.#to[this.#count] = to
    this.#count++
    return to - from
  }

  #grow(): void {
    const capacity = 2 * this.#count
    const [task, from, to] = [new Uint32Array(capacity), new Float64Array(capacity), new Float64Array(capacity)]
    task.set(this.#task)
    from.set(this.#from)
    to.set(this.#to)
    this.#task = task
    this.#from = from
    this.#to = to
  }

  done(): Stretches {
    const count = this.#count
    return { count, task: this.#task.subarray(0, count), from: this.#from.subarray(0, count), to: this.#to.subarray(0, count) }
  }
}
