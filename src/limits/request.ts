import { Cancellation } from '../base/abort.ts'
import { durationMs } from '../base/duration.ts'
import { currentFrame } from '../base/frame.ts'
import { type AcquireOptions, checkAcquire } from './limiter-options.ts'

/** What a call asks of its limiters. */
export interface Request {
  readonly weight: number
  /** Undefined: each limiter's own `cost` computes it from `args`. */
  readonly cost: number | undefined
  readonly outputCost: number
  readonly args: readonly unknown[]
  readonly priority: number
  /** Undefined: the limiter's own `queueTimeout`. */
  readonly timeoutMs: number | undefined
  /** What ends the wait: the task that waits, and a signal of the caller's. */
  readonly cancellation: Cancellation | undefined
  readonly signal: Cancellation | undefined
  /** For the wait-for graph: all code of the caller's frame runs inside the lease. */
  readonly inside: boolean
}

/** @throws {InvalidOption} */
export function requestOf(options: AcquireOptions, inside = false): Request {
  checkAcquire(options)
  return {
    weight: options.weight ?? 1,
    cost: options.cost,
    outputCost: options.outputCost ?? 0,
    args: [],
    priority: options.priority ?? 0,
    timeoutMs: options.timeout === undefined ? undefined : durationMs(options.timeout, 'timeout'),
    cancellation: currentFrame().cancellation,
    signal: Cancellation.of(options.signal),
    inside,
  }
}
