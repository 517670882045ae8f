/**
 * Values as text for other machines: JSON, with a tag where JSON has no word. What arrives is what a structured clone gives, also the identity of
 * what occurs twice. Any store takes the text, any version of Node reads it, and reading it runs nothing.
 *
 * A tag is an object with the one key `$`: `{"$":["date",0]}`. An object that has such a key itself is written as a list of its entries.
 */
import { Buffer } from 'node:buffer'
import { isBoxedPrimitive, isProxy, isSymbolObject } from 'node:util/types'
import { isForeign, serializable } from './cloning.js'
import { viewClasses } from './view-classes.js'

/** Deeper values are refused: JSON and clones work by recursion. Chosen, far above what data has. */
const deepest = 1_000

/**
 * The value as text.
 *
 * @throws {TypeError} where it holds something that is not data: functions, symbols, promises, shared memory, objects of the platform
 */
export function toText(value: unknown): string {
  if (isPlain(value, 0, new Set())) return JSON.stringify(value)
  const seen = new Set<object>()
  const twice = new Set<object>()
  new Writer((part) => (seen.has(part) ? twice.add(part) : seen.add(part)) === twice).write(value, 0)
  return JSON.stringify(new Writer(() => false, twice).write(value, 0))
}

/** Can it be written as text? */
export function writable(value: unknown): boolean {
  try {
    toText(value)
    return true
  } catch {
    return false
  }
}

/** @throws {TypeError | SyntaxError} for text that {@link toText} has not written */
export function fromText(text: string): unknown {
  const value = JSON.parse(text) as unknown
  return text.includes('"$":') ? new Reader().read(value, 0) : value
}

/** Does `JSON.stringify` keep all of it? Most data is so, and is written at the speed of that. */
function isPlain(value: unknown, depth: number, seen: Set<object>): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (typeof value !== 'object') return typeof value === 'string' || typeof value === 'boolean'
  if (value === null) return true
  if (depth > deepest || seen.has(value) || isProxy(value)) return false
  seen.add(value)
  const above: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value)) {
    if (above !== Array.prototype || Object.keys(value).length !== value.length) return false
    return value.every((part) => isPlain(part, depth + 1, seen))
  }
  if (above !== Object.prototype && above !== null) return false
  for (const key of Object.keys(value)) {
    if (key === '$' || key === 'toJSON' || !isPlain((value as Record<string, unknown>)[key], depth + 1, seen)) return false
  }
  return true
}

/** The classes of views, by what they are called in the text. */
const views = Object.fromEntries(viewClasses.map((Class) => [Class.name, Class])) as Readonly<
  Record<string, { new (buffer: ArrayBuffer, offset: number, length: number): ArrayBufferView; readonly prototype: unknown }>
>

const errorClasses = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError } as const

const tag = (...content: readonly unknown[]): unknown => ({ $: content })

class Writer {
  /** Looks at each object; true for one that is not to be written again. */
  readonly #met: (part: object) => boolean
  readonly #twice: ReadonlySet<object>
  readonly #numbers = new Map<object, number>()
  /** The clone of the platform has accepted the value around this one, and so all of it. */
  #checked = false

  constructor(met: (part: object) => boolean, twice: ReadonlySet<object> = new Set()) {
    this.#met = met
    this.#twice = twice
  }

