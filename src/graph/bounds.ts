/** What can be said about a schedule before there is one, from work and span alone. */
export interface Bounds {
  /** No schedule on these slots is shorter: the larger of work / slots and span. Milliseconds. */
  readonly lowerMs: number
  /**
   * No schedule that keeps slots busy while tasks are ready is longer: span + (work − span) / slots. Milliseconds.
   * R. P. Brent, "The parallel evaluation of general arithmetic expressions" (1974), for tasks of one length; R. L. Graham (1966) for any.
   */
  readonly upperMs: number
  /** At most this many times the shortest possible schedule: 2 − 1 / slots. R. L. Graham, "Bounds for certain multiprocessing anomalies" (1966). */
  readonly graham: number
}

/** @param slots from 1 up, `Infinity` too */
export function bounds(workMs: number, spanMs: number, slots: number): Bounds {
  return {
    lowerMs: Math.max(workMs / slots, spanMs),
    upperMs: spanMs + (workMs - spanMs) / slots,
    graham: 2 - 1 / slots,
  }
}
