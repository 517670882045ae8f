/** Measures what a module's consent to run on this thread would have saved, for the verdict. */
import { counted } from '../../base/counted.ts'
import { performance } from '../../base/globals.js'
import { note } from '../../base/observer.ts'
import type { Job } from './job.ts'

/** The whole job would take less on this thread, and its module did not consent. */
export function contained(job: Job): void {
  if (job.underWay === 0 && job.ref.inline !== true) job.contained ??= { since: performance.now(), items: job.remaining() }
}

/** At the end of the job. */
export function noteContained({ contained, estimate, work, ref }: Job): void {
  if (!contained || !work.observed || work.cancellation.aborted) return
  const { since, items } = contained
  const savedMs = performance.now() - since - items * (estimate.itemMs ?? Number.POSITIVE_INFINITY)
  if (savedMs <= 0) return
  const text = `${counted(items, 'item')} of "${ref.name}" went to workers and would have taken less on this thread, to which its module did not consent`
  note('contained', work.run, text, { items, ms: savedMs, name: ref.name, module: ref.module })
}
