import { printable, taskLabel, type Grouping } from './groups.ts'
import { type Trace, taskError, type TraceError, taskStates } from './model.ts'

export interface FailureKind {
  readonly error: TraceError
  /** The task that failed so first, and its id. */
  readonly first: string
  readonly id: number
  readonly tasks: number
}

export interface Failures {
  /** By message, in order of first appearance; at most {@link kindsMax}. */
  readonly kinds: readonly FailureKind[]
  readonly failed: number
  readonly cancelled: number
}

const kindsMax = 100

/** What failed, the same failures together. */
export function failuresOf(trace: Trace, grouping: Grouping): Failures {
  const [failedState, cancelledState] = [taskStates.indexOf('failed'), taskStates.indexOf('cancelled')]
  const kinds = new Map<string, { error: TraceError; first: string; id: number; tasks: number }>()
  let [failed, cancelled] = [0, 0]
  for (let task = 0; task < trace.tasks.count; task++) {
    const state = trace.tasks.state[task]
    if (state === cancelledState) cancelled++
    if (state !== failedState) continue
    failed++
    const error = taskError(trace, task) ?? { name: 'Error', message: 'not recorded' }
    const key = `${error.name}: ${error.message}`
    const known = kinds.get(key)
    if (known) known.tasks++
    else if (kinds.size < kindsMax) {
      kinds.set(key, {
        error: { ...error, name: printable(error.name) },
        first: taskLabel(trace, grouping, task),
        id: trace.tasks.id[task] as number,
        tasks: 1,
      })
    }
  }
  return { kinds: [...kinds.values()], failed, cancelled }
}
