// @ts-check
/**
 * What views show, without the rest of their buffers: a clone of a view clones the whole buffer behind it, so that ten bytes of a file
 * of 100 MB would take the file with them.
 *
 * Policy: a message is looked through for views that are shorter than their buffer; most have none, and that look must cost next to
 * nothing. Where there are some, the ranges that they show are copied out, one for views that overlap, so that two views of the same bytes
 * still show the same bytes, and never more is sent than before. Only a message with such views has its lists and objects built again, as a clone
 * would build them. A buffer crosses whole where pieces of it would cost more, where the value holds the buffer itself or a view of all of it, where it is moved or shared, and where it can be
 * resized.
 */
import { isForeign } from './cloning.js'

/** @typedef {{ whole: boolean, views: Set<ArrayBufferView> }} Use what a message does with a buffer */

/** Objects that the quick look takes before the thorough one, which remembers what it has seen; and how deep it goes: it cannot see a circle. */
const quickObjects = 200_000
const quickDepth = 64
/** A list with more holes than this is not looked through to its end. */
const mostHoles = 1_000_000
/** The cost of a buffer of its own, as the bytes that are copied in that time: many short views of a short buffer leave it whole. */
const bufferBytes = 4_096
/** Copies of at least this size are moved. Below, a second copy costs less than moving; and Node compares each moved buffer with all others. */
const movedBytes = 65_536

let left = 0

/**
 * The value with views of no more than they show; the value itself where nothing is to be left out.
 *
 * @template T
 * @param {T} value
 * @param {unknown[]} moved what is to be moved; large copies are added
 * @returns {T}
 */
export function shown(value, moved) {
  if (typeof value !== 'object' || value === null) return value
  try {
    left = quickObjects
    return mayHavePart(value, 0) ? withoutRest(value, moved) : value
  } catch {
    // A getter threw, or the value is nested too deeply: the clone says so.
    return value
  }
}

/**
 * @param {any} value an object
 * @param {number} depth
 * @returns {boolean} true also where this look ends too early to say
 */
function mayHavePart(value, depth) {
  if (ArrayBuffer.isView(value)) return value.byteLength < value.buffer.byteLength
  if (--left < 0 || depth > quickDepth) return true
  if (Array.isArray(value)) {
    const { length } = value
    let holes = 0
    for (let i = 0; i < length; i++) {
      const part = value[i]
      if (typeof part === 'object') {
        if (part !== null && mayHavePart(part, depth + 1)) return true
      } else if (part === undefined && ++holes > mostHoles) return false
    }
    return false
  }
  if (value instanceof Map || value instanceof Set) {
    for (const [key, part] of value.entries()) {
      if (typeof part === 'object' && part !== null && mayHavePart(part, depth + 1)) return true
      if (typeof key === 'object' && key !== null && key !== part && mayHavePart(key, depth + 1)) return true
    }
    return false
  }
  // Three times as fast as a list of the values.
  for (const key in value) {
    const part = value[key]
    if (typeof part === 'object' && part !== null && mayHavePart(part, depth + 1)) return true
  }
  return false
}

/**
 * @template T
 * @param {T} value
 * @param {unknown[]} moved
 * @returns {T}
 */
function withoutRest(value, moved) {
  const keep = new Set(moved)
  /** @type {Map<unknown, unknown>} */
  const copies = new Map()
  for (const [buffer, { whole, views }] of usesOf(value, keep)) {
    const ranges = whole ? [] : rangesOf(views)
    if (buffer.byteLength > (ranges.length - 1) * bufferBytes) for (const range of ranges) copyRange(buffer, range, copies, moved)
  }
  return copies.size === 0 ? value : /** @type {T} */ (rebuilt(value, copies, keep))
}

/**
 * @param {unknown} root
 * @param {ReadonlySet<unknown>} keep
 */
function usesOf(root, keep) {
  /** @type {Map<ArrayBufferLike, Use>} */
  const uses = new Map()
  const useOf = (/** @type {ArrayBufferLike} */ buffer) => {
    let use = uses.get(buffer)
    if (!use) uses.set(buffer, (use = { whole: keep.has(buffer) || !isFixed(buffer), views: new Set() }))
    return use
  }
  /** @type {Set<unknown>} */
  const seen = new Set()
  /** @type {unknown[]} */
  const open = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null) continue
    if (ArrayBuffer.isView(value)) {
      const use = useOf(value.buffer)
      if (value.byteLength === value.buffer.byteLength) use.whole = true
      use.views.add(value)
    } else if (!seen.has(value)) {
      seen.add(value)
      if (tagOf(value) === 'ArrayBuffer') useOf(/** @type {ArrayBuffer} */ (value)).whole = true
      else eachPart(value, (part) => void (typeof part === 'object' && open.push(part)))
    }
  }
  return uses
}

