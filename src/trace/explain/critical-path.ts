/**
 * The critical path as it happened: the chain of work and waits that decided when the last task settled.
 *
 * The walk goes back in time from the end. The end waited for the task that settled last; a task's start waited for what came last
 * of: the slot that became free, the limiter that let it pass, the last of its needs, or the code that queued it. (The
 * last-arriver rule of Yang and Miller, "Critical path analysis for the execution of parallel and distributed programs",
 * 1988; CRISP walks traces of nested calls the same way, USENIX ATC 2022.) The segments join without a gap, so their lengths
 * sum to the wall time, and shortening one shortens the run until another chain takes over.
 */
import { firstAfter } from './buckets.ts'
import { needsStart, type Related } from './relate.ts'
import { isWorkerRow } from '../processor/rows.ts'

/** What the time of a segment went to. */
export type SegmentKind =
  /** the task itself worked */
  | 'work'
  /** the task was ready and waited for a limiter */
  | 'limiter'
  /** the task waited, and nothing that the trace knows was in its way */
  | 'queue'
  /** between the end of one task and the start of the next that it made possible: handing out, crossing threads */
  | 'dispatch'
  /** the program's own code outside every task */
  | 'outside'

/** One piece of the critical path. */
export interface Segment {
  readonly kind: SegmentKind
  /** Row of the task; −1 for `outside`. */
  readonly task: number
  readonly from: number
  readonly to: number
}

/** The chain of tasks and waits that decided how long the run took. */
export interface CriticalPath {
  /** In order of time, joined end to end over the whole wall time. */
  readonly segments: readonly Segment[]
  /** Milliseconds of the segments by kind. */
  readonly ms: Readonly<Record<SegmentKind, number>>
}

export function criticalPath(related: Related): CriticalPath {
  const walk = new Walk(related)
  walk.run()
  const segments = walk.segments.reverse()
  const ms: Record<SegmentKind, number> = { work: 0, limiter: 0, queue: 0, dispatch: 0, outside: 0 }
  for (const { kind, from, to } of segments) ms[kind] += to - from
  return { segments, ms }
}

class Walk {
  readonly segments: Segment[] = []
  readonly #r: Related
  /** Every task is entered at most once, which ends the walk even where times are equal. */
  readonly #visited: Uint8Array
  /** By owner: where its children end that may still be entered; only ever goes down. */
  readonly #left: Uint32Array
  readonly #leftOfRun: Uint32Array
  readonly #byExecutor: ExecutorIndex
  #at: number
  /** The task whose queueing the walk has just gone back over, and since when its run hands out tasks. */
  #handedOut: { readonly task: number; readonly since: number } | undefined

  constructor(related: Related) {
    this.#r = related
    this.#visited = new Uint8Array(related.count)
    this.#left = related.children.start.slice(1)
    this.#leftOfRun = related.byRun.start.slice(1)
    this.#byExecutor = new ExecutorIndex(related)
    this.#at = related.to
  }

  run(): void {
    let inside = -1
    for (;;) {
      const child = this.#lastChild(inside)
      this.#emitOwner(inside, child >= 0 ? this.#r.settled[child] : inside >= 0 ? this.#r.started[inside] : this.#r.from)
      if (child >= 0) inside = child
      else if (inside >= 0) inside = this.#before(inside)
      else return
    }
  }