  write(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value
      case 'undefined':
        return tag('undefined')
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : tag('number', Object.is(value, -0) ? '-0' : String(value))
      case 'bigint':
        return tag('bigint', String(value))
      case 'object':
        return value === null ? null : this.#object(value, depth)
      default:
        throw new TypeError(`a ${typeof value} is not data`)
    }
  }

  #object(value: object, depth: number): unknown {
    if (depth > deepest) throw new TypeError(`it is nested deeper than ${deepest} levels`)
    if (isProxy(value)) throw new TypeError('a proxy is not data')
    if (this.#met(value)) return null
    if (!this.#twice.has(value)) return this.#content(value, depth)
    const number = this.#numbers.get(value)
    if (number !== undefined) return tag('again', number)
    this.#numbers.set(value, this.#numbers.size)
    return tag('first', this.#numbers.size - 1, this.#content(value, depth))
  }

  #content(value: object, depth: number): unknown {
    if (Array.isArray(value)) return this.#list(value, depth)
    if (value instanceof Map)
      return tag(
        'map',
        [...value].map(([k, v]) => [this.write(k, depth + 1), this.write(v, depth + 1)]),
      )
    if (value instanceof Set)
      return tag(
        'set',
        [...value].map((part) => this.write(part, depth + 1)),
      )
    if (value instanceof Date) return tag('date', this.write(value.getTime(), depth))
    if (value instanceof RegExp) return tag('regexp', value.source, value.flags)
    if (value instanceof ArrayBuffer) return tag('buffer', base64(value, 0, value.byteLength))
    if (ArrayBuffer.isView(value)) return this.#view(value, depth)
    if (value instanceof Error) return this.#error(value, depth)
    const above: unknown = Object.getPrototypeOf(value)
    if (above !== Object.prototype && above !== null) {
      const boxed = boxedValue(value)
      if (boxed !== undefined) return tag('boxed', this.write(boxed, depth + 1))
      const outer = this.#checked
      if (!outer && (!serializable(value) || isForeign(value))) throw new TypeError('an object of the platform is not data')
      this.#checked = true
      const written = this.#fields(value, depth)
      this.#checked = outer
      return written
    }
    return this.#fields(value, depth)
  }

  #fields(value: object, depth: number): unknown {
    const entries = Object.keys(value).map((key): [string, unknown] => [
      key,
      this.write((value as Record<string, unknown>)[key], depth + 1),
    ])
    // `toJSON` would be called.
    if (entries.some(([key]) => key === '$' || key === 'toJSON')) return tag('object', entries)
    return Object.fromEntries(entries)
  }

  #list(value: readonly unknown[], depth: number): unknown {
    const keys = Object.keys(value)
    if (keys.length === value.length && keys.every((key, i) => key === String(i)))
      return value.map((part) => this.write(part, depth + 1))
    // Holes, or fields beside the elements.
    return tag(
      'list',
      value.length,
      keys.map((key) => [key, this.write((value as unknown as Record<string, unknown>)[key], depth + 1)]),
    )
  }

  #view(view: ArrayBufferView, depth: number): unknown {
    const { buffer, byteOffset, byteLength } = view
    if (!(buffer instanceof ArrayBuffer)) throw new TypeError('shared memory stays on its machine')
    const name = Object.keys(views).find((each) => view instanceof (views[each] as never))
    // Several views of one buffer stay views of one; what only this one shows goes alone.
    this.#met(buffer)
    if (this.#twice.has(buffer)) return tag('part', name, this.#object(buffer, depth + 1), byteOffset, byteLength)
    return tag('view', name, base64(buffer, byteOffset, byteLength))
  }

  #error(error: Error, depth: number): unknown {
    const name = Object.hasOwn(errorClasses, error.name) ? error.name : 'Error'
    const cause = 'cause' in error ? [this.write(error.cause, depth + 1)] : []
    return tag('error', name, String(error.message), error.stack === undefined ? null : String(error.stack), ...cause)
  }
}

/** The value inside an object such as `Object(1)`. */
function boxedValue(value: object): unknown {
  return isBoxedPrimitive(value) && !isSymbolObject(value) ? value.valueOf() : undefined
}

function base64(buffer: ArrayBuffer, offset: number, length: number): string {
  if (isDetached(buffer)) throw new TypeError('its buffer has been moved away')
  return Buffer.from(buffer, offset, length).toString('base64')
}

/** Node 20 has no property that says it. */
function isDetached(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false
  try {
    return new Uint8Array(buffer).byteLength !== 0
  } catch {
    return true
  }
}

class Reader {
  readonly #numbered = new Map<number, unknown>()

