/**
 * Waiters, first come first served. A waiter leaves by being served, by its timeout, by its signal, or because the task
 * that it waits in is cancelled; taking it out of the middle costs the same as serving it.
 */
import { Cancellation, cancelled } from '../base/abort.ts'
import { systemClock } from '../base/clock.ts'
import { type Duration, durationMs, formatMs } from '../base/duration.ts'
import { TimedOut } from '../base/errors.ts'
import type { Frame } from '../base/frame.ts'
import { type OptionRules, rules } from '../base/options.ts'
import { type Hold, Wait, Waitable } from '../base/wait-graph.ts'

/** Options of everything that may have to wait. A wait also ends when the task that it is in is cancelled. */
export interface WaitOptions {
  /** Ends the wait: it rejects with `Cancelled`. */
  readonly signal?: AbortSignal
  /** How long to wait at most; then `TimedOut`. @default no limit */
  readonly timeout?: Duration
}

export const waitRules: OptionRules<WaitOptions> = { signal: rules.signal, timeout: rules.duration }

/** The name of a lock, for messages. */
export interface NameOptions {
  /** The name in messages. */
  readonly name?: string
}

export const nameRules: OptionRules<NameOptions> = { name: rules.string }

/** `mutex "orders"`, `a mutex without a name`. */
export function labelOf(kind: string, name: string | undefined): string {
  return name === undefined ? `a ${kind} without a name` : `${kind} "${name}"`
}

/**
 * Calls `end` when the signal aborts, the timeout is over, or the task is cancelled; at once where it is already.
 * Gives the function that takes all that back.
 */
export function endedBy(frame: Frame, options: WaitOptions, label: () => string, end: (error: Error) => void): () => void {
  const stop = (reason: unknown): void => end(cancelled(reason, `Waiting for ${label()}`))
  const leaveTask = frame.cancellation.subscribe(stop)
  const leaveSignal = Cancellation.of(options.signal)?.subscribe(stop)
  const limitMs = options.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(options.timeout, 'timeout')
  const expire = (): void =>
    end(new TimedOut(`Waited for ${label()} longer than ${formatMs(limitMs)}`, { clock: 'timeout', limitMs }))
  const timer = limitMs === Number.POSITIVE_INFINITY ? undefined : systemClock.schedule(limitMs, expire)
  return () => {
    leaveTask()
    leaveSignal?.()
    if (timer !== undefined) systemClock.cancel(timer)
  }
}

/** A wait with its place in a {@link WaitQueue}, which owns `previous` and `next`. */
export class Waiter<T> extends Wait<T> {
  previous: Waiter<T> | undefined = undefined
  next: Waiter<T> | undefined = undefined
  #release: (() => void) | undefined

  /** Lets the options, or the cancellation of the task, end the wait. */
  bound(options: WaitOptions): void {
    this.#release = endedBy(
      this.frame,
      options,
      () => this.on.label(),
      (error) => this.leave(error),
    )
    if (!this.open) this.#release()
  }

  /** Ends the wait by the error, and takes it out of its line. */
  leave(error: Error): void {
    if (this.fail(error)) this.on.withdraw(this as unknown as Wait<never>)
  }

  protected override ended(): void {
    super.ended()
    this.#release?.()
  }
}

/** A {@link Waitable} with one line. */
export abstract class WaitQueue<T, W extends Waiter<T> = Waiter<T>> extends Waitable {
  #head: Waiter<T> | undefined
  #tail: Waiter<T> | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  get head(): W | undefined {
    return this.#head as W | undefined
  }

  /** Puts a waiter at the end; it has left again already where its signal was aborted. */
  join(waiter: W, options: WaitOptions): Promise<T> {
    waiter.previous = this.#tail
    if (this.#tail) this.#tail.next = waiter
    else this.#head = waiter
    this.#tail = waiter
    this.#length++
    waiter.bound(options)
    return waiter.promise
  }

  /** Serves the head, or any other. */
  serve(waiter: W, value: T): void {
    this.#remove(waiter)
    waiter.settle(value)
  }

  /** Ends every wait by the error. */
  dismiss(error: () => Error): void {
    for (let waiter = this.#head; waiter; waiter = this.#head) {
      this.#remove(waiter)
      waiter.fail(error())
    }
  }

  withdraw(wait: Wait<never>): void {
    this.#remove(wait as unknown as Waiter<T>)
    this.advance()
  }

  /** Takes a waiter out whose promise nobody needs any more, if it is still in. */
  drop(waiter: W): void {
    if (!waiter.open) return
    this.#remove(waiter)
    waiter.abandon()
  }

  /** Serves whoever can be served now. */
  protected abstract advance(): void

  #remove(waiter: Waiter<T>): void {
    const { previous, next } = waiter
    if (previous) previous.next = next
    else this.#head = next
    if (next) next.previous = previous
    else this.#tail = previous
    waiter.previous = waiter.next = undefined
    this.#length--
  }
}

/** A line whose waiters anybody may serve, so that the detector never accuses those who wait in it. */
export class OpenLine<T, W extends Waiter<T> = Waiter<T>> extends WaitQueue<T, W> {
  readonly exclusive = false
  readonly #label: () => string

  constructor(label: () => string) {
    super()
    this.#label = label
  }

  label(): string {
    return this.#label()
  }

  holds(): Iterable<Hold> {
    return []
  }

  passable(_live: (hold: Hold) => boolean): boolean {
    return true
  }

  protected advance(): void {}
}

/** @throws {Cancelled} when the signal was aborted before the wait began */
export function throwIfAborted({ signal }: WaitOptions, label: string): void {
  if (signal?.aborted) throw cancelled(signal.reason, `Waiting for ${label}`)
}
