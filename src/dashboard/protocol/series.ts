/** Figures over time. */
import type { Range, RangeQuery } from './basics.ts'

export interface SeriesQuery extends RangeQuery {
  /** Values per series, 2 … 4,096. @default 300 */
  readonly points?: number | undefined
}

/** All lists have the same length; value `i` is of the time from `at[i]` on, for `stepMs`. `null` where nothing was measured. */
export interface SeriesView {
  readonly version: number
  readonly range: Range
  readonly stepMs: number
  readonly at: readonly number[]
  /** Tasks settled per second. */
  readonly throughput: readonly number[]
  /** Tasks at work, on average. */
  readonly running: readonly number[]
  /** Tasks queued and not started, on average. */
  readonly queued: readonly number[]
  /** Tasks that failed in it. */
  readonly failures: readonly number[]
  /** Share of the time in which the event loop was busy, 0 … 1. */
  readonly busy: readonly (number | null)[]
  /** How long the event loop was held at most. */
  readonly delayMs: readonly (number | null)[]
  /** Cores in use. */
  readonly cores: readonly (number | null)[]
  readonly rssBytes: readonly (number | null)[]
}
