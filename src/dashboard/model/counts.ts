/** How many tasks were in which state at a time. */
import { runStates, taskStates, type Trace } from '../../trace/model/trace.ts'
import type { Counts } from '../protocol.ts'

export type CountName = keyof Counts
export const countNames = ['waiting', 'ready', 'running', 'done', 'failed', 'cancelled'] as const satisfies readonly CountName[]

export const noCounts = (): Record<CountName, number> => ({ waiting: 0, ready: 0, running: 0, done: 0, failed: 0, cancelled: 0 })

const settledAs = taskStates.map((state): CountName | undefined =>
  state === 'done' || state === 'failed' || state === 'cancelled' ? state : undefined,
)

/** States of tasks at a time; by their own times, which may lie apart by microseconds from those of others. */
export function statesAt({ tasks }: Trace, at: number): (task: number) => CountName {
  const { state, readyAt, startedAt, settledAt } = tasks
  return (task) => {
    const settled = settledAs[state[task] as number]
    if (settled !== undefined && (settledAt[task] as number) <= at) return settled
    if ((startedAt[task] as number) >= 0 && (startedAt[task] as number) <= at) return 'running'
    return (readyAt[task] as number) >= 0 && (readyAt[task] as number) <= at ? 'ready' : 'waiting'
  }
}

const running = runStates.indexOf('running')

/** For runs under way: how many of their tasks are known to come and not recorded yet; by row of the run. */
export function tasksToCome({ runs, tasks, meta }: Trace): Map<number, number> {
  const left = new Map<number, number>()
  if (meta.complete) return left
  const rows = new Map<number, number>()
  for (let run = 0; run < runs.count; run++) {
    const total = runs.total[run] as number
    if (runs.state[run] !== running || !(total > 0) || !Number.isFinite(total)) continue
    left.set(run, total)
    rows.set(runs.id[run] as number, run)
  }
  if (left.size === 0) return left
  for (let task = 0; task < tasks.count; task++) {
    const run = rows.get(tasks.run[task] as number)
    if (run !== undefined) left.set(run, Math.max(0, (left.get(run) as number) - 1))
  }
  return left
}
