/**
 * Where the time of the executors went: running, or idle, and why.
 *
 * A row is a worker, or a slot on the thread that owns the runs (as many as were ever at work at once). Every idle moment of
 * a row has exactly one cause, so running time and idle time by cause sum to wall time × rows.
 *
 * One sweep over time. The clock of each cause runs while that cause holds; a row that falls idle reads the clocks, reads
 * them again when it is busy, and the differences are its idle time by cause. That is constant work per event,
 * however many rows there are.
 */
import { EventQueue } from './event-queue.ts'
import type { Related } from './relate.ts'
import { type SelfTimes, waitedInside } from './self-time.ts'
import { firstTasks } from './notes.ts'
import { RowNames, threadRow } from '../processor/rows.ts'

/** Why a row had nothing to do. Where several hold, the first counts. */
export const idleCauses = ['startup', 'dispatch', 'limiter', 'retry', 'slot', 'dependency', 'tail', 'program'] as const
/** Why a worker had nothing to do. */
export type IdleCause = (typeof idleCauses)[number]

/** The causes in words, to follow "idle: ". */
export const idleWords: Readonly<Record<IdleCause, string>> = {
  startup: 'workers starting and loading modules',
  dispatch: 'handing out tasks',
  limiter: 'waiting on a limiter',
  retry: 'pausing before another attempt',
  slot: 'waiting for a free slot',
  dependency: 'waiting on dependencies',
  tail: 'nothing left to start while others ran',
  program: 'between runs',
}

export type IdleMs = Record<IdleCause, number>

/** How one executor spent the run. */
export interface RowUse {
  /** Number of the worker, 0 for this thread. */
  readonly row: number
  /** What it is called: `this thread`, `worker 3`, `web-2: slot 1`. */
  readonly label: string
  /** 1 for a worker; on this thread, the most that were at work at once. */
  readonly slots: number
  readonly tasks: number
  readonly runningMs: number
  /** Sums with `runningMs` to wall time × slots. */
  readonly idleMs: Readonly<IdleMs>
}

export const noIdle = (): IdleMs => Object.fromEntries(idleCauses.map((cause) => [cause, 0])) as IdleMs

export interface Executors {
  /** Every row that ran a task, this thread first. */
  readonly rows: readonly RowUse[]
  /** The most workers of the machine that recorded that were ever at work at once. */
  readonly workersAtOnce: number
}

export function useOfExecutors(related: Related, self: SelfTimes): Executors {
  return new Sweep(related, self).run()
}

/** A worker: what is under way on it, what is on its way to it, and where the clocks stood when it last changed. */
interface WorkerRow {
  readonly row: number
  /** Its cores are those of the machine that recorded. */
  readonly local: boolean
  tasks: number
  running: number
  coming: number
  starting: number
  runningMs: number
  readonly idleMs: IdleMs
  since: number
  readonly clocks: Float64Array
}

/** Causes that are the same for every row at a time, each with the number of its clock; the rest are a row's own. */
const clock = { limiter: 0, retry: 1, slot: 2, dependency: 3, tail: 4, program: 5, dispatch: 6 } as const
const shared = Object.keys(clock) as readonly (keyof typeof clock)[]

class Sweep {
  readonly #r: Related
  readonly #self: SelfTimes
  readonly #names: RowNames
  readonly #events = new EventQueue()
  readonly #workers = new Map<number, WorkerRow>()
  /** How many tasks are in each state of waiting; `running` counts those at work anywhere. */
  readonly #counts = { limiter: 0, retry: 0, slot: 0, dependency: 0, running: 0, runs: 0 }
  /** Time during which each shared cause held, for workers and for slots of this thread (which alone wait for slots). */
  readonly #workerClocks = new Float64Array(shared.length)
  readonly #threadClocks = new Float64Array(shared.length)
  /** Slot time of this thread at work while each cause held. */
  readonly #threadBusy = new Float64Array(shared.length)
  #threadRunning = 0
  #workersRunning = 0
  #workersAtOnce = 0
  #threadSlots = 0
  #threadTasks = 0
  #now: number

