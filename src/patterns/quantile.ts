/**
 * A quantile of the latest times: exact over a sliding window (nearest rank; Hyndman and Fan, "Sample Quantiles in Statistical
 * Packages", 1996, definition 1). The P² algorithm of Jain and Chlamtac needs less memory, but never forgets: after a change of
 * the dependency it would show the past for as long as that lasted. Pure.
 */
import type { Rule } from '../base/options.ts'

/** Options name a quantile by `'p95'`, `'p99.5'`. */
export type QuantileName = `p${number}`

export const quantileRule: Rule = {
  expected: "a quantile such as 'p95'",
  accepts: (value) => typeof value === 'string' && /^p\d{1,2}(?:\.\d+)?$/.test(value),
}

/** The share that a quantile's name means: 0.95 of `'p95'`; undefined for everything else. */
export function shareOf(value: unknown): number | undefined {
  return quantileRule.accepts(value) ? Number((value as QuantileName).slice(1)) / 100 : undefined
}

export class SlidingQuantile {
  readonly #share: number
  readonly #fewest: number
  readonly #times: number[] = []
  #added = 0
  #cached: number | undefined

  /** @param share from 0 up to 1 */
  constructor(share: number) {
    this.#share = share
    // Two samples above the quantile, or it would be the maximum of a handful; as far as enough samples are remembered.
    this.#fewest = Math.min(remembered, Math.round(2 / (1 - share)))
  }

  /** Undefined while too few are known: 40 for the 95th percentile. */
  get value(): number | undefined {
    if (this.#times.length < this.#fewest) return undefined
    this.#cached ??= nearestRank(this.#times, this.#share)
    return this.#cached
  }

  add(time: number): void {
    this.#times[this.#added++ % remembered] = time
    if (this.#added % sortEvery === 0) this.#cached = undefined
  }
}

/** Enough for the 99th percentile, and forgotten soon; chosen. */
const remembered = 512
/** A quantile of 512 moves slowly: sorting for every sixteenth costs about a microsecond per sample. */
const sortEvery = 16

function nearestRank(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number
}
