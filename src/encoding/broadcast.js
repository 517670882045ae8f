// @ts-check
/**
 * Broadcast values: a large value goes to each worker once, and what crosses with each call is its number.
 *
 * A handle stands among the arguments of a call: as an argument, or as a field of one. Before a message goes out, handles are taken out of it and
 * their places noted; whoever receives it puts his own handles there. Deeper inside of a value one would be lost, so that it refuses to be cloned.
 *
 * A thread may hold several copies of this file: what there is hangs on the global object.
 */

/** @typedef {import('./encoded.ts').BroadcastPlace} BroadcastPlace */

const brand = Symbol.for('heddle.broadcast')
/** Longer lists are data, and not looked through. Chosen. */
const longestList = 16

/**
 * A value that is here once, however many calls take it.
 * @template T
 */
export class Broadcast {
  /** @type {(() => T) | undefined} */
  #read
  /** @type {{ readonly value: T } | undefined} */
  #known
  /** @type {() => void} */
  #release
  #id
  #bytes

  /**
   * @param {number} id
   * @param {number} bytes how many the value takes, about
   * @param {() => T} read gives the value, when it is first asked for
   * @param {() => void} release called once, when it is disposed of
   */
  constructor(id, bytes, read, release) {
    this.#id = id
    this.#bytes = bytes
    this.#read = read
    this.#release = release
    Object.defineProperty(this, brand, { value: id })
    // A function cannot be cloned: where nobody takes the handle out, the message names its place.
    Object.defineProperty(this, 'broadcast', { value: takenOut, enumerable: true })
    marks().any = true
  }

  get id() {
    return this.#id
  }

  get bytes() {
    return this.#bytes
  }

  /** The value itself; on a worker a copy that all its calls share, so that none may change it. */
  get value() {
    if (this.#known) return this.#known.value
    if (!this.#read) throw gone()
    this.#known = { value: this.#read() }
    return this.#known.value
  }

  /** Every worker drops its copy. */
  dispose() {
    if (!this.#read) return
    this.#read = undefined
    this.#known = undefined
    this.#release()
  }

  get disposed() {
    return this.#read === undefined
  }

  [Symbol.dispose]() {
    this.dispose()
  }
}

/** A broadcast value crosses as an argument, or as a field of one. */
const takenOut = () => {}

function gone() {
  const error = new Error('The broadcast value has been disposed of')
  Object.defineProperty(error, 'name', { value: 'Closed', configurable: true })
  return error
}

/** @returns {{ any: boolean, received: Map<number, Broadcast<unknown>> }} */
function marks() {
  const key = Symbol.for('heddle.broadcasts')
  const all = /** @type {any} */ (globalThis)
  if (!all[key]) Object.defineProperty(globalThis, key, { value: { any: false, received: new Map() }, configurable: true })
  return all[key]
}

/** @param {unknown} value @returns {value is Broadcast<unknown>} */
export function isBroadcast(value) {
  try {
    return typeof value === 'object' && value !== null && brand in value
  } catch {
    // A proxy that throws: whoever clones it says so.
    return false
  }
}

/** @param {ArrayLike<unknown>} items @param {boolean} spread */
function anyHandle(items, spread) {
  for (let at = 0; at < items.length; at++) {
    const item = items[at]
    if (typeof item !== 'object' || item === null) continue
    if (spread ? /** @type {unknown[]} */ (item).some(hasHandle) : hasHandle(item)) return true
  }
  return false
}

/** @param {unknown} value */
function hasHandle(value) {
  if (typeof value !== 'object' || value === null) return false
  if (isBroadcast(value)) return true
  try {
    return mayHold(value) && Object.values(value).some(isBroadcast)
  } catch {
    return false
  }
}

/** Is it looked into? @param {object} value */
function mayHold(value) {
  const above = Object.getPrototypeOf(value)
  if (above === Array.prototype) return /** @type {unknown[]} */ (value).length <= longestList
  return above === Object.prototype || above === null
}

/** Those that a worker got, by number. */
export const received = () => marks().received

/**
 * The items of a message without handles, and where they were; undefined when there are none, which costs nothing as long as nobody has made one.
 *
 * @param {ArrayLike<unknown>} items
 * @param {boolean} spread each item is a list of arguments
 * @returns {{ items: unknown[], places: BroadcastPlace[], handles: Broadcast<unknown>[] } | undefined}
 */
export function takeOut(items, spread) {
  if (!marks().any || ArrayBuffer.isView(items) || !anyHandle(items, spread)) return undefined
  /** @type {BroadcastPlace[]} */
  const places = []
  /** @type {Set<Broadcast<unknown>>} */
  const handles = new Set()
  const clean = (/** @type {unknown} */ value, /** @type {number} */ at, /** @type {number} */ argument) => {
    if (typeof value !== 'object' || value === null) return value
    const note = (/** @type {Broadcast<unknown>} */ handle, /** @type {string | undefined} */ key) => {
      handles.add(handle)
      places.push({ at, argument, key, id: handle.id })
    }
    if (isBroadcast(value)) return (note(value, undefined), null)
    return hasHandle(value) ? withoutHandles(value, note) : value
  }
  const out = Array.from(items, (item, at) => {
    if (!spread) return clean(item, at, -1)
    return Array.from(/** @type {unknown[]} */ (item), (value, argument) => clean(value, at, argument))
  })
  return { items: out, places, handles: [...handles] }
}

/** @param {any} value @param {(handle: Broadcast<unknown>, key: string) => void} note */
function withoutHandles(value, note) {
  const copy = Array.isArray(value) ? [...value] : { ...value }
  for (const key of Object.keys(value)) {
    if (!isBroadcast(copy[key])) continue
    note(copy[key], key)
    copy[key] = null
  }
  return copy
}

/**
 * Puts handles where others were.
 * @param {any} items
 * @param {readonly BroadcastPlace[]} places
 * @param {(id: number) => unknown} handleOf
 */
export function putBack(items, places, handleOf) {
  for (const { at, argument, key, id } of places) {
    const [holder, index] = argument < 0 ? [items, at] : [items[at], argument]
    if (key === undefined) holder[index] = handleOf(id)
    else holder[index][key] = handleOf(id)
  }
}
