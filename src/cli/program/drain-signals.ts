/** Programs that serve until a signal: the first drains what is under way, the next ends it at once. */
import type { EndingSignal } from '../interface/exit-codes.ts'

/** npm and other runners pass on what the terminal has sent to the whole group: the same signal so soon after is the same one, twice. */
export const sameSignalMs = 200

/**
 * @param drain settles when nothing is under way any more; called again, with `false`, by each signal after the first
 * @returns the signal that came first, when it has been drained
 */
export function drainOnSignal(drain: (first: boolean) => Promise<void>): Promise<EndingSignal> {
  return new Promise((resolve) => {
    let first: EndingSignal | undefined
    let last = Number.NEGATIVE_INFINITY
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => {
        const now = performance.now()
        const same = now - last < sameSignalMs
        last = now
        if (same) return
        const drained = drain(first === undefined)
        first ??= signal
        const answer = first
        void drained.then(() => resolve(answer))
      })
  })
}
