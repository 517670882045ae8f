/** What a crossing does to a value, for calls that stay on this thread: both must look the same. */
import { fromElsewhere } from '../base/call-site.ts'
import { Unserializable } from '../base/errors.ts'
import { cloneable, findUncloneable } from '../encoding/cloning.js'
import { isBroadcast, putBack, takeOut } from '../encoding/broadcast.js'
import { shown } from '../encoding/shown.js'
import { forgetTransfer, movedWith, transferOf } from '../encoding/transfers.js'

/** As a crossing would copy it, so that a function cannot notice where it ran. */
export function copied(value: unknown, what: string): unknown {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') throw uncloneable(value, what)
    return value
  }
  // A handle of a broadcast value is the same on both sides.
  const held = takeOut([value], false)
  if (held) {
    const copy = [copied(held.items[0], what)]
    const byId = new Map(held.handles.map((handle) => [handle.id, handle]))
    putBack(copy, held.places, (id) => byId.get(id))
    return copy[0]
  }
  const transfer = transferOf(value)
  try {
    const moved = [...movedWith(value)] as ArrayBuffer[]
    const copy = structuredClone(shown(value, moved), { transfer: moved })
    if (transfer) forgetTransfer(value)
    return copy
  } catch (cause) {
    throw uncloneable(value, what, cause)
  }
}

/**
 * As a crossing would give it, but without a copy where only a change could show the difference: plain objects, lists, typed arrays and
 * what they hold.
 */
export function sharedOrCopied(value: unknown, what: string): unknown {
  return mayShare(value) ? value : copied(value, what)
}

/**
 * @param parts how many are looked at
 * @param ofOthers what is said of those that are not
 */
function mayShare(value: unknown, parts = mostObjects, ofOthers = false): boolean {
  try {
    left = parts
    beyond = ofOthers
    return transferOf(value) === undefined && staysTheSame(value, 0)
  } catch {
    // A getter threw: the copy says so.
    return false
  }
}

/** Values that are looked through to their end, for each place, and parts of every later one that are looked at. Both chosen. */
const [thoroughLooks, roughParts] = [16, 12]

/**
 * Which values of one place may be shared with a function that consented to it. Looking through all of a value can cost more than what a function
 * does with it, so that only the first ones are; of later ones a few parts.
 */
export class Shares {
  #thorough = thoroughLooks

  has(value: unknown): boolean {
    // What is larger than a thorough look would hold this thread for a second if it were copied.
    return mayShare(value, this.#thorough-- > 0 ? mostObjects : roughParts, true)
  }
}

/** Deeper or larger than this, or going round in a circle: the copy bounds itself. */
const deepest = 64
const mostObjects = 100_000
let left = 0
/** What is said of parts that are not looked at. */
let beyond = false

const TypedArray = Object.getPrototypeOf(Uint8Array) as { readonly prototype: object }

/** A program may run where there is none, as in a page without isolation. */
const SharedMemory = typeof SharedArrayBuffer === 'undefined' ? undefined : SharedArrayBuffer.prototype

/** Would a clone be the same but for its identity? */
function staysTheSame(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function' && typeof value !== 'symbol'
  if (depth > deepest) return false
  if (isBroadcast(value)) return true
  if (--left < 0) return beyond
  const above = Object.getPrototypeOf(value) as object | null
  if (above === Array.prototype) {
    for (let i = 0; i < (value as unknown[]).length && left >= 0; i++)
      if (!staysTheSame((value as unknown[])[i], depth + 1)) return false
    return left >= 0 || beyond
  }
  if (above === Object.prototype) {
    for (const key in value) {
      if (left < 0) return beyond
      if (!staysTheSame((value as Record<string, unknown>)[key], depth + 1)) return false
    }
    return true
  }
  if (above === Map.prototype || above === Set.prototype) {
    for (const [key, part] of (value as Map<unknown, unknown>).entries()) {
      if (left < 0) return beyond
      if (!staysTheSame(key, depth + 1) || !staysTheSame(part, depth + 1)) return false
    }
    return Object.keys(value).length === 0
  }
  if (above === Date.prototype) return Object.keys(value).length === 0
  if (above === null) return false
  return Object.getPrototypeOf(above) === TypedArray.prototype || above === SharedMemory
}

export function uncloneable(value: unknown, what: string, cause?: unknown, clones = cloneable): Unserializable {
  const where = findUncloneable(value, what, clones) ?? `${what} cannot be moved`
  return fromElsewhere(
    new Unserializable(`The ${what.replace(/ \d+$/, '')} cannot cross to the worker: ${where}`, {
      cause,
      hint: 'Worker functions take and give data: pass what the function needs, and leave functions and handles on their own side.',
    }),
  )
}
