/** Words that the verdict and the advice share. */
import type { Work } from './contention.ts'
import type { Idle } from './idle-summary.ts'

export function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

/** Share of the measured time spent waiting for this thread from which on that is what is worth saying; chosen. */
const turnsShare = 0.2

/** Tasks that compute on this thread take turns; that most of them stand idle meanwhile is not news. */
export function tookTurns({ idle, work }: { readonly idle: Idle; readonly work: Work }): boolean {
  return idle.of === 'slots' && idle.rows > 1 && work.waitedForThreadMs > turnsShare * work.measuredMs
}
