/**
 * How much of the measured task time was work: what a program without parallelism would have taken.
 *
 * A task's time from start to end also holds the time in which it could not go on, because another task held the thread, or because more
 * threads wanted a core than there were. Sixteen tasks that compute on one thread measure sixteen times their work; taking that for a speedup would be a
 * lie. So between every two samples, what the tasks measured is held against what the processors did (`processor/share.ts`).
 */
import { type Share, shareOf } from '../processor/share.ts'
import { childrenRow, nativeRow, othersRow, isWorkerRow, threadRow } from '../processor/rows.ts'
import type { Related } from './relate.ts'
import type { SelfTimes } from './self-time.ts'
import { type Rates, Spread, type Windows, windowsOf } from './windows.ts'

/** How much work was done, and how much of the time went to waiting for cores. */
export interface Work {
  /** Measured task time, each moment of a task counted once. */
  readonly measuredMs: number
  /** Of it, what was work: computing and waiting for the outside, without waiting for the thread or for a core. */
  readonly workMs: number
  /** Of the work, what was computed: time on a core of the thread, of native threads and of child processes. */
  readonly computedMs: number
  readonly waitedForThreadMs: number
  /** For a core, or for a thread of libuv's pool. */
  readonly waitedForCoreMs: number
  /** Of the two before: how much may have been waiting for the outside all the same. Where threads are busy nobody can tell, so it does not count as work. */
  readonly unclearMs: number
  /** Share of the wall time in which the event loop of this thread was busy. */
  readonly threadBusy: number
  /** How long it was busy while tasks were at work on this thread. */
  readonly threadComputeMs: number
  /** The longest time for which the event loop was held. */
  readonly heldMs: number
  /** Cores in use on average, by whom; what is not known is 0. */
  readonly cores: {
    readonly thread: number
    readonly workers: number
    readonly native: number
    readonly children: number
    readonly others: number
  }
  /** Native threads that were on a core or waiting for one, on average over the time in which tasks waited for them. */
  readonly nativeThreads: number
}

export function contention(related: Related, self: SelfTimes): Work {
  const windows = windowsOf(related)
  const tasks = tasksByRow(related, self, windows)
  const sum = new Sum(related, windows, tasks)
  return sum.work(self.totalMs)
}

/** Mean number of tasks at work by window, for each row of executors. */
function tasksByRow({ started, settled, trace, count }: Related, self: SelfTimes, { edges }: Windows): Map<number, Float64Array> {
  const spreads = new Map<number, Spread>()
  for (let task = 0; task < count; task++) {
    const [from, to] = [started[task] as number, settled[task] as number]
    if (to <= from) continue
    const row = trace.tasks.row[task] as number
    let spread = spreads.get(row)
    if (!spread) spreads.set(row, (spread = new Spread(edges)))
    spread.add(from, to, (self.ms[task] as number) / (to - from))
  }
  return new Map([...spreads].map(([row, spread]) => [row, spread.means()]))
}

class Sum {
  readonly #windows: Windows
  readonly #tasks: ReadonlyMap<number, Float64Array>
  readonly #rows: readonly number[]
  readonly #cores: number
  readonly #poolThreads: number
  readonly #counted: boolean

  constructor({ trace: { meta } }: Related, windows: Windows, tasks: ReadonlyMap<number, Float64Array>) {
    this.#windows = windows
    this.#tasks = tasks
    this.#rows = [...tasks.keys()]
    this.#cores = meta.cores
    this.#poolThreads = meta.poolThreads ?? defaultPoolThreads
    this.#counted = meta.processorTime === 'threads'
  }

