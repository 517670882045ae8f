/**
 * Judgements about the dependency that an error came from. Retry, breaker and adaptive concurrency share these
 * judgements, so that one failure means the same to all three.
 */
import {
  BudgetExceeded,
  Cancelled,
  CircuitOpen,
  Closed,
  DeadlockDetected,
  HeddleError,
  ModelCallFailed,
  type ModelFailure,
  TimedOut,
  WorkerCrashed,
} from '../base/errors.ts'
import { isA, peek, textOf } from '../base/look.js'

/** The HTTP status that an error carries: `status`, `statusCode`, or that of its `response`. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  for (const found of [peek(error, 'status'), peek(error, 'statusCode'), peek(peek(error, 'response'), 'status')]) {
    if (Number.isInteger(found) && (found as number) >= 100 && (found as number) < 600) return found as number
  }
  return undefined
}

/** A header of an error or of its response, from a `Headers` object or a plain one with names in lower case. */
export function headerOf(error: unknown, name: string): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const answer = answerIn(error)
  for (const bag of [peek(answer, 'headers'), peek(answer, 'responseHeaders'), peek(peek(answer, 'response'), 'headers')]) {
    if (typeof bag !== 'object' || bag === null) continue
    const found = entryOf(bag, name)
    if (typeof found === 'string' || typeof found === 'number') return textOf(found)
  }
  return undefined
}

/** Pools may be nested, but not as deep as this; causes that go in a circle end here. Chosen. */
const deepestPool = 8

/** Errors of a pool of models have the answer in their cause. */
export function answerIn(error: unknown): unknown {
  let at = error
  for (let depth = 0; at instanceof ModelCallFailed && depth < deepestPool; depth++) at = at.cause
  return at
}

/** What the bag has under the name: through its own `get`, which may be anything, or as a property. */
function entryOf(bag: object, name: string): unknown {
  const get = peek(bag, 'get')
  if (typeof get !== 'function') return peek(bag, name)
  try {
    return get.call(bag, name)
  } catch {
    return undefined
  }
}

/** Too many requests, service unavailable, and Anthropic's "overloaded". */
const overloadStatus = new Set([429, 503, 529])

/** The default of `isOverload`: the dependency says that it has too much to do (429, 503, 529), or did not answer in time. */
export function isOverload(error: unknown): boolean {
  if (error instanceof TimedOut) return error.clock === 'timeout'
  const status = statusOf(error)
  if (status !== undefined) return overloadStatus.has(status)
  return peek(error, 'name') === 'TimeoutError'
}

/** Answers below 500 after which the same request may still succeed: timeout, conflict of locks, too early, too many. */
const passing = new Set([408, 409, 425, 429])

/** Failures of models that the next request would meet again. */
const lasting: ReadonlySet<ModelFailure> = new Set(['rejected', 'not-sent', 'quality'])

/** Errors of the program itself. The next attempt would make the same mistake. */
const mistakes = [TypeError, ReferenceError, RangeError]

/**
 * The default of `retryIf`, and what a breaker counts as a failure: true when the cause may pass by itself.
 *
 * True for whatever is thrown, except
 * - every error of heddle's own but {@link WorkerCrashed}, a {@link TimedOut} attempt and a {@link ModelCallFailed} that was not
 *   rejected: being cancelled, refused or misused does not get better by trying again;
 * - `AbortError`: somebody stopped the call on purpose;
 * - an HTTP status below 500 other than 408, 409, 425 and 429, or the header `x-should-retry: false`;
 * - `TypeError`, `ReferenceError` and `RangeError` without a `cause` (`fetch` reports a lost connection as a `TypeError`
 *   with one).
 */
export function isTransient(error: unknown): boolean {
  const name = peek(error, 'name')
  if (name === 'AbortError') return false
  const wish = headerOf(error, 'x-should-retry')
  if (wish === 'true' || wish === 'false') return wish === 'true'
  if (error instanceof ModelCallFailed && error.failure !== undefined) return !lasting.has(error.failure)
  const status = statusOf(error)
  if (status !== undefined) return status >= 500 || passing.has(status)
  if (error instanceof TimedOut) return error.clock === 'timeout'
  // The base class itself stands for a thrown value that was no Error.
  if (error instanceof HeddleError) return error instanceof WorkerCrashed || name === 'HeddleError'
  return !(mistakes.some((type) => isA(error, type)) && peek(error, 'cause') === undefined)
}

/** Outcomes that say nothing about the dependency: it was not asked, or whoever asked went away. */
const silent = [Cancelled, Closed, CircuitOpen, DeadlockDetected, BudgetExceeded]

/** A breaker's verdict on an error: the dependency failed, it answered (if only with "not found"), or nothing is known. */
export function verdictOf(error: unknown): 'failure' | 'success' | 'unknown' {
  if (isTransient(error)) return 'failure'
  const status = statusOf(error)
  if (status !== undefined && !silent.some((type) => error instanceof type)) return 'success'
  return 'unknown'
}
