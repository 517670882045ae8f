/** Values as JSON text: exactly, or changed in a known way, or not at all. */
import { describe, Unserializable } from '../base/errors.ts'
import { isA, textOf } from '../base/look.js'

/** Deeper values would overflow the stack of the JSON parser; chosen far above what data has, far below that. */
const depthAtMost = 1_000

export interface Json {
  readonly text: string
  /** False when the text reads as something else: a property that is `undefined` is missing, -0 is 0, an array has lost its properties. */
  readonly exact: boolean
}

/**
 * The value as JSON.
 * @param name what messages call the value: paths begin with it; asked for only then, as it costs as much as a small value
 * @throws {Unserializable} when JSON cannot hold it; names the path of the first thing that is to blame
 */
export function toJson(value: unknown, name: () => string): Json {
  const walk: Walk = { exact: true, path: [] }
  const why = check(value, walk, 0)
  if (why !== undefined) throw unserializable(name(), walk.path.reverse(), why)
  try {
    return { text: JSON.stringify(value), exact: walk.exact }
  } catch (error) {
    throw unserializable(name(), [], isA(error, RangeError) ? 'longer than a text can be' : textOf(error))
  }
}

interface Walk {
  exact: boolean
  /** From the culprit up. */
  readonly path: (string | number)[]
}

/** Why JSON cannot hold the value; undefined when it can. */
function check(value: unknown, walk: Walk, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      if (Object.is(value, -0)) walk.exact = false
      return Number.isFinite(value) ? undefined : describe(value)
    case 'object':
      if (value === null) return undefined
      if (depth === depthAtMost) return `nested more than ${depthAtMost} levels deep, or it contains itself`
      return Array.isArray(value) ? checkArray(value, walk, depth) : checkObject(value, walk, depth)
    default:
      return describe(value)
  }
}

function checkArray(value: readonly unknown[], walk: Walk, depth: number): string | undefined {
  for (let i = 0; i < value.length; i++) {
    const why = check(value[i], walk, depth + 1)
    if (why === undefined) continue
    walk.path.push(i)
    return why
  }
  // Such as `groups` of what a regular expression has found.
  if (Object.keys(value).length !== value.length) walk.exact = false
  return undefined
}

function checkObject(value: object, walk: Walk, depth: number): string | undefined {
  if (!isPlain(value)) return describe(value)
  if (Object.getOwnPropertySymbols(value).length > 0) return 'an object with symbols as keys'
  for (const key of Object.keys(value)) {
    const below = (value as Record<string, unknown>)[key]
    if (below === undefined) {
      walk.exact = false
      continue
    }
    const why = check(below, walk, depth + 1)
    if (why === undefined) continue
    walk.path.push(key)
    return why
  }
  return undefined
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  // Objects of other realms (vm contexts) have an Object.prototype of their own.
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

function unserializable(name: string, path: readonly (string | number)[], why: string): Unserializable {
  const shown = path
    .slice(0, 20)
    .map((key) => (typeof key === 'number' ? `[${key}]` : /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`))
  const more = path.length > 20 ? '…' : ''
  return new Unserializable(`JSON cannot hold ${name}${shown.join('')}${more}: ${why}`, {
    hint: 'Give plain objects, arrays, text, finite numbers, true, false and null, or pass a `codec`.',
  })
}

/** The same with keys in order, so that equal options have equal text. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, below]) => [key, sorted(below)]))
}
