/**
 * When a failed attempt is made again, and after which pause: exponential backoff with full jitter (Brooker, "Exponential
 * Backoff and Jitter", AWS 2015), never earlier than the server asked for, within a
 * {@link RetryBudget} where one is given. `retry: 3` means three retries: there is no budget unless one is given.
 *
 * The backoff is one line, so it is written here: cockatiel's draws from `Math.random` alone, which no seeded simulation
 * could follow.
 *
 * One layer retries. An error that a policy has already tried again, or may not try again for lack of budget, is not
 * retried by the policies around it: three layers with three retries each would make 64 calls out of one.
 */
import { type Duration, durationMs } from '../base/duration.ts'
import { peek } from '../base/look.js'
import { note } from '../base/observer.ts'
import { checkOptions, checkValue, rules } from '../base/options.ts'
import { isSpent, markSpent } from '../base/final-errors.ts'
import { backoffBoundMs } from './backoff.ts'
import { retryAfterMs } from './retry-after.ts'
import { RetryBudget } from './retry-budget.ts'
import { isTransient } from './transient.ts'

/** How failed attempts are repeated. */
export interface RetryOptions {
  /** Retries after the first attempt, so 3 means up to 4 attempts. Minimum 0. @default 3 */
  readonly retries?: number
  /** The first pause is drawn from 0 up to this; the bound doubles each time. @default '250ms' */
  readonly base?: Duration
  /** The bound of a pause stops doubling here. @default '30s' */
  readonly cap?: Duration
  /** Whether an error is worth another attempt; `attempt` is the one that failed, from 1 up. @default `isTransient` */
  readonly retryIf?: (error: unknown, attempt: number) => boolean
  /** A server that asks for a longer pause than this is not asked again: the call fails with its error. @default '2m' */
  readonly maxRetryAfter?: Duration
  /**
   * Extra load that retries may cause: 0.1 allows one retry for ten first attempts within ten seconds, and 100 retries in any case. What it refuses
   * fails with its error, whose `hint` says so. A `RetryBudget` may be shared by several policies of one client. @default no bound
   */
  readonly budget?: number | RetryBudget
}

export const retryRule = rules.either(rules.whole(0), rules.object)

const retryRules = {
  retries: rules.whole(0),
  base: rules.duration,
  cap: rules.duration,
  retryIf: rules.function,
  maxRetryAfter: rules.duration,
  budget: rules.either(rules.number(0), rules.object),
}

export class Retry {
  readonly retries: number
  readonly budget: RetryBudget | undefined
  readonly #baseMs: number
  readonly #capMs: number
  readonly #maxRetryAfterMs: number
  readonly #retryIf: (error: unknown, attempt: number) => boolean
  readonly #random: () => number

  /**
   * @param random gives numbers from 0 up to 1, as `Math.random`
   * @throws {InvalidOption}
   */
  constructor(options: number | RetryOptions, random: () => number = Math.random) {
    const given: RetryOptions = typeof options === 'number' ? { retries: options } : options
    checkOptions<RetryOptions>(given, retryRules, 'retry')
    checkValue(given.retries, rules.whole(0), 'retry')
    this.retries = given.retries ?? 3
    this.#baseMs = durationMs(given.base ?? 250, 'base')
    this.#capMs = durationMs(given.cap ?? 30_000, 'cap')
    this.#maxRetryAfterMs = durationMs(given.maxRetryAfter ?? 120_000, 'maxRetryAfter')
    this.#retryIf = given.retryIf ?? isTransient
    const { budget } = given
    this.budget = budget === undefined || budget instanceof RetryBudget ? budget : new RetryBudget({ ratio: budget })
    this.#random = random
  }

  /** Whether it tries again after an error of this kind, as long as retries and budget last. */
  wants(error: unknown, attempt: number): boolean {
    return this.retries > 0 && !isSpent(error) && this.#retryIf(error, attempt)
  }

  /**
   * Judges a failed attempt: the pause before the next one in milliseconds, or undefined when there is to be none.
   * @param attempt the one that failed, from 1 up
   * @param now milliseconds of the policy's clock
   * @param run id of the run that the call belongs to, for notes
   */
  pauseMs(error: unknown, attempt: number, now: number, run = 0): number | undefined {
    if (isSpent(error) || !this.#retryIf(error, attempt)) return undefined
    const asked = retryAfterMs(error) ?? 0
    if (attempt > this.retries || asked > this.#maxRetryAfterMs) {
      if (this.retries > 0) markSpent(error)
      return undefined
    }
    if (this.budget && !this.budget.spend(now)) {
      markSpent(error)
      hint(error, `Not retried: ${this.budget.label} is used up. Send less, or give \`retry\` another \`budget\`.`)
      note('limit', run, `not retried: ${this.budget.label} is used up`, { notRetried: 1 })
      return undefined
    }
    const bound = backoffBoundMs(this.#baseMs, this.#capMs, attempt)
    // A server asks all its clients for the same pause, so the jitter comes on top.
    return asked + this.#random() * bound
  }
}

/** Says in the error why it is final; the error stays the very same. One that has a hint keeps it, and so does a frozen one. */
function hint(error: unknown, text: string): void {
  if (typeof error !== 'object' || error === null || peek(error, 'hint') !== undefined) return
  try {
    Object.defineProperty(error, 'hint', { value: text, enumerable: true, configurable: true, writable: true })
  } catch {
    // Frozen, or a proxy.
  }
}
