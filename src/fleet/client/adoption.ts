/**
 * What an earlier start of the same run has left in the store: batches that wait, that machines have, and that are done. A run with a journal takes them for its own
 * instead of sending their items again.
 *
 * An item is taken from a batch only where its index and its value are still the same.
 */
import { fromText, toText } from '../../encoding/tagged.ts'
import type { Batch } from '../../run/executor.ts'
import { type BlobStore, blobMark } from '../engine/blob-store.ts'
import type { Store } from '../engine/store.ts'
import { type BatchMessage, type Done, type FunctionName, type Outcome, readBatch } from '../protocol/message.ts'

/** Items of a left batch that this start wants: a journal may have the others. */
export interface LeftPart {
  /** In the ledger of this start. */
  readonly number: number
  /** Place in the batch. */
  readonly from: number
  readonly count: number
}

export class LeftBatch {
  readonly id: string
  readonly message: BatchMessage
  readonly #parts: LeftPart[] = []
  #settle: ((part: LeftPart) => void) | undefined

  constructor(id: string, message: BatchMessage) {
    this.id = id
    this.message = message
  }

  /** @returns true for the first part: then what becomes of the batch is to be awaited */
  want(part: LeftPart): boolean {
    this.#parts.push(part)
    this.#settle?.(part)
    return this.#parts.length === 1
  }

  /** What became of it is known, also for parts that are wanted later. */
  known(settle: (part: LeftPart) => void): void {
    this.#settle = settle
    for (const part of this.#parts) settle(part)
  }

  has(index: number, item: unknown): boolean {
    const { first, items } = this.message
    return index >= first && index < first + items.length && isSame(items[index - first], item)
  }
}

export class Adoption {
  /** Batches of this start have numbers from here on. */
  readonly next: number
  readonly #left: readonly LeftBatch[]

  private constructor(next: number, left: readonly LeftBatch[]) {
    this.next = next
    this.#left = left
  }

  static async look(
    store: Store,
    blobs: BlobStore | undefined,
    queue: string,
    run: string,
    fns: readonly FunctionName[],
  ): Promise<Adoption> {
    const ids = (await store.jobs(queue)).filter((id) => id.startsWith(`${run}-`))
    const numberOf = (id: string): number => Number(id.slice(run.length + 1))
    const texts = await store.messages(queue, ids)
    const left: LeftBatch[] = []
    for (const [i, id] of ids.entries()) {
      const message = await read(texts[i], blobs)
      if (
        !message ||
        message.spread ||
        message.broadcasts ||
        message.run !== run ||
        JSON.stringify(message.fns) !== JSON.stringify(fns)
      )
        continue
      left.push(new LeftBatch(id, message))
    }
    // What was sent again is in the later batch.
    left.sort((a, b) => numberOf(b.id) - numberOf(a.id))
    return new Adoption(
      ids.reduce((most, id) => Math.max(most, numberOf(id) + 1), 0),
      left,
    )
  }

  /** The items of a batch, cut where they change from one left batch to another, or to none. */
  *split({ first, items }: Batch): Generator<Batch & { readonly left: LeftBatch | undefined }> {
    let from = 0
    let left = this.#of(first, items[0])
    const cut = (to: number): Batch => ({ first: first + from, items: Array.prototype.slice.call(items, from, to) as unknown[] })
    for (let at = 1; at < items.length; at++) {
      const next = this.#of(first + at, items[at])
      if (next === left) continue
      yield { ...cut(at), left }
      from = at
      left = next
    }
    yield { ...cut(items.length), left }
  }

  #of(index: number, item: unknown): LeftBatch | undefined {
    return this.#left.find((each) => each.has(index, item))
  }
}

async function read(text: string | undefined, blobs: BlobStore | undefined): Promise<BatchMessage | undefined> {
  try {
    if (text === undefined || (text.startsWith(blobMark) && !blobs)) return undefined
    return readBatch(fromText(text.startsWith(blobMark) && blobs ? await blobs.get(text.slice(blobMark.length)) : text))
  } catch {
    // Somebody else has written it, or its blob has gone: its items are sent again.
    return undefined
  }
}

/** An item that no text can hold, such as one with a broadcast value, is the same as none. */
function isSame(left: unknown, item: unknown): boolean {
  try {
    return toText(left) === toText(item)
  } catch {
    return false
  }
}

/** What an outcome says of some of the items of its batch. */
export function partOf(outcome: Outcome, from: number, count: number): Outcome {
  if (outcome.kind !== 'done') return outcome
  const inside = (at: number): boolean => at >= from && at < from + count
  const places = outcome.at ?? outcome.values.map((_, i) => i)
  const kept = places.flatMap((at, i) => (inside(at) ? [i] : []))
  const { times, slots } = outcome
  const part: Done = {
    ...outcome,
    values: kept.map((i) => outcome.values[i]),
    at: kept.map((i) => (places[i] as number) - from),
    errors: (outcome.errors ?? []).flatMap(([at, error]) => (inside(at) ? [[at - from, error] as const] : [])),
    returned: (outcome.returned ?? []).filter(inside).map((at) => at - from),
    ...(times && { times: kept.flatMap((i) => [times[2 * i] ?? 0, times[2 * i + 1] ?? 0]) }),
    ...(slots && { slots: kept.map((i) => slots[i] ?? 0) }),
  }
  return part
}
