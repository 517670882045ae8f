/** Direct calls of a function are a job that never ends: one for each way in which they differ, so that those of one turn travel together. */
import type { CallOptions, FunctionRef } from '../../run/executor.ts'
import { sizesOf } from '../../run/sizes.ts'
import { ByTimeout } from './by-timeout.ts'
import { type CallKind, DirectCalls } from './direct-calls.ts'
import type { Estimate } from './estimate.ts'
import { Job } from './job.ts'
import { Places } from './places.ts'

/** Bounded or not, with arguments or results that stay there or not, results that are wanted as bytes or not. */
const kinds = 8

export class CallJobs {
  readonly places = new Places()
  readonly #byKind = Array.from({ length: kinds }, () => new WeakMap<FunctionRef, ByTimeout<Job>>())
  readonly #estimateOf: (ref: FunctionRef) => Estimate
  readonly #giveUp: (job: Job, index: number, error: Error) => void

  /** `giveUp` is called for each call that is not to be waited for any more. */
  constructor(estimateOf: (ref: FunctionRef) => Estimate, giveUp: (job: Job, index: number, error: Error) => void) {
    this.#estimateOf = estimateOf
    this.#giveUp = giveUp
  }

  jobOf(ref: FunctionRef, options: CallOptions): Job {
    const { timeoutMs = -1, onWaiting, seal, sealed, place } = options
    if (place) return this.places.jobOf(place, ref, () => this.#newJob(ref, undefined, {}))
    const kind = { bounded: onWaiting !== undefined, stays: seal !== undefined || sealed !== undefined, seal: seal === true }
    const calls = this.#byKind[Number(kind.bounded) + 2 * Number(kind.stays) + 4 * Number(kind.seal)] as WeakMap<
      FunctionRef,
      ByTimeout<Job>
    >
    let byTimeout = calls.get(ref)
    if (!byTimeout) calls.set(ref, (byTimeout = new ByTimeout()))
    return byTimeout.get(timeoutMs, (idle) => this.#newJob(ref, timeoutMs === -1 ? undefined : timeoutMs, kind, idle))
  }

  #newJob(ref: FunctionRef, timeoutMs: number | undefined, kind: CallKind, idle?: () => void): Job {
    const giveUp = (index: number, error: Error): void => this.#giveUp(job, index, error)
    const job: Job = new Job(ref, new DirectCalls(timeoutMs, giveUp, idle, sizesOf(ref), kind), this.#estimateOf(ref))
    return job
  }
}
