/** Items as the text of a message. */
import { uncloneable } from '../../workers/copied.ts'
import { forgetTransfer, transferOf } from '../../encoding/transfers.js'
import { toText, writable } from '../../encoding/tagged.ts'
import { tooLarge } from './refusals.ts'
import { type Extra, sliceExtra } from './sent.ts'

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

export interface Items {
  readonly first: number
  readonly items: ArrayLike<unknown>
  readonly extra: Extra
}

/** Items that go in one batch, or one that cannot be sent. */
export type Piece =
  | { readonly first: number; readonly count: number; readonly text: string; readonly extra: Extra }
  | { readonly index: number; readonly error: unknown }

/** Items as texts of at most `most` characters, in halves where together they are too large; what cannot be sent stands alone. */
export function* piecesOf({ first, items, extra }: Items, spread: boolean, most: number): Generator<Piece> {
  const part = (from: number, to: number): Items => ({
    first: first + from,
    items: Array.prototype.slice.call(items, from, to) as unknown[],
    extra: sliceExtra(extra, from, to),
  })
  const { length: count } = items
  let text: string
  try {
    text = packItems(items, spread)
  } catch (cause) {
    let from = 0
    for (let at = 0; at < count; at++) {
      const error = refusal(items[at], spread) ?? (count === 1 ? cause : undefined)
      if (error === undefined) continue
      yield { index: first + at, error }
      if (at > from) yield* piecesOf(part(from, at), spread, most)
      from = at + 1
    }
    if (count > from) yield* piecesOf(part(from, count), spread, most)
    return
  }
  if (text.length <= most) yield { first, count, text, extra }
  else if (count === 1) yield { index: first, error: tooLarge('argument', text.length) }
  else {
    yield* piecesOf(part(0, count >> 1), spread, most)
    yield* piecesOf(part(count >> 1, count), spread, most)
  }
}

/** What in an item cannot be sent; undefined for one that can. */
function refusal(item: unknown, spread: boolean): Error | undefined {
  const values = spread ? (item as readonly unknown[]) : [item]
  const bad = values.findIndex((value) => !writable(value))
  if (bad === -1) return undefined
  return uncloneable(values[bad], spread ? `argument ${bad + 1}` : 'argument', undefined, writable)
}
