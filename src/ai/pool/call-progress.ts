/** How one call has gone so far: what it was refused by, where it may still go, and why it went elsewhere. */
import { performance } from '../../base/globals.js'
import type { FailureClass } from '../../base/errors.ts'
import type { Choice } from './choose.ts'
import type { Needs } from './needs.ts'
import type { Replica } from './replica.ts'
import type { Timed } from './latency.ts'

export class CallProgress<M> implements Choice<M> {
  readonly input: number
  readonly maxOutput: number | undefined
  readonly needs: Needs
  readonly timed: Timed
  readonly failedOn = new Set<Replica<M>>()
  readonly refusedBy = new Map<Replica<M>, unknown>()
  /** Models that the call may not go to: the option `fallback` says so, or their context is known to be too small. */
  readonly barred = new Set<Replica<M>>()
  /** The last failure, and where. */
  last: { readonly replica: Replica<M>; readonly because: FailureClass } | undefined
  /** Requests that were sent. */
  attempts = 0
  /** Those that failed in a way that may pass. */
  failures = 0
  readonly #from = performance.now()

  constructor(demand: { readonly input: number; readonly maxOutput: number | undefined }, needs: Needs, timed: Timed) {
    this.input = demand.input
    this.maxOutput = demand.maxOutput
    this.needs = needs
    this.timed = timed
  }

  /** How long it takes already. */
  get ms(): number {
    return performance.now() - this.#from
  }
}
