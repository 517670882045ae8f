// @ts-check
/**
 * Values as bytes, in a list: V8's own form, with lists of plain objects as columns (`columns.js`). Bytes can be handed on, kept, and read when there
 * is time for it; a message is read all at once, when the event loop comes to it.
 *
 * A value becomes bytes only where reading them gives exactly what a structured clone would have given: no shared memory, no buffer that is to be
 * moved, no object of the platform. Everything else crosses as it always did.
 */
import { lazily } from '../base/builtin.js'
import { isForeign } from './cloning.js'
import { fromColumns, toColumns, wasShared } from './columns.js'
import { messageBytes } from './message-size.js'
import { shown } from './shown.js'
import { nothingMarked, transferOf } from './transfers.js'

const v8 = lazily('node:v8')

/** Objects that are looked through, and how deep: a circle would have no end. Beyond, a value is not written. */
const mostObjects = 5_000_000
const deepest = 200

/** How the bytes are to be read. */
const [plain, columns] = [0, 1]

/**
 * @param {readonly unknown[]} values a list of our own making
 * @param {boolean} [message] they only travel together: what several of them hold is left to the clone, which copies it once
 * @returns {Uint8Array<ArrayBuffer> | undefined} with memory of its own; undefined where a value cannot be written
 */
export function written(values, message = false) {
  try {
    if (!nothingMarked() && values.some((value) => transferOf(value) !== undefined)) return undefined
    Writer ??= v8().Serializer
    const writer = new Writer()
    writer.writeHeader()
    const packed = toColumns(values)
    if (packed) {
      writer.writeUint32(columns)
      writer.writeValue(packed)
    } else {
      if (message && wasShared()) return undefined
      left = mostObjects
      if (!isOrdinary(values, 0)) return undefined
      writer.writeUint32(plain)
      writer.writeValue(shown(values, []))
    }
    return /** @type {Uint8Array<ArrayBuffer>} */ (writer.releaseBuffer())
  } catch {
    // It holds something that cannot be cloned at all, or a getter threw: the ordinary way says so.
    return undefined
  }
}

/** @param {Uint8Array} bytes what {@link written} gave, on any thread @returns {unknown[]} */
export function readWritten(bytes) {
  Reader ??= v8().Deserializer
  const reader = new Reader(bytes)
  reader.readHeader()
  const form = reader.readUint32()
  const value = reader.readValue()
  return form === columns ? fromColumns(value) : value
}

/** @param {ArrayLike<unknown> | import('./encoded.ts').PackedTexts | import('./encoded.ts').PackedValues} items of a message @returns {items is import('./encoded.ts').PackedValues} */
export function isWritten(items) {
  return 'bytes' in items
}

/** A message of less is read in so little time that nobody needs to choose when. */
const largeBytes = 32_768
/** Values of a list that are looked at. */
const looksAt = 4

/**
 * About how many bytes the values of a list take, where they are objects and many or large: those that are worth writing. 0 for all others; so
 * are buffers, of which a clone is one copy of memory.
 * @param {ArrayLike<unknown>} values
 */
export function bytesToWrite(values) {
  const { length } = values
  if (typeof values[0] !== 'object') return 0
  const step = Math.max(1, Math.floor(length / looksAt))
  let [bytes, seen] = [0, 0]
  for (let i = 0; i < length; i += step) {
    const value = values[i]
    if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer))
      bytes += messageBytes(value)
    seen++
  }
  bytes = (bytes / seen) * length
  return bytes < largeBytes ? 0 : bytes
}

/** @type {typeof import('node:v8').Serializer | undefined} */
let Writer
/** @type {typeof import('node:v8').Deserializer | undefined} */
let Reader
let left = 0

/** Classes whose fields a clone keeps where V8 looks for them. @type {ReadonlySet<unknown>} */
const ordinary = new Set([
  null,
  Object.prototype,
  Array.prototype,
  Map.prototype,
  Set.prototype,
  Date.prototype,
  RegExp.prototype,
  ArrayBuffer.prototype,
  ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((Class) => Class.prototype),
])

/**
 * Does a clone see all that the value is? Objects of the platform keep what they are under symbols or out of sight, and Node clones them by a
 * way of its own.
 *
 * @param {object} value
 * @param {number} depth
 * @returns {boolean}
 */
function isOrdinary(value, depth) {
  if (depth > deepest || --left < 0) return false
  if (ArrayBuffer.isView(value)) return true
  const above = Object.getPrototypeOf(value)
  if (!ordinary.has(above) && (isForeign(value) || Object.getOwnPropertySymbols(value).length > 0)) return false
  if (Array.isArray(value)) {
    left -= value.length
    for (let i = 0; i < value.length; i++) {
      const part = value[i]
      if (typeof part === 'object' && part !== null && !isOrdinary(part, depth + 1)) return false
    }
    return true
  }
  if (value instanceof Map) {
    for (const [key, part] of value) {
      if (typeof part === 'object' && part !== null && !isOrdinary(part, depth + 1)) return false
      if (typeof key === 'object' && key !== null && !isOrdinary(key, depth + 1)) return false
    }
    return true
  }
  if (value instanceof Set) {
    for (const part of value) if (typeof part === 'object' && part !== null && !isOrdinary(part, depth + 1)) return false
    return true
  }
  for (const key in value) {
    const part = /** @type {any} */ (value)[key]
    if (typeof part === 'object' && part !== null && !isOrdinary(part, depth + 1)) return false
  }
  return true
}
