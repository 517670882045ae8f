/**
 * When a second copy of a slow call is sent (Dean and Barroso, "The Tail at Scale", 2013): after a quantile of the times to
 * first content seen so far, and only while the tokens of copies that lost stay below a share of all tokens.
 */
import { type Duration, durationMs } from '../../base/duration.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { type QuantileName, quantileRule, shareOf, SlidingQuantile } from '../../patterns/quantile.ts'

/** When a second copy of a slow call is sent. */
export interface HedgeOptions {
  /** A quantile of the latest times to first content, or a fixed time. @default 'p95' */
  readonly after?: QuantileName | Duration
  /** Share of all tokens that copies may cost on top. @default 0.05 */
  readonly extra?: number
}

export class Hedging {
  readonly #quantile: SlidingQuantile | undefined
  readonly #fixedMs: number
  readonly #extra: number
  #tokens = 0
  #extraTokens = 0

  /** @throws {InvalidOption} */
  constructor(options: HedgeOptions) {
    checkOptions<HedgeOptions>(options, { after: rules.either(quantileRule, rules.duration), extra: rules.number(0, 1) }, 'hedge')
    const { after: when = 'p95' } = options
    const share = shareOf(when)
    if (share !== undefined) this.#quantile = new SlidingQuantile(share)
    this.#fixedMs = share === undefined ? durationMs(when as Duration, 'after') : 0
    this.#extra = options.extra ?? 0.05
  }

  /** How long to wait before the second copy; undefined when too little is known. */
  afterMs(): number | undefined {
    return this.#quantile ? this.#quantile.value : this.#fixedMs
  }

  /** A first copy took this long to its first content, or had none after it. */
  sample(ms: number): void {
    this.#quantile?.add(ms)
  }

  /** A call used these tokens. */
  used(tokens: number): void {
    this.#tokens += tokens
  }

  /** Whether a copy that may cost `tokens` fits; counts it if so. */
  spend(tokens: number): boolean {
    if (this.#extraTokens + tokens > this.#extra * this.#tokens) return false
    this.#extraTokens += tokens
    return true
  }

  /** The copies are over: one of them was wasted, and has cost `actual` tokens where `reserved` were counted. */
  settle(reserved: number, actual: number): void {
    this.#extraTokens += actual - reserved
  }
}
