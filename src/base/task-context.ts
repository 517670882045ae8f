/** What every function of the user gets: the second parameter of most, and `context()` anywhere below. */

/**
 * Parameters of which none may be left out, because the context would take its place: what is optional is written as `undefined`. A default
 * then does what it does in a plain call.
 */
export type Explicit<P extends readonly unknown[], All extends readonly unknown[] = Required<P>> = {
  [K in keyof All]: K extends keyof P ? P[K] : never
}

/** The second parameter of every user function, and `context()` anywhere below it. */
export interface TaskContext {
  /** Aborts when the task is to stop: its run failed or was cancelled, or a timeout ran out. */
  readonly signal: AbortSignal
  /** Position in the input (`map`), in the record (`all`), or order of creation (`graph`, `fork`). */
  readonly index: number
  /** From 1 up. */
  readonly attempt: number
  /** When everything must be over, in milliseconds of `performance.now()`; `Infinity` when nothing was set. */
  readonly deadline: number
  /**
   * Text that names this call: the same in each attempt, other in every other call. Send it along where a server must not do the same thing twice, as
   * with an `Idempotency-Key` header. A program that starts anew has new keys.
   */
  readonly idempotencyKey: string
}

/** Whether a caller, such as `map`, passed its context on. Asks for the names only: a context makes its signal when it is read. */
export function isTaskContext(value: unknown): value is TaskContext {
  if (typeof value !== 'object' || value === null) return false
  try {
    return 'attempt' in value && 'deadline' in value && 'signal' in value
  } catch {
    // A proxy that traps it.
    return false
  }
}
