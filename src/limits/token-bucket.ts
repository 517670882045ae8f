/**
 * A continuous token bucket: `allowance` tokens per `perMs` flow in evenly, up to `burst`; whoever takes some waits until
 * they are there. Pure: every method is given the time.
 *
 * A bucket alone lets through up to `allowance + burst` within one window: the full bucket, and what flows in meanwhile. With
 * `window`, a {@link WindowLog} beside it keeps every window within the allowance, wherever it begins.
 *
 * Invariants: tokens ≤ burst. Tokens may fall below zero when a reservation turns out too small; the debt is paid before
 * anything else starts.
 */
import { WindowLog } from './window-log.ts'

export interface BucketOptions {
  /** Tokens per `perMs`. */
  readonly allowance: number
  readonly perMs: number
  /** How many tokens may gather while nothing is taken. From 1 to `allowance`. */
  readonly burst: number
  /** Length of the window that may never see more than the allowance, in multiples of `perMs`. @default there is none */
  readonly window?: number | undefined
}

/** Rounding of floats must not make a waiter wait for a millionth of a token. */
const tolerance = 1e-9

export class TokenBucket {
  #allowance: number
  #perMs: number
  #burst: number
  #tokens: number
  #filledAt: number
  readonly #window: number
  readonly #log: WindowLog | undefined

  constructor(options: BucketOptions, now: number) {
    this.#allowance = options.allowance
    this.#perMs = options.perMs
    this.#burst = options.burst
    this.#tokens = options.burst
    this.#filledAt = now
    this.#window = options.window ?? 0
    this.#log = this.#window > 0 ? new WindowLog(options.perMs * this.#window) : undefined
  }

  get allowance(): number {
    return this.#allowance
  }

  get perMs(): number {
    return this.#perMs
  }

  /** Tokens there at `now`; negative while a debt is being paid. */
  tokens(now: number): number {
    const passed = now - this.#filledAt
    if (passed > 0) {
      this.#tokens = Math.min(this.#burst, this.#tokens + (passed * this.#allowance) / this.#perMs)
      this.#filledAt = now
    }
    return this.#tokens
  }

  /**
   * Milliseconds until `cost` may be taken; 0 when it may now. A cost above what can ever be there waits for the fullest
   * bucket, and takes it into debt.
   */
  waitMs(cost: number, now: number): number {
    const missing = Math.min(cost, this.#burst) - this.tokens(now)
    const paced = missing > tolerance * this.#burst ? (missing * this.#perMs) / this.#allowance : 0
    if (!this.#log) return paced
    return Math.max(paced, this.#log.waitMs(Math.max(0, this.#allowance - cost), now))
  }

  /** Takes `cost`; gives a receipt for {@link correct} and {@link restart}. */
  take(cost: number, now: number): number {
    this.#tokens = this.tokens(now) - cost
    return this.#log?.add(cost, now) ?? 0
  }

  /** The work that took `reserved` really cost `actual`. */
  correct(receipt: number, reserved: number, actual: number, now: number): void {
    this.#tokens = Math.min(this.#burst, this.tokens(now) + reserved - actual)
    this.#log?.remove(receipt, reserved - actual)
  }

  /** The work that took `cost` starts only now: for the window it counts from here. Gives the new receipt. */
  restart(receipt: number, cost: number, now: number): number {
    if (!this.#log) return receipt
    this.#log.remove(receipt, cost)
    return this.#log.add(cost, now)
  }

  /** Changes the limits; what was spent stays spent, and tokens are scaled to the new burst. */
  update(allowance: number, perMs: number, burst: number, now: number): void {
    const share = this.tokens(now) / this.#burst
    this.#allowance = allowance
    this.#perMs = perMs
    this.#burst = burst
    this.#tokens = burst * Math.min(1, share)
    this.#log?.setWindow(perMs * this.#window)
  }

  /** The other side says that `tokens` are there now. */
  set(tokens: number, now: number): void {
    this.#filledAt = now
    this.#tokens = Math.min(this.#burst, tokens)
  }
}
