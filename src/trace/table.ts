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

export class Table<S extends Schema> {
  readonly schema: S
  /** Its arrays are replaced when the table grows; one that was taken from here stays valid for the rows that it had. */
  readonly columns: Columns<S>
  count = 0
  #capacity: number

  constructor(schema: S, capacity = 256) {
    this.schema = schema
    this.#capacity = Math.max(1, capacity)
    this.columns = allocate(schema, this.#capacity)
  }

  /** The number of a new row, whose cells are zero. */
  append(): number {
    if (this.count === this.#capacity) this.reserve(this.count + 1)
    return this.count++
  }

  /** Makes room for so many rows altogether. No more than that where it is much: rows that are never written have been cleared for nothing. */
  reserve(rows: number): void {
    if (rows <= this.#capacity) return
    this.#capacity = Math.max(rows, 2 * this.#capacity)
    for (const name in this.schema) {
      const grown = new arrays[this.schema[name] as ColumnType](this.#capacity)
      grown.set(this.columns[name] as never)
      ;(this.columns as Record<string, Column>)[name] = grown
    }
  }

  /** The rows so far, without copying them; rows that come later do not show. */
  rows(): Rows<S> {
    const view: Record<string, unknown> = { count: this.count }
    for (const name in this.schema) view[name] = (this.columns[name] as Column).subarray(0, this.count)
    return view as Rows<S>
  }
}

function allocate<S extends Schema>(schema: S, capacity: number): Columns<S> {
  const columns: Record<string, Column> = {}
  for (const name in schema) columns[name] = new arrays[schema[name] as ColumnType](capacity)
  return columns as Columns<S>
}
