/**
 * Span: the length of the longest chain of work in which each link had to wait for the one before. With any number of workers the
 * run could not have been shorter, so work / span is the parallelism that the program offers (Blumofe and Leiserson, 1999).
 *
 * What had to wait for what: in a run whose tasks heddle starts (`map`, graphs …), only needs; in code that starts tasks line by line
 * (`scope`, direct calls, one run after the other), whatever was started after the other had settled.
 */
import { type Buckets, bucketsOf, firstAfter } from './buckets.ts'
import { orderBy } from './order.ts'
import { needsStart, type Related } from './relate.ts'

/** Milliseconds; `selfMs` is the self time by task. */
export function spanMs(related: Related, selfMs: Float64Array): number {
  return new Spans(related, selfMs).total()
}

class Spans {
  readonly #r: Related
  readonly #selfMs: Float64Array
  /** By task: the longest chain within its run that ends with it. */
  readonly #chain: Float64Array
  /** By run: its longest chain so far. */
  readonly #run: Float64Array
  /** Beside `byRun.items`: the longest chain of the tasks of the run up to here, for runs that are not closed. */
  readonly #prefix: Float64Array
  readonly #filled: Uint32Array
  readonly #runsOf: Buckets

  constructor(related: Related, selfMs: Float64Array) {
    const { count, trace, byRun, runParent, runTo } = related
    this.#r = related
    this.#selfMs = selfMs
    this.#chain = new Float64Array(count)
    this.#run = new Float64Array(trace.runs.count + 1)
    this.#prefix = new Float64Array(count)
    this.#filled = byRun.start.slice()
    this.#runsOf = bucketsOf(runParent, count + 1, orderBy(runTo))
  }

  total(): number {
    const { order, run, runClosed, trace } = this.#r
    const none = trace.runs.count
    // A task settles after everything inside it, so its children's chains are known when its turn comes.
    for (const task of order) {
      const group = (run[task] as number) < 0 ? none : (run[task] as number)
      const before = runClosed[group] === 1 ? this.#longestNeed(task) : this.#longestBefore(group, task)
      const chain = before + (this.#selfMs[task] as number) + this.#chainOfRuns(task)
      this.#chain[task] = chain
      this.#run[group] = Math.max(this.#run[group] as number, chain)
      const at = this.#filled[group] as number
      this.#prefix[at] = this.#run[group] as number
      this.#filled[group] = at + 1
    }
    return Math.max(this.#chainOfRuns(this.#r.count), this.#run[none] as number)
  }

  #longestNeed(task: number): number {
    const { needs, trace } = this.#r
    let longest = 0
    for (let i = needsStart(this.#r, task); i < (trace.tasks.needsEnd[task] as number); i++) {
      const need = needs[i] as number
      if (need >= 0) longest = Math.max(longest, this.#chain[need] as number)
    }
    return longest
  }

  /** The longest chain of tasks of the same run that had settled when this one was queued. */
  #longestBefore(group: number, task: number): number {
    const { byRun, settled, queued } = this.#r
    const start = byRun.start[group] as number
    const end = firstAfter(byRun.items, settled, start, this.#filled[group] as number, queued[task] as number)
    return end > start ? (this.#prefix[end - 1] as number) : 0
  }

  /** The longest chain of runs inside a task, one after the other in time. */
  #chainOfRuns(owner: number): number {
    const { runFrom, runTo } = this.#r
    const { start, items } = this.#runsOf
    const first = start[owner] as number
    const end = start[owner + 1] as number
    if (end === first) return 0
    if (end === first + 1) return this.#run[items[first] as number] as number
    const prefix = new Float64Array(end - first)
    for (let i = first; i < end; i++) {
      const run = items[i] as number
      const before = firstAfter(items, runTo, first, i, runFrom[run] as number)
      const chain = (this.#run[run] as number) + (before > first ? (prefix[before - 1 - first] as number) : 0)
      prefix[i - first] = Math.max(chain, i > first ? (prefix[i - 1 - first] as number) : 0)
    }
    return prefix[end - 1 - first] as number
  }
}
