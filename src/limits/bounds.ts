/**
 * What a limiter bounds: calls under way, starts in a time, tokens in a time. Pure: every method is told the time, and none
 * knows who waits.
 */
import type { Clock } from '../base/clock.ts'
import { durationMs } from '../base/duration.ts'
import { InvalidOption } from '../base/errors.ts'
import { AdaptiveConcurrency } from './adaptive.ts'
import type { Lease } from './lease.ts'
import { checkUpdate, type LimiterOptions, type LimiterUpdate } from './limiter-options.ts'
import { TokenBucket } from './token-bucket.ts'

/** What may start at once after a pause, besides one call: as much as flows in meanwhile makes up for a late timer. */
const lateTimerMs = 100

/** What is left of a rate and of an allowance of tokens at this moment. */
export interface Levels {
  readonly rate: number
  readonly tokens: number
}

/**
 * What is noted as a start is followed by the start itself, a moment later when the machine is busy, and by its arrival at
 * the server. So windows are kept longer than `per` by this factor: 5 ms in a second. Chosen; it costs as much of the allowance.
 */
const windowFactor = 1.005

export class Bounds {
  readonly #options: LimiterOptions
  readonly #name: string
  readonly #adaptive: AdaptiveConcurrency | undefined
  readonly #rate: TokenBucket | undefined
  readonly #tokens: TokenBucket | undefined
  /** How many calls may be under way, and how many are. */
  #places: number
  #used = 0
  #pausedUntil = Number.NEGATIVE_INFINITY

