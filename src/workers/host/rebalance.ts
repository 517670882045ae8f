import { performance } from '../../base/globals.js'
import type { Posted } from './job.ts'
import type { PoolWorker } from './worker.ts'

/** Prefetched, a batch should wait for less than this; chosen above the time that one is made to take. */
const lateMs = 15

/**
 * Takes back a batch that waits at a worker behind one that takes long. Where none is late yet: in how many milliseconds one will be;
 * undefined when nothing waits.
 */
export function lateBatch(workers: Iterable<PoolWorker>): { worker: PoolWorker; posted: Posted } | number | undefined {
  let soonestMs: number | undefined
  for (const worker of workers) {
    if (worker.posted.size < 2) continue
    const posted = [...worker.posted.values()].at(-1) as Posted
    if (posted.moved || posted.job.place || posted.left < posted.reported.length) continue
    const leftMs = posted.postedAt + lateMs - performance.now()
    if (leftMs > 0) soonestMs = Math.min(soonestMs ?? leftMs, leftMs)
    else if (worker.link.revoke(posted.id)) return { worker, posted }
  }
  return soonestMs
}
