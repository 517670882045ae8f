import type { TransferListItem } from 'node:worker_threads'
import { markTransfer } from './thread/transfers.js'

/**
 * Marks buffers in an argument or result of a worker function to be moved instead of copied; this side then has them no more.
 *
 * @param value the argument or result that contains them; it is given back, marked
 * @param list what to move. @default the value's own buffer, when the value is a buffer or a view
 * @example
 * const resized = await resize(transfer(image, [image.buffer]))
 */
export function transfer<T>(value: T, list?: readonly TransferListItem[]): T {
  markTransfer(value, list ?? ownBuffer(value))
  return value
}

function ownBuffer(value: unknown): readonly unknown[] {
  if (value instanceof ArrayBuffer) return [value]
  return ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer ? [value.buffer] : []
}
