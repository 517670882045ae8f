// @ts-check
/**
 * A list of like objects as columns: `[{ key: 1, value: 2 }, …]` becomes one list of keys and one of values. Lists of numbers travel as typed
 * arrays, so that a row costs a few nanoseconds per field instead of a microsecond of structured clone (Arrow and Parquet do the same).
 *
 * A list becomes columns only where reading it back gives exactly what a structured clone would have given: plain objects, or arrays, with the same
 * fields in the same order. Everything else stays as it is.
 *
 * @typedef {import('./encoded.ts').Rows} Rows
 */
import { GrowingColumn } from './growing-column.js'

/** For fewer rows, finding their shape costs more than it saves. */
const fewestRows = 16
/** Wider rows are rare, and are read slowly as columns. */
const mostFields = 24

/** Collects like objects, or like lists, as columns, one at a time. */
export class RowColumns {
  /** @type {string[] | number} */
  #fields = 0
  /** @type {GrowingColumn[]} */
  #columns = []

  /** How many it has. */
  get count() {
    return this.#columns[0]?.length ?? 0
  }

  /**
   * @param {unknown} item
   * @returns {boolean} false where it is not like the others, or is not a row at all: it is not added
   */
  add(item) {
    if (typeof item !== 'object' || item === null) return false
    const before = this.count
    if (before === 0 && !this.#begin(item)) return false
    const added = typeof this.#fields === 'number' ? this.#addList(item) : this.#addObject(item, this.#fields)
    // Part of it is there already.
    if (!added) for (const column of this.#columns) column.cut(before)
    return added
  }

  /**
   * The columns, for code that adds objects of just these fields itself; undefined where it has others.
   * @param {readonly string[]} fields
   */
  columnsFor(fields) {
    if (this.count === 0) {
      this.#fields = [...fields]
      this.#columns = fields.map(() => new GrowingColumn())
      return this.#columns
    }
    const own = this.#fields
    return typeof own === 'object' && own.length === fields.length && own.every((field, i) => field === fields[i])
      ? this.#columns
      : undefined
  }

  /** @param {object} first */
  #begin(first) {
    const fields = Array.isArray(first) ? first.length : fieldsOf(first)
    const width = typeof fields === 'object' ? fields.length : fields
    if (fields === undefined || width === undefined || width === 0 || width > mostFields) return false
    this.#fields = fields
    this.#columns = Array.from({ length: width }, () => new GrowingColumn())
    return true
  }

  /** @param {object} item @param {string[]} fields */
  #addObject(item, fields) {
    if (Object.getPrototypeOf(item) !== Object.prototype) return false
    const columns = this.#columns
    let at = 0
    for (const field in item) {
      if (fields[at] !== field) return false
      const value = /** @type {any} */ (item)[field]
      if (!isSimple(value)) return false
      const column = /** @type {GrowingColumn} */ (columns[at++])
      column.push(value)
    }
    return at === columns.length
  }

  /** @param {object} item */
  #addList(item) {
    const columns = this.#columns
    if (!Array.isArray(item) || item.length !== columns.length || Object.getPrototypeOf(item) !== Array.prototype) return false
    // An array may have fields beside its elements.
    let at = 0
    for (const field in item) {
      if (field !== String(at)) return false
      const value = item[at]
      if (!isSimple(value)) return false
      const column = /** @type {GrowingColumn} */ (columns[at++])
      column.push(value)
    }
    return at === columns.length
  }

  /** @returns {Rows} */
  get rows() {
    return { fields: this.#fields, columns: this.#columns.map(({ values }) => values) }
  }
}

/**
 * @param {ArrayLike<unknown>} items
 * @returns {Rows | undefined} undefined where the list stays as it is
 */
export function packRows(items) {
  const { length } = items
  if (length < fewestRows) return undefined
  const columns = new RowColumns()
  for (let i = 0; i < length; i++) if (!columns.add(items[i])) return undefined
  return columns.rows
}

/**
 * The fields of an object that is like a row; undefined where it is none.
 * @param {unknown} item
 */
export function fieldsOf(item) {
  if (typeof item !== 'object' || item === null || Object.getPrototypeOf(item) !== Object.prototype) return undefined
  const fields = Object.keys(item)
  // A field of that name would set the prototype when it is read back.
  return fields.length === 0 || fields.length > mostFields || fields.includes('__proto__') ? undefined : fields
}

/** What has no identity that a copy could lose. @param {unknown} value */
export function isSimple(value) {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')
}

/**
 * One row at a time, each made when it is asked for: what is used and let go at once costs the collector next to nothing.
 * @param {Rows} rows
 * @returns {(row: number) => unknown}
 */
export function rowReader({ fields, columns }) {
  if (typeof fields === 'number') return (row) => columns.map((column) => column[row])
  const read = readerOf(fields)
  return (row) => read(columns, row)
}

/**
 * The column of a field; undefined where the rows have none of that name.
 * @param {Rows} rows
 * @param {string | number} field
 */
export function columnOf({ fields, columns }, field) {
  return columns[typeof fields === 'number' ? Number(field) : fields.indexOf(String(field))]
}

/** @param {Rows} rows @returns {unknown[]} */
export function unpackRows({ fields, columns }) {
  const length = columns[0]?.length ?? 0
  /** @type {unknown[]} */
  const items = []
  if (typeof fields === 'number') {
    for (let i = 0; i < length; i++) {
      /** @type {unknown[]} */
      const item = []
      for (const column of columns) item.push(column[i])
      items.push(item)
    }
    return items
  }
  const read = readerOf(fields)
  for (let i = 0; i < length; i++) items.push(read(columns, i))
  return items
}

/** @typedef {(columns: readonly ArrayLike<unknown>[], row: number) => unknown} Reader */

/** By fields: code that writes an object with all of them at once is four times as fast as one that adds them. @type {Map<string, Reader>} */
const readers = new Map()
/** Chosen: a program has a few dozen shapes. */
const mostReaders = 256

/** @param {readonly string[]} fields @returns {Reader} */
function readerOf(fields) {
  const name = JSON.stringify(fields)
  let read = readers.get(name)
  if (!read) {
    if (readers.size >= mostReaders) readers.clear()
    readers.set(name, (read = compiled(fields) ?? slowly(fields)))
  }
  return read
}

/** @param {readonly string[]} fields @returns {Reader | undefined} */
function compiled(fields) {
  try {
    const body = fields.map((field, i) => `${JSON.stringify(field)}: columns[${i}][row]`)
    return /** @type {Reader} */ (new Function('columns', 'row', `return { ${body.join(', ')} }`))
  } catch {
    // The program forbids code from strings.
    return undefined
  }
}

/** @param {readonly string[]} fields @returns {Reader} */
function slowly(fields) {
  return (columns, row) => {
    /** @type {Record<string, unknown>} */
    const item = {}
    for (const [i, field] of fields.entries()) item[field] = columns[i]?.[row]
    return item
  }
}
