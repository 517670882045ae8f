/** How a server of models stands. */
import type { ServerSnapshot } from '../../serve/http/watch/snapshot.ts'

/** A server of models: how it stands, and stood second by second. Numbers without a bound are null in JSON. */
export interface ServerView {
  readonly snapshot: ServerSnapshot
  readonly history: ServerHistoryView
}

/** All lists have the same length; value `i` is of the second that ended at `at[i]`, in milliseconds since the server began. `null`: nothing was answered in it. */
export interface ServerHistoryView {
  readonly at: readonly number[]
  readonly answered: readonly number[]
  readonly refused: readonly number[]
  readonly failed: readonly number[]
  readonly p50: readonly (number | null)[]
  readonly p95: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
  readonly underWay: readonly number[]
  /** Of all models. */
  readonly queueItems: readonly number[]
  readonly queueTokens: readonly number[]
  /** Mean share of the replicas of all models, 0 … 1. */
  readonly busy: readonly number[]
  readonly rssBytes: readonly number[]
}
