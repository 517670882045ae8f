/** Takes what comes back from a worker, and reports each item of it exactly once to its work. */
import { performance } from '../../base/globals.js'
import { HeddleError } from '../../base/errors.ts'
import { threadRow } from '../../base/rows.ts'
import { Sealed } from '../../encoding/sealed.js'
import type { Blocks, ResultMessage } from '../protocol.ts'
import { fromWire } from '../../encoding/from-wire.ts'
import type { Job, Posted } from './job.ts'

const origin = performance.timeOrigin

export function deliver(posted: Posted, message: ResultMessage, row: number): void {
  if (message.sealed) wrapSealed(message.values as unknown[], message.sealed)
  if (message.blocks) deliverBlocks(posted, message, message.blocks, row)
  else if (message.values.length > 0) deliverValues(posted, message, row)
  for (const failure of message.errors ?? []) {
    const times = posted.job.work.observed ? [failure.startedAt - origin, failure.settledAt - origin] : []
    report(posted, failure.at, () => {
      const error = posted.doomed?.get(failure.at) ?? fromWire(failure.error)
      const marks = failure.marks?.map((time) => time - origin)
      posted.job.work.fail(posted.batch.first + failure.at, error, row, times[0], times[1], marks)
    })
  }
  for (const at of message.skipped ?? []) skip(posted, at)
}

function wrapSealed(values: unknown[], at: readonly number[]): void {
  for (const i of at) values[i] = new Sealed(values[i] as Uint8Array)
}

function deliverBlocks(posted: Posted, message: ResultMessage, blocks: Blocks, row: number): void {
  const { job, batch, doomed } = posted
  const { from, values } = message
  const { items, levels, positions } = blocks
  const [reason] = doomed?.values() ?? []
  // Of an item that was given up meanwhile nothing may be used, and the block holds it.
  if (doomed) {
    for (let at = from; at < from + items; at++)
      report(posted, at, () => job.work.fail(batch.first + at, doomed.get(at) ?? reason, row))
    return
  }
  posted.reported.fill(1, from, from + items)
  posted.left -= items
  job.underWay -= items
  const merged = levels.map((level, i) => ({ level, position: positions[i] as number, value: values[i] }))
  const [startedAt, settledAt] = [message.startedAt, message.settledAt].map((times) => times?.map((time) => time - origin))
  job.work.merged?.(batch.first + from, items, merged, row, startedAt, settledAt)
}

/** Values that have come as bytes are no longer at the worker, whatever becomes of it; they are under way until they have been read. */
export function arrived(posted: Posted, from: number, count: number): void {
  posted.reported.fill(1, from, from + count)
  posted.left -= count
}

/** Hands over values that had {@link arrived}. */
export function deliverRead(
  posted: Posted,
  from: number,
  values: readonly unknown[],
  row: number,
  startedAt: ArrayLike<number> | undefined,
  settledAt: ArrayLike<number> | undefined,
  marks: ArrayLike<number> | undefined,
): void {
  const { job, batch, doomed } = posted
  job.underWay -= values.length
  if (!doomed) return job.work.succeed(batch.first + from, values, row, startedAt, settledAt, marks)
  for (let i = 0; i < values.length; i++) {
    const doom = doomed.get(from + i)
    const index = batch.first + from + i
    if (doom === undefined) job.work.succeed(index, [values[i]], row)
    else job.work.fail(index, doom, row)
  }
}

/** They are not read: the job has been cancelled, or they cannot be read here. */
export function deliverUnread(posted: Posted, from: number, count: number, row: number, error?: Error): void {
  const { job, batch } = posted
  job.underWay -= count
  for (let at = from; at < from + count; at++) {
    if (error === undefined) job.work.skip(batch.first + at)
    else job.work.fail(batch.first + at, error, row)
  }
}

function deliverValues(posted: Posted, message: ResultMessage, row: number): void {
  const { values, positions, from } = message
  const startedAt = message.startedAt?.map((time) => time - origin)
  const settledAt = message.settledAt?.map((time) => time - origin)
  const marks = message.marks?.map((time) => time - origin)
  const width = (marks?.length ?? 0) / values.length
  if (!positions && !posted.doomed) {
    succeed(posted, from, values, row, startedAt, settledAt, marks)
    return
  }
  // A few items came out of order, or were given up meanwhile: one by one.
  for (let i = 0; i < values.length; i++) {
    const at = positions ? (positions[i] as number) : from + i
    const doom = posted.doomed?.get(at)
    if (doom === undefined) {
      const [began, settled] = [startedAt?.subarray(i, i + 1), settledAt?.subarray(i, i + 1)]
      succeed(posted, at, [values[i]], row, began, settled, marks?.subarray(i * width, (i + 1) * width))
    } else report(posted, at, () => posted.job.work.fail(posted.batch.first + at, doom, row, startedAt?.[i], settledAt?.[i]))
  }
}

function succeed(
  posted: Posted,
  from: number,
  values: ArrayLike<unknown>,
  row: number,
  startedAt: ArrayLike<number> | undefined,
  settledAt: ArrayLike<number> | undefined,
  marks: ArrayLike<number> | undefined,
): void {
  posted.reported.fill(1, from, from + values.length)
  posted.left -= values.length
  posted.job.underWay -= values.length
  posted.job.work.succeed(posted.batch.first + from, values, row, startedAt, settledAt, marks)
}

/** Fails an item that has not been reported yet; `started`: a worker was at it until now. */
export function failItem(posted: Posted, at: number, error: () => Error, row: number, started = false): void {
  // Nobody can say any more when it began; not before it was posted.
  const times = started ? [posted.postedAt, performance.now()] : []
  report(posted, at, () =>
    posted.job.work.fail(posted.batch.first + at, posted.doomed?.get(at) ?? error(), row, times[0], times[1]),
  )
}

export function skip(posted: Posted, at: number): void {
  const doom = posted.doomed?.get(at)
  report(posted, at, () =>
    doom === undefined
      ? posted.job.work.skip(posted.batch.first + at)
      : posted.job.work.fail(posted.batch.first + at, doom, threadRow),
  )
}

function report(posted: Posted, at: number, tell: () => void): void {
  if (posted.reported[at]) return
  posted.reported[at] = 1
  posted.left--
  posted.job.underWay--
  tell()
}

/** Everything of a job that has not been handed out: its requeued batches and whatever the work still has. */
export function failWaiting(job: Job, error: () => Error): void {
  for (;;) {
    const batch = job.take(1_024)
    if (!batch) break
    for (let i = 0; i < batch.items.length; i++) {
      job.underWay--
      job.work.fail(batch.first + i, error(), threadRow)
    }
  }
}

/** The same failure for every item, also when it is a class of ours that came over the wire. */
export function asError(error: unknown, otherwise: string): Error {
  return error instanceof Error ? error : new HeddleError(otherwise, { cause: error })
}
