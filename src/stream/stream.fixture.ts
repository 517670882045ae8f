/** Helpers of this folder's tests. */
import { Planted } from './operators.fixture.ts'

export const range = (length: number): number[] => Array.from({ length }, (_, i) => i)

/**
 * The function with a delay in turns of the microtask queue, in turn for its calls: deterministic, and without
 * any clock.
 */
export function laterBy<T, U>(delays: readonly number[], fn: (item: T) => U): (item: T) => Promise<U> {
  let call = 0
  return async (item) => {
    for (let turns = delays[call++ % delays.length] as number; turns > 0; turns--) await undefined
    return fn(item)
  }
}

/** Counts what is in a pipeline: pulled from the source and not consumed, under way, opened and not closed. */
export class Tally {
  pulled = 0
  consumed = 0
  most = 0
  underWay = 0
  mostUnderWay = 0
  /** Sources that were begun and have neither ended nor been closed. */
  open = 0
  /** How often a source was closed before its end. */
  closed = 0
  /** Whether the source has failed. */
  planted = false;

  /** Numbers from 0 up; at `failsAt` it fails. */
  *source(length: number, failsAt?: number): Generator<number> {
    this.open++
    let early = true
    try {
      for (let i = 0; i < length; i++) {
        if (i === failsAt) {
          this.planted = true
          throw new Planted('the source')
        }
        this.most = Math.max(this.most, ++this.pulled - this.consumed)
        yield i
      }
      early = false
    } finally {
      this.open--
      if (early && !this.planted) this.closed++
    }
  }

  /** The same as an asynchronous source. */
  async *later(source: Iterable<number>): AsyncGenerator<number> {
    for (const item of source) {
      if (item % 3 === 1) await undefined
      yield item
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
