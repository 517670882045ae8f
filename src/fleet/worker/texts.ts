/** Batches and outcomes as the texts that travel: the large ones lie in the blob store, where there is one. */
import { packError } from '../../encoding/errors.js'
import { fromText, toText, writable } from '../../encoding/tagged.ts'
import { mostInline, tooLarge } from '../client/refusals.ts'
import { type BlobStore, blobMark } from '../engine/blob-store.ts'
import { type BatchMessage, type Done, type Outcome, readBatch, wireVersion } from '../protocol/message.ts'

/** Results longer than this go to the blob store, where there is one: every client of the queue hears of each. */
const blobFrom = 16 * 1_024

/** Items have 4 MiB at most, and keys, indices and names beside them. */
const mostText = 4 * mostInline

/** @throws {TypeError} what is wrong with it @throws {FleetRefused} where its blob cannot be read */
export async function batchOf(data: unknown, blobs: BlobStore | undefined): Promise<BatchMessage> {
  if (typeof data !== 'string') throw new TypeError('it is not text')
  if (data.length > mostText) throw new TypeError(`it has ${(data.length / 2 ** 20).toFixed(0)} MiB, and no program sends that`)
  if (!data.startsWith(blobMark)) return readBatch(fromText(data))
  if (!blobs) throw new TypeError('it lies in a blob store, and this worker has none: start it with --blobs')
  return readBatch(fromText(await blobs.get(data.slice(blobMark.length))))
}

/** @param name of its blob */
export async function outcomeText(outcome: Outcome, blobs: BlobStore | undefined, name: string): Promise<string> {
  const text = toText(outcome)
  if (blobs && text.length > blobFrom) {
    await blobs.put(name, text)
    return blobMark + name
  }
  return text.length <= mostInline || outcome.kind !== 'done' ? text : toText(withoutLarge(outcome))
}

/** Each item for itself: the small ones are kept. */
function withoutLarge(outcome: Done): Done {
  const at = outcome.at ?? outcome.values.map((_, i) => i)
  const most = mostInline / Math.max(1, outcome.values.length)
  const lengths = outcome.values.map((value) => toText(value).length)
  const kept = <T>(list: readonly T[]): T[] => list.filter((_, i) => (lengths[i] as number) <= most)
  const errors = lengths.flatMap((length, i) =>
    length <= most ? [] : [[at[i] as number, packError(tooLarge('result', length))] as const],
  )
  const { times: _, slots: __, ...rest } = outcome
  return { ...rest, values: kept(outcome.values), at: kept(at), errors: [...(outcome.errors ?? []), ...errors] }
}

/** @param what it was that could not be done */
export function refusalText(worker: string, cause: unknown, what?: string): { readonly text: string; readonly message: string } {
  const error = cause instanceof Error ? cause : new TypeError(String(cause))
  if (what !== undefined) error.message = `${what}: ${error.message}`
  return { message: error.message, text: toText({ v: wireVersion, kind: 'refused', worker, error: packError(error, writable) }) }
}
