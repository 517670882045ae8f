/**
 * Takes secrets out of values that leave the program: what a client throws holds the request with its headers, often several levels down.
 * `secrets.ts` says what a secret is; here are the shapes in which it hides.
 */
import { isA } from './look.js'
import { isSecretName, rememberHeader, withoutSecrets } from './secrets.ts'

/** Deeper and wider things are cut: errors are small, and what they were sent may be anything. Chosen. */
const deepest = 16
const mostValues = 20_000
const longestText = 262_144
const cut = '…'

/**
 * The value as it is when there is not a secret in it and it can be looked at in full; else a copy, without them. A copy of an error
 * has its class, fields, causes and stack. Maps, sets, headers, addresses and bytes are looked into, getters are called once.
 */
export function redacted<T>(value: T): T {
  try {
    // A value that a name gives away in one place may be repeated in another: all names are looked at first.
    const look = new Look()
    look.at(value, 0)
    if (!look.found) return value
    return new Copy().of(value, 0) as T
  } catch {
    // A value that cannot even be looked at is not passed on.
    return (isA(value, Error) ? new Error(cut) : cut) as T
  }
}

/** Pairs that say what a value is: fields, entries of maps and headers, lists of pairs, and the flat lists of Node's raw headers. */
function* pairsOf(value: object): Generator<readonly [unknown, unknown]> {
  if (value instanceof Map || isHeaders(value)) yield* value.entries()
  else if (Array.isArray(value)) {
    for (let i = 0; i + 1 < value.length && i < mostValues; i++) if (typeof value[i] === 'string') yield [value[i], value[i + 1]]
  } else {
    for (const name of Object.getOwnPropertyNames(value)) yield [name, valueOf(value, name)]
  }
}

/** A field's value: a getter's is what it gives, if it gives anything. */
function valueOf(value: object, name: PropertyKey): unknown {
  try {
    return Reflect.get(value, name)
  } catch {
    return undefined
  }
}

/** Looks for secrets, and remembers what names give away. */
class Look {
  found = false
  readonly #seen = new Set<unknown>()
  #left = mostValues

  at(value: unknown, depth: number): void {
    if (--this.#left < 0) {
      this.found = true
      return
    }
    if (typeof value === 'string') return this.#text(value)
    if (typeof value === 'function') return
    if (typeof value !== 'object' || value === null || this.#seen.has(value)) return
    if (depth > deepest) {
      this.found = true
      return
    }
    this.#seen.add(value)
    const text = textOf(value)
    if (text !== undefined) return this.#text(text)
    for (const [name, below] of pairsOf(value)) {
      if (typeof name === 'string' && isSecretName(name) && isText(below)) {
        this.found = true
        if (isNamedLikeHeader(name)) for (const one of [below].flat()) rememberHeader(name, one as string)
      }
    }
    for (const below of inside(value)) {
      this.at(below, depth + 1)
      if (this.#left < 0) return
    }
  }

  #text(text: string): void {
    if (text.length > longestText || withoutSecrets(text) !== text) this.found = true
  }
}

/** Names that are given to secrets only: `token` may also be a word of an answer. */
function isNamedLikeHeader(name: string): boolean {
  return !/^(?:token|secret|password|signature|credentials?)$/i.test(name)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
    ? value.length >= 6
    : Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')
}

function* inside(value: object): Generator<unknown> {
  if (value instanceof Map) for (const [key, below] of value) yield* [key, below]
  else if (value instanceof Set) yield* value
  else if (isHeaders(value)) for (const [key, below] of value.entries()) yield* [key, below]
  if (value instanceof Error) yield String(valueOf(value, 'stack'))
  if (Array.isArray(value)) yield* value
  else
    for (const name of Reflect.ownKeys(value)) {
      if (typeof name === 'string') yield name
      yield valueOf(value, name)
    }
}

/** Values that are text in another form. */
function textOf(value: object): string | undefined {
  if (value instanceof URL || value instanceof URLSearchParams) return value.toString()
  if (ArrayBuffer.isView(value)) return bytesOf(value).toString('latin1')
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer)
    return Buffer.from(value, 0, Math.min(value.byteLength, longestText)).toString('latin1')
  return undefined
}

