/** The live workers by number, with what shows the processor time of each: registered by the pool, read by recorders. */

export interface ExecutingWorker {
  /** Its thread as the system numbers it, where a worker is one and the system shows that (Linux). */
  readonly thread: number | undefined
  /** Its process, where a worker is one. */
  readonly process: number | undefined
  /** Milliseconds for which its event loop has been busy since it started; undefined where that cannot be seen. */
  busyMs(): number | undefined
}

/** Rows of traces are named after the number. */
export const executingWorkers = new Map<number, ExecutingWorker>()
