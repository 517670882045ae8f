/** Helpers of this folder's tests. */

export const range = (length: number): number[] => Array.from({ length }, (_, i) => i)

/**
 * The function with a delay of so many turns of the microtask queue, in turn for its calls: deterministic, and without
 * any clock.
 */
export function laterBy<T, U>(delays: readonly number[], fn: (item: T) => U): (item: T) => Promise<U> {
  let call = 0
  return async (item) => {
    for (let turns = delays[call++ % delays.length] as number; turns > 0; turns--) await undefined
    return fn(item)
  }
}

/** Counts what is in a pipeline: pulled from the source and not consumed. */
export class Tally {
  pulled = 0
  consumed = 0
  most = 0
  underWay = 0
  mostUnderWay = 0
  /** How often the source was closed before its end. */
  closed = 0;

  *source(length: number): Generator<number> {
    try {
      for (let i = 0; i < length; i++) {
        this.most = Math.max(this.most, ++this.pulled - this.consumed)
        yield i
      }
    } finally {
      if (this.pulled < length) this.closed++
    }
  }

  watch<T, U>(fn: (item: T) => Promise<U>): (item: T) => Promise<U> {
    return async (item) => {
      this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay)
      try {
        return await fn(item)
      } finally {
        this.underWay--
      }
    }
  }
}
