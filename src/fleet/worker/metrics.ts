/** What a machine counts of its batches, of all tenants together: for its `/metrics`. */
import { performance } from '../../base/globals.js'
import type { Outcome, QueueCause } from '../protocol/message.ts'
import { Histogram } from './histogram.ts'

export class WorkerMetrics {
  batches = 0
  readonly items = { done: 0, failed: 0, returned: 0 }
  leaseLost = 0
  redelivered = 0
  stale = 0
  readonly batchTimes = new Histogram()
  /** How long batches waited, by why. */
  readonly queueTimes: Readonly<Record<QueueCause, Histogram>> = {
    'no-free-slot': new Histogram(),
    quota: new Histogram(),
    redelivery: new Histogram(),
    transfer: new Histogram(),
  }
  /** When a batch was last begun. */
  lastBegun = performance.now()

  ended(outcome: Outcome, ms: number): void {
    this.batchTimes.note(ms)
    if (outcome.kind !== 'done') return
    this.items.done += outcome.values.length
    this.items.failed += outcome.errors?.length ?? 0
    this.items.returned += outcome.returned?.length ?? 0
  }
}
