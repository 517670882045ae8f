/**
 * A table of typed columns that grows by doubling. A million tasks are a dozen arrays instead of a million objects, so
 * recording them leaves nothing for the garbage collector, and analysing them reads memory in order.
 */

const arrays = {
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const

export type ColumnType = keyof typeof arrays
export type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array | Float64Array

/** The columns of a table: name and type of each, in the order in which files hold them. */
export type Schema = Readonly<Record<string, ColumnType>>

interface ArrayOf {
  u8: Uint8Array
  u16: Uint16Array
  u32: Uint32Array
  i32: Int32Array
  f32: Float32Array
  f64: Float64Array
}

export type Columns<S extends Schema> = { [K in keyof S]: ArrayOf[S[K]] }

/** A fixed number of rows: what analyses read. */
export type Rows<S extends Schema> = Readonly<Columns<S>> & { readonly count: number }

export const columnBytes = (type: ColumnType): number => arrays[type].BYTES_PER_ELEMENT

/** Bytes of one row. */
export function rowBytes(schema: Schema): number {
  let sum = 0
  for (const name in schema) sum += columnBytes(schema[name] as ColumnType)
  return sum
}

/** Room for fewer is not made. */
const leastRows = 64

export class Table<S extends Schema> {
  readonly schema: S
  /** Its arrays are replaced when the table grows; one that was taken from here stays valid for the rows that it had. */
  readonly columns: Columns<S>
  count = 0
  #capacity = 0
  #expected = 0

  /** Nothing is allocated before the first row. */
  constructor(schema: S) {
    this.schema = schema
    this.columns = { ...noRows(schema) }
  }

  /** The number of a new row, whose cells are zero. */
  append(): number {
    if (this.count === this.#capacity) this.reserve(Math.max(this.count + 1, this.#expected))
    return this.count++
  }

  /** This many more rows are expected: when room runs out, it is made for all of them at once. */
  expect(rows: number): void {
    this.#expected = Math.max(this.#expected, this.count + rows)
  }

  /**
   * Makes room for this many rows altogether, in one buffer: a large one comes from the system page by page, as it is written, and so a column that is
   * never written costs neither time nor memory.
   */
  reserve(rows: number): void {
    if (rows <= this.#capacity) return
    // A multiple of eight, so that every column begins at one.
    this.#capacity = 8 * Math.ceil(Math.max(rows, 2 * this.#capacity, leastRows) / 8)
    const buffer = new ArrayBuffer(this.#capacity * rowBytes(this.schema))
    const columns = this.columns as Record<string, Column>
    let offset = 0
    for (const name in this.schema) {
      const column = new arrays[this.schema[name] as ColumnType](buffer, offset, this.#capacity)
      if (this.count > 0) column.set((columns[name] as Column).subarray(0, this.count))
      columns[name] = column
      offset += column.byteLength
    }
  }

  /** The rows so far, without copying them; rows that come later do not show. */
  rows(): Rows<S> {
    const view: Record<string, unknown> = { count: this.count }
    for (const name in this.schema) {
      // Of no rows an array of their own: who moves those of one trace to another thread must not take them from all.
      const column = this.columns[name] as Column
      view[name] = this.count > 0 ? column.subarray(0, this.count) : new arrays[this.schema[name] as ColumnType](0)
    }
    return view as Rows<S>
  }
}

const empty = new WeakMap<Schema, Record<string, Column>>()

/** Empty columns: one set per schema, for most tables of a small trace stay empty. */
function noRows<S extends Schema>(schema: S): Columns<S> {
  let columns = empty.get(schema)
  if (!columns) {
    columns = {}
    for (const name in schema) columns[name] = new arrays[schema[name] as ColumnType](0)
    empty.set(schema, columns)
  }
  return columns as Columns<S>
}
