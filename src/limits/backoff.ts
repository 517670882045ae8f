/** Past 2^30 every cap has long been reached; without the bound 0 × Infinity would give NaN. */
const mostDoublings = 30

/** The bound of a pause in milliseconds: `baseMs` the first time, doubled each time up to `capMs`. @param attempt from 1 up */
export function backoffBoundMs(baseMs: number, capMs: number, attempt: number): number {
  return Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, mostDoublings))
}
