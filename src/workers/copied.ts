/** What a crossing does to a value, for calls that stay on this thread: they must not be told apart. */
import { fromElsewhere } from '../base/call-site.ts'
import { Unserializable } from '../base/errors.ts'
import { cloneable, findUncloneable } from './thread/cloning.js'
import { forgetTransfer, transferOf } from './thread/transfers.js'

/** As a crossing would copy it, so that a function cannot notice where it ran. */
export function copied(value: unknown, what: string): unknown {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') throw uncloneable(value, what)
    return value
  }
  const transfer = transferOf(value) as ArrayBuffer[] | undefined
  try {
    const copy = structuredClone(value, transfer && { transfer })
    if (transfer) forgetTransfer(value)
    return copy
  } catch (cause) {
    throw uncloneable(value, what, cause)
  }
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