  /** Builds what was read from JSON again, in place. @param made called with an object before its contents are read: they may refer to it */
  read(value: unknown, depth: number, made?: (object: object) => void): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (depth > 4 * deepest) throw new TypeError('it is nested too deeply')
    if (Array.isArray(value)) {
      made?.(value)
      for (let i = 0; i < value.length; i++) value[i] = this.read(value[i], depth + 1)
      return value
    }
    const { $: content } = value as { $?: unknown }
    if (Array.isArray(content)) return this.#tagged(content, depth + 1, made ?? (() => {}))
    made?.(value)
    for (const key of Object.keys(value)) put(value, key, this.read((value as Record<string, unknown>)[key], depth + 1))
    return value
  }

  #tagged([kind, a, b, c, d]: readonly unknown[], depth: number, made: (object: object) => void): unknown {
    const keep = <T extends object>(object: T): T => {
      made(object)
      return object
    }
    switch (kind) {
      case 'undefined':
        return undefined
      case 'number':
        return Number(a)
      case 'bigint':
        return BigInt(String(a))
      case 'date':
        return keep(new Date(this.read(a, depth) as number))
      case 'regexp':
        return keep(new RegExp(String(a), String(b)))
      case 'boxed':
        return keep(Object(this.read(a, depth)) as object)
      case 'buffer':
        return keep(bytesOf(a))
      case 'view':
        return keep(viewOf(a, bytesOf(b), 0, undefined))
      case 'part':
        return keep(viewOf(a, this.read(b, depth) as ArrayBuffer, Number(c), Number(d)))
      case 'map': {
        const map = keep(new Map<unknown, unknown>())
        for (const [k, v] of a as [unknown, unknown][]) map.set(this.read(k, depth), this.read(v, depth))
        return map
      }
      case 'set': {
        const set = keep(new Set<unknown>())
        for (const part of a as unknown[]) set.add(this.read(part, depth))
        return set
      }
      case 'list': {
        const list = keep([] as unknown[])
        if (!Number.isInteger(a) || (a as number) < 0) throw new TypeError('a list needs a length')
        list.length = a as number
        for (const [key, part] of b as [string, unknown][]) put(list, key, this.read(part, depth))
        return list
      }
      case 'object': {
        const object = keep({})
        for (const [key, part] of a as [string, unknown][]) put(object, key, this.read(part, depth))
        return object
      }
      case 'error':
        return this.#error(a, b, c, d, depth, made)
      case 'first':
        return this.read(b, depth, (object) => {
          this.#numbered.set(a as number, object)
          made(object)
        })
      case 'again':
        if (!this.#numbered.has(a as number)) throw new TypeError('it refers to something that is not there')
        return this.#numbered.get(a as number)
      default:
        throw new TypeError(`the tag ${JSON.stringify(kind)} is unknown`)
    }
  }

  #error(name: unknown, message: unknown, stack: unknown, cause: unknown, depth: number, made: (object: object) => void): Error {
    const Class = Object.hasOwn(errorClasses, String(name)) ? errorClasses[name as keyof typeof errorClasses] : Error
    const error = new Class(String(message))
    made(error)
    const hidden = { configurable: true, writable: true, enumerable: false }
    Object.defineProperty(error, 'stack', { value: stack ?? undefined, ...hidden })
    if (cause !== undefined) Object.defineProperty(error, 'cause', { value: this.read(cause, depth), ...hidden })
    return error
  }
}

function viewOf(name: unknown, buffer: ArrayBuffer, offset: number, bytes: number | undefined): ArrayBufferView {
  const Class = Object.hasOwn(views, String(name)) ? views[String(name)] : undefined
  if (!Class || !(buffer instanceof ArrayBuffer)) throw new TypeError('the view is of an unknown kind')
  const length = bytes ?? buffer.byteLength
  if (Class === views['Buffer']) return Buffer.from(buffer, offset, length)
  return new Class(buffer, offset, length / ((Class as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1))
}

/** Memory of its own: short buffers of Node share theirs. */
function bytesOf(text: unknown): ArrayBuffer {
  const bytes = Buffer.from(String(text), 'base64')
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
}

/** As a field of its own: `__proto__` too. */
function put(object: object, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true })
  else (object as Record<string, unknown>)[key] = value
}