/** @param {ArrayBufferLike} buffer */
function isFixed(buffer) {
  return tagOf(buffer) === 'ArrayBuffer' && /** @type {{ resizable?: boolean }} */ (buffer).resizable !== true
}

/**
 * @param {object} value
 * @param {(part: unknown) => void} look
 */
function eachPart(value, look) {
  const tag = tagOf(value)
  if (tag === 'Map') Map.prototype.forEach.call(value, (part, key) => (look(key), look(part)))
  else if (tag === 'Set') Set.prototype.forEach.call(value, look)
  else for (const key of Object.keys(value)) look(/** @type {any} */ (value)[key])
}

/** @param {unknown} value */
function tagOf(value) {
  return Object.prototype.toString.call(value).slice(8, -1)
}

/**
 * Views that overlap, together.
 * @param {Iterable<ArrayBufferView>} all
 */
function rangesOf(all) {
  /** @type {{ start: number, end: number, views: ArrayBufferView[] }[]} */
  const ranges = []
  for (const view of [...all].sort((a, b) => a.byteOffset - b.byteOffset)) {
    const start = view.byteOffset
    const end = start + view.byteLength
    const last = ranges.at(-1)
    if (!last || start >= last.end) ranges.push({ start, end, views: [view] })
    else {
      last.end = Math.max(last.end, end)
      last.views.push(view)
    }
  }
  return ranges
}

/**
 * @param {ArrayBufferLike} buffer
 * @param {{ start: number, end: number, views: ArrayBufferView[] }} range
 * @param {Map<unknown, unknown>} copies
 * @param {unknown[]} moved
 */
function copyRange(buffer, { start: shownFrom, end, views }, copies, moved) {
  // An element must begin at a multiple of its size also in the copy.
  const aligned = views.every((view) => (view.byteOffset - shownFrom) % elementBytes(view) === 0)
  const start = aligned ? shownFrom : shownFrom - (shownFrom % 8)
  const bytes = copyOf(buffer, start, end)
  if (bytes.byteLength >= movedBytes) moved.push(bytes)
  for (const view of views) copies.set(view, sameView(view, bytes, view.byteOffset - start))
}

/**
 * @param {ArrayBufferLike} buffer
 * @param {number} start
 * @param {number} end
 */
function copyOf(buffer, start, end) {
  const bytes = new Uint8Array(end - start)
  bytes.set(new Uint8Array(buffer, start, end - start))
  return bytes.buffer
}

/** @param {ArrayBufferView} view */
function elementBytes(view) {
  return /** @type {{ BYTES_PER_ELEMENT?: number }} */ (view).BYTES_PER_ELEMENT ?? 1
}

const typeName = /** @type {{ get: (this: unknown) => string | undefined }} */ (
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
).get

/**
 * Of the built-in class, as in a clone. A `Buffer` stays one, because it does on the way to a process.
 * @param {ArrayBufferView} view
 * @param {ArrayBuffer} buffer
 * @param {number} offset
 */
function sameView(view, buffer, offset) {
  if (Buffer.isBuffer(view)) return Buffer.from(buffer, offset, view.byteLength)
  const name = typeName.call(view)
  if (name === undefined) return new DataView(buffer, offset, view.byteLength)
  const Class = /** @type {any} */ (globalThis)[name]
  return new Class(buffer, offset, view.byteLength / Class.BYTES_PER_ELEMENT)
}

/**
 * @param {unknown} value
 * @param {Map<unknown, unknown>} copies of what has been built again
 * @param {ReadonlySet<unknown>} keep
 * @returns {unknown}
 */
function rebuilt(value, copies, keep) {
  if (typeof value !== 'object' || value === null || keep.has(value)) return value
  const known = copies.get(value)
  if (known !== undefined) return known
  const of = (/** @type {unknown} */ part) => rebuilt(part, copies, keep)
  const tag = tagOf(value)
  if (tag === 'Map') {
    const copy = new Map()
    copies.set(value, copy)
    Map.prototype.forEach.call(value, (part, key) => void copy.set(of(key), of(part)))
    return copy
  }
  if (tag === 'Set') {
    const copy = new Set()
    copies.set(value, copy)
    Set.prototype.forEach.call(value, (part) => void copy.add(of(part)))
    return copy
  }
  const keys = ArrayBuffer.isView(value) || slots.has(tag) || isForeign(value) ? [] : Object.keys(value)
  // Objects of the platform keep what they are in fields that nobody sees.
  if (keys.length === 0) return value
  /** @type {any} */
  const copy = Array.isArray(value) ? [] : Object.create(null)
  copies.set(value, copy)
  if (Array.isArray(value)) copy.length = value.length
  for (const key of keys) copy[key] = of(/** @type {any} */ (value)[key])
  return copy
}

/** Their own fields do not cross, or not as fields. */
const slots = new Set(['ArrayBuffer', 'Boolean', 'Date', 'Error', 'Number', 'RegExp', 'SharedArrayBuffer', 'String'])
