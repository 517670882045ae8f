/**
 * A bound on the extra load that retries cause: among the calls of the last ten seconds, at most a tenth as many
 * retries as first attempts. A dependency that is down then sees 1.1 times the ordinary load, not four times.
 *
 * The SRE book ("Addressing Cascading Failures") argues for the tenth; the window, and a floor that lets a client with
 * few calls retry at all, are those of Finagle's `RetryBudget`: ten seconds, ten retries per second.
 */
import { checkOptions, type OptionRules, rules } from '../base/options.ts'

/** How much load retries may add. */
export interface RetryBudgetOptions {
  /** Retries allowed per first attempt: 0.1 is one tenth more load. `Infinity` lifts the bound. @default 0.1 */
  readonly ratio?: number
  /** Retries allowed in any window, however few the calls. @default 100 */
  readonly floor?: number
}

const budgetRules: OptionRules<RetryBudgetOptions> = { ratio: rules.number(0), floor: rules.whole(0) }

const slotMs = 1_000
/** How long calls and retries are remembered. Retries longer, or those from just before the window would be paid for by nobody. */
const callSlots = 10
const retrySlots = callSlots + 1

/** A bound on the load that retries cause; {@link retryBudget} makes one. */
export class RetryBudget {
  readonly #ratio: number
  readonly #floor: number
  readonly #calls = new Recent(callSlots)
  readonly #retries = new Recent(retrySlots)
  /** Retries refused so far, for reports. */
  refused = 0

  /** @throws {InvalidOption} */
  constructor(options: RetryBudgetOptions = {}) {
    checkOptions<RetryBudgetOptions>(options, budgetRules, 'retryBudget')
    this.#ratio = options.ratio ?? 0.1
    this.#floor = options.floor ?? 100
  }

  /** As messages call it. */
  get label(): string {
    return `the retry budget of ${Math.round(this.#ratio * 100)} % of the calls, at least ${this.#floor} in ten seconds,`
  }

  /** A first attempt is made at `now`, in milliseconds. */
  call(now: number): void {
    this.#calls.add(now)
  }

  /** Whether a retry may be made at `now`; counts it if so. */
  spend(now: number): boolean {
    if (this.#ratio === Number.POSITIVE_INFINITY) return true
    if (this.#retries.total(now) + 1 > Math.max(this.#floor, this.#ratio * this.#calls.total(now))) {
      this.refused++
      return false
    }
    this.#retries.add(now)
    return true
  }
}

/** Counts what happened in the last few slots of time, the present one among them. */
class Recent {
  readonly #counts: Float64Array
  /** Number of the newest slot: time divided by its length. */
  #newest = 0
  #total = 0

  constructor(slots: number) {
    this.#counts = new Float64Array(slots)
  }

  add(now: number): void {
    this.#advance(now)
    const at = this.#newest % this.#counts.length
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#total++
  }

  total(now: number): number {
    this.#advance(now)
    return this.#total
  }

  #advance(now: number): void {
    const slot = Math.floor(now / slotMs)
    const { length } = this.#counts
    for (let passed = Math.min(length, slot - this.#newest); passed > 0; passed--) {
      const oldest = (slot - passed + 1) % length
      this.#total -= this.#counts[oldest] as number
      this.#counts[oldest] = 0
    }
    this.#newest = Math.max(this.#newest, slot)
  }
}

/**
 * Makes a budget to be shared by several policies of one client: pass it as `retry: { budget }`.
 *
 * @throws {InvalidOption} for a wrong option
 * @example
 * const budget = retryBudget({ ratio: 0.1 })
 * const getUser = guard(fetchUser, { retry: { retries: 3, budget } })
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  return new RetryBudget(options)
}