  constructor(related: Related, self: SelfTimes) {
    this.#r = related
    this.#self = self
    this.#names = new RowNames(related.trace)
    this.#now = related.from
  }

  run(): Executors {
    this.#addWork()
    this.#addWaits()
    this.#addStarts()
    this.#addRuns()
    this.#events.run((at) => this.#advance(at))
    this.#advance(this.#r.to)
    const workers = [...this.#workers.values()].sort((a, b) => a.row - b.row)
    for (const worker of workers) this.#settle(worker)
    const rows = [
      ...(this.#threadSlots > 0 ? [this.#thread()] : []),
      ...workers.map(({ row, tasks, runningMs, idleMs }) => ({
        row,
        label: this.#names.label(row),
        slots: 1,
        tasks,
        runningMs,
        idleMs,
      })),
    ]
    return { rows, workersAtOnce: this.#workersAtOnce }
  }

  #addWork(): void {
    const { trace } = this.#r
    const { stretches } = this.#self
    const thread = { from: [] as number[], to: [] as number[] }
    const worker = { from: [] as number[], to: [] as number[], rows: [] as WorkerRow[] }
    for (let i = 0; i < stretches.count; i++) {
      const task = stretches.task[i] as number
      const to = stretches.to[i] as number
      const from = Math.min(to, (stretches.from[i] as number) + waitedInside(this.#r, task))
      const row = trace.tasks.row[task] as number
      if (row === threadRow) {
        this.#threadTasks++
        if (from < to) {
          thread.from.push(from)
          thread.to.push(to)
        }
        continue
      }
      worker.from.push(from)
      worker.to.push(to)
      worker.rows.push(this.#worker(row))
    }
    // Ends first: at the same moment a slot is freed before it is taken again.
    this.#events.add(thread.to, () => this.#threadChange(-1))
    this.#events.add(thread.from, () => this.#threadChange(1))
    this.#events.add(worker.to, (i) => this.#workerChange(worker.rows[i], 'running', -1))
    this.#events.add(worker.from, (i) => this.#workerChange(worker.rows[i], 'running', 1))
  }

  #worker(row: number): WorkerRow {
    let worker = this.#workers.get(row)
    if (!worker) {
      worker = {
        row,
        local: this.#names.isLocalWorker(row),
        tasks: 0,
        running: 0,
        coming: 0,
        starting: 0,
        runningMs: 0,
        idleMs: noIdle(),
        since: this.#r.from,
        clocks: new Float64Array(shared.length),
      }
      this.#workers.set(row, worker)
    }
    return worker
  }

  #addWaits(): void {
    const { count, queued, ready, started, settled, trace } = this.#r
    const waits = { limiter: interval(), retry: interval(), slot: interval(), dependency: interval() }
    const coming = { from: [] as number[], to: [] as number[], rows: [] as WorkerRow[] }
    for (let task = 0; task < count; task++) {
      const start = started[task] as number
      const readyAt = ready[task] as number
      const limiterMs = trace.tasks.limiterMs[task] as number
      const free = Math.max(readyAt, start - limiterMs)
      const row = trace.tasks.row[task] as number
      waits.dependency.add(queued[task] as number, readyAt)
      waits.limiter.add(free, start)
      if (row === threadRow) waits.slot.add(readyAt, free)
      else {
        const worker = this.#worker(row)
        worker.tasks++
        coming.from.push(readyAt)
        coming.to.push(start)
        coming.rows.push(worker)
      }
      const pauseFrom = Math.min(settled[task] as number, start + Math.max(0, limiterMs - (start - readyAt)))
      waits.limiter.add(start, pauseFrom)
      waits.retry.add(pauseFrom, Math.min(settled[task] as number, pauseFrom + (trace.tasks.retryMs[task] as number)))
    }
    for (const [cause, { from, to }] of Object.entries(waits) as [keyof typeof waits, Interval][]) {
      this.#events.add(from, () => void this.#counts[cause]++)
      this.#events.add(to, () => void this.#counts[cause]--)
    }
    this.#events.add(coming.from, (i) => this.#workerChange(coming.rows[i], 'coming', 1))
    this.#events.add(coming.to, (i) => this.#workerChange(coming.rows[i], 'coming', -1))
  }

  #addStarts(): void {
    const starts = firstTasks(this.#r).filter(({ row }) => this.#workers.has(row))
    const rows = starts.map(({ row }) => this.#workers.get(row))
    this.#events.add(
      starts.map(({ from }) => Math.max(this.#r.from, from)),
      (i) => this.#workerChange(rows[i], 'starting', 1),
    )
    this.#events.add(
      starts.map(({ to }) => Math.max(this.#r.from, to)),
      (i) => this.#workerChange(rows[i], 'starting', -1),
    )
  }

  /** While a run is under way that starts its tasks itself, a moment without any is not between runs. */
  #addRuns(): void {
    const { runFrom, runTo, runClosed } = this.#r
    const closed = (times: Float64Array): number[] => [...times].filter((_, run) => runClosed[run] === 1)
    this.#events.add(closed(runFrom), () => void this.#counts.runs++)
    this.#events.add(closed(runTo), () => void this.#counts.runs--)
  }

  /** Lets the clocks of the causes that hold run up to `at`. */
  #advance(at: number): void {
    const until = Math.min(at, this.#r.to)
    const ms = until - this.#now
    if (ms <= 0) return
    const { limiter, retry, slot, dependency, running, runs } = this.#counts
    const others = running > 0 ? clock.tail : runs > 0 ? clock.dispatch : clock.program
    const other = dependency > 0 ? clock.dependency : others
    const waiting = limiter > 0 ? clock.limiter : retry > 0 ? clock.retry : undefined
    const forWorkers = waiting ?? other
    const forThread = waiting ?? (slot > 0 ? clock.slot : other)
    ;(this.#workerClocks[forWorkers] as number) += ms
    ;(this.#threadClocks[forThread] as number) += ms
    ;(this.#threadBusy[forThread] as number) += ms * this.#threadRunning
    this.#now = until
  }

  #threadChange(by: 1 | -1): void {
    this.#counts.running += by
    this.#threadRunning += by
    this.#threadSlots = Math.max(this.#threadSlots, this.#threadRunning)
  }

  #workerChange(worker: WorkerRow | undefined, what: 'running' | 'coming' | 'starting', by: 1 | -1): void {
    if (!worker) return
    this.#settle(worker)
    worker[what] += by
    if (what !== 'running') return
    this.#counts.running += by
    if (worker.local && worker.running === (by === 1 ? 1 : 0)) this.#workersRunning += by
    this.#workersAtOnce = Math.max(this.#workersAtOnce, this.#workersRunning)
  }

  /** Books the time since the last change of a worker. */
  #settle(worker: WorkerRow): void {
    const ms = this.#now - worker.since
    if (worker.running > 0) worker.runningMs += ms
    else if (worker.starting > 0) worker.idleMs.startup += ms
    else if (worker.coming > 0) worker.idleMs.dispatch += ms
    else {
      for (let c = 0; c < shared.length; c++)
        worker.idleMs[shared[c] as IdleCause] += (this.#workerClocks[c] as number) - (worker.clocks[c] as number)
    }
    worker.since = this.#now
    worker.clocks.set(this.#workerClocks)
  }

  #thread(): RowUse {
    const idleMs = noIdle()
    let runningMs = 0
    for (let c = 0; c < shared.length; c++) {
      const busy = this.#threadBusy[c] as number
      runningMs += busy
      idleMs[shared[c] as IdleCause] = Math.max(0, this.#threadSlots * (this.#threadClocks[c] as number) - busy)
    }
    return {
      row: threadRow,
      label: this.#names.label(threadRow),
      slots: this.#threadSlots,
      tasks: this.#threadTasks,
      runningMs,
      idleMs,
    }
  }
}

interface Interval {
  readonly from: number[]
  readonly to: number[]
  add(from: number, to: number): void
}

function interval(): Interval {
  const [from, to]: [number[], number[]] = [[], []]
  return {
    from,
    to,
    add(begin, end) {
      if (end <= begin) return
      from.push(begin)
      to.push(end)
    },
  }
}
