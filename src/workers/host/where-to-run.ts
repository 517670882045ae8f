/** Whether what is left of a job is done here, there, or on both sides; and the run here, if it is. */
import { counted } from '../../base/counted.ts'
import { note } from '../../base/observer.ts'
import { consents } from './consent.ts'
import { contained } from './contained.ts'
import { SplitProgress } from './split-progress.ts'
import { couldRunInline, InlineRun } from './inline.ts'
import type { Job } from './job.ts'

/** What a run here asks of the pool. */
export interface Others {
  /** They may have a part of the job. */
  more(): void
  /** Takes back what they have been given of it and have not begun. */
  takeBack(): void
  /** How many items of it they have been given and have not begun. */
  ahead(): number
}

/** Begins to run the job here where that is best. Afterwards `job.inline` says whether this thread works on it, and `job.shared` whether others do too. */
export function considerHere(job: Job, slots: number, others: Others): void {
  const { estimate, work } = job
  if (!couldRunInline(job)) return
  if (!consents(job.ref)) {
    if (estimate.plan(job.remaining(), slots, work.stays !== undefined) === 'here' && !estimate.dearResults) contained(job)
    return
  }
  const course = (job.course ??= new SplitProgress(job, slots, () => job.begun(others.ahead())))
  const planned = course.next()
  // Measured while the others go on.
  const first = planned === 'there' && estimate.unknownHere ? 'both' : planned
  if (first === 'there') return
  job.inline = true
  job.shared = first === 'both'
  const goOn = (): boolean => {
    const next = course.next()
    job.shared = next === 'both'
    if (job.shared) others.more()
    return !job.cancelReason && next !== 'there'
  }
  const stop = (): void => {
    // What waits behind something else is sooner done here, where nothing is left to do.
    if (job.shared && !job.cancelReason && job.remaining() === 0) others.takeBack()
    job.inline = false
    job.shared = false
    if (job.inlineItems > 0 && planned !== 'there') {
      note('inline', work.run, `${counted(job.inlineItems, 'item')} ran on this thread: threads would have cost more`, {
        items: job.inlineItems,
      })
    }
    job.inlineItems = 0
    others.more()
  }
  void new InlineRun(job, goOn, stop)
}
