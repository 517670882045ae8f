// @ts-check
/**
 * Looks at values of users. Anything that a program throws, returns or passes may be a proxy, or have getters that throw, and a look that throws in
 * the middle of heddle would leave a promise pending for ever. So every look at such a value goes through here.
 *
 * Plain JavaScript, because the workers' side loads it too.
 */

/**
 * The property; undefined where there is none, and where reading it throws.
 *
 * @param {unknown} value anything
 * @param {PropertyKey} key
 * @returns {unknown}
 */
export function peek(value, key) {
  if (value === undefined || value === null) return undefined
  try {
    return /** @type {Record<PropertyKey, unknown>} */ (value)[key]
  } catch {
    return undefined
  }
}

/**
 * `instanceof` that never throws: a proxy may trap it, a revoked one always throws.
 *
 * @template T
 * @param {unknown} value
 * @param {abstract new (...args: never[]) => T} type
 * @returns {value is T}
 */
export function isA(value, type) {
  try {
    return value instanceof type
  } catch {
    return false
  }
}

/**
 * `Array.isArray` that never throws: a revoked proxy always does.
 *
 * @param {unknown} value
 * @returns {value is unknown[]}
 */
export function isList(value) {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

/**
 * The value as text, such as a template would write it; empty where that throws or is not text, as for symbols.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function textOf(value) {
  try {
    return `${value}`
  } catch {
    return ''
  }
}

/**
 * The message of an error; empty where it has none, or has something else in its place.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function messageOf(error) {
  const message = peek(error, 'message')
  return typeof message === 'string' ? message : ''
}

/**
 * The name of a function; empty where it has no name, or something else in its place, such as a static method `name`.
 *
 * @param {unknown} fn
 * @returns {string}
 */
export function nameOf(fn) {
  const name = peek(fn, 'name')
  return typeof name === 'string' ? name : ''
}

/**
 * Whether `await` would wait for the value. Throws what the getter of `then` throws, as `await` does: that is then the failure of whoever gave
 * the value. Pass a thenable to `Promise.resolve` or `await`, never call its `then`: it may call back at once, twice, or never.
 *
 * @template T
 * @param {T | PromiseLike<T>} value
 * @returns {value is PromiseLike<T>}
 */
export function isThenable(value) {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false
  return typeof (/** @type {{ then?: unknown }} */ (value).then) === 'function'
}

/**
 * A promise of the engine's for whatever `await` would wait for: it settles later and once, also where a thenable calls back at once or twice,
 * and it rejects where `then` or `constructor` throw.
 *
 * @template T
 * @param {T | PromiseLike<T>} value
 * @returns {Promise<T>}
 */
export function adopt(value) {
  return new Promise((resolve) => resolve(value))
}

const { then } = Promise.prototype

/**
 * Calls back when the value has settled: as {@link adopt}, without the promise and the two turns of the queue that adopting costs, where it is a
 * promise of the engine's already. Throws where its `constructor` throws.
 *
 * @param {unknown} value
 * @param {(value: unknown) => void} succeed
 * @param {(error: unknown) => void} fail
 */
export function settled(value, succeed, fail) {
  if (isA(value, Promise) && peek(value, 'then') === then) then.call(value, succeed, fail)
  else adopt(value).then(succeed, fail)
}
