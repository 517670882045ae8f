/**
 * The bounds of a limiter: calls under way, starts in a time, tokens in a time. Pure: every method is given the time, and none
 * knows who waits.
 */
import type { Clock } from '../base/clock.ts'
import { type Duration, durationMs } from '../base/duration.ts'
import { InvalidOption } from '../base/errors.ts'
import { AdaptiveConcurrency } from './adaptive.ts'
import type { Lease } from './lease.ts'
import { checkUpdate, type LimiterOptions, type LimiterUpdate } from './limiter-options.ts'
import { TokenBucket } from './token-bucket.ts'

/** What may start at once after a pause, besides one call: as much as flows in meanwhile makes up for a late timer. */
const lateTimerMs = 100

/** The rest of a rate and of the allowances of tokens at this moment. */
export interface Levels {
  readonly rate: number
  readonly tokens: number
  readonly outputTokens: number
}

/**
 * A noted start is followed by the start itself, a moment later when the machine is busy, and by its arrival at
 * the server. So windows are kept longer than `per` by this factor: 5 ms in a second. Chosen; it costs as much of the allowance.
 */
const windowFactor = 1.005

export class Bounds {
  readonly #options: LimiterOptions
  readonly #name: string
  readonly #adaptive: AdaptiveConcurrency | undefined
  readonly #rate: TokenBucket | undefined
  readonly #tokens: TokenBucket | undefined
  readonly #output: TokenBucket | undefined
  /** How many calls may be under way, and how many are. */
  #places: number
  #used = 0
  #pausedUntil = Number.NEGATIVE_INFINITY

