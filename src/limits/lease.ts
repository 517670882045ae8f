import type { Frame } from '../base/frame.ts'
import type { Hold } from '../base/wait-graph.ts'

/** What a limiter gives and takes back. */
export interface LeaseOwner {
  /** @internal */
  returned(lease: Lease, actualCost: number | undefined, error: unknown, actualOutputCost: number | undefined): void
  /** @internal */
  refunded(lease: Lease): void
  /** @internal */
  restarted(lease: Lease): void
}

/** The right to make one call under a limiter. Give it back exactly when the call is over; a second time does nothing. */
export class Lease implements Hold {
  readonly #owner: LeaseOwner
  /** @internal Calls and tokens that were taken. */
  readonly weight: number
  /** @internal */
  readonly cost: number
  /** @internal */
  readonly outputCost: number
  /** @internal Receipts of the buckets. */
  rateReceipt = 0
  /** @internal */
  tokenReceipt = 0
  /** @internal */
  outputReceipt = 0
  /** @internal What the adaptive controller gave at the start. */
  ticket = 0
  /** @internal Who holds it, for the wait-for graph. */
  readonly frame: Frame
  /** @internal */
  readonly inside: boolean
  #held = true

  /** @internal Made by a limiter. */
  constructor(owner: LeaseOwner, weight: number, cost: number, outputCost: number, frame: Frame, inside: boolean) {
    this.#owner = owner
    this.weight = weight
    this.cost = cost
    this.outputCost = outputCost
    this.frame = frame
    this.inside = inside
  }

  /** False once it was given back. */
  get held(): boolean {
    return this.#held
  }

  /**
   * The call is over.
   * @param actualCost tokens that it used, when that differs from what was reserved
   * @param error what it failed with, if it did: adaptive concurrency learns from overload
   * @param actualOutputCost as `actualCost`, of the `outputTokens`
   */
  release(actualCost?: number, error?: unknown, actualOutputCost?: number): void {
    if (!this.#held) return
    this.#held = false
    this.#owner.returned(this, actualCost, error, actualOutputCost)
  }

  /** @internal The call was never made: gives back everything, also what a rate had counted. */
  refund(): void {
    if (!this.#held) return
    this.#held = false
    this.#owner.refunded(this)
  }

  /** @internal The call starts now; it may have been granted a moment ago. */
  start(): void {
    if (this.#held) this.#owner.restarted(this)
  }

  [Symbol.dispose](): void {
    this.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
  }
}
