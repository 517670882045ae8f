/** Takes back what nobody wants any more: what has not started at once, what has started by way of the watch. */
import { cancelled } from '../../base/abort.ts'
import { threadRow } from '../../base/rows.ts'
import type { Batch } from '../../run/executor.ts'
import type { WorkerSet } from './worker-set.ts'
import { skip } from './delivery.ts'
import type { Job, Posted } from './job.ts'

/** The whole job has been cancelled. */
export function withdrawJob(workerSet: WorkerSet, job: Job, reason: unknown): void {
  job.cancelReason = { reason }
  for (const batch of job.takeReturned()) {
    for (let i = 0; i < batch.items.length; i++) {
      job.underWay--
      job.work.skip(batch.first + i)
    }
  }
  const error = cancelled(reason, job.ref.name)
  for (const worker of workerSet) {
    for (const posted of worker.posted.values()) {
      if (posted.job !== job) continue
      if (worker.link.revoke(posted.id)) {
        workerSet.forget(worker, posted)
        workerSet.watch.withdrawn(worker, job)
        for (let at = 0; at < posted.reported.length; at++) skip(posted, at)
      } else workerSet.watch.cancelAll(worker, posted, error)
    }
  }
}

/** One direct call has been cancelled while a worker has it, or while it waits to go there again. What travelled with it goes back to the job. */
export function withdrawCall(workerSet: WorkerSet, job: Job, index: number, error: Error): void {
  for (const worker of workerSet) {
    for (const posted of worker.posted.values()) {
      const at = index - posted.batch.first
      if (posted.job !== job || at < 0 || at >= posted.batch.items.length) continue
      if (posted.moved || !worker.link.revoke(posted.id)) return workerSet.watch.cancelItem(worker, posted, at, error)
      workerSet.forget(worker, posted)
      workerSet.watch.withdrawn(worker, job)
      job.giveBack(posted.batch)
    }
  }
  if (!job.removeReturned(index)) return
  job.underWay--
  job.work.fail(index, error, threadRow)
}

/** What workers have been given of the job and have not begun waits again. */
export function takeBackWaiting(workerSet: WorkerSet, job: Job): void {
  for (const posted of revoked(workerSet, job, (posted) => !posted.moved)) job.giveBack(posted.batch)
}

/** What nobody has begun of the job, and does not belong to it any more: whoever forked it runs it himself. */
export function recallJob(workerSet: WorkerSet, job: Job): Batch[] {
  const back = [...job.takeReturned(), ...revoked(workerSet, job).map(({ batch }) => batch)]
  for (const { items } of back) job.underWay -= items.length
  return back
}

/** Batches of the job that workers have not begun, and have no more. */
function revoked(workerSet: WorkerSet, job: Job, fits: (posted: Posted) => boolean = () => true): Posted[] {
  const back: Posted[] = []
  for (const worker of workerSet) {
    for (const posted of worker.posted.values()) {
      if (posted.job !== job || posted.left < posted.reported.length || !fits(posted)) continue
      if (!worker.link.revoke(posted.id)) continue
      workerSet.forget(worker, posted)
      workerSet.watch.withdrawn(worker, job)
      back.push(posted)
    }
  }
  return back
}
