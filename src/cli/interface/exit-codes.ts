/** What the process says by its exit code. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, hungUp: 129, interrupted: 130, terminated: 143 } as const

/** By the signal that ended the process, as shells count them. */
export const exitCodeOf = { SIGHUP: exitCodes.hungUp, SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const

export type EndingSignal = keyof typeof exitCodeOf

/** The signal that an exit code stands for; undefined for a program that ended by itself. */
export function signalOf(code: number): EndingSignal | undefined {
  return (Object.keys(exitCodeOf) as EndingSignal[]).find((signal) => exitCodeOf[signal] === code)
}