  /** What a task's start waited for: gives the task to go on inside, or −1 for the program. */
  #before(task: number): number {
    const { queued, ready, started, settled, trace, parent, run, runClosed, runFrom } = this.#r
    const readyAt = ready[task] as number
    const limiterMs = trace.tasks.limiterMs[task] as number
    this.#emit('limiter', task, Math.max(readyAt, (started[task] as number) - limiterMs))
    if (this.#at > readyAt) {
      const releaser = this.#releaser(task, readyAt)
      if (releaser >= 0) return this.#enter(releaser, task)
      this.#emit('queue', task, readyAt)
    }
    const need = this.#lastNeed(task)
    if (need >= 0 && (settled[need] as number) > (queued[task] as number)) return this.#enter(need, task)
    this.#emit('queue', task, queued[task] as number)
    const group = run[task] as number
    this.#handedOut = group >= 0 && runClosed[group] === 1 ? { task, since: runFrom[group] as number } : undefined
    return parent[task] as number
  }

  /** The task whose end freed the slot: the last one before on the same worker, else the last that settled in the same run. */
  #releaser(task: number, after: number): number {
    const { run, byRun, settled } = this.#r
    const sameExecutor = this.#byExecutor.before(task)
    if (sameExecutor >= 0 && this.#visited[sameExecutor] === 0) {
      const end = settled[sameExecutor] as number
      if (end > after && end <= this.#at) return sameExecutor
    }
    const group = run[task] as number
    if (group < 0) return -1
    const found = this.#last(byRun, this.#leftOfRun, group, task)
    return found >= 0 && (settled[found] as number) > after ? found : -1
  }

  /** The last need to arrive; −1 when there is none that the walk can enter. */
  #lastNeed(task: number): number {
    const { needs, settled, trace } = this.#r
    let best = -1
    for (let i = needsStart(this.#r, task); i < (trace.tasks.needsEnd[task] as number); i++) {
      const need = needs[i] as number
      if (need < 0 || this.#visited[need] === 1 || (settled[need] as number) > this.#at) continue
      if (best < 0 || (settled[need] as number) > (settled[best] as number)) best = need
    }
    return best
  }

  /**
   * Time of the code that started tasks: of a task, or of the program. Where it waits for a run that starts its items itself, the
   * time between one item and the next goes to handing them out.
   */
  #emitOwner(owner: number, from: number | undefined): void {
    const until = from as number
    if (this.#handedOut) this.#emit('dispatch', this.#handedOut.task, Math.max(until, this.#handedOut.since))
    this.#handedOut = undefined
    this.#emit(owner < 0 ? 'outside' : 'work', owner, until)
  }

  #enter(task: number, next: number): number {
    this.#emit('dispatch', next, this.#r.settled[task] as number)
    this.#visited[task] = 1
    return task
  }

  /** The child of a task (−1: of the program) that settled last up to now, marked as visited; −1 when there is none. */
  #lastChild(owner: number): number {
    const { children, count } = this.#r
    const found = this.#last(children, this.#left, owner < 0 ? count : owner, owner)
    if (found >= 0) this.#visited[found] = 1
    return found
  }

  #last(buckets: Related['children'], left: Uint32Array, group: number, except: number): number {
    const start = buckets.start[group] as number
    let at = firstAfter(buckets.items, this.#r.settled, start, left[group] as number, this.#at)
    while (at > start && (this.#visited[buckets.items[at - 1] as number] === 1 || buckets.items[at - 1] === except)) at--
    left[group] = at
    return at > start ? (buckets.items[at - 1] as number) : -1
  }

  #emit(kind: SegmentKind, task: number, from: number): void {
    if (from >= this.#at) return
    const last = this.segments.at(-1)
    if (last && last.kind === kind && last.task === task) this.segments[this.segments.length - 1] = { ...last, from }
    else this.segments.push({ kind, task, from, to: this.#at })
    this.#at = from
  }
}

/** For tasks on workers: the one that ran before on the same worker. */
class ExecutorIndex {
  readonly #before: Int32Array

  constructor({ count, order, trace }: Related) {
    this.#before = new Int32Array(count).fill(-1)
    const last = new Map<number, number>()
    for (const task of order) {
      const row = trace.tasks.row[task] as number
      if (!isWorkerRow(row)) continue
      this.#before[task] = last.get(row) ?? -1
      last.set(row, task)
    }
  }

  before(task: number): number {
    return this.#before[task] as number
  }
}
