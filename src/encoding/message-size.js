// @ts-check
/**
 * About how many bytes a value takes when it is copied to another thread. Looks at a bounded number of its parts and takes the rest of a
 * list to be like those it has seen, so that it costs far less than the copying. Shared memory and buffers that have moved count nothing.
 */

/** Parts of one value that are looked at; chosen so that measuring stays at microseconds. */
const partsMax = 64
const numberBytes = 8

/** @param {unknown} value */
export function messageBytes(value) {
  if (typeof value === 'number' || value === null || value === undefined) return numberBytes
  if (typeof value === 'string') return value.length
  try {
    return new Measure().bytes(value)
  } catch {
    // A getter may throw; then the value cannot be sent either.
    return 0
  }
}

class Measure {
  #left = partsMax

  /** @param {unknown} value @returns {number} */
  bytes(value) {
    this.#left--
    // V8 stores a text as one byte per letter where it can; telling which would cost reading it.
    if (typeof value === 'string') return value.length
    if (typeof value !== 'object' || value === null) return numberBytes
    if (ArrayBuffer.isView(value)) return value.buffer instanceof ArrayBuffer ? value.byteLength : 0
    if (value instanceof ArrayBuffer) return value.byteLength
    if (typeof SharedArrayBuffer !== 'undefined' && value instanceof SharedArrayBuffer) return 0
    if (Array.isArray(value)) return this.#list(value, value.length)
    if (value instanceof Map) return this.#list(value.entries(), value.size)
    if (value instanceof Set) return this.#list(value, value.size)
    return this.#object(/** @type {Record<string, unknown>} */ (value))
  }

  /** @param {Iterable<unknown>} items @param {number} length @returns {number} */
  #list(items, length) {
    let [sum, seen] = [0, 0]
    for (const item of items) {
      if (this.#left <= 0) break
      sum += this.bytes(item)
      seen++
    }
    return seen === 0 ? length * numberBytes : (sum / seen) * length
  }

  /** @param {Record<string, unknown>} value */
  #object(value) {
    let sum = 0
    for (const key in value) {
      if (this.#left <= 0) break
      if (Object.hasOwn(value, key)) sum += key.length + this.bytes(value[key])
    }
    return sum
  }
}
