import { type IdleCause, type IdleMs, idleCauses, noIdle, type RowUse } from './idle.ts'
import { isWorkerRow, threadRow } from '../processor/rows.ts'

/** Idle time of the rows that matter: of the workers where they did a fair part of the work, else of this thread's slots. */
export interface Idle {
  readonly of: 'workers' | 'slots'
  /** Number of workers or slots. */
  readonly rows: number
  /** Idle time / (wall time × rows). */
  readonly share: number
  readonly ms: Readonly<IdleMs>
  /** The cause with the most time. */
  readonly main: IdleCause
}

/** Workers matter from this share of the running time on; chosen. */
const workersMatter = 0.1

export function summariseIdle(rows: readonly RowUse[], wallMs: number): Idle {
  const workers = rows.filter(({ row }) => isWorkerRow(row))
  const running = (some: readonly RowUse[]): number => some.reduce((sum, { runningMs }) => sum + runningMs, 0)
  const matter = workers.length > 0 && running(workers) >= workersMatter * running(rows)
  const counted = matter ? workers : rows.filter(({ row }) => row === threadRow)
  const ms = noIdle()
  let [slots, total] = [0, 0]
  for (const row of counted) {
    slots += row.slots
    for (const cause of idleCauses) {
      ms[cause] += row.idleMs[cause]
      total += row.idleMs[cause]
    }
  }
  const main = idleCauses.reduce((best, cause) => (ms[cause] > ms[best] ? cause : best))
  return { of: matter ? 'workers' : 'slots', rows: slots, share: slots * wallMs > 0 ? total / (slots * wallMs) : 0, ms, main }
}
