/** One worker as the pool sees it: its link, what it has been given, and how it stands. */
import type { FunctionRef } from '../../run/executor.ts'
import type { Posted } from './job.ts'
import type { Link } from './link.ts'

/** A function that waits may have this many items under way at one worker. */
const mostAsyncItems = 64

/** Never used again for another worker: rows of traces are named after it. */
let lastRow = 0

export class PoolWorker {
  readonly row = ++lastRow
  readonly startedAt = performance.now()
  link: Link | undefined
  ready = false
  /** Gets no more work, and is ended when it has none. */
  retiring = false
  killed = false
  /** Called when it has ended. */
  onGone: (() => void) | undefined
  readonly posted = new Map<number, Posted>()
  /** Functions that this worker knows, with their short numbers. */
  readonly functions = new Map<FunctionRef, number>()
  /** Modules of which something has come back: loading them did not kill this worker. */
  readonly loaded = new Set<string>()

  get idle(): boolean {
    return this.posted.size === 0
  }

  get usable(): boolean {
    return !this.retiring && !this.killed
  }

  /** May another batch of `job` wait here while the one at work is finished? */
  takesMore(job: Posted['job'], exact: boolean): boolean {
    if (exact) return false
    let items = 0
    let onlyAsync = job.estimate.async
    for (const posted of this.posted.values()) {
      items += posted.left
      onlyAsync &&= posted.job.estimate.async
      // What takes long does not feel a message; what waits behind it could be done elsewhere.
      if (!onlyAsync && !posted.job.estimate.prefetches) return false
    }
    return onlyAsync ? items < mostAsyncItems : this.posted.size < 2 && job.estimate.prefetches
  }
}
