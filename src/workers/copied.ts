/** What a crossing does to a value, for calls that stay on this thread: both must look the same. */
import { fromElsewhere } from '../base/call-site.ts'
import { Unserializable } from '../base/errors.ts'
import { cloneable, findUncloneable } from '../encoding/cloning.js'
import { shown } from '../encoding/shown.js'
import { forgetTransfer, transferOf } from '../encoding/transfers.js'

/** As a crossing would copy it, so that a function cannot notice where it ran. */
export function copied(value: unknown, what: string): unknown {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') throw uncloneable(value, what)
    return value
  }
  const transfer = transferOf(value) as ArrayBuffer[] | undefined
  const moved = [...(transfer ?? [])]
  try {
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
  try {
    left = mostObjects
    if (transferOf(value) === undefined && staysTheSame(value, 0)) return value
  } catch {
    // A getter threw: the copy says so.
  }
  return copied(value, what)
}

/** Deeper or larger than this, or going round in a circle: the copy bounds itself. */
const deepest = 64
const mostObjects = 100_000
let left = 0

const TypedArray = Object.getPrototypeOf(Uint8Array) as { readonly prototype: object }

/** A program may run where there is none, as in a page without isolation. */
const SharedMemory = typeof SharedArrayBuffer === 'undefined' ? undefined : SharedArrayBuffer.prototype

/** Would a clone be the same but for its identity? */
function staysTheSame(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function' && typeof value !== 'symbol'
  if (depth > deepest || --left < 0) return false
  const above = Object.getPrototypeOf(value) as object | null
  if (above === Array.prototype) return (value as unknown[]).every((part) => staysTheSame(part, depth + 1))
  if (above === Object.prototype) {
    for (const key in value) if (!staysTheSame((value as Record<string, unknown>)[key], depth + 1)) return false
    return true
  }
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
