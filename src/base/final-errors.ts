/**
 * Errors that are final: a layer has tried again and given up, or wanted to and might not. Layers around it leave them alone, or three layers
 * with three retries each would make 64 calls out of one. The mark is on the error itself, so that it holds between threads (see
 * `encoding/errors.js`) and between two copies of the package; nobody sees it.
 */
import { peek } from './look.js'

const mark = Symbol.for('heddle.spent')
/** Those that cannot be written on. */
const frozen = new WeakSet<object>()

export function isSpent(error: unknown): boolean {
  return typeof error === 'object' && error !== null && (frozen.has(error) || peek(error, mark) === true)
}

export function markSpent(error: unknown): void {
  if (typeof error !== 'object' || error === null) return
  try {
    Object.defineProperty(error, mark, { value: true, configurable: true })
  } catch {
    frozen.add(error)
  }
}
