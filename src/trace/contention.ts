/**
 * How much of the measured task time was work.
 *
 * A task's time from start to end also holds the time in which it could not go on, because another task held the thread,
 * or because more threads wanted a core than there were. Sixteen tasks that compute on one thread measure sixteen times
 * their work; taking that for a speedup would be a lie. So per sample of the event loop:
 *
 * - tasks on this thread: while the loop is busy only one of them can be at work. Up to half busy, a wait that is over is noticed at once, and
 *   their times count in full; from nine tenths on they count once; in between, in proportion. (Waiting time in a queue grows with
 *   u / (1 − u): it is small below one half. The two bounds are chosen.)
 * - tasks on workers: where the process used the machine's cores up, they count for the cores that they got.
 */
import type { Related } from './relate.ts'
import type { SelfTimes } from './self-time.ts'

const busyFrom = 0.5
const busyTo = 0.9
const saturated = 0.9

export interface Work {
  /** Measured task time, each moment of a task counted once. */
  readonly measuredMs: number
  /** Of it, what was work: without waiting for the thread or for a core. */
  readonly workMs: number
  readonly waitedForThreadMs: number
  readonly waitedForCoreMs: number
  /** Share of the wall time in which the event loop of this thread was busy. */
  readonly threadBusy: number
  /** How long it was busy while tasks were at work on this thread. */
  readonly threadComputeMs: number
  /** The longest time for which the event loop was held. */
  readonly heldMs: number
}

export function contention(related: Related, self: SelfTimes): Work {
  const windows = new Windows(related)
  const { started, settled, trace, count } = related
  for (let task = 0; task < count; task++) {
    const length = (settled[task] as number) - (started[task] as number)
    if (length <= 0) continue
    const density = (self.ms[task] as number) / length
    windows.add(trace.tasks.row[task] === 0, started[task] as number, settled[task] as number, density)
  }
  return windows.sum(self.totalMs)
}

/** Mean number of tasks at work, by stretch between two samples; on this thread and on workers. */
class Windows {
  readonly #edges: Float64Array
  readonly #busy: Float64Array
  readonly #cores: Float64Array
  readonly #machine: number
  readonly #heldMs: number
  readonly #thread: Spread
  readonly #workers: Spread

  constructor({ trace: { samples, meta }, from, to }: Related) {
    const edges = [from]
    const [busy, cores]: [number[], number[]] = [[], []]
    for (let i = 0; i < samples.count; i++) {
      const at = Math.min(to, samples.at[i] as number)
      if (at <= (edges.at(-1) as number)) continue
      edges.push(at)
      busy.push(samples.busy[i] as number)
      cores.push(samples.cores[i] as number)
    }
    if ((edges.at(-1) as number) < to || edges.length === 1) {
      edges.push(to)
      busy.push(0)
      cores.push(0)
    }
    this.#edges = Float64Array.from(edges)
    this.#busy = Float64Array.from(busy)
    this.#cores = Float64Array.from(cores)
    this.#machine = meta.cores
    this.#heldMs = samples.delayMs.reduce((most, ms, i) => ((samples.at[i] as number) > from ? Math.max(most, ms) : most), 0)
    this.#thread = new Spread(this.#edges)
    this.#workers = new Spread(this.#edges)
  }

  add(onThread: boolean, from: number, to: number, density: number): void {
    ;(onThread ? this.#thread : this.#workers).add(from, to, density)
  }

  sum(measuredMs: number): Work {
    let [forThread, forCore, busyMs, computeMs] = [0, 0, 0, 0]
    const thread = this.#thread.means()
    const workers = this.#workers.means()
    for (let w = 0; w < this.#busy.length; w++) {
      const ms = (this.#edges[w + 1] as number) - (this.#edges[w] as number)
      const busy = this.#busy[w] as number
      const atWork = thread[w] as number
      const share = Math.min(1, Math.max(0, (busy - busyFrom) / (busyTo - busyFrom)))
      busyMs += ms * busy
      computeMs += ms * busy * Math.min(1, atWork)
      forThread += ms * share * Math.max(0, atWork - 1)
      forCore += ms * this.#withoutCore(workers[w] as number, busy, this.#cores[w] as number)
    }
    const wall = (this.#edges.at(-1) as number) - (this.#edges[0] as number)
    return {
      measuredMs,
      workMs: Math.max(0, measuredMs - forThread - forCore),
      waitedForThreadMs: forThread,
      waitedForCoreMs: forCore,
      threadBusy: wall > 0 ? busyMs / wall : 0,
      threadComputeMs: computeMs,
      heldMs: this.#heldMs,
    }
  }

  /** How many of the workers' tasks had no core, on average. */
  #withoutCore(running: number, busy: number, cores: number): number {
    const wanted = running + busy
    if (cores < saturated * this.#machine || wanted <= cores) return 0
    return running * (1 - cores / wanted)
  }
}

/** Sums densities over stretches of time into windows, in constant time per stretch beyond finding the windows of its ends. */
class Spread {
  readonly #edges: Float64Array
  /** Change of the density of whole windows, and what is added to single ones. */
  readonly #change: Float64Array
  readonly #partial: Float64Array

  constructor(edges: Float64Array) {
    this.#edges = edges
    this.#change = new Float64Array(edges.length + 1)
    this.#partial = new Float64Array(edges.length)
  }

  add(from: number, to: number, density: number): void {
    const first = this.#window(from)
    const last = this.#window(to)
    if (first === last) {
      ;(this.#partial[first] as number) += density * (to - from)
      return
    }
    ;(this.#partial[first] as number) += density * ((this.#edges[first + 1] as number) - from)
    ;(this.#partial[last] as number) += density * (to - (this.#edges[last] as number))
    ;(this.#change[first + 1] as number) += density
    ;(this.#change[last] as number) -= density
  }

  /** Mean density by window. */
  means(): Float64Array {
    const means = new Float64Array(this.#edges.length - 1)
    let whole = 0
    for (let w = 0; w < means.length; w++) {
      whole += this.#change[w] as number
      const ms = (this.#edges[w + 1] as number) - (this.#edges[w] as number)
      means[w] = ms > 0 ? Math.max(0, whole + (this.#partial[w] as number) / ms) : 0
    }
    return means
  }

  #window(at: number): number {
    let [low, high] = [0, this.#edges.length - 2]
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#edges[middle] as number) <= at) low = middle
      else high = middle - 1
    }
    return low
  }
}