  work(measuredMs: number): Work {
    const { edges, busy, heldMs, rates } = this.#windows
    const sums = { computing: 0, waiting: 0, forThread: 0, forCore: 0, unclear: 0 }
    let [busyMs, threadComputeMs, nativeMs, nativeTime] = [0, 0, 0, 0]
    for (let w = 0; w < busy.length; w++) {
      const ms = (edges[w + 1] as number) - (edges[w] as number)
      const loop = busy[w] as number
      busyMs += ms * loop
      threadComputeMs += ms * loop * Math.min(1, this.#tasks.get(0)?.[w] ?? 0)
      const share = this.#shareIn(w)
      for (const name in sums) sums[name as keyof Share] += ms * share[name as keyof Share]
      const native = rate(rates, nativeRow, 'cpu', w) + rate(rates, nativeRow, 'wait', w)
      if (native < nativeThreadsMatter) continue
      nativeMs += ms * native
      nativeTime += ms
    }
    const wall = (edges.at(-1) as number) - (edges[0] as number)
    return {
      measuredMs,
      workMs: Math.min(measuredMs, sums.computing + sums.waiting),
      computedMs: Math.min(measuredMs, sums.computing),
      waitedForThreadMs: sums.forThread,
      waitedForCoreMs: sums.forCore,
      unclearMs: sums.unclear,
      threadBusy: wall > 0 ? busyMs / wall : 0,
      threadComputeMs,
      heldMs,
      cores: this.#coresInUse(wall),
      nativeThreads: nativeTime > 0 ? nativeMs / nativeTime : 0,
    }
  }

  #shareIn(w: number): Share {
    const { rates, cores, busy } = this.#windows
    const executors = this.#rows.map((row) => {
      const tasks = this.#tasks.get(row)?.[w] ?? 0
      const loop = row === threadRow ? (busy[w] as number) : rate(rates, row, 'busy', w)
      // Without its own time, a thread computes while its loop is busy, and a worker while it has a task.
      if (!this.#counted) {
        const computes = row === threadRow ? loop : rates.has(row) ? loop : Math.min(1, tasks)
        return { tasks, cpu: computes, wait: 0, busy: computes }
      }
      return { tasks, cpu: rate(rates, row, 'cpu', w), wait: rate(rates, row, 'wait', w), busy: loop }
    })
    const process = cores[w] as number
    const children = rate(rates, childrenRow, 'cpu', w)
    const others = rate(rates, othersRow, 'cpu', w)
    const used = process + children + others
    return shareOf({
      executors: this.#counted ? executors : withoutCore(executors, process, this.#cores),
      native: { cpu: rate(rates, nativeRow, 'cpu', w), wait: rate(rates, nativeRow, 'wait', w) },
      pool: this.#pool(w),
      children: {
        cpu: children,
        wait: rate(rates, childrenRow, 'wait', w),
        unseen: rate(rates, childrenRow, 'busy', w),
        alive: Math.max(0, rate(rates, childrenRow, 'alive', w)),
      },
      machine: this.#machine(w),
      others: used > 0 ? others / used : 0,
      counted: this.#counted,
    })
  }

  /**
   * The fullest that the pool was in this window or beside it: the system counts a wait when it is over, so one window may lack what the next has
   * too much. And a queue that has just become shorter than the pool was a queue before.
   */
  #pool(w: number): number {
    const { rates } = this.#windows
    let most = 0
    for (const at of [w - 1, w, w + 1])
      most = Math.max(most, rate(rates, nativeRow, 'cpu', at) + rate(rates, nativeRow, 'wait', at))
    return most / this.#poolThreads
  }

  /** Share of the machine in use, in this window and beside it: a window may be short for what is counted in ticks of 10 ms. */
  #machine(w: number): number {
    const { rates, cores, edges } = this.#windows
    let [used, time] = [0, 0]
    for (let at = Math.max(0, w - 1); at <= Math.min(cores.length - 1, w + 1); at++) {
      const ms = (edges[at + 1] as number) - (edges[at] as number)
      used += ms * ((cores[at] as number) + rate(rates, childrenRow, 'cpu', at) + rate(rates, othersRow, 'cpu', at))
      time += ms
    }
    return time > 0 ? used / time / this.#cores : 0
  }

  #coresInUse(wall: number): Work['cores'] {
    const { edges, rates, busy } = this.#windows
    const mean = (of: (row: number) => boolean): number => {
      let sum = 0
      for (const [row, { cpu }] of rates) {
        if (!of(row)) continue
        for (let w = 0; w < busy.length; w++) sum += (cpu[w] as number) * ((edges[w + 1] as number) - (edges[w] as number))
      }
      return wall > 0 ? sum / wall : 0
    }
    return {
      thread: mean((row) => row === threadRow),
      workers: mean(isWorkerRow),
      native: mean((row) => row === nativeRow),
      children: mean((row) => row === childrenRow),
      others: mean((row) => row === othersRow),
    }
  }
}

/** That of libuv. */
const defaultPoolThreads = 4
/** Less is V8's own, collecting garbage and compiling. */
const nativeThreadsMatter = 0.5
/** From here on threads wait for a core where the system does not say for how long. */
const saturated = 0.9

function rate(rates: ReadonlyMap<number, Rates>, row: number, what: keyof Rates, window: number): number {
  return rates.get(row)?.[what][window] ?? 0
}

/** Where waiting for a core is not counted and all cores were in use, threads got their share of what the process had. */
function withoutCore<E extends { readonly tasks: number; readonly cpu: number; readonly busy: number }>(
  executors: readonly E[],
  cores: number,
  machine: number,
): readonly (E & { readonly wait: number })[] {
  const wanted = executors.reduce((sum, { cpu }) => sum + cpu, 0)
  const got = cores >= saturated * machine && wanted > cores ? cores / wanted : 1
  return executors.map((executor) => ({ ...executor, cpu: executor.cpu * got, wait: executor.cpu * (1 - got) }))
}
