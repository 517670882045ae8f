// @ts-check
/**
 * A column that grows value by value: a typed array as long as all are whole numbers, so that neither the garbage collector nor the crossing looks at
 * each of them; otherwise a list.
 */
import { packNumbers } from './numbers.js'

const firstLength = 64

export class GrowingColumn {
  /** Whole numbers so far. @type {Int32Array | undefined} */
  #integers = new Int32Array(firstLength)
  /** Everything else. @type {unknown[]} */
  #list = []
  #length = 0

  /** @param {unknown} value */
  push(value) {
    const integers = this.#integers
    // Minus zero does not count as a whole number here.
    if (integers && typeof value === 'number' && (value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (this.#length === integers.length) this.#grow(integers)[this.#length++] = value
      else integers[this.#length++] = value
      return
    }
    if (integers) this.#toList(integers)
    this.#list.push(value)
    this.#length++
  }

  /** @param {Int32Array} integers */
  #grow(integers) {
    const larger = new Int32Array(2 * integers.length)
    larger.set(integers)
    this.#integers = larger
    return larger
  }

  /** @param {Int32Array} integers */
  #toList(integers) {
    for (let i = 0; i < this.#length; i++) this.#list.push(integers[i])
    this.#integers = undefined
  }

  get length() {
    return this.#length
  }

  /** Drops what comes after the first `length` values. @param {number} length */
  cut(length) {
    if (!this.#integers) this.#list.length = length
    this.#length = length
  }

  /** @returns {ArrayLike<unknown>} */
  get values() {
    return this.#integers ? this.#integers.slice(0, this.#length) : (packNumbers(this.#list) ?? this.#list)
  }
}
