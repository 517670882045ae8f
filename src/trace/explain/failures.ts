import { printable, taskLabel, type Grouping } from './groups.ts'
import { notesOf } from './notes.ts'
import { runStates, type Trace, taskError, type TraceError, taskStates } from '../model/trace.ts'

/** Failures with one cause. */
export interface FailureKind {
  readonly error: TraceError
  /** The task that failed so first, and its id. */
  readonly first: string
  readonly id: number
  readonly tasks: number
  /** The first task whose failure its run failed of; undefined where their runs went on. */
  readonly fatal: string | undefined
}

/** What failed, by cause. */
export interface Failures {
  /** By message, whatever numbers stand in it, in order of first appearance; at most {@link kindsMax}. */
  readonly kinds: readonly FailureKind[]
  readonly failed: number
  readonly cancelled: number
  /** Of those, how many were under way when a signal ended the program. */
  readonly cancelledBySignal: number
  /** The task of a run that failed which held up its end longest, because it went on to its own end; undefined when none did. */
  readonly wentOn: { readonly label: string; readonly ms: number } | undefined
}

const kindsMax = 100

/** What failed, like failures together; a task that only passes on what failed inside it is not counted. */
export function failuresOf(trace: Trace, grouping: Grouping): Failures {
  const [failedState, cancelledState] = [taskStates.indexOf('failed'), taskStates.indexOf('cancelled')]
  const kinds = new Map<string, { -readonly [K in keyof FailureKind]: FailureKind[K] }>()
  const failedRuns = failedRunsOf(trace)
  /** What failed inside a task, by the task's id. */
  const inside = new Map<number, string>()
  let [failed, cancelled, cancelledBySignal] = [0, 0, 0]
  const signalledAt = notesOf(trace, 'signal')[0]?.at ?? Number.POSITIVE_INFINITY
  for (let task = 0; task < trace.tasks.count; task++) {
    const state = trace.tasks.state[task]
    if (state === cancelledState) {
      cancelled++
      if ((trace.tasks.settledAt[task] as number) >= signalledAt) cancelledBySignal++
    }
    if (state !== failedState) continue
    const error = taskError(trace, task) ?? { name: 'Error', message: 'not recorded' }
    const key = `${error.name}: ${error.message}`.replaceAll(/\d+/g, '0')
    inside.set(trace.tasks.parent[task] as number, key)
    // It failed because of what it started.
    if (inside.get(trace.tasks.id[task] as number) === key) continue
    failed++
    const isFatal = failedRuns.has(trace.tasks.run[task] as number)
    const known = kinds.get(key)
    if (known) {
      known.tasks++
      if (isFatal) known.fatal ??= taskLabel(trace, grouping, task)
    } else if (kinds.size < kindsMax) {
      const first = taskLabel(trace, grouping, task)
      kinds.set(key, {
        error: { ...error, name: printable(error.name) },
        first,
        id: trace.tasks.id[task] as number,
        tasks: 1,
        fatal: isFatal ? first : undefined,
      })
    }
  }
  return { kinds: [...kinds.values()], failed, cancelled, cancelledBySignal, wentOn: wentOn(trace, grouping) }
}

/** Ids of the runs that failed. */
function failedRunsOf({ runs }: Trace): ReadonlySet<number> {
  const failed = runStates.indexOf('failed')
  return new Set(runs.id.filter((_, run) => runs.state[run] === failed))
}

/** Tasks that were under way when something in their run failed, and succeeded later all the same: they did not heed their signal. */
function wentOn(trace: Trace, grouping: Grouping): Failures['wentOn'] {
  const { tasks } = trace
  const [failedTask, done] = [taskStates.indexOf('failed'), taskStates.indexOf('done')]
  const failedRuns = failedRunsOf(trace)
  const failedAt = new Map<number, number>()
  // In order of settling, so the first failure of each run comes first.
  for (let task = 0; failedRuns.size > 0 && task < tasks.count; task++) {
    const run = tasks.run[task] as number
    if (tasks.state[task] === failedTask && failedRuns.has(run) && !failedAt.has(run))
      failedAt.set(run, tasks.settledAt[task] as number)
  }
  let [longest, ms] = [-1, 0]
  for (let task = 0; failedAt.size > 0 && task < tasks.count; task++) {
    const at = failedAt.get(tasks.run[task] as number)
    if (at === undefined || tasks.state[task] !== done || (tasks.startedAt[task] as number) > at) continue
    const after = (tasks.settledAt[task] as number) - at
    if (after > ms) [longest, ms] = [task, after]
  }
  return longest < 0 ? undefined : { label: taskLabel(trace, grouping, longest), ms }
}
