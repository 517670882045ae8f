/** What a worker does with a batch that it has fetched: the one place that decides whether anything is run a second time. Pure. */
import { mostLosses } from './constants.ts'

export interface Fetched {
  /** May be run again where a machine was lost with it. */
  readonly again: boolean
  /** Machines lost with its items before, in larger batches. */
  readonly losses: number
  /** How often its lock ran out: each time a machine was lost with it, or could not be heard. */
  readonly stalls: number
  /** What the run's record says. `gone`: there is none, or its client is dead. */
  readonly run: 'alive' | 'cancelled' | 'gone'
}

export type Admission = 'run' | 'over' | 'lost' | 'divide'

/**
 * - A run that is over runs nothing more.
 * - What a machine was lost with may have run: only what may run again does.
 * - Two losses may be chance. From the third on one of its items is suspected: the batch is divided, and each part again at its next loss.
 */
export function admit({ again, losses, stalls, run }: Fetched): Admission {
  if (run !== 'alive') return 'over'
  if (stalls === 0) return 'run'
  if (!again) return 'lost'
  return losses + stalls >= mostLosses ? 'divide' : 'run'
}
