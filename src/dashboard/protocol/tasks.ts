/** Tasks as rows, and one task with all that is known of it. */
import type { RangeQuery, TaskRef, TaskState } from './basics.ts'

export const taskOrders = ['start', 'duration', 'wait', 'settled', 'label', 'attempts'] as const
export type TaskOrder = (typeof taskOrders)[number]

export interface TaskQuery extends RangeQuery {
  readonly group?: number | undefined
  readonly state?: TaskState | undefined
  /** In its label or its error's name, message or code; letter case does not matter. */
  readonly search?: string | undefined
  /** @default 'start' */
  readonly order?: TaskOrder | undefined
  /** @default false */
  readonly descending?: boolean | undefined
  /** @default 0 */
  readonly offset?: number | undefined
  /** 1 … 1,000. @default 100 */
  readonly limit?: number | undefined
}

export interface TaskPage {
  readonly version: number
  /** How many match. */
  readonly total: number
  readonly offset: number
  readonly rows: readonly TaskRow[]
}

export interface TaskRow extends TaskRef {
  readonly executor: number
  readonly queuedAt: number
  readonly readyAt: number
  readonly startedAt: number
  /** −1 while it is under way. */
  readonly settledAt: number
  /** From start to end, or to now. */
  readonly durationMs: number
  /** From queued to start. */
  readonly waitMs: number
  readonly attempts: number
  /** `Name: message`, on one line. */
  readonly error?: string | undefined
}

export interface TaskDetail extends TaskRow {
  readonly version: number
  /** Its place in its run. */
  readonly index: number
  /** Such as `map "fetchPage"`. */
  readonly run: string
  readonly lane: string
  readonly critical: boolean
  /** What it waited for, by cause. */
  readonly waits: { readonly dependencyMs: number; readonly slotMs: number; readonly limiterMs: number; readonly retryMs: number }
  /** Known to have crossed to another thread or machine; 0 when unknown. */
  readonly bytes: number
  /** The task inside which it was started. */
  readonly parent?: TaskRef | undefined
  /** At most 100 of each; the totals say how many there are. */
  readonly needs: readonly TaskRef[]
  readonly needsTotal: number
  readonly neededBy: readonly TaskRef[]
  readonly neededByTotal: number
  readonly children: readonly TaskRef[]
  readonly childrenTotal: number
  readonly failure?:
    | {
        readonly name: string
        readonly message: string
        readonly code?: string | undefined
        readonly stack?: string | undefined
        /** The place in the source, where it can be read. */
        readonly frame?: CodeFrame | undefined
      }
    | undefined
}

export interface CodeFrame {
  /** `file:line:column`. */
  readonly at: string
  readonly lines: readonly { readonly number: number; readonly text: string; readonly here: boolean }[]
}
