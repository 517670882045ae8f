/**
 * What bounds one call: timeout, retry, breaker, limiter, compiled once and applied to every call.
 * CONTRACT used by src/run (map, all, scope, graph); the rest of this folder fills it.
 */
import type { Cancellation } from '../base/abort.ts'
import { type Duration, durationMs } from '../base/duration.ts'
import type { TaskContext } from '../base/frame.ts'
import type { TaskRecord } from '../base/observer.ts'
import { type OptionRules, rules } from '../base/options.ts'

export interface PolicyOptions {
  /** From the start of each attempt. @default none */
  readonly timeout?: Duration
  /** While waiting to start. @default none */
  readonly queueTimeout?: Duration
}

export const policyRules: OptionRules<PolicyOptions> = { timeout: rules.duration, queueTimeout: rules.duration }

/** The context of one attempt; nested runs are cancelled with `cancellation`, `signal` is the same as a signal. */
export interface Attempt extends TaskContext {
  readonly cancellation: Cancellation
}

export interface CallScope {
  readonly cancellation: Cancellation
  /** Milliseconds of `performance.now()`; `Infinity` when none. */
  readonly deadline: number
  readonly index: number
  /** Its attempts, limiterMs and retryMs are filled in; undefined while nobody observes. */
  readonly record: TaskRecord | undefined
}

export interface Policy {
  run<T>(attempt: (attempt: Attempt) => T | PromiseLike<T>, call: CallScope): Promise<T>
}

/** Undefined when no policy option is set. */
export function compilePolicy(options: PolicyOptions): Policy | undefined {
  if (options.timeout === undefined && options.queueTimeout === undefined) return undefined
  throw new Error('not yet')
}

/** False when the options need nothing beyond what an executor does for a batch by itself: at most `timeout`. */
export function needsTask(options: PolicyOptions): boolean {
  return options.queueTimeout !== undefined
}

/** The `timeout` option in milliseconds. */
export function timeoutOnlyMs(options: PolicyOptions): number | undefined {
  return options.timeout === undefined ? undefined : durationMs(options.timeout, 'timeout')
}
