/** What must hold for the rows of a trace from outside before anything computes with them. */
import { runStates, type TableName, taskStates } from '../model/trace.ts'
import type { Column, Schema, Table } from '../model/table.ts'

const textColumns: ReadonlySet<string> = new Set(['name', 'kind', 'text', 'data', 'error', 'machine'])
/** Rows of executors are numbered through; a number beyond this is not a worker. */
const executorsMax = 1_000_000

/** The fault of the rows from `from` on; undefined when there is none. */
export function checkRows(name: TableName, table: Table<Schema>, from: number, texts: number, needs: number): string | undefined {
  const states = name === 'runs' ? runStates.length : taskStates.length
  for (const column in table.schema) {
    const cells = (table.columns[column] as Column).subarray(from, table.count)
    const type = table.schema[column]
    if (textColumns.has(column) && !allBelow(cells, texts)) return `a ${column} of its ${name} refers to a missing text`
    if (column === 'state' && !allBelow(cells, states)) return `a state of its ${name} is unknown`
    if (column === 'row' && !allBelow(cells, executorsMax)) return `a row of its ${name} is out of range`
    if (column === 'concurrency' || column === 'total') {
      if (cells.some(Number.isNaN)) return `a ${column} of its ${name} is not a number`
    } else if ((type === 'f64' || type === 'f32') && !cells.every(Number.isFinite)) {
      return `a ${column} of its ${name} is not a number`
    }
  }
  return name === 'tasks' && !ascendTo(table.columns.needsEnd as Column, from, table.count, needs)
    ? 'its tasks need tasks that are missing'
    : undefined
}

function allBelow(cells: Column, limit: number): boolean {
  for (const cell of cells) if (cell >= limit) return false
  return true
}

function ascendTo(cells: Column, from: number, to: number, limit: number): boolean {
  let last = from === 0 ? 0 : (cells[from - 1] as number)
  for (let i = from; i < to; i++) {
    const cell = cells[i] as number
    if (cell < last || cell > limit) return false
    last = cell
  }
  return true
}