  constructor(options: LimiterOptions, name: string, clock: Clock, onAdapted: () => void) {
    this.#options = options
    this.#name = name
    const { concurrency, rate, tokens, metering = 'sliding' } = options
    if (concurrency === 'auto') {
      this.#adaptive = new AdaptiveConcurrency(options.adaptive, { clock, name })
      this.#adaptive.onChange = (limit) => {
        this.#places = limit
        onAdapted()
      }
    }
    this.#places = this.#adaptive?.limit ?? (concurrency as number | undefined) ?? Number.POSITIVE_INFINITY
    const perMs = durationMs(options.per ?? 0, 'per')
    const window = metering === 'sliding' ? windowFactor : undefined
    const now = clock.now()
    if (rate !== undefined) this.#rate = new TokenBucket({ allowance: rate, perMs, burst: this.#burst(rate, perMs), window }, now)
    if (tokens !== undefined) this.#tokens = new TokenBucket({ allowance: tokens, perMs, burst: tokens, window }, now)
  }

  /** How many calls may be under way. */
  get places(): number {
    return this.#places
  }

  /** Whether calls under way are bounded, so that one may have to wait for another. */
  get counts(): boolean {
    return this.#options.concurrency !== undefined
  }

  /** Whether the start of a call uses something up, so that only time brings it back. */
  get meters(): boolean {
    return this.#rate !== undefined || this.#tokens !== undefined
  }

  /** Whether calls of that weight could start while calls of the weight `used` are under way. */
  hasPlace(weight: number, used = this.#used): boolean {
    // Heavier than the bound, it may go alone: a bound that shrank strands nobody.
    return used + weight <= this.#places || used === 0
  }

  /** @throws {InvalidOption} for a call that could never start */
  checkFits(weight: number, cost: number): void {
    if (typeof this.#options.concurrency === 'number' && weight > this.#places)
      this.#refuse(`\`weight\` ${weight}`, `concurrency ${this.#places}`)
    if (this.#rate && weight > Math.max(1, this.#rate.allowance))
      this.#refuse(`\`weight\` ${weight}`, `rate ${this.#rate.allowance}`)
    if (this.#tokens && cost > this.#tokens.allowance) this.#refuse(`\`cost\` ${cost}`, `tokens ${this.#tokens.allowance}`)
  }

  /** Milliseconds until a call may start; `Infinity` when that depends on another's end. */
  waitMs(weight: number, cost: number, now: number): number {
    if (!this.hasPlace(weight)) return Number.POSITIVE_INFINITY
    return Math.max(this.#pausedUntil - now, this.#rate?.waitMs(weight, now) ?? 0, this.#tokens?.waitMs(cost, now) ?? 0)
  }

  take(lease: Lease, now: number): void {
    this.#used += lease.weight
    if (this.#adaptive) lease.ticket = this.#adaptive.start()
    if (this.#rate) lease.rateReceipt = this.#rate.take(lease.weight, now)
    if (this.#tokens) lease.tokenReceipt = this.#tokens.take(lease.cost, now)
  }

  /** The call starts only now; for the sliding windows it counts from here. */
  restart(lease: Lease, now: number): void {
    if (this.#rate) lease.rateReceipt = this.#rate.restart(lease.rateReceipt, lease.weight, now)
    if (this.#tokens) lease.tokenReceipt = this.#tokens.restart(lease.tokenReceipt, lease.cost, now)
  }

  /** The call is over, and has really cost `actualCost`. */
  release(lease: Lease, actualCost: number, error: unknown, now: number): void {
    this.#used -= lease.weight
    if (actualCost !== lease.cost) this.#tokens?.correct(lease.tokenReceipt, lease.cost, actualCost, now)
    this.#adaptive?.settle(lease.ticket, error !== undefined && this.#adaptive.isOverload(error))
  }

  /** The call was never made. */
  refund(lease: Lease, now: number): void {
    this.#used -= lease.weight
    this.#rate?.correct(lease.rateReceipt, lease.weight, 0, now)
    this.#tokens?.correct(lease.tokenReceipt, lease.cost, 0, now)
    this.#adaptive?.withdraw(lease.ticket)
  }

  pause(untilMs: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, untilMs)
  }

  resume(): void {
    this.#pausedUntil = Number.NEGATIVE_INFINITY
  }

  /** @throws {InvalidOption} for a bound that was not there from the beginning */
  update(update: LimiterUpdate, now: number): void {
    checkUpdate(update, this.#options)
    const { concurrency, rate, tokens } = update
    const perMs = update.per === undefined ? undefined : durationMs(update.per, 'per')
    if (concurrency !== undefined) this.#places = concurrency
    if (this.#rate && (rate ?? perMs) !== undefined) {
      const [allowance, span] = [rate ?? this.#rate.allowance, perMs ?? this.#rate.perMs]
      this.#rate.update(allowance, span, this.#burst(allowance, span), now)
    }
    const tokensPerMs = update.tokensPer === undefined ? perMs : durationMs(update.tokensPer, 'tokensPer')
    if (this.#tokens && (tokens ?? tokensPerMs) !== undefined) {
      const allowance = tokens ?? this.#tokens.allowance
      this.#tokens.update(allowance, tokensPerMs ?? this.#tokens.perMs, allowance, now)
    }
  }

  /** What may start at once: calls and tokens. Negative while a debt is paid; `Infinity` for what is not metered. */
  levels(now: number): Levels {
    const [rate, tokens] = [this.#rate?.tokens(now), this.#tokens?.tokens(now)]
    return { rate: rate ?? Number.POSITIVE_INFINITY, tokens: tokens ?? Number.POSITIVE_INFINITY }
  }

  setLevels(levels: Partial<Levels>, now: number): void {
    if (levels.rate !== undefined) this.#rate?.set(levels.rate, now)
    if (levels.tokens !== undefined) this.#tokens?.set(levels.tokens, now)
  }

  #burst(rate: number, perMs: number): number {
    const most = Math.max(1, rate)
    const { burst, metering } = this.#options
    if (burst !== undefined) return Math.min(burst, most)
    return metering === 'bucket' ? most : Math.min(most, 1 + (rate * lateTimerMs) / perMs)
  }

  #refuse(what: string, bound: string): never {
    throw new InvalidOption(`Expected ${what} to be at most the ${bound} of ${this.#name}: the call could never start`)
  }
}
