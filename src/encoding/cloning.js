// @ts-check
/**
 * What can cross to another thread or process, and what in a value cannot.
 *
 * Two ways to cross: threads clone structurally; processes serialize, which refuses shared memory and host objects such as `Blob`.
 */
import { isBroadcast } from './broadcast.js'
import { lazily } from '../base/builtin.js'
import { wasMoved } from './transfers.js'
import { viewClasses } from './view-classes.js'

const v8 = lazily('node:v8')

/** @typedef {(value: unknown) => boolean} Cloneable */

/** Nested deeper, a value is reported without the rest of its path: to look at every level clones all that lies below it. */
const deepestPath = 64

/**
 * Can a thread get it?
 * @type {Cloneable}
 */
export function cloneable(value) {
  return primitive(value) ?? succeeds(() => structuredClone(value))
}

/**
 * Can a process get it?
 * @type {Cloneable}
 */
export function serializable(value) {
  return primitive(value) ?? succeeds(() => deserialize(serialize(value)))
}

/** @param {unknown} value */
export function serialize(value) {
  const serializer = new (ProcessSerializer ??= processSerializer())()
  serializer.writeHeader()
  serializer.writeValue(value)
  refuseForeign(value)
  return serializer.releaseBuffer()
}

/** @param {Uint8Array} bytes what {@link serialize} gave, in another process of ours */
export function deserialize(bytes) {
  const deserializer = new (ProcessDeserializer ??= processDeserializer())(bytes)
  deserializer.readHeader()
  return deserializer.readValue()
}

/** @type {ReturnType<typeof processSerializer> | undefined} */
let ProcessSerializer
/** @type {ReturnType<typeof processDeserializer> | undefined} */
let ProcessDeserializer

/**
 * As `v8.serialize`, but views of one buffer are views of one buffer there too, and shared memory is refused and not copied: a copy
 * that nobody shares would be another thing.
 */
