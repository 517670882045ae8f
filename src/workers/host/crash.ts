/** What is lost when a worker ends. */
import { fromElsewhere } from '../../base/call-site.ts'
import { Unserializable, WorkerCrashed } from '../../base/errors.ts'
import { messageOf } from '../../base/look.js'
import type { FunctionRef } from '../../run/executor.ts'
import type { Posted } from './job.ts'
import type { LinkExit } from './link.ts'
import type { PoolWorker } from './worker.ts'

export interface Lost {
  /** Positions that had started and have no result: nobody knows how far they came. */
  readonly started: readonly number[]
  /** Positions that had not started. */
  readonly waiting: number[]
}

/** Splits the unreported items of a batch. */
export function lostItems(worker: PoolWorker, posted: Posted): Lost {
  const reached = reachedItems(worker, posted)
  const started: number[] = []
  const waiting: number[] = []
  for (let at = 0; at < posted.reported.length; at++) {
    if (!posted.reported[at]) (at < reached ? started : waiting).push(at)
  }
  return { started, waiting }
}

/** How many items of the batch have started at most. A worker runs its batches in order, so that numbers show it. */
function reachedItems(worker: PoolWorker, posted: Posted): number {
  if (posted.revoked) return 0
  const progress = worker.link?.progress()
  if (!progress || posted.id > progress.batch) return 0
  return posted.id === progress.batch && progress.looping ? progress.started : posted.reported.length
}

export function crashOf(ref: FunctionRef, exit: LinkExit, { killed, unread }: PoolWorker): Error {
  if (unread) return resultUnread(ref, unread)
  const aside = killed && exit.reason.startsWith('it was set aside')
  const message = aside
    ? `The worker that ran "${ref.name}" was set aside because another of its tasks could not be stopped`
    : killed
      ? `The worker that ran "${ref.name}" was ended because another of its tasks could not be stopped`
      : `The worker that ran "${ref.name}" ended before the task did: ${exit.reason}`
  const hint = 'A task that had started is not repeated. `retry` allows it.'
  return fromElsewhere(new WorkerCrashed(message, { cause: exit.error, exitCode: exit.code, hint }))
}

export const resultUnread = (ref: FunctionRef, cause: Error): Unserializable =>
  cannotBeRead(`A result of "${ref.name}"`, 'here', cause)

/** @param what as the message begins @param there where it was read */
export function cannotBeRead(what: string, there: string, cause: unknown): Unserializable {
  const why = messageOf(cause)
  const hint =
    'Very deep values need more of the stack than there is: give a flat one, such as a list with indices, or JSON text. What was under way at the same worker may fail with it.'
  return fromElsewhere(new Unserializable(`${what} cannot be read ${there}${why && `: ${why}`}`, { cause, hint }))
}

/** The call needed what lay at a worker that has ended. */
export function lostPlace(ref: FunctionRef): WorkerCrashed {
  const hint = 'What a worker holds is lost with it. `retry` keeps what is needed to begin again.'
  return fromElsewhere(new WorkerCrashed(`The worker that held the values of "${ref.name}" has ended`, { hint }))
}
