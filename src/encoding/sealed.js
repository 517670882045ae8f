// @ts-check
/**
 * Values as bytes that the thread between two workers never decodes: what one worker made and another needs passes here as a few words.
 *
 * A value is sealed only where opening gives exactly what a structured clone would have given: no shared memory, no buffer that is to be
 * moved, no object of the platform. Everything else crosses as it always did.
 *
 * The bytes of a thread lie in shared memory: handing them on copies nothing, however many get them, and the last one that lets go frees them.
 */
import { lazily } from '../base/builtin.js'
import { isForeign } from './cloning.js'
import { shown } from './shown.js'
import { nothingMarked, transferOf } from './transfers.js'

const v8 = lazily('node:v8')

/** Objects that are looked through, and how deep: a circle would have no end. Beyond, a value is not sealed. */
const mostObjects = 5_000_000
const deepest = 200

/** Bytes of a value: told from any other value by its class. */
export class Sealed {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes
  }

  /** The value. */
  open() {
    return unseal(this.bytes)
  }
}

/**
 * The value as bytes in shared memory; undefined where it cannot be sealed, and for what is as cheap as it is.
 *
 * @param {unknown} value
 * @returns {Uint8Array | undefined}
 */
export function seal(value) {
  if (typeof value !== 'object' || value === null) return undefined
  try {
    if (!nothingMarked() && transferOf(value) !== undefined) return undefined
    left = mostObjects
    if (!isOrdinary(value, 0)) return undefined
    Writer ??= v8().Serializer
    const writer = new Writer()
    writer.writeHeader()
    writer.writeValue(shown(value, []))
    const bytes = writer.releaseBuffer()
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
    shared.set(bytes)
    return shared
  } catch {
    // It holds something that cannot be cloned at all, or a getter threw: the ordinary way says so.
    return undefined
  }
}

/** @param {Uint8Array} bytes what {@link seal} gave, on any thread */
export function unseal(bytes) {
  Reader ??= v8().Deserializer
  const reader = new Reader(bytes)
  reader.readHeader()
  return reader.readValue()
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
