/** Items as the text of a message. */
import { uncloneable } from '../../workers/copied.ts'
import { forgetTransfer, transferOf } from '../../encoding/transfers.js'
import { toText, writable } from '../../encoding/tagged.ts'

/** @throws where one of them is no data */
export function packItems(items: ArrayLike<unknown>, spread: boolean): string {
  const list = Array.isArray(items) ? items : Array.from(items)
  const text = toText(list)
  for (const item of list) {
    if (!spread) moveAway(item)
    else for (const argument of item as readonly unknown[]) moveAway(argument)
  }
  return text
}

/** Buffers that were to be moved are gone here once they have been sent, wherever a function runs. */
function moveAway(value: unknown): void {
  const list = transferOf(value)
  if (!list) return
  structuredClone(null, { transfer: list as ArrayBuffer[] })
  forgetTransfer(value)
}

/** What in an item cannot be sent; undefined for one that can. */
export function refusal(item: unknown, spread: boolean): Error | undefined {
  const values = spread ? (item as readonly unknown[]) : [item]
  const bad = values.findIndex((value) => !writable(value))
  if (bad === -1) return undefined
  return uncloneable(values[bad], spread ? `argument ${bad + 1}` : 'argument', undefined, writable)
}
