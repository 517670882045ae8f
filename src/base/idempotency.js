// @ts-check
/**
 * Idempotency keys: text that names one call, the same in each of its attempts. Made when it is asked for, because most calls never do.
 *
 * Plain JavaScript, because the workers' side loads it too.
 */

/** Of this thread, in this start of the program. */
let thread = ''
let count = 0

/** A key that nothing else has: not on another thread, not on another machine, not when the program starts again. */
export function freshKey() {
  thread ||= globalThis.crypto.randomUUID().replaceAll('-', '').slice(0, 16)
  return `${thread}-${(++count).toString(36)}`
}

/** @type {WeakMap<object, string>} */
const keys = new WeakMap()

/** The key of this object: a call, a run. @param {object} holder */
export function keyOf(holder) {
  let key = keys.get(holder)
  if (key === undefined) keys.set(holder, (key = freshKey()))
  return key
}

/**
 * The key of an item of a run.
 * @param {string} run
 * @param {number} index
 */
export function itemKey(run, index) {
  return `${run}:${index}`
}
