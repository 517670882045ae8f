/**
 * How long a worker may go on with a batch that it has fetched. The store tells somebody who has lost a lock only when he can be reached again; the worker's
 * own clock knows it before. Pure: times are passed in, of a clock that nobody sets.
 */
import { fenceMs } from './constants.ts'

export class Lease {
  #until: number

  /** @param now when the request was sent that got it: the lock began no earlier */
  constructor(now: number) {
    this.#until = now + fenceMs
  }

  /** @param sentAt when the renewal was asked for, not when its answer came */
  renew(sentAt: number): void {
    this.#until = Math.max(this.#until, sentAt + fenceMs)
  }

  /** Somebody else may have it: nothing may be begun or given any more. */
  lost(now: number): boolean {
    return now >= this.#until
  }
}
