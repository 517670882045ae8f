/** A caller that awaits one short call after the other would wait mostly for this thread to be woken; so it stays awake a little. */
import type { PoolWorker } from './worker.ts'

/** How long this thread looks out for the result of a short direct call before it leaves that to the event loop. */
const lookMs = 0.1
/** In turns this short: a turn of the event loop costs 10 µs, several times what the call itself takes. */
export const lookTurnMs = 0.02

export function lookOut(worker: PoolWorker, until = performance.now() + lookMs): void {
  const turn = performance.now() + lookTurnMs
  let sees = true
  do sees = worker.link.poll()
  while (sees && !worker.idle && performance.now() < turn)
  if (sees && !worker.idle && performance.now() < until) setImmediate(() => lookOut(worker, until))
}