function processSerializer() {
  const { DefaultSerializer } = v8()
  return class extends DefaultSerializer {
    /** @type {Map<ArrayBufferLike, number>} */
    #buffers = new Map()

    /** @param {object} object */
    _writeHostObject(object) {
      if (!ArrayBuffer.isView(object) || object.buffer instanceof SharedArrayBuffer)
        throw new TypeError(`${kindOf(object)} cannot be sent to another process`)
      const { buffer, byteOffset, byteLength } = object
      const writer = /** @type {import('node:v8').Serializer} */ (/** @type {unknown} */ (this))
      const known = this.#buffers.get(buffer)
      writer.writeUint32(viewClasses.findIndex((Class) => object instanceof Class))
      writer.writeUint32(known ?? this.#buffers.size)
      writer.writeDouble(byteOffset)
      writer.writeDouble(byteLength)
      if (known !== undefined) return
      this.#buffers.set(buffer, this.#buffers.size)
      writer.writeDouble(buffer.byteLength)
      writer.writeRawBytes(new Uint8Array(buffer))
    }
  }
}

/** Buffers are memory of their own: a view of the message would show everything else in it, and keep it. */
function processDeserializer() {
  const { DefaultDeserializer } = v8()
  return class extends DefaultDeserializer {
    /** @type {ArrayBuffer[]} */
    #buffers = []

    _readHostObject() {
      const reader = /** @type {import('node:v8').Deserializer} */ (/** @type {unknown} */ (this))
      const Class = viewClasses[reader.readUint32()]
      const known = reader.readUint32()
      const [byteOffset, byteLength] = [reader.readDouble(), reader.readDouble()]
      const buffer = (this.#buffers[known] ??= Uint8Array.from(reader.readRawBytes(reader.readDouble())).buffer)
      if (Class === Buffer) return Buffer.from(buffer, byteOffset, byteLength)
      return new Class(buffer, byteOffset, byteLength / (Class.BYTES_PER_ELEMENT ?? 1))
    }
  }
}

/**
 * Objects of the platform, such as `AbortSignal` and `Blob`, keep what they are where the serializer does not look: it would make
 * empty objects of them, of which kinds depends on the version of Node.
 * @param {unknown} root
 */
function refuseForeign(root) {
  /** @type {Set<object>} */
  const seen = new Set()
  /** @type {object[]} */
  const open = []
  const look = (/** @type {unknown} */ value) => {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) return
    seen.add(value)
    open.push(value)
  }
  look(root)
  for (let value = open.pop(); value; value = open.pop()) {
    if (isForeign(value)) throw new TypeError(`${kindOf(value)} cannot be sent to another process`)
    if (value instanceof Map) value.forEach((v, k) => (look(k), look(v)))
    else if (Array.isArray(value) || value instanceof Set) value.forEach(look)
    else for (const key of Object.keys(value)) look(/** @type {any} */ (value)[key])
  }
}

/** What says its class by a tag and is serialized all the same. */
const tagged = new Set(['ArrayBuffer', 'Map', 'Set', 'SharedArrayBuffer'])

/**
 * An object of the platform that says its class by a tag.
 * @param {object} value
 */
export function isForeign(value) {
  const above = Object.getPrototypeOf(value)
  if (above === Object.prototype || above === Array.prototype || above === null) return false
  const tag = /** @type {any} */ (value)[Symbol.toStringTag]
  if (typeof tag !== 'string' || tagged.has(tag)) return false
  const type = /** @type {any} */ (globalThis)[tag]
  return typeof type === 'function' && value instanceof type
}

/**
 * Where in a value the first thing lies that cannot be cloned: `argument.rows[3].callback is a function`; undefined when all of it can.
 *
 * @param {unknown} value
 * @param {string} path what the value itself is called
 * @param {Cloneable} [clones]
 * @returns {string | undefined}
 */
export function findUncloneable(value, path, clones = cloneable) {
  if (clones(value)) return undefined
  return culprit(value, path, clones, new Set(), 0) ?? `${path} cannot be copied`
}

/**
 * @param {unknown} value something that cannot be cloned
 * @param {string} path
 * @param {Cloneable} clones
 * @param {Set<unknown>} above
 * @param {number} depth
 * @returns {string | undefined} undefined when it cannot only because of something that lies around it
 */
function culprit(value, path, clones, above, depth) {
  if (isBroadcast(value)) return `${path} is a broadcast value, which crosses as an argument or as a field of one`
  const inside = children(value, path)
  if (typeof inside === 'string') return inside
  if (depth === deepestPath) return `${path} is nested too deeply, or holds something that cannot be copied`
  above.add(value)
  let cyclic = false
  for (const child of inside) {
    if (clones(child.value)) continue
    if (above.has(child.value)) {
      cyclic = true
      continue
    }
    const found = culprit(child.value, child.path, clones, above, depth + 1)
    if (found !== undefined) return found
    cyclic = true
  }
  return cyclic ? undefined : `${path} is ${kindOf(value)}`
}

/**
 * @param {unknown} value
 * @param {string} path
 * @returns {{ value: unknown, path: string }[] | string} a string when reading it throws
 */
function children(value, path) {
  if (typeof value !== 'object' || value === null) return []
  try {
    if (value instanceof Map) {
      return [...value].flatMap(([k, v], i) => [
        { value: k, path: `${path}.keys()[${i}]` },
        { value: v, path: `${path}.get(${typeof k === 'string' ? JSON.stringify(k) : i})` },
      ])
    }
    if (value instanceof Set) return [...value].map((v, i) => ({ value: v, path: `${path}.values()[${i}]` }))
    if (ArrayBuffer.isView(value)) return []
    return Object.keys(value).map((key) => ({
      value: /** @type {Record<string, unknown>} */ (value)[key],
      path: Array.isArray(value) ? `${path}[${key}]` : property(path, key),
    }))
  } catch (error) {
    return `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`
  }
}

/**
 * @param {string} path
 * @param {string} key
 */
export function property(path, key) {
  return /^[\p{L}_$][\p{L}\d_$]*$/u.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`
}

/** @param {unknown} value */
function kindOf(value) {
  try {
    if (typeof value === 'function') return `a function${value.name ? ` (${value.name})` : ''}`
    if (typeof value === 'symbol') return `a symbol (${String(value)})`
    if (ArrayBuffer.isView(value) && value.buffer instanceof SharedArrayBuffer) return 'a view of shared memory'
    const tag = Object.prototype.toString.call(value).slice(8, -1)
    if (wasMoved(value)) return `empty, because it was moved before (${tag})`
    return `of a kind that cannot be copied (${tag === 'Object' ? 'object' : tag})`
  } catch {
    return 'of a kind that cannot be copied'
  }
}

/** @param {unknown} value */
function primitive(value) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return typeof value !== 'symbol'
  return typeof value === 'function' ? false : undefined
}

/** @param {() => unknown} body */
function succeeds(body) {
  try {
    body()
    return true
  } catch {
    return false
  }
}
