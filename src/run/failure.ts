/**
 * The results that had completed when something failed. The failure that a run rejects with is the very error that the task threw,
 * so that `instanceof` and fields keep working; what else is known about it is kept beside it.
 */

export interface PartialResults<T = unknown> {
  /** In input order, with `undefined` where there is no result. For `all` over a record and for graphs: by name. */
  readonly results: readonly (T | undefined)[] | Readonly<Record<string, T>>
  /** How many completed. */
  readonly completed: number
  /** Which one failed: its index or name. */
  readonly failed: number | string
}

const partials = new WeakMap<object, PartialResults>()

/**
 * The results that had completed when `map`, `all` or a graph rejected with this error; undefined for any other error. Never throws.
 *
 * @example
 * try {
 *   await map(urls, fetchPage)
 * } catch (error) {
 *   const done = partialResults(error)?.completed ?? 0
 * }
 */
export function partialResults<T = unknown>(error: unknown): PartialResults<T> | undefined {
  return typeof error === 'object' && error !== null ? (partials.get(error) as PartialResults<T> | undefined) : undefined
}

export function keepPartial(error: unknown, partial: PartialResults): void {
  if (typeof error === 'object' && error !== null) partials.set(error, partial)
}
