// @ts-check
/**
 * Errors as data. Plain JavaScript, because the worker side runs where no TypeScript does; the host uses the same file.
 *
 * @typedef {import('./encoded.ts').WireError} WireError
 */
import { cloneable, findUncloneable, property } from './cloning.js'

const brand = Symbol.for('heddle.error')
/** Not to be tried again; see `base/final-errors.ts`. */
const spent = Symbol.for('heddle.spent')
/** Deeper chains of causes are cut: they come from loops. */
const deepest = 8

/**
 * Never throws, whatever was thrown.
 *
 * @param {unknown} thrown
 * @param {import('./cloning.js').Cloneable} [clones]
 * @returns {WireError}
 */
export function packError(thrown, clones = cloneable) {
  try {
    return pack(thrown, clones, 'error', 0)
  } catch (cause) {
    return unserializable(`error cannot be read: ${cause instanceof Error ? cause.message : 'reading it throws'}`)
  }
}

/**
 * @param {unknown} thrown
 * @param {import('./cloning.js').Cloneable} clones
 * @param {string} path
 * @param {number} depth
 * @returns {WireError}
 */
function pack(thrown, clones, path, depth) {
  if (!isError(thrown)) {
    const where = findUncloneable(thrown, path, clones)
    return where === undefined ? { thrown } : unserializable(where)
  }
  const error = /** @type {Error & Record<string, unknown>} */ (thrown)
  /** @type {Record<string, unknown>} */
  const fields = {}
  const errors = read(error, 'errors')
  for (const key of Object.keys(error)) {
    if (ownPlaces.has(key) || (key === 'errors' && Array.isArray(errors))) continue
    const value = read(error, key)
    const where = findUncloneable(value, property(path, key), clones)
    fields[key] = where === undefined ? value : `[not copied: ${where}]`
  }
  return {
    name: text(read(error, 'name'), 'Error'),
    className: text(read(/** @type {any} */ (read(error, 'constructor')), 'name'), 'Error'),
    message: text(read(error, 'message'), ''),
    stack: text(read(error, 'stack'), undefined),
    fields,
    ...(read(error, spent) === true && { spent: true }),
    ...('cause' in error && depth < deepest && { cause: pack(read(error, 'cause'), clones, `${path}.cause`, depth + 1) }),
    ...(Array.isArray(errors) &&
      depth < deepest && { errors: errors.map((e, i) => pack(e, clones, `${path}.errors[${i}]`, depth + 1)) }),
  }
}

const ownPlaces = new Set(['cause', 'stack', 'message'])

/**
 * @param {string} where
 * @param {string} [what]
 * @param {WireError} [cause]
 * @returns {WireError}
 */
export function unserializable(where, what = 'thrown value', cause) {
  return {
    name: 'Unserializable',
    className: 'Unserializable',
    message: `The ${what} cannot cross to the caller: ${where}`,
    ...(cause && { cause }),
  }
}

/**
 * Builds the error again: of the same built-in or heddle class; a class of the user keeps its name.
 *
 * @param {WireError} wire
 * @param {(name: string) => (new (message: string) => Error) | undefined} classOf
 * @returns {unknown}
 */
export function unpackError(wire, classOf) {
  if (!('name' in wire)) return wire.thrown
  const { name = 'Error', className = name, message = '', stack, fields, cause, errors } = wire
  const known = classOf(name) ?? builtin(name)
  if (className === 'DOMException') return domException(wire, classOf)
  const own = known && (className === name || className === 'Error')
  /** @type {Error & Record<string, unknown>} */
  const error = Object.create((own ? known : classFor(className, known ?? Error)).prototype)
  const hidden = { configurable: true, writable: true, enumerable: false }
  Object.defineProperty(error, 'message', { value: message, ...hidden })
  Object.defineProperty(error, 'stack', { value: stack ?? `${name}: ${message}`, ...hidden })
  if (name !== error.name) Object.defineProperty(error, 'name', { value: name, ...hidden })
  for (const [key, value] of Object.entries(fields ?? {})) {
    Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: true })
  }
  if (cause) Object.defineProperty(error, 'cause', { value: unpackError(cause, classOf), ...hidden })
  if (wire.spent) Object.defineProperty(error, spent, { value: true, configurable: true })
  if (errors) Object.defineProperty(error, 'errors', { value: errors.map((e) => unpackError(e, classOf)), ...hidden })
  return error
}

/**
 * The class that `AbortSignal` and `structuredClone` throw; its fields live in the object itself.
 * @param {WireError} wire
 * @param {(name: string) => (new (message: string) => Error) | undefined} classOf
 */
function domException({ name, message, stack, fields, cause }, classOf) {
  const error = new DOMException(message, name)
  if (stack !== undefined) Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
  for (const [key, value] of Object.entries(fields ?? {})) {
    Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: true })
  }
  if (cause) Object.defineProperty(error, 'cause', { value: unpackError(cause, classOf), configurable: true, writable: true })
  return error
}

/** Chosen: programs have dozens of classes of errors; one that makes up names as it goes must not fill the memory. The oldest go first. */
const keptClasses = 1_000
/** @type {Map<string, new (message?: string) => Error>} */
const remoteClasses = new Map()

/**
 * A class for errors of a class that only the worker knows: the same class each time, so that its name shows.
 * @param {string} className
 * @param {any} parent
 */
function classFor(className, parent) {
  const key = `${className} extends ${parent.name}`
  let found = remoteClasses.get(key)
  if (!found) {
    found = { [className]: class extends parent {} }[className]
    remoteClasses.set(key, /** @type {any} */ (found))
    const [oldest] = remoteClasses.keys()
    if (remoteClasses.size > keptClasses && oldest !== undefined) remoteClasses.delete(oldest)
  }
  return /** @type {new (message?: string) => Error} */ (found)
}

/** @param {string} name */
function builtin(name) {
  const builtins = { Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError }
  return Object.hasOwn(builtins, name) ? /** @type {Record<string, any>} */ (builtins)[name] : undefined
}

/** @param {unknown} value */
function isError(value) {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Error || brand in value || Object.prototype.toString.call(value) === '[object Error]'
}

/**
 * A field whose getter throws is as good as none.
 * @param {any} object
 * @param {PropertyKey} key
 */
function read(object, key) {
  try {
    return object?.[key]
  } catch {
    return undefined
  }
}

/**
 * @template T
 * @param {unknown} value
 * @param {T} otherwise
 */
function text(value, otherwise) {
  return typeof value === 'string' ? value : otherwise
}
