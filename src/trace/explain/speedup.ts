/** What can be said of a speedup, and its words. */
import type { Work } from './contention.ts'

/**
 * - `measured`: what the tasks did is known.
 * - `at-least`: every core was in use; tasks that waited may have waited for the outside, which would be work on top of it.
 * - `unknown`: cores were free, a thread or libuv's pool was busy, and tasks that waited may have waited for it or for the outside.
 */
export type SpeedupIs = 'measured' | 'at-least' | 'unknown'

/** Tasks that may have waited for the outside, or for a thread, by how much of what is known to be work; chosen, as what follows. */
const unclearShare = 0.1
/** Share of the cores of the machine in use from which on they are taken to be all in use. */
const saturated = 0.9

export function speedupIs({ unclearMs, workMs, cores }: Work, machine: number): SpeedupIs {
  if (unclearMs <= unclearShare * workMs) return 'measured'
  const { thread, workers, native, children, others } = cores
  return thread + workers + native + children + others >= saturated * machine ? 'at-least' : 'unknown'
}

/** `5.2×`, `12×`, `0.31×`. */
export function factor(value: number): string {
  return `${value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2)}×`
}

/** How many tasks were under way on average. */
export function callsAtOnce({ measuredMs }: Pick<Work, 'measuredMs'>, wallMs: number): number {
  return wallMs > 0 ? Math.max(1, Math.round(measuredMs / wallMs)) : 1
}
