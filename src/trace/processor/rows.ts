/**
 * Rows: what the column `row` of tasks and processors means. The thread that owns the runs is one, each worker has a number of its own, and
 * processors have some besides. This is the place to ask what a row is.
 */

import { threadRow } from '../../base/rows.ts'
import type { Trace } from '../model/trace.ts'

export { threadRow }

/** A worker of heddle's own, here or on another machine; not the thread that owns the runs. */
export const isWorkerRow = (row: number): boolean => row > threadRow

/** The rows of a trace; a row that it does not name is a worker of this machine, as in older traces. */
export class RowNames {
  readonly #trace: Trace
  /** Line in the table `executors`, by row. */
  readonly #lines = new Map<number, number>()

  constructor(trace: Trace) {
    this.#trace = trace
    const { row, count } = trace.executors
    for (let line = 0; line < count; line++) this.#lines.set(row[line] as number, line)
  }

  /** Name of the machine; empty for the one that recorded. */
  machine(row: number): string {
    return this.#text('machine', row)
  }

  /** `this thread`, `thread`, `process` or `remote`. */
  kind(row: number): string {
    return this.#text('kind', row) || (row === threadRow ? 'this thread' : 'thread')
  }

  /** As people read it: `this thread`, `worker 3`, `web-2: slot 1`. */
  label(row: number): string {
    if (row === threadRow) return 'this thread'
    const name = this.#text('name', row) || `worker ${row}`
    const machine = this.machine(row)
    return machine === '' ? name : `${machine}: ${name}`
  }

  /** A worker whose cores are those of the machine that recorded. */
  isLocalWorker(row: number): boolean {
    return isWorkerRow(row) && this.machine(row) === ''
  }

  #text(column: 'machine' | 'kind' | 'name', row: number): string {
    const line = this.#lines.get(row)
    return line === undefined ? '' : (this.#trace.strings[this.#trace.executors[column][line] as number] ?? '')
  }
}

/** Threads of this process that run no JavaScript which heddle knows: libuv's pool, those of native modules, V8's own. */
export const nativeRow = -1
/** Child processes, and theirs. */
export const childrenRow = -2
/** Other programs of the machine. */
export const othersRow = -3
