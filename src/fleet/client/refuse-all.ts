/** A work of which nothing can run. */
import type { JobWork } from '../../workers/host/job.ts'

/** Every item that the work has and gets fails with the error. */
export function refuseAll(job: JobWork, error: Error): void {
  const refuse = (): void => {
    for (let batch = job.take(1_024); batch; batch = job.take(1_024))
      for (let i = 0; i < batch.items.length; i++) job.fail(batch.first + i, error, 0)
    if (job.exhausted()) job.finished()
  }
  let over = false
  const once = (): void => {
    if (over) return
    refuse()
    if (job.exhausted()) over = true
  }
  job.onMore(once)
  once()
}
