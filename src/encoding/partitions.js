// @ts-check
/**
 * Which worker folds a key, and what of a block of items goes there.
 *
 * The worker is chosen by a hash of the key alone, so that all items of a key meet in one place, in the order of the input. Keys are what has no
 * identity of its own (text, numbers, bigints, booleans, null and undefined): an object is another one on every thread.
 *
 * @typedef {import('./encoded.ts').Chunk} Chunk
 * @typedef {import('./encoded.ts').Rows} Rows
 */
import { GrowingColumn } from './growing-column.js'
import { packNumbers } from './numbers.js'
import { fieldsOf, RowColumns, unpackRows } from './rows.js'
import { rowDivider } from './row-divider.js'

/** Spreads neighbours: the multiplier of Fibonacci hashing, 2^32 over the golden ratio. */
const spread = 0x9e37_79b1
const [fnvStart, fnvPrime] = [0x811c_9dc5, 0x0100_0193]
/** Longer texts are looked at in this many places; chosen so that a hash costs less than crossing. */
const mostLooks = 64

const bits = new Float64Array(1)
const words = new Uint32Array(bits.buffer)

/** @param {string} text */
function hashOfText(text) {
  const { length } = text
  const step = length <= mostLooks ? 1 : length / mostLooks
  let hash = fnvStart ^ length
  for (let i = 0; i < length; i += step) hash = Math.imul(hash ^ text.charCodeAt(i | 0), fnvPrime)
  return Math.imul(hash ^ (hash >>> 15), spread)
}

/** @param {number} value */
function hashOfNumber(value) {
  if ((value | 0) === value) return Math.imul(value, spread)
  bits[0] = value
  return Math.imul(/** @type {number} */ (words[0]) ^ Math.imul(/** @type {number} */ (words[1]), fnvPrime), spread)
}

/**
 * The partition of a key, from 0 up to `count`.
 * @param {unknown} key
 * @param {number} count
 * @throws {TypeError} for a key that would be another one on another thread
 */
export function partitionOf(key, count) {
  const hash = typeof key === 'number' ? hashOfNumber(key) : typeof key === 'string' ? hashOfText(key) : hashOfOther(key)
  return Math.floor(((hash >>> 0) / 0x1_0000_0000) * count)
}

/** @param {unknown} key */
function hashOfOther(key) {
  if (typeof key === 'bigint') return hashOfNumber(Number(BigInt.asIntN(32, key)))
  if (key === undefined || key === null || typeof key === 'boolean') return hashOfText(String(key))
  const what = typeof key === 'symbol' ? 'a symbol' : `an object (${Object.prototype.toString.call(key)})`
  throw new TypeError(`Expected the key of by() to be text, a number, a bigint or a boolean where workers fold, got ${what}`)
}

/**
 * What of a block goes to one partition: as columns as long as its items are like rows. Columns wait without work for the garbage collector, and travel as
 * copies of memory.
 */
class Part {
  at = new GrowingColumn()
  keys = new GrowingColumn()
  /** First values, where they come with the items. @type {unknown[]} */
  starts = []
  /** @type {RowColumns | undefined} */
  #rows = new RowColumns()
  /** @type {unknown[]} */
  #items = []

  get count() {
    return this.at.length
  }

  /**
   * Its columns, as long as it has only rows of these fields.
   * @param {readonly string[]} fields
   */
  columnsFor(fields) {
    return this.#rows?.columnsFor(fields)
  }

  /** @param {unknown} item */
  add(item) {
    if (this.#rows) {
      if (this.#rows.add(item)) return
      if (this.#rows.count > 0) this.#items = unpackRows(this.#rows.rows)
      this.#rows = undefined
    }
    this.#items.push(item)
  }

  /** @param {number} block @param {boolean} keyed @returns {Chunk} */
  chunk(block, keyed) {
    const rows = this.#rows?.rows
    const chunk = {
      block,
      at: /** @type {Int32Array} */ (this.at.values),
      keys: keyed ? this.keys.values : undefined,
      items: rows ?? packNumbers(this.#items) ?? this.#items,
      packed: rows !== undefined,
    }
    return this.starts.length > 0 ? { ...chunk, starts: this.starts } : chunk
  }
}

/** Collects the items of a block by partition. */
export class Partitions {
  /** @type {Part[]} */
  #parts
  #keyed
  /** Position of the next item in the block. */
  #next = 0

  /**
   * @param {number} count
   * @param {boolean} keyed whether the keys travel too
   */
  constructor(count, keyed) {
    this.#parts = Array.from({ length: count }, () => new Part())
    this.#keyed = keyed
  }

  /**
   * @param {unknown} key
   * @param {unknown} item
   * @returns {Pick<Part, 'starts'>} where it goes
   */
  add(key, item) {
    const parts = this.#parts
    const part = /** @type {Part} */ (parts[partitionOf(key, parts.length)])
    part.at.push(this.#next++)
    if (this.#keyed) part.keys.push(key)
    part.add(item)
    return part
  }

  /**
   * The same for many items of which a field is the key, as long as they are alike and rows: in a loop that was made for their fields, at half the cost.
   * @param {ArrayLike<unknown>} items
   * @param {number} from
   * @param {number} to
   * @param {string} field
   * @returns {number} where it ended
   */
  addRows(items, from, to, field) {
    const fields = fieldsOf(items[from])
    const divide = fields && rowDivider(fields, field, partitionOf)
    if (!divide) return from
    /** @type {import('./row-divider.js').Divided[]} */
    const parts = []
    for (const part of this.#parts) {
      const columns = part.columnsFor(fields)
      if (!columns) return from
      parts.push({ at: part.at, columns })
    }
    const end = divide(items, from, to, parts, this.#next)
    this.#next += end - from
    return end
  }

  /**
   * What goes to each partition; null where nothing does. Afterwards this is used up.
   * @param {number} block
   * @returns {(Chunk | null)[]}
   */
  chunks(block) {
    return this.#parts.map((part) => (part.count === 0 ? null : part.chunk(block, this.#keyed)))
  }
}

/** @param {Pick<Chunk, 'items' | 'packed'>} chunk @returns {ArrayLike<unknown>} */
export function itemsOf({ items, packed }) {
  return packed ? unpackRows(/** @type {Rows} */ (items)) : /** @type {ArrayLike<unknown>} */ (items)
}
