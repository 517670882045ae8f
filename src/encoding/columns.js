// @ts-check
/**
 * Lists of plain objects as columns: what V8 writes and reads value by value becomes one list per field. Reading takes a third of the time of a
 * clone (`docs/workers.md` has the table).
 *
 * Only where nobody could tell the difference: plain objects and dense lists of plain values, each of which occurs once. Everything else is left
 * to V8, and so is a value in which a single part is something else.
 *
 * **Forms.** A column is the values themselves in a list (nothing but primitives in it), a typed array of numbers, or one of the records below.
 * Objects of one shape become a column per field, lists become one long list and their lengths, and what is mixed becomes one column per kind.
 *
 * @typedef {unknown[] | Int32Array | Float64Array | Objects | Lists | Mixed} Column
 * @typedef {{ readonly form: 'objects', readonly count: number, readonly keys: readonly string[], readonly columns: readonly Column[] }} Objects
 * @typedef {{ readonly form: 'lists', readonly lengths: Uint32Array, readonly values: Column }} Lists
 * @typedef {{ readonly form: 'mixed', readonly kinds: Uint8Array, readonly columns: readonly Column[] }} Mixed
 */
import { lazily } from '../base/builtin.js'
import { packNumbers } from './numbers.js'

const util = lazily('node:util')

/** Deeper, wider or more various than this is not a table. Chosen. */
const [deepest, mostKeys, mostKinds] = [32, 100, 64]
/** Names of the properties of a longer list cost more than asking `inspect`, which takes 2 µs however long it is. */
const shortList = 24
/** A typed array costs more than so few numbers by themselves. */
const fewNumbers = 16

/** Objects and lists that have been met: whoever holds one twice gets one twice. @type {Set<unknown>} */
let seen = new Set()
/** One was met twice. */
let shared = false

/**
 * @param {readonly unknown[]} list a list of our own making
 * @returns {Column | undefined} undefined where a clone could differ, or would be as quick
 */
export function toColumns(list) {
  // Somebody has given all objects a property.
  for (const _ in Object.prototype) return undefined
  seen = new Set()
  shared = false
  const column = columnOf(list, 0)
  seen = new Set()
  return Array.isArray(column) ? undefined : column
}

/** Did the last list hold an object twice? Looking through what many hold takes long, and a clone copies it once. */
export function wasShared() {
  return shared
}

/** False where it was met before: at once, because whatever lies in it would be walked again each time. @param {unknown} value */
function meet(value) {
  const { size } = seen
  if (seen.add(value).size === size) shared = true
  return !shared
}

/**
 * @param {readonly unknown[]} list
 * @param {number} depth
 * @returns {Column | undefined}
 */
function columnOf(list, depth) {
  if (depth > deepest) return undefined
  const [first] = list
  if (typeof first === 'number') {
    const numbers = list.length < fewNumbers ? undefined : packNumbers(list)
    if (numbers) return numbers
  } else if (isPlainObject(first)) {
    const objects = objectsOf(list, depth)
    if (objects !== null) return objects
  } else if (Array.isArray(first) && list.every(Array.isArray)) return listsOf(/** @type {unknown[][]} */ (list), depth)
  return mixedOf(list, depth)
}

/**
 * @param {readonly unknown[]} list
 * @param {number} depth
 * @returns {Column | undefined | null} null where they are not all plain objects of one shape
 */
function objectsOf(list, depth) {
  const { length } = list
  const keys = keysOf(/** @type {object} */ (list[0]))
  if (!keys) return undefined
  const width = keys.length
  /** @type {unknown[][]} */
  // Filled from the front: V8 writes lists that might have holes key by key.
  const columns = keys.map(() => /** @type {unknown[]} */ ([]))
  for (let i = 0; i < length; i++) {
    const object = list[i]
    if (!isPlainObject(object)) return null
    let at = 0
    for (const key in object) {
      if (at === width || key !== keys[at]) return null
      const column = /** @type {unknown[]} */ (columns[at++])
      column.push(object[key])
    }
    if (at !== width) return null
  }
  for (let i = 0; i < length; i++) if (!meet(list[i])) return undefined
  const packed = columnsOf(columns, depth)
  return packed && { form: 'objects', count: length, keys, columns: packed }
}

/**
 * @param {readonly (readonly unknown[][])[] | readonly unknown[][]} lists
 * @param {number} depth
 */
function columnsOf(lists, depth) {
  /** @type {Column[]} */
  const columns = []
  for (const list of lists) {
    const column = columnOf(/** @type {unknown[]} */ (list), depth + 1)
    if (!column) return undefined
    columns.push(column)
  }
  return columns
}

/**
 * @param {readonly unknown[][]} lists
 * @param {number} depth
 * @returns {Lists | undefined}
 */
function listsOf(lists, depth) {
  const lengths = new Uint32Array(lists.length)
  for (let i = 0; i < lists.length; i++) {
    const list = /** @type {unknown[]} */ (lists[i])
    if (!meet(list) || !isPlainList(list)) return undefined
    lengths[i] = list.length
  }
  const all = lists.length === 1 ? lists[0] : joined(lists)
  const values = all && columnOf(all, depth + 1)
  return values && { form: 'lists', lengths, values }
}

