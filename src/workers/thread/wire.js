// @ts-check
/**
 * Errors as data, and values that cannot cross. Plain JavaScript, because the worker side runs where no TypeScript does; the host
 * uses the same file.
 *
 * @typedef {import('../protocol.ts').WireError} WireError
 */

const brand = Symbol.for('heddle.error')
/** Deeper chains of causes are cut: they come from loops. */
const deepest = 8

/**
 * @param {unknown} thrown
 * @returns {WireError}
 */
export function packError(thrown, depth = 0) {
  if (!isError(thrown)) return { thrown: cloneable(thrown) ? thrown : String(describeKind(thrown)) }
  const error = /** @type {Error & Record<string, unknown>} */ (thrown)
  /** @type {Record<string, unknown>} */
  const fields = {}
  for (const key of Object.keys(error)) {
    const value = read(error, key)
    if (key !== 'cause' && key !== 'errors' && key !== 'stack' && key !== 'message' && cloneable(value)) fields[key] = value
  }
  return {
    name: text(read(error, 'name'), 'Error'),
    className: text(read(/** @type {any} */ (read(error, 'constructor')), 'name'), 'Error'),
    message: text(read(error, 'message'), ''),
    stack: text(read(error, 'stack'), undefined),
    fields,
    ...('cause' in error && depth < deepest && { cause: packError(read(error, 'cause'), depth + 1) }),
    ...(Array.isArray(read(error, 'errors')) &&
      depth < deepest && { errors: /** @type {unknown[]} */ (error.errors).map((e) => packError(e, depth + 1)) }),
  }
}

/**
 * Builds the error again: of the same built-in or heddle class; a class of the user keeps its name.
 *
 * @param {WireError} wire
 * @param {(name: string) => (new (message: string) => Error) | undefined} classOf
 * @param {string} [hereStack] the stack of the caller on this side, appended to that of the worker
 * @returns {unknown}
 */
export function unpackError(wire, classOf, hereStack) {
  if (!('name' in wire)) return wire.thrown
  const { name = 'Error', className = name, message = '', stack, fields, cause, errors } = wire
  const known = classOf(name) ?? builtin(name)
  /** @type {Error & Record<string, unknown>} */
  const error = Object.create((known && className === name ? known : classFor(className, known ?? Error)).prototype)
  const hidden = { configurable: true, writable: true, enumerable: false }
  Error.captureStackTrace?.(error)
  Object.defineProperty(error, 'message', { value: message, ...hidden })
  const remote = stack ?? `${name}: ${message}`
  Object.defineProperty(error, 'stack', {
    value: hereStack ? `${remote}\n    --- called from ---\n${hereStack}` : remote,
    ...hidden,
  })
  if (name !== error.name) Object.defineProperty(error, 'name', { value: name, ...hidden })
  for (const [key, value] of Object.entries(fields ?? {})) {
    Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: true })
  }
  if (cause) Object.defineProperty(error, 'cause', { value: unpackError(cause, classOf), ...hidden })
  if (errors) Object.defineProperty(error, 'errors', { value: errors.map((e) => unpackError(e, classOf)), ...hidden })
  return error
}

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
  }
  return /** @type {new (message?: string) => Error} */ (found)
}

/** @param {string} name */
function builtin(name) {
  const builtins = { Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError }
  return Object.hasOwn(builtins, name) ? /** @type {Record<string, any>} */ (builtins)[name] : undefined
}

/**
 * Where in a value the first thing lies that cannot be cloned: `.rows[3].callback is a function`; undefined when all of it can.
 *
 * @param {unknown} value
 * @param {string} path what the value itself is called
 * @returns {string | undefined}
 */
export function findUncloneable(value, path) {
  /** @type {{ value: unknown, path: string }[]} */
  const open = [{ value, path }]
  const seen = new Set()
  while (open.length > 0) {
    const at = /** @type {{ value: unknown, path: string }} */ (open.pop())
    if (typeof at.value === 'function' || typeof at.value === 'symbol') return `${at.path} is ${describeKind(at.value)}`
    if (typeof at.value !== 'object' || at.value === null || seen.has(at.value)) continue
    seen.add(at.value)
    if (cloneable(at.value)) continue
    const inside = children(at.value, at.path)
    if (typeof inside === 'string') return inside
    if (inside.length === 0 || !inside.some((child) => !cloneable(child.value))) return `${at.path} is ${describeKind(at.value)}`
    open.push(...inside.reverse())
  }
  return undefined
}

/**
 * @param {object} value
 * @param {string} path
 * @returns {{ value: unknown, path: string }[] | string} a string when reading it throws
 */
function children(value, path) {
  try {
    if (value instanceof Map) {
      return [...value].flatMap(([k, v], i) => [
        { value: k, path: `${path}.keys()[${i}]` },
        { value: v, path: `${path}.get(${typeof k === 'string' ? JSON.stringify(k) : i})` },
      ])
    }
    if (value instanceof Set) return [...value].map((v, i) => ({ value: v, path: `${path}.values()[${i}]` }))
    return Object.keys(value).map((key) => ({
      value: /** @type {Record<string, unknown>} */ (value)[key],
      path: Array.isArray(value)
        ? `${path}[${key}]`
        : /^[\p{L}_$][\p{L}\d_$]*$/u.test(key)
          ? `${path}.${key}`
          : `${path}[${JSON.stringify(key)}]`,
    }))
  } catch (error) {
    return `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** @param {unknown} value */
export function cloneable(value) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return typeof value !== 'symbol'
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

/** @param {unknown} value */
function describeKind(value) {
  if (typeof value === 'function') return `a function${value.name ? ` (${value.name})` : ''}`
  if (typeof value === 'symbol') return `a symbol (${String(value)})`
  const tag = Object.prototype.toString.call(value).slice(8, -1)
  return `of a kind that cannot be copied (${tag === 'Object' ? 'object' : tag})`
}

/** @param {unknown} value */
function isError(value) {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Error || brand in value || Object.prototype.toString.call(value) === '[object Error]'
}

/**
 * A field whose getter throws is as good as none.
 * @param {any} object
 * @param {string} key
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

/**
 * All numbers travel as one typed array: a copy of memory instead of one tagged value after the other.
 * @param {ArrayLike<unknown>} values
 */
export function packNumbers(values) {
  if (values.length < 8) return undefined
  for (let i = 0; i < values.length; i++) if (typeof values[i] !== 'number') return undefined
  return Float64Array.from(/** @type {ArrayLike<number>} */ (values))
}

const transferBrand = Symbol.for('heddle.transfer')

/**
 * Takes the wrapper of `transfer()` off; its buffers are added to `list`.
 * @param {unknown} value
 * @param {unknown[]} list
 */
export function unwrapTransfer(value, list) {
  if (typeof value !== 'object' || value === null || !(transferBrand in value)) return value
  const wrapped = /** @type {{ value: unknown, list: unknown[] }} */ (/** @type {any} */ (value)[transferBrand])
  list.push(...wrapped.list)
  return wrapped.value
}

/**
 * Marks buffers in `value` to be moved instead of copied.
 * @param {unknown} value
 * @param {readonly unknown[]} list
 */
export function wrapTransfer(value, list) {
  return { [transferBrand]: { value, list } }
}
