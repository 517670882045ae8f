// @ts-check
/**
 * Which buffers of a value are to be moved instead of copied: a mark beside the value, so that a function that is called without a
 * crossing gets the value itself. The marks hang on the global object, because a worker may hold several copies of this file.
 */
const table = Symbol.for('heddle.transfers')

/** @returns {WeakMap<object, readonly unknown[]> | undefined} */
function marks() {
  return /** @type {any} */ (globalThis)[table]
}

/**
 * @param {unknown} value
 * @param {readonly unknown[]} list
 */
export function markTransfer(value, list) {
  if (typeof value !== 'object' || value === null || list.length === 0) return
  const known = marks() ?? new WeakMap()
  Object.defineProperty(globalThis, table, { value: known, configurable: true })
  known.set(value, list)
}

/** True as long as nobody has marked anything: the common case, known without a look at each value. */
export function nothingMarked() {
  return marks() === undefined
}

/**
 * What to move together with `value`.
 * @param {unknown} value
 * @returns {readonly unknown[] | undefined}
 */
export function transferOf(value) {
  return typeof value === 'object' && value !== null ? marks()?.get(value) : undefined
}

/**
 * What a message moves together with `value`.
 * @param {unknown} value
 * @returns {readonly unknown[]}
 * @throws {TypeError} where something was moved before: Node sends such a message, and nobody can read it
 */
export function movedWith(value) {
  const list = transferOf(value) ?? []
  if (list.some(wasMoved)) throw new TypeError('A buffer cannot be moved: it was moved before')
  return list
}

/**
 * Is it a buffer, or a view of one, that is empty because it was moved away?
 * @param {unknown} value
 */
export function wasMoved(value) {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength > 0) return false
  try {
    return new Uint8Array(buffer).length > 0
  } catch {
    // Only of a buffer that was moved no view can be made.
    return true
  }
}

/**
 * Once it has been moved, the mark has done its part.
 * @param {unknown} value
 */
export function forgetTransfer(value) {
  if (typeof value === 'object' && value !== null) marks()?.delete(value)
}
