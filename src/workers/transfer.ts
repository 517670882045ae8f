import type { TransferListItem } from 'node:worker_threads'
import { markTransfer } from '../encoding/transfers.js'

/**
 * Marks buffers in an argument or result of a worker function to be moved instead of copied; this side then has them no more.
 *
 * @param value the argument or result that contains them; it is given back, marked
 * @param list what to move. @default the value's own buffer, when the value is a buffer or a view. Short `Buffer`s share one memory with
 *   others, so they are copied
 * @throws nothing itself; the call rejects with {@link Unserializable} when something in the list cannot be moved
 * @example
 * const resized = await resize(transfer(image, [image.buffer]))
 */
export function transfer<T>(value: T, list?: readonly TransferListItem[]): T {
  markTransfer(value, list ? list.filter((part) => !isPool(value, part)) : ownBuffer(value))
  return value
}

function ownBuffer(value: unknown): readonly unknown[] {
  if (value instanceof ArrayBuffer) return [value]
  return ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer && !isPooled(value) ? [value.buffer] : []
}

/** Is it a piece of the memory from which Node cuts short buffers? Moving that would take other buffers' content. */
function isPooled(view: ArrayBufferView): boolean {
  return Buffer.isBuffer(view) && view.byteLength < view.buffer.byteLength && view.buffer.byteLength === Buffer.poolSize
}

function isPool(value: unknown, part: unknown): boolean {
  return ArrayBuffer.isView(value) && value.buffer === part && isPooled(value)
}
