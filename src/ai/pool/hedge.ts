/**
 * When a second copy of a slow call is sent (Dean and Barroso, "The Tail at Scale", 2013): after a quantile of the times to
 * first content seen so far, and only while the tokens of copies that lost stay below a share of all tokens.
 */
import { type Duration, durationMs } from '../../base/duration.ts'
import { checkOptions, type Rule, rules } from '../../base/options.ts'

/** When a second copy of a slow call is sent. */
export interface HedgeOptions {
  /** A quantile of the latest times to first content, or a fixed time. @default 'p95' */
  readonly after?: `p${number}` | Duration
  /** Share of all tokens that copies may cost on top. @default 0.05 */
  readonly extra?: number
}

const after: Rule = {
  expected: "a quantile such as 'p95', or a duration",
  accepts: (value) => (typeof value === 'string' && /^p\d{1,2}(\.\d+)?$/.test(value)) || rules.duration.accepts(value),
}

/** Enough to separate the 95th percentile from noise; with fewer no copy is sent. */
const fewest = 40
const remembered = 512

export class Hedging {
  readonly #quantile: number | undefined
  readonly #fixedMs: number
  readonly #extra: number
  readonly #times: number[] = []
  #next = 0
  #cachedMs: number | undefined
  #tokens = 0
  #extraTokens = 0

  /** @throws {InvalidOption} */
  constructor(options: HedgeOptions) {
    checkOptions<HedgeOptions>(options, { after, extra: rules.number(0, 1) }, 'hedge')
    const { after: when = 'p95' } = options
    this.#quantile = typeof when === 'string' && when.startsWith('p') ? Number(when.slice(1)) / 100 : undefined
    this.#fixedMs = this.#quantile === undefined ? durationMs(when as Duration, 'after') : 0
    this.#extra = options.extra ?? 0.05
  }

  /** How long to wait before the second copy; undefined when too little is known. */
  afterMs(): number | undefined {
    if (this.#quantile === undefined) return this.#fixedMs
    if (this.#times.length < fewest) return undefined
    this.#cachedMs ??= quantile(this.#times, this.#quantile)
    return this.#cachedMs
  }

  /** A first copy took this long to its first content, or had none after it. */
  sample(ms: number): void {
    this.#times[this.#next++ % remembered] = ms
    // Sorting now and then is enough: a quantile moves slowly.
    if (this.#next % 16 === 0) this.#cachedMs = undefined
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

function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number
}