function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, Math.min(view.byteLength, longestText))
}

function isHeaders(value: object): value is Headers {
  return Object.prototype.toString.call(value) === '[object Headers]'
}

/** Copies without secrets. Shared and circular values stay so. */
class Copy {
  readonly #copies = new Map<object, unknown>()
  #left = mostValues

  of(value: unknown, depth: number, name?: unknown): unknown {
    if (--this.#left < 0) return cut
    if (typeof value === 'string') return this.#text(value, name)
    // Functions have what they close over, which nobody can look at.
    if (typeof value === 'function') return undefined
    if (typeof value !== 'object' || value === null) return value
    const known = this.#copies.get(value)
    if (known !== undefined) return known
    if (depth > deepest) return cut
    const text = textOf(value)
    if (text !== undefined) return this.#keep(value, this.#sameForm(value, text))
    if (value instanceof Map) return this.#map(value, depth)
    if (value instanceof Set) return this.#set(value, depth)
    if (isHeaders(value))
      return this.#keep(value, new Headers([...value.entries()].map(([key, of]) => [key, this.#header(of, key)])))
    if (value instanceof Date || value instanceof RegExp || value instanceof Promise) return value
    if (value instanceof Request || value instanceof Response) return this.#keep(value, this.#message(value))
    return Array.isArray(value) ? this.#list(value, depth) : this.#object(value, depth)
  }

  #keep<V>(value: object, made: V): V {
    this.#copies.set(value, made)
    return made
  }

  #text(text: string, name: unknown): string {
    if (typeof name === 'string' && isSecretName(name) && text.length >= 6) return cut
    const clean = withoutSecrets(text.length > longestText ? text.slice(0, longestText) + cut : text)
    return clean
  }

  /** Headers hold Latin-1 only. */
  #header(value: string, name: string): string {
    return this.#text(value, name).replaceAll('…', '...')
  }

  #sameForm(value: object, text: string): unknown {
    const clean = this.#text(text, undefined)
    if (clean === text) return value
    return value instanceof URL || value instanceof URLSearchParams ? clean : Buffer.from(clean)
  }

  #message({ url, headers, ...rest }: Request | Response): object {
    const { status } = rest as { status?: number }
    return {
      url: this.#text(url, undefined),
      status,
      headers: Object.fromEntries([...headers].map(([key, of]) => [key, this.#text(of, key)])),
    }
  }

  #map(value: ReadonlyMap<unknown, unknown>, depth: number): unknown {
    const made = this.#keep(value, new Map<unknown, unknown>())
    for (const [key, of] of value) made.set(this.of(key, depth + 1), this.of(of, depth + 1, key))
    return made
  }

  #set(value: ReadonlySet<unknown>, depth: number): unknown {
    const made = this.#keep(value, new Set<unknown>())
    for (const of of value) made.add(this.of(of, depth + 1))
    return made
  }

  #list(value: readonly unknown[], depth: number): unknown[] {
    const made = this.#keep<unknown[]>(value, [])
    // In a list of names and values, as Node's raw headers are, the name is the element before.
    for (let i = 0; i < value.length && this.#left > 0; i++) made.push(this.of(value[i], depth + 1, value[i - 1]))
    if (made.length < value.length) made.push(cut)
    return made
  }

  #object(value: object, depth: number): object {
    const made = this.#keep(value, Object.create(Object.getPrototypeOf(value) as object | null) as object)
    for (const name of Reflect.ownKeys(value)) {
      if (this.#left < 0) break
      if (name === 'stack' && value instanceof Error) continue
      const property = Object.getOwnPropertyDescriptor(value, name)
      Object.defineProperty(made, typeof name === 'string' ? withoutSecrets(name) : name, {
        value: this.of(valueOf(value, name), depth + 1, name),
        enumerable: property?.enumerable ?? true,
        configurable: property?.configurable ?? true,
        writable: property?.writable ?? true,
      })
    }
    // From Node 21 on it belongs to the object that it was made for, and is found there by a getter.
    if (value instanceof Error)
      Object.defineProperty(made, 'stack', {
        value: this.#text(String(valueOf(value, 'stack')), undefined),
        writable: true,
        configurable: true,
        enumerable: false,
      })
    return made
  }
}
