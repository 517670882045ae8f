/**
 * The rows of traces: where tasks run, by number. This thread is one; each worker, and each place on another machine, has a number of its own, which is
 * never used again. The code that opens a worker names its row here; recorders ask for the name when the first task of that row comes.
 */

export type RowKind = 'this thread' | 'thread' | 'process' | 'remote'

export interface RowRecord {
  readonly row: number
  readonly kind: RowKind
  /** Name of the machine; empty for this one. */
  readonly machine: string
  /** What to call it, such as `slot 3`; empty: `worker` and the number. */
  readonly name: string
}

/** The thread that owns the runs. */
export const threadRow = 0

const rows = new Map<number, RowRecord>([[threadRow, { row: threadRow, kind: 'this thread', machine: '', name: '' }]])
let last = threadRow

/** A new row; `machine` and `name` as in {@link RowRecord}. */
export function openRow(kind: RowKind, { machine = '', name = '' }: Partial<Pick<RowRecord, 'machine' | 'name'>> = {}): number {
  const row = ++last
  rows.set(row, { row, kind, machine, name })
  return row
}

export const rowRecord = (row: number): RowRecord | undefined => rows.get(row)

/** What a task needs has crossed to another thread, process or machine. */
export const isElsewhere = (row: number): boolean => row !== threadRow
