/** Whether what is left of a job is done here, there, or on both sides; and the run here, if it is. */
import { counted } from '../../base/counted.ts'
import { note } from '../../base/observer.ts'
import { consents } from './consent.ts'
import { contained } from './contained.ts'
import type { Plan } from './estimate.ts'
import { couldRunInline, InlineRun } from './inline.ts'
import type { Job } from './job.ts'

/**
 * Begins to run the job here where that is best. Afterwards `job.inline` says whether this thread works on it, and `job.shared` whether others do too.
 * @param more called when others may have a part of it
 */
export function considerHere(job: Job, slots: number, more: () => void): void {
  const { estimate, work } = job
  if (!couldRunInline(job)) return
  const plan = (): Plan => estimate.plan(job.remaining(), slots, work.stays !== undefined)
  const planned = plan()
  if (!consents(job.ref)) return planned === 'here' && !estimate.dearResults ? contained(job) : undefined
  // Measured while the others go on.
  const first = planned === 'there' && estimate.unknownHere ? 'both' : planned
  if (first === 'there') return
  job.inline = true
  job.shared = first === 'both'
  const goOn = (): boolean => {
    const next = plan()
    job.shared = next === 'both'
    if (job.shared) more()
    return !job.cancelReason && next !== 'there'
  }
  const stop = (): void => {
    job.inline = false
    job.shared = false
    if (job.inlineItems > 0 && planned !== 'there') {
      note('inline', work.run, `${counted(job.inlineItems, 'item')} ran on this thread: threads would have cost more`, {
        items: job.inlineItems,
      })
    }
    job.inlineItems = 0
    more()
  }
  void new InlineRun(job, goOn, stop)
}
