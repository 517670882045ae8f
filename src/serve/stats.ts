/** What is known of a served model at one moment: for metrics, the dashboard and people. Data only. */
import type { BreakerState } from '../limits/breaker.ts'
import type { ModelKind } from './kinds.ts'

/** Why a call did not get an answer from the model. */
export type Refusal =
  /** The queue was full, in items or in tokens. */
  | 'queue-full'
  /** The item is larger than the whole queue. */
  | 'too-large'
  /** The deadline passed before it had started, or under way. */
  | 'deadline'
  /** The caller has left. */
  | 'cancelled'
  /** The breakers of all replicas were open. */
  | 'circuit-open'
  /** The model was closed. */
  | 'closed'
  /** Its replica died, and it was not, or could not be, tried again. */
  | 'crashed'

/** Counts of durations in milliseconds, as Prometheus wants them. */
export interface Histogram {
  /** Upper bounds, ascending; one more bucket counts what is above. */
  readonly boundsMs: readonly number[]
  /** Not cumulative; one longer than the bounds. */
  readonly counts: readonly number[]
  readonly sumMs: number
}

/** The latest latencies. All 0 while there are none. */
export interface Latencies {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** One replica of a served model at this moment. */
export interface ReplicaStats {
  /** From 0 up. */
  readonly id: number
  /** `'spare'`: open and warm, for when another one is lost. */
  readonly state: 'starting' | 'idle' | 'busy' | 'spare' | 'backing-off'
  /** Its process; undefined for a thread. */
  readonly pid: number | undefined
  /** The share of the last ten seconds in which it was at work: 0 to 1. */
  readonly busy: number
  readonly batches: number
  readonly items: number
  /** How often it was started again. */
  readonly restarts: number
  readonly breaker: BreakerState
}

/** What one tenant has asked for so far. */
export interface TenantStats {
  readonly queued: number
  readonly answered: number
  readonly refused: number
  readonly tokens: number
}

/** What warm-up measured: one row for each way of running that was tried. */
export interface Measured {
  readonly replicas: number
  readonly threads: number
  /** Items computed together at most. */
  readonly batch: number
  /** Tokens computed together at most, counted as the longest item times the number of items. */
  readonly tokens: number
  readonly itemsPerSecond: number
  /** Milliseconds that one batch took, the median. */
  readonly batchMs: number
  readonly chosen: boolean
}

/** A snapshot of a served model: {@link Served.stats} gives it. */
export interface ServedStats {
  readonly name: string
  readonly kind: ModelKind
  readonly state: 'unloaded' | 'loading' | 'ready' | 'closing' | 'closed'
  readonly queue: {
    readonly items: number
    readonly tokens: number
    /** The bounds; `Infinity` where there is none. */
    readonly maxItems: number
    readonly maxTokens: number
    /** How long the oldest has waited. */
    readonly oldestMs: number
  }
  /** Items at replicas. */
  readonly underWay: number
  readonly replicas: readonly ReplicaStats[]
  readonly batches: {
    readonly count: number
    readonly items: number
    readonly tokens: number
    /** How many batches had 1 item, 2, up to 4, 8, 16, … */
    readonly sizes: readonly { readonly upTo: number; readonly count: number }[]
  }
  readonly answered: number
  /** Calls that the model itself rejected. */
  readonly failed: number
  readonly refused: Readonly<Record<Refusal, number>>
  /** Calls that were tried again after the loss of a replica. */
  readonly retried: number
  /** Second tries of slow batches. */
  readonly hedged: number
  /** Answers per second over the last ten seconds. */
  readonly perSecond: number
  /** From the call to the answer, of the latest thousand answers. */
  readonly latencyMs: Latencies
  readonly latency: Histogram
  /** In the queue. */
  readonly queuedMs: Latencies
  /** At the replica, per batch. */
  readonly servedMs: Latencies
  /** The busiest hundred or so; the rest is counted under `'(others)'`. */
  readonly tenants: Readonly<Record<string, TenantStats>>
  /** How the model runs, and what else was tried. Empty until it is loaded. */
  readonly measured: readonly Measured[]
  /** Resident memory of all replicas where it can be seen; 0 while it is not loaded. */
  readonly memoryBytes: number
}
