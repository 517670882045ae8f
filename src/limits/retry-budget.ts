/**
 * A bound on the extra load that retries cause: among the calls of the last ten seconds, at most a tenth as many
 * retries as first attempts. A dependency that is down then sees 1.1 times the ordinary load, not four times.
 *
 * The SRE book ("Addressing Cascading Failures") argues for the tenth; the window, and a floor that lets a client with
 * few calls retry at all, are those of Finagle's `RetryBudget`: ten seconds, ten retries per second.
 */
import { checkOptions, type OptionRules, rules } from '../base/options.ts'

export interface RetryBudgetOptions {
  /** Retries allowed per first attempt: 0.1 is one tenth more load. `Infinity` lifts the bound. @default 0.1 */
  readonly ratio?: number
  /** Retries allowed in any window, however few the calls. @default 100 */
  readonly floor?: number
}

const budgetRules: OptionRules<RetryBudgetOptions> = { ratio: rules.number(0), floor: rules.whole(0) }

const windowMs = 10_000
const slotMs = 1_000
const slots = windowMs / slotMs

export class RetryBudget {
  readonly #ratio: number
  readonly #floor: number
  readonly #calls = new Float64Array(slots)
  readonly #retries = new Float64Array(slots)
  /** Number of the newest slot: time divided by its length. */
  #slot = 0
  #callsInWindow = 0
  #retriesInWindow = 0
  /** Retries refused so far, for reports. */
  refused = 0

  /** @throws {InvalidOption} */
  constructor(options: RetryBudgetOptions = {}) {
    checkOptions<RetryBudgetOptions>(options, budgetRules, 'retryBudget')
    this.#ratio = options.ratio ?? 0.1
    this.#floor = options.floor ?? 100
  }

  /** A first attempt is made at `now`, in milliseconds. */
  call(now: number): void {
    this.#advance(now)
    add(this.#calls, this.#slot)
    this.#callsInWindow++
  }

  /** Whether a retry may be made at `now`; counts it if so. */
  spend(now: number): boolean {
    if (this.#ratio === Number.POSITIVE_INFINITY) return true
    this.#advance(now)
    if (this.#retriesInWindow + 1 > Math.max(this.#floor, this.#ratio * this.#callsInWindow)) {
      this.refused++
      return false
    }
    add(this.#retries, this.#slot)
    this.#retriesInWindow++
    return true
  }

  #advance(now: number): void {
    const slot = Math.floor(now / slotMs)
    if (slot <= this.#slot) return
    const passed = Math.min(slots, slot - this.#slot)
    for (let i = 1; i <= passed; i++) {
      const old = (this.#slot + i) % slots
      this.#callsInWindow -= this.#calls[old] as number
      this.#retriesInWindow -= this.#retries[old] as number
      this.#calls[old] = 0
      this.#retries[old] = 0
    }
    this.#slot = slot
  }
}

function add(counts: Float64Array, slot: number): void {
  counts[slot % slots] = (counts[slot % slots] as number) + 1
}

/**
 * Makes a budget to be shared by several policies of one client: pass it as `retry: { budget }`.
 * @throws {InvalidOption}
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  return new RetryBudget(options)
}
