/** A batch as the message that a worker gets; and what becomes of a batch in which something cannot cross. */
import { performance } from '../../base/globals.js'
import { threadRow } from '../../base/rows.ts'
import type { Batch } from '../../run/executor.ts'
import type { RunMessage } from '../protocol.ts'
import type { PackedValues } from '../../encoding/encoded.ts'
import { takeOut } from '../../encoding/broadcast.js'
import { packTexts } from '../../encoding/texts.js'
import { shown } from '../../encoding/shown.js'
import { movedWith, nothingMarked, transferOf } from '../../encoding/transfers.js'
import { packNumbers } from '../../encoding/numbers.js'
import { bytesToWrite, written } from '../../encoding/written.js'
import { uncloneable } from '../copied.ts'
import { type Job, sliceBatch } from './job.ts'
import type { PoolWorker } from './worker.ts'

/** Calls of a function that takes this long are sent back one by one: a crash then loses none that were done. */
const flushAboveMs = 0.05
/** Node fires a longer timer at once. */
const longestTimerMs = 2 ** 31 - 1

export interface Outgoing {
  readonly message: RunMessage
  /** What is moved with it. */
  readonly transfer: readonly unknown[]
  /** Values that were marked with `transfer()`. */
  readonly marked: readonly unknown[]
}

/**
 * @param worker gets the message, and before it what it does not know yet
 * @param asBytes large arguments are written here and read there when they are needed
 */
export function outgoing(
  job: Job,
  batch: Batch,
  id: number,
  worker: Pick<PoolWorker, 'numberOf' | 'give'>,
  graceMs: number,
  asBytes: boolean,
): Outgoing {
  const { work, estimate, ref } = job
  const marked = nothingMarked() ? [] : markedOf(batch.items, work.spread)
  const transfer = marked.flatMap((value) => movedWith(value))
  // Calls with one argument each are items like those of a map: flat, and perhaps packed.
  const single = work.spread ? singleArguments(batch.items) : batch.items
  const held = takeOut(single ?? batch.items, !single)
  for (const { id: broadcast } of held?.handles ?? []) worker.give(broadcast)
  const flat = single && (held?.items ?? single)
  const { timeoutMs } = work
  const key = work.idempotencyKey ?? work.keys?.(batch)
  const sealed = work.stays && (work.sealedPlaces?.(batch) ?? [])
  const values = held?.items ?? single ?? batch.items
  const bytes = asBytes && marked.length === 0 && !sealed?.length ? writtenItems(values, transfer) : undefined
  const message: RunMessage = {
    type: 'run',
    batch: id,
    fn: worker.numberOf(ref),
    first: batch.first,
    items: bytes ?? (flat ? packed(flat, transfer) : shown(values, transfer)),
    ...(held && { broadcasts: held.places }),
    spread: !flat,
    direct: work.spread,
    meta: work.meta?.(batch),
    timeoutMs: timeoutMs === undefined || timeoutMs > longestTimerMs ? undefined : timeoutMs,
    graceMs,
    deadline: performance.timeOrigin + work.deadline,
    observed: work.observed,
    flush: timeoutMs !== undefined || (work.spread && (estimate.itemMs ?? 1) > flushAboveMs),
    ...(key !== undefined && { key }),
    ...(work.fork && { depth: work.fork.depth }),
    ...(work.stays && {
      stay: {
        seal: work.stays.seal,
        merge: work.stays.merge ? worker.numberOf(work.stays.merge) : 0,
        sealed: sealed ?? [],
      },
    }),
  }
  return { message, transfer, marked }
}

/** The arguments themselves, where each list has exactly one. */
function singleArguments(lists: ArrayLike<unknown>): unknown[] | undefined {
  const args: unknown[] = Array.from({ length: lists.length })
  for (let i = 0; i < lists.length; i++) {
    const list = lists[i] as unknown[]
    if (list.length !== 1) return undefined
    args[i] = list[0]
  }
  return args
}

function markedOf(items: ArrayLike<unknown>, spread: boolean): unknown[] {
  if (ArrayBuffer.isView(items)) return []
  const values = spread ? (items as readonly unknown[][]).flat() : Array.from(items)
  return values.filter((value) => transferOf(value) !== undefined)
}

/** Not that of `Buffer`, which gives a view. */
const sliceOf = (Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array).slice

function writtenItems(items: ArrayLike<unknown>, transfer: unknown[]): PackedValues | undefined {
  if (bytesToWrite(items) === 0) return undefined
  const bytes = written(Array.isArray(items) ? (items as unknown[]) : Array.from(items), true)
  if (!bytes) return undefined
  transfer.push(bytes.buffer)
  return { count: items.length, bytes }
}

/** The shorter form of many numbers, or of long texts; a view is copied, because it would be cloned with all of the buffer behind it. */
function packed(items: ArrayLike<unknown>, transfer: unknown[]): RunMessage['items'] {
  const copy = ArrayBuffer.isView(items) ? sliceOf.call(items as unknown as Uint8Array) : packNumbers(items)
  if (copy?.buffer instanceof ArrayBuffer) transfer.push(copy.buffer)
  if (copy) return copy
  const texts = packTexts(items)
  if (texts) transfer.push(texts.units.buffer)
  return texts ?? shown(items, transfer)
}

/** Something in the batch cannot cross: that item fails, the others go back to travel by themselves. */
export function splitUncloneable(job: Job, batch: Batch, cause: unknown, clones: (value: unknown) => boolean): void {
  const { spread } = job.work
  const failures: { index: number; error: unknown }[] = []
  for (let at = batch.items.length - 1; at >= 0; at--) {
    const given = batch.items[at]
    const held = takeOut([given], spread)
    const item = held ? held.items[0] : given
    const disposed = held?.handles.some((handle) => handle.disposed)
    const values = spread ? (item as readonly unknown[]) : [item]
    const bad = values.findIndex((value) => !clones(value))
    if (bad === -1 && !disposed && batch.items.length > 1) job.giveBack(sliceBatch(batch, at, at + 1))
    else {
      const which = Math.max(bad, 0)
      const error = disposed ? cause : uncloneable(values[which], spread ? `argument ${which + 1}` : 'argument', cause, clones)
      failures.unshift({ index: batch.first + at, error })
    }
  }
  // Last, because a failure may cancel the job, and with it what has been put back.
  job.underWay -= failures.length
  for (const { index, error } of failures) job.work.fail(index, error, threadRow)
}
