/** What a worker does with a batch that it has fetched: the one place that decides whether anything is run a second time. Pure. */
import { mostLosses } from './constants.ts'

export interface Fetched {
  /** May be run again where a machine was lost with it. */
  readonly again: boolean
  /** Machines lost with its items before, in larger batches. */
  readonly losses: number
  /** How often its lock ran out: each time a machine was lost with it, or could not be heard. */
  readonly stalls: number
  /** How often its lock had run out when a machine last began it with nothing beside it; undefined where none has. */
  readonly aloneAt: number | undefined
  /** What the run's record says. `gone`: there is none, or its client is dead. */
  readonly run: 'alive' | 'cancelled' | 'gone'
}

export type Admission = 'run' | 'alone' | 'over' | 'lost' | 'divide'

/**
 * - A run that is over runs nothing more.
 * - What a machine was lost with may have run: only what may run again does.
 * - Two losses may be chance, or the fault of a neighbour. From then on it runs alone on its machine; what is lost with it there is its own doing: the batch is divided, and
 *   each part again at its next loss.
 */
export function admit({ again, losses, stalls, aloneAt, run }: Fetched): Admission {
  if (run !== 'alive') return 'over'
  if (stalls > 0 && !again) return 'lost'
  if (losses + stalls < mostLosses - 1) return 'run'
  return aloneAt !== undefined && stalls > aloneAt ? 'divide' : 'alone'
}
