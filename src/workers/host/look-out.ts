/** A caller that awaits one short batch after the other would wait mostly for this thread to be woken; so it stays awake a little. */
import { performance, setImmediate } from '../../base/globals.js'
import type { Posted } from './job.ts'
import type { PoolWorker } from './worker.ts'

/** How long this thread looks out for short results before it leaves that to the event loop. */
const lookMs = 0.1
/** In turns this short: a turn of the event loop costs 10 µs, several times what a call itself takes. */
const lookTurnMs = 0.02

/** Is this the last batch of its work, and is its result so near that waiting for it awake pays? */
export function isNear({ job, batch }: Posted): boolean {
  return batch.items.length * (job.estimate.itemMs ?? 1) < lookMs && !job.estimate.async && job.work.exhausted()
}

export function lookOut(workers: readonly PoolWorker[], until = performance.now() + lookMs): void {
  const turn = performance.now() + lookTurnMs
  let open = false
  do {
    open = false
    for (const worker of workers) if (!worker.idle && worker.ready && worker.link.poll()) open ||= !worker.idle
  } while (open && performance.now() < turn)
  if (open && performance.now() < until) setImmediate(() => lookOut(workers, until))
}
