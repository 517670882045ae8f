/** What a run keeps of a batch that is out, to send items of it again. */
import { fromText, toText } from '../../encoding/tagged.ts'
import type { Range } from '../protocol/ledger.ts'
import type { BroadcastAt } from '../protocol/message.ts'

/** What each call has of its own. */
export interface Extra {
  /** Index and attempt. */
  readonly meta: readonly number[] | undefined
  readonly keys: readonly string[] | undefined
  /** Where broadcast values stand. */
  readonly places: readonly BroadcastAt[] | undefined
}

/** Of items without anything of their own. */
export const plain: Extra = { meta: undefined, keys: undefined, places: undefined }

export interface Sent {
  readonly first: number
  readonly count: number
  readonly items: string
  readonly extra: Extra
}

/** Items that are to be sent again. */
export interface Resent {
  readonly range: Range
  readonly items: string
  readonly extra: Extra
}

export const sliceExtra = ({ meta, keys, places }: Extra, from: number, to: number): Extra => ({
  meta: meta?.slice(2 * from, 2 * to),
  keys: keys?.slice(from, to),
  places: places?.filter(({ at }) => at >= from && at < to).map((place) => ({ ...place, at: place.at - from })),
})

/** Some of the items of a batch. */
export function resentOf({ first, count, items, extra }: Sent, range: Range): Resent {
  if (range.first === first && range.count === count) return { range, items, extra }
  const list = fromText(items) as unknown[]
  const from = range.first - first
  return { range, items: toText(list.slice(from, from + range.count)), extra: sliceExtra(extra, from, from + range.count) }
}
