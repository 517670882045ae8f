/**
 * One attempt at a call while it runs: its context, its timer, and what happens when it is asked to stop.
 */
import { Cancellation, cancelled } from '../base/abort.ts'
import type { Clock, TimerHandle } from '../base/clock.ts'
import { formatMs } from '../base/duration.ts'
import { type ClockName, TimedOut } from '../base/errors.ts'
import { currentFrame, type TaskContext } from '../base/frame.ts'
import { keyOf } from '../base/idempotency.js'
import { isThenable, settled } from '../base/look.js'
import { note, type TaskRecord } from '../base/observer.ts'
import type { CombinedLease } from './combine.ts'
import type { Retry } from './retry.ts'

/** A call as a policy sees it. */
export interface CallScope {
  /** Of the task or run that the call belongs to. */
  readonly cancellation: Cancellation
  /** When the run must be over, in milliseconds of the clock. @default `Infinity` */
  readonly deadline?: number
  /** For the call itself, from now, in milliseconds. @default none */
  readonly deadlineMs?: number | undefined
  /** For the context. @default 0 */
  readonly index?: number
  /** The context whose idempotency key all attempts have. @default none: the call has a key of its own */
  readonly context?: TaskContext
  /** Gets the number of attempts and the times of waiting and pausing. */
  readonly record?: TaskRecord | undefined
  /** Arguments of the call, for limiters with a `cost`. */
  readonly args?: readonly unknown[]
  /** The name in messages. @default 'The call' */
  readonly name?: string
}

/** The context that the function sees, with a cancellation of its own. */
export class Attempt implements TaskContext {
  /** Aborts with the call, and when the attempt's `timeout` runs out. */
  readonly cancellation = new Cancellation()
  readonly index: number
  readonly attempt: number
  readonly deadline: number
  readonly #call: CallScope
  /** Makes another attempt when this one fails. */
  readonly retry: Retry | undefined
  /** For an executor to call when the attempt waits no more, and when it waits again; undefined when nobody waits to know. */
  onWaiting: ((waiting: boolean) => void) | undefined

  constructor(call: CallScope, attempt: number, retry: Retry | undefined) {
    this.#call = call
    this.index = call.index ?? 0
    this.attempt = attempt
    this.deadline = call.deadline ?? Number.POSITIVE_INFINITY
    this.retry = retry
  }

  /** Made only when the function asks for it. */
  get signal(): AbortSignal {
    return this.cancellation.signal
  }

  get idempotencyKey(): string {
    return this.#call.context?.idempotencyKey ?? keyOf(this.#call)
  }
}

/**
 * Whether the code that is running is an attempt that will be made again if it fails with this error. Code that retries by itself asks, and
 * leaves it to the `retry` that somebody wrote around it: one layer retries. Says nothing of what is further out, for runs between
 * may do something else with a failure than pass it on.
 */
export function isRetriedOutside(error: unknown): boolean {
  const { context } = currentFrame()
  if (!(context instanceof Attempt)) return false
  try {
    return context.retry?.wants(error, context.attempt) ?? false
  } catch {
    // Of the caller's `retryIf`; it will throw again where it counts.
    return true
  }
}

/**
 * The bounds of an attempt. On this thread that is `timeout`, and `grace` after it. An executor keeps the timeout itself and always
 * settles; what is left to bound is the wait in its queue.
 */
export interface AttemptBounds {
  readonly clock: 'timeout' | 'queueTimeout'
  /** As it was set, for the message. @default none */
  readonly limitMs: number | undefined
  /** How much of it is left. */
  readonly leftMs: number
  /** Undefined: it always settles. */
  readonly graceMs: number | undefined
}

export class Running {
  /** Why it was asked to stop. This is then the outcome, whatever the function still gives. */
  stopped: Error | undefined
  readonly #context: Attempt
  readonly #clock: Clock
  readonly #call: CallScope
  readonly #graceMs: number | undefined
  readonly #unsubscribe: () => void
  #timer: TimerHandle | undefined
  #abandon: ((error: Error) => void) | undefined

  constructor(
    clock: Clock,
    call: CallScope,
    { number, retry }: { readonly number: number; readonly retry: Retry | undefined },
    { clock: name, limitMs, leftMs, graceMs }: AttemptBounds,
  ) {
    this.#clock = clock
    this.#call = call
    this.#graceMs = graceMs
    this.#context = new Attempt(call, number, retry)
    this.#unsubscribe = call.cancellation.subscribe((reason) => this.#stop(cancelled(reason, call.name)))
    if (limitMs === undefined) return
    const schedule = (ms: number): TimerHandle => clock.schedule(ms, () => this.#stop(outOfTime(call, name, limitMs)))
    this.#timer = schedule(leftMs)
    if (name === 'queueTimeout') this.#context.onWaiting = this.#queueClock(leftMs, schedule)
  }

  /** Runs while the attempt waits: also when it has to wait again, because the worker that had taken it is gone. */
  #queueClock(leftMs: number, schedule: (ms: number) => TimerHandle): (waiting: boolean) => void {
    const clock = this.#clock
    let from: number | undefined = clock.now()
    return (waiting) => {
      if (this.stopped || waiting === (from !== undefined)) return
      if (waiting) this.#timer = schedule(leftMs)
      else {
        clock.cancel(this.#timer)
        leftMs = Math.max(0, leftMs - (clock.now() - (from ?? 0)))
      }
      from = waiting ? clock.now() : undefined
    }
  }

  /** Calls the function. Settles as it does, or `grace` after it was asked to stop. */
  begin<T>(attempt: (context: Attempt) => T | PromiseLike<T>, lease: CombinedLease | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#abandon = reject
      lease?.start()
      const result = attempt(this.#context)
      if (isThenable(result)) settled(result, resolve as (value: unknown) => void, reject)
      else resolve(result)
    })
  }

  /** Takes timers and subscriptions off. */
  end(): void {
    this.#unsubscribe()
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer)
  }

  #stop(error: Error): void {
    if (this.stopped) return
    this.stopped = error
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer)
    this.#context.cancellation.abort(error)
    const graceMs = this.#graceMs
    if (graceMs === undefined) return
    this.#timer = this.#clock.schedule(graceMs, () => {
      const { name = 'The call', record } = this.#call
      note('other', record?.run.id ?? 0, `${name} was abandoned: it ignored its signal for ${formatMs(graceMs)}`)
      this.#abandon?.(error)
    })
  }
}

const took = { timeout: 'an attempt took', queueTimeout: 'it waited', deadline: 'it took' } as const

export function outOfTime({ name = 'The call' }: CallScope, clock: ClockName, limitMs: number): TimedOut {
  const message = `${name} timed out: ${took[clock]} longer than the ${clock} of ${formatMs(limitMs)}`
  return new TimedOut(message, { clock, limitMs })
}
