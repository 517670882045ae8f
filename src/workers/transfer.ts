import type { TransferListItem } from 'node:worker_threads'
import { wrapTransfer } from './thread/wire.js'

/**
 * Marks buffers in an argument or result of a worker function to be moved instead of copied; this side then has them no more.
 *
 * @param value the argument or result that contains them
 * @param list what to move. @default the value's own buffer, when the value is a buffer or a view
 * @example
 * const resized = await resize(transfer(image, [image.buffer]))
 */
export function transfer<T>(value: T, list?: readonly TransferListItem[]): T {
  return wrapTransfer(value, list ?? ownBuffer(value)) as T
}

function ownBuffer(value: unknown): readonly unknown[] {
  if (value instanceof ArrayBuffer) return [value]
  return ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer ? [value.buffer] : []
}
