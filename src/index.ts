/**
 * Tasks, maps, graphs, streams, worker functions, policies and patterns.
 *
 * @module heddle
 */

// Errors
export {
  BudgetExceeded,
  Cancelled,
  CircuitOpen,
  Closed,
  CommandFailed,
  DeadlockDetected,
  DependencyFailed,
  HeddleError,
  InvalidGraph,
  InvalidOption,
  JournalFailed,
  JournalRefused,
  Overflow,
  QuorumNotReached,
  RecordTooLong,
  TimedOut,
  Unserializable,
  WorkerCrashed,
  WorkerStartFailed,
} from './base/errors.ts'
export type { Duration } from './base/duration.ts'

// Tasks
export { context, type TaskContext } from './base/frame.ts'
export { type ForkOptions, scope, type Scope, type ScopeOptions } from './run/scope.ts'
export { all, type AllOptions } from './run/all.ts'
export { map, type MapOptions } from './run/map.ts'
export { type Graph, graph, type GraphRunOptions, type GraphTaskOptions, type PlanOptions } from './run/graph.ts'
export { graphFrom, type GraphTable, type TableTask } from './run/graph-table.ts'
export type { Durations, Needs, Plan, PlannedTask, ResultsOf, TaskRef } from './graph/index.ts'
export { mapReduce, type MapReduceOptions } from './run/map-reduce.ts'
export { type PartialResults, partialResults } from './run/failure.ts'
export type { SettledMap } from './run/outcome.ts'
export type { Executor, FunctionIdentity, Reach } from './run/executor.ts'

// Streams
export { type Keyed, Stream, stream, type StreamOptions, type TeeOptions } from './stream/index.ts'
export type {
  BatchOptions,
  CountWindowOptions,
  KeyedOptions,
  StageOptions,
  StreamMapOptions,
  TimeWindowOptions,
} from './stream/index.ts'
export { type FilePart, readPart, splitFile, type SplitFileOptions } from './stream/index.ts'

// Workers
export { workers, type WorkerFunction, type WorkerFunctions, type WorkersOptions } from './workers/define.ts'
export { type PoolOptions, processes, threads } from './workers/executors.ts'
export { type Broadcast, broadcast } from './workers/broadcast.ts'
export { fork } from './workers/fork.ts'
export { pipe } from './workers/pipe.ts'
export { transfer } from './workers/transfer.ts'
export { warmUp, type WarmUpOptions } from './workers/warm-up.ts'

// Policies
export { guard, type Guarded, type GuardOptions } from './run/guard.ts'
export { type Limiter, limiter, type LimiterStats } from './limits/limiter.ts'
export { limiterPer, type LimiterPer } from './limits/limiter-per.ts'
export type { AcquireOptions, LimiterOptions, LimiterUpdate } from './limits/limiter-options.ts'
export type { Lease } from './limits/lease.ts'
export { combine, type CombinedLease, type CombinedLimiter, type Limit } from './limits/combine.ts'
export { type BreakerOptions, type BreakerState, type CircuitBreaker, circuitBreaker } from './limits/breaker.ts'
export type { RetryOptions } from './limits/retry.ts'
export { type RetryBudget, retryBudget, type RetryBudgetOptions } from './limits/retry-budget.ts'
export type { PolicyOptions } from './limits/policy.ts'
export type { AdaptiveOptions } from './limits/adaptive.ts'

// Commands
export { sh, type ShOptions, type ShResult } from './command/sh.ts'

// Checkpoints
export {
  type Checkpoint,
  type CheckpointOptions,
  type Codec,
  type Journal,
  type JournalOptions,
  openJournal,
  type Steps,
} from './checkpoint/index.ts'

// Patterns
export { batched, type BatchedCall, type BatchedOptions } from './patterns/batched.ts'
export { balance, type Balanced, type BalanceOptions } from './patterns/balance.ts'
export { hedge, type HedgeOptions } from './patterns/hedge.ts'
export { type Scattered, scatter, type ScatterOptions } from './patterns/scatter.ts'
