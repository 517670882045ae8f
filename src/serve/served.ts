/**
 * A model as everybody outside of this part sees it: callers in the same program, the HTTP server, the dashboard. `replicas()`
 * makes one for each model; a test may make one of a few lines.
 */
import type { Duration } from '../base/duration.ts'
import type { TaskContext } from '../base/frame.ts'
import type { ChatAbility, ModelKind } from './kinds.ts'
import type { ServedStats } from './stats.ts'

const brand = Symbol.for('heddle.served')

/** Options of one call of a served model. */
export interface ServedCallOptions {
  /** Gives up the call: its place in the queue is free at once, and a stream ends. @default only the run that calls */
  readonly signal?: AbortSignal
  /** From now: a call that has not started by then is dropped and rejects with `TimedOut`; one under way is given up. @default none */
  readonly deadline?: Duration
  /**
   * Higher ones are served first: within a tenant one level is worth ten seconds of waiting, and between tenants four times the share. So nobody waits
   * for ever. @default 0
   */
  readonly priority?: number
  /** Who asks: tenants with work waiting share the model by their weights. @default '' */
  readonly tenant?: string
}

/** What a call gives, and what it took. */
export interface Answer<Out> {
  readonly value: Out
  /** What the model counted for the item with `cost`, else 1. */
  readonly tokens: number
  /** Milliseconds in the queue. */
  readonly queuedMs: number
  /** Milliseconds at the replica, together with the rest of the batch. */
  readonly servedMs: number
  /** Number of the replica, from 0 up. */
  readonly replica: number
  /** How many items were computed together with it, itself included. */
  readonly batch: number
}

/** The parts of one answer as they are written. A loop over it that is left early gives the call up. */
export interface StreamedAnswer<Part, Out> extends AsyncIterable<Part> {
  /** The whole answer, when the last part has come. Rejects as the loop does. Need not be looked at, and does not wait for a loop. */
  readonly answer: Promise<Answer<Out>>
}

/** A model that {@link replicas} serves: a function of one item, with its queue and its replicas behind it. */
export interface Served<In = unknown, Out = unknown, Part = unknown> {
  /**
   * Asks the model about one item. Rejects with the model's own error, or with `Overflow` (the queue is full; it has `retryAfterMs`),
   * `BudgetExceeded` (the item is larger than the whole queue), `TimedOut` (the deadline has passed), `Cancelled` (the caller has left),
   * `WorkerCrashed` (the replica died under it), `CircuitOpen` (no replica is fit) or `Closed`.
   */
  (item: In, options?: ServedCallOptions | TaskContext): Promise<Out>
  /** The same, together with tokens and times. */
  ask(item: In, options?: ServedCallOptions | TaskContext): Promise<Answer<Out>>
  /**
   * The answer part by part. Refusals reject the first `next()` and `answer`.
   * @throws {InvalidOption} where the model has no `stream`
   */
  stream(item: In, options?: ServedCallOptions | TaskContext): StreamedAnswer<Part, Out>
  /** The name in the record that `replicas` got. */
  readonly name: string
  readonly kind: ModelKind
  /** Of a chat: what its requests may have beyond messages of text. */
  readonly accepts: readonly ChatAbility[]
  /** Whether {@link stream} can be called. */
  readonly streams: boolean
  /** A snapshot for metrics and pages. Costs microseconds. */
  stats(): ServedStats
  /** Loads the model where it is not loaded; when replicas are open and warm. Rejects with what `open` threw. */
  ready(): Promise<void>
  /**
   * Takes nothing more (`Closed`), finishes what is queued and under way, ends the replicas. What is left after `grace` rejects with
   * `Closed`. May be called twice. @default grace '10s'
   */
  close(options?: { readonly grace?: Duration }): Promise<void>
}

/** Makes a function a served model. */
export function asServed<In, Out, Part>(
  ask: (item: In, options?: ServedCallOptions | TaskContext) => Promise<Out>,
  rest: Omit<Served<In, Out, Part>, never>,
): Served<In, Out, Part> {
  for (const [key, value] of Object.entries(rest)) Object.defineProperty(ask, key, { value, enumerable: true })
  return Object.defineProperty(ask, brand, { value: true }) as unknown as Served<In, Out, Part>
}

/** Whether a value, such as an export of a module, is a model that `replicas` made, also by another copy of the package. Never throws. */
export function isServed(value: unknown): value is Served {
  return typeof value === 'function' && Object.hasOwn(value, brand)
}