/** Undefined where one has holes, which a clone keeps. @param {readonly unknown[][]} lists */
function joined(lists) {
  /** @type {unknown[]} */
  const all = []
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      const value = list[i]
      if (value === undefined && !(i in list)) return undefined
      all.push(value)
    }
  }
  return all
}

/**
 * @param {readonly unknown[]} list
 * @param {number} depth
 * @returns {Column | undefined}
 */
function mixedOf(list, depth) {
  const kinds = new Uint8Array(list.length)
  /** Plain values, lists, and then each shape. @type {unknown[][]} */
  const parts = [[], []]
  /** @type {Map<string, number>} */
  const shapes = new Map()
  for (let i = 0; i < list.length; i++) {
    const value = list[i]
    let kind = 0
    if (typeof value === 'object' && value !== null) {
      kind = Array.isArray(value) ? 1 : kindOf(value, shapes)
      if (kind === 0 || kind >= mostKinds) return undefined
      parts[kind] ??= []
    } else if (typeof value === 'function' || typeof value === 'symbol' || (value === undefined && !(i in list))) return undefined
    kinds[i] = kind
    const part = /** @type {unknown[]} */ (parts[kind])
    part.push(value)
  }
  if (parts[0]?.length === list.length) return parts[0]
  /** @type {Column[]} */
  const columns = [/** @type {unknown[]} */ (parts[0])]
  for (const part of parts.slice(1)) {
    const column = part.length === 0 ? [] : columnOf(part, depth + 1)
    if (!column) return undefined
    columns.push(column)
  }
  return { form: 'mixed', kinds, columns }
}

/**
 * @param {object} value
 * @param {Map<string, number>} shapes
 * @returns {number} 0 where it is not a plain object
 */
function kindOf(value, shapes) {
  const keys = isPlainObject(value) && keysOf(value)
  if (!keys) return 0
  const name = JSON.stringify(keys)
  const known = shapes.get(name)
  if (known !== undefined) return known
  shapes.set(name, shapes.size + 2)
  return shapes.size + 1
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isPlainObject(value) {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** @param {object} object @returns {string[] | undefined} */
function keysOf(object) {
  const keys = Object.keys(object)
  // Such names mean something else to whoever builds the object again.
  return keys.length > mostKeys || keys.some((key) => key in Object.prototype) ? undefined : keys
}

/** Has it nothing but its elements? Holes are seen where the elements are. @param {unknown[]} list */
function isPlainList(list) {
  if (Object.getPrototypeOf(list) !== Array.prototype) return false
  const { length } = list
  if (length <= shortList) return Object.keys(list).length === length
  return util().inspect(list, inspectOptions) === `[ ... ${length} more items ]`
}

const inspectOptions = Object.freeze({ maxArrayLength: 0, customInspect: false, breakLength: Number.POSITIVE_INFINITY })

/**
 * @param {Column} column what {@link toColumns} gave, on any thread
 * @returns {unknown[]}
 */
export function fromColumns(column) {
  if (Array.isArray(column)) return column
  if (ArrayBuffer.isView(column)) return numbersFrom(column)
  if (column.form === 'objects') return objectsFrom(column)
  return column.form === 'lists' ? listsFrom(column) : mixedFrom(column)
}

/** @param {Int32Array | Float64Array} numbers @returns {number[]} */
function numbersFrom(numbers) {
  return /** @type {number[]} */ (piece(numbers, 0, numbers.length))
}

/** @param {ArrayLike<unknown>} values @param {number} from @param {number} length @returns {unknown[]} */
function piece(values, from, length) {
  const list = listOf(length)
  for (let i = 0; i < length; i++) list[i] = values[from + i]
  return list
}

/** Five times as fast as `Array.from`, to make and to fill. @param {number} length @returns {unknown[]} */
function listOf(length) {
  // oxlint-disable-next-line unicorn/no-new-array
  return new Array(length)
}

/** @param {Objects} column @returns {unknown[]} */
function objectsFrom({ count, keys, columns }) {
  const fields = columns.map((column) => (ArrayBuffer.isView(column) ? column : fromColumns(column)))
  const width = keys.length
  const hidden = keys.some((key) => key in Object.prototype)
  /** @type {unknown[]} */
  const list = []
  for (let i = 0; i < count; i++) {
    /** @type {any} */
    const object = {}
    for (let at = 0; at < width; at++) {
      const [key, value] = [/** @type {string} */ (keys[at]), /** @type {unknown[]} */ (fields[at])[i]]
      // A setter that somebody gave all objects would get it.
      if (hidden) Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
      else object[key] = value
    }
    list.push(object)
  }
  return list
}

/** @param {Lists} column @returns {unknown[]} */
function listsFrom({ lengths, values }) {
  const all = ArrayBuffer.isView(values) ? values : fromColumns(values)
  if (lengths.length === 1 && Array.isArray(all)) return [all]
  let from = 0
  return Array.from(lengths, (length) => {
    const list = piece(all, from, length)
    from += length
    return list
  })
}

/** @param {Mixed} column @returns {unknown[]} */
function mixedFrom({ kinds, columns }) {
  const parts = columns.map(fromColumns)
  const next = new Uint32Array(parts.length)
  return Array.from(kinds, (kind) => {
    const at = /** @type {number} */ (next[kind])
    next[kind] = at + 1
    return /** @type {unknown[]} */ (parts[kind])[at]
  })
}