  constructor(options: LimiterOptions, name: string, clock: Clock, onAdapted: () => void) {
    this.#options = options
    this.#name = name
    const { concurrency, rate, tokens, outputTokens, metering = 'sliding' } = options
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
    const bucket = (allowance: number | undefined): TokenBucket | undefined =>
      allowance === undefined ? undefined : new TokenBucket({ allowance, perMs, burst: allowance, window }, now)
    this.#tokens = bucket(tokens)
    this.#output = bucket(outputTokens)
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
    return (this.#rate ?? this.#tokens ?? this.#output) !== undefined
  }

  /** Whether calls of that weight could start while calls of the weight `used` are under way. */
  hasPlace(weight: number, used = this.#used): boolean {
    // Heavier than the bound, it may go alone: a bound that shrank strands nobody.
    return used + weight <= this.#places || used === 0
  }

  /** @throws {InvalidOption} for a call that could never start */
  checkFits(weight: number, cost: number, outputCost: number): void {
    if (typeof this.#options.concurrency === 'number' && weight > this.#places)
      this.#refuse(`\`weight\` ${weight}`, `concurrency ${this.#places}`)
    if (this.#rate && weight > Math.max(1, this.#rate.allowance))
      this.#refuse(`\`weight\` ${weight}`, `rate ${this.#rate.allowance}`)
    if (this.#tokens && cost > this.#tokens.allowance) this.#refuse(`\`cost\` ${cost}`, `tokens ${this.#tokens.allowance}`)
    if (this.#output && outputCost > this.#output.allowance)
      this.#refuse(`\`outputCost\` ${outputCost}`, `outputTokens ${this.#output.allowance}`)
  }

  /** Milliseconds until a call may start; `Infinity` when that depends on another's end. */
  waitMs(weight: number, cost: number, outputCost: number, now: number): number {
    if (!this.hasPlace(weight)) return Number.POSITIVE_INFINITY
    return Math.max(
      this.#pausedUntil - now,
      this.#rate?.waitMs(weight, now) ?? 0,
      this.#tokens?.waitMs(cost, now) ?? 0,
      this.#output?.waitMs(outputCost, now) ?? 0,
    )
  }

  take(lease: Lease, now: number): void {
    this.#used += lease.weight
    if (this.#adaptive) lease.ticket = this.#adaptive.start()
    if (this.#rate) lease.rateReceipt = this.#rate.take(lease.weight, now)
    if (this.#tokens) lease.tokenReceipt = this.#tokens.take(lease.cost, now)
    if (this.#output) lease.outputReceipt = this.#output.take(lease.outputCost, now)
  }

  /** The call starts only now; for the sliding windows it counts from here. */
  restart(lease: Lease, now: number): void {
    if (this.#rate) lease.rateReceipt = this.#rate.restart(lease.rateReceipt, lease.weight, now)
    if (this.#tokens) lease.tokenReceipt = this.#tokens.restart(lease.tokenReceipt, lease.cost, now)
    if (this.#output) lease.outputReceipt = this.#output.restart(lease.outputReceipt, lease.outputCost, now)
  }

  /** The call is over, and has really cost `actualCost` and `actualOutputCost`. */
  release(lease: Lease, actualCost: number, actualOutputCost: number, error: unknown, now: number): void {
    this.#used -= lease.weight
    if (actualCost !== lease.cost) this.#tokens?.correct(lease.tokenReceipt, lease.cost, actualCost, now)
    if (actualOutputCost !== lease.outputCost) this.#output?.correct(lease.outputReceipt, lease.outputCost, actualOutputCost, now)
    this.#adaptive?.settled(lease.ticket, error)
  }

  /** The call was never made. */
  refund(lease: Lease, now: number): void {
    this.#used -= lease.weight
    this.#rate?.correct(lease.rateReceipt, lease.weight, 0, now)
    this.#tokens?.correct(lease.tokenReceipt, lease.cost, 0, now)
    this.#output?.correct(lease.outputReceipt, lease.outputCost, 0, now)
    this.#adaptive?.withdraw(lease.ticket)
  }

  /** Whether what calls up to `lastAt` used up has come back: twice the window, no pause, and no debt. */
  forgotten(lastAt: number, now: number): boolean {
    const { rate, tokens, outputTokens } = this.levels(now)
    const perMs = Math.max(this.#rate?.perMs ?? 0, this.#tokens?.perMs ?? 0, this.#output?.perMs ?? 0)
    return now >= this.#pausedUntil && now - lastAt >= 2 * perMs && Math.min(rate, tokens, outputTokens) > 0
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
    const ms = (span: Duration | undefined, name: string): number | undefined =>
      span === undefined ? undefined : durationMs(span, name)
    const perMs = ms(update.per, 'per')
    if (update.concurrency !== undefined) this.#places = update.concurrency
    const { rate, tokens, outputTokens } = update
    const ratePerMs = ms(update.ratePer, 'ratePer') ?? perMs
    if (this.#rate && (rate ?? ratePerMs ?? update.burst) !== undefined) {
      const [allowance, span] = [rate ?? this.#rate.allowance, ratePerMs ?? this.#rate.perMs]
      this.#rate.update(allowance, span, Math.min(update.burst ?? this.#burst(allowance, span), Math.max(1, allowance)), now)
    }
    change(this.#tokens, tokens, ms(update.tokensPer, 'tokensPer') ?? perMs, update.tokensBurst, now)
    change(this.#output, outputTokens, ms(update.outputTokensPer, 'outputTokensPer') ?? perMs, update.outputTokensBurst, now)
  }

  /** The calls and tokens that may start at once. Negative while a debt is paid; `Infinity` for what is not metered. */
  levels(now: number): Levels {
    const level = (bucket: TokenBucket | undefined): number => bucket?.tokens(now) ?? Number.POSITIVE_INFINITY
    return { rate: level(this.#rate), tokens: level(this.#tokens), outputTokens: level(this.#output) }
  }

  expectConcurrency(places: number): void {
    this.#adaptive?.expect(places)
  }

  setLevels(levels: Partial<Levels>, now: number): void {
    if (levels.rate !== undefined) this.#rate?.set(levels.rate, now)
    if (levels.tokens !== undefined) this.#tokens?.set(levels.tokens, now)
    if (levels.outputTokens !== undefined) this.#output?.set(levels.outputTokens, now)
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

/** Changes an allowance of tokens where anything of it is given. */
function change(
  bucket: TokenBucket | undefined,
  tokens: number | undefined,
  perMs: number | undefined,
  burst: number | undefined,
  now: number,
): void {
  if (!bucket || (tokens ?? perMs ?? burst) === undefined) return
  const allowance = tokens ?? bucket.allowance
  bucket.update(allowance, perMs ?? bucket.perMs, Math.min(burst ?? allowance, allowance), now)
}
