/** Adds up what crossing costs this thread and the workers, for the verdict: once for each run, and now and then for calls that never end. */
import { note } from '../../base/observer.ts'
import type { BulkWork, FunctionRef } from '../../run/executor.ts'

/** Less is not worth a note; more is told at once, because the job may go on for ever. Both chosen. */
const [leastMs, mostMs] = [2, 100]

export class Copying {
  items = 0
  bytes = 0
  /** Milliseconds of this thread: writing arguments, reading results, and what the caller's own code did with these. */
  writeMs = 0
  readMs = 0
  ownMs = 0
  /** Milliseconds of workers for reading and writing. */
  workerMs = 0

  get ms(): number {
    return this.writeMs + this.readMs + this.ownMs
  }
}

/** A job. */
interface Counted {
  readonly ref: FunctionRef
  readonly work: Pick<BulkWork, 'observed' | 'run'>
  copying: Copying | undefined
}

/** What is counted of a job that somebody observes. */
export function copyingOf(job: Counted): Copying | undefined {
  return job.work.observed ? (job.copying ??= new Copying()) : undefined
}

/** Says what has been counted; `over`: the job is. */
export function noteCopying(job: Counted, over: boolean): void {
  const { copying, ref, work } = job
  if (!copying || copying.ms < (over ? leastMs : mostMs)) return
  job.copying = undefined
  const { items, bytes, writeMs, readMs, ownMs, workerMs } = copying
  const data = { name: ref.name, module: ref.module, items, bytes, writeMs, readMs, ownMs, workerMs }
  note('copying', work.run, `what crossed for "${ref.name}"`, data)
}
