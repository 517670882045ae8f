import { isElsewhere } from '../../base/rows.ts'
import { taskStates, type TraceTables } from '../model/trace.ts'

const done = taskStates.indexOf('done')

interface PlainRow {
  readonly id: number
  readonly needsEnd: number
  readonly run: number
  readonly parent: number
  readonly index: number
  readonly row: number
  /** -1 where it began at once. */
  readonly queuedAt: number
  readonly bytes: number
  readonly startedAt: number
  readonly settledAt: number
}

/** Appends the row of a plain task; times are of the trace. */
export function appendPlainRow({ tasks }: TraceTables, task: PlainRow): void {
  const row = tasks.append()
  const columns = tasks.columns
  columns.id[row] = task.id
  columns.run[row] = task.run
  columns.index[row] = task.index
  const queuedAt = task.queuedAt < 0 ? task.startedAt : task.queuedAt
  columns.queuedAt[row] = queuedAt
  columns.readyAt[row] = queuedAt
  columns.startedAt[row] = task.startedAt
  columns.settledAt[row] = task.settledAt
  columns.attempts[row] = 1
  columns.state[row] = done
  // New rows are zero; pages that are never written cost neither time nor memory.
  if (task.needsEnd !== 0) columns.needsEnd[row] = task.needsEnd
  if (task.parent !== 0) columns.parent[row] = task.parent
  if (isElsewhere(task.row)) columns.row[row] = task.row
  if (task.bytes !== 0) columns.bytes[row] = task.bytes
}
