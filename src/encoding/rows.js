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
import { packNumbers } from './numbers.js'

/** For fewer rows, finding their shape costs more than it saves. */
const fewestRows = 16
/** Wider rows are rare, and are read slowly as columns. */
const mostFields = 24

/**
 * @param {ArrayLike<unknown>} items
 * @returns {Rows | undefined} undefined where the list stays as it is
 */
export function packRows(items) {
  const { length } = items
  if (length < fewestRows) return undefined
  const [first] = /** @type {any} */ (items)
  if (typeof first !== 'object' || first === null) return undefined
  if (Array.isArray(first)) return packLists(items, first.length)
  if (Object.getPrototypeOf(first) !== Object.prototype) return undefined
  const fields = Object.keys(first)
  const width = fields.length
  // A field of that name would set the prototype when it is read back.
  if (width === 0 || width > mostFields || fields.includes('__proto__')) return undefined
  /** @type {any[]} */
  const columns = fields.map(() => [])
  for (let i = 0; i < length; i++) {
    const item = items[i]
    if (typeof item !== 'object' || item === null || Object.getPrototypeOf(item) !== Object.prototype) return undefined
    let at = 0
    for (const field in item) {
      if (fields[at] !== field) return undefined
      const value = /** @type {any} */ (item)[field]
      if (!isSimple(value)) return undefined
      columns[at++].push(value)
    }
    if (at !== width) return undefined
  }
  return { fields, columns: columns.map(packColumn) }
}

/** @param {ArrayLike<unknown>} items @param {number} width @returns {Rows | undefined} */
function packLists(items, width) {
  const { length } = items
  if (width === 0 || width > mostFields) return undefined
  /** @type {any[]} */
  const columns = Array.from({ length: width }, () => [])
  for (let i = 0; i < length; i++) {
    const item = items[i]
    if (!Array.isArray(item) || item.length !== width || Object.getPrototypeOf(item) !== Array.prototype) return undefined
    // An array may have fields beside its elements.
    let at = 0
    for (const field in item) {
      if (field !== String(at)) return undefined
      const value = item[at]
      if (!isSimple(value)) return undefined
      columns[at++].push(value)
    }
    if (at !== width) return undefined
  }
  return { fields: width, columns: columns.map(packColumn) }
}

/** What has no identity that a copy could lose. @param {unknown} value */
function isSimple(value) {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')
}

/** @param {unknown[]} column @returns {ArrayLike<unknown>} */
function packColumn(column) {
  return packNumbers(column) ?? column
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
