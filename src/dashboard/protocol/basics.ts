/** What several answers have in common. */

/** A stretch of time; from ≤ to. */
export interface Range {
  readonly from: number
  readonly to: number
}

export interface RangeQuery {
  /** @default everything */
  readonly range?: Range | undefined
}

/** Tasks by state. Of a range: as it stood at its end, of the tasks that the range touches. */
export interface Counts {
  /** Known to come (from the length of a run), not started: waiting for its turn, for what it needs or for a slot. */
  readonly waiting: number
  /** Everything that it needs is there, and it waits for a slot, a worker or a limiter. */
  readonly ready: number
  readonly running: number
  readonly done: number
  readonly failed: number
  readonly cancelled: number
}

/** A task's state; as in `trace/model/trace.ts`, and the numbers in `Slices.state` are places in this list. */
export const taskStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const
export type TaskState = (typeof taskStates)[number]

export interface TaskRef {
  readonly id: number
  readonly label: string
  readonly group: number
  readonly state: TaskState
}
