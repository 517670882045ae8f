/**
 * The errors of heddle: one class per cause, all under {@link HeddleError}.
 *
 * Each has a stable `code` for programs, a `hint` for people where there is something to do, and a brand under
 * `Symbol.for`, so that `instanceof` also holds between two installed copies of the package and across threads.
 */

import { isA, messageOf, peek } from './look.js'

const brand = Symbol.for('heddle.error')
const classes = new Map<string, typeof HeddleError>()

export interface HeddleErrorOptions {
  readonly cause?: unknown
  /** How the reader can mend it; one sentence. */
  readonly hint?: string | undefined
}

/** The base of all errors of heddle: each cause has a class, a stable `code`, and where possible a `hint`. */
export class HeddleError extends Error {
  /** Stable across versions; compare this rather than the message. */
  declare readonly code: string
  declare readonly hint?: string

  constructor(message: string, options: HeddleErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    if (options.hint !== undefined) Object.defineProperty(this, 'hint', { value: options.hint, enumerable: true })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass made by a user keeps the ordinary meaning; ours are known by name, whichever copy made them.
    if (classes.get(this.prototype.name) !== this) return ordinaryInstance(this, value)
    const chain = peek(value, brand)
    return Array.isArray(chain) && chain.includes(this.prototype.name)
  }

  static {
    nameClass(this, 'HeddleError', 'HEDDLE_ERROR')
  }
}

function ordinaryInstance(type: typeof HeddleError, value: unknown): boolean {
  try {
    return Function.prototype[Symbol.hasInstance].call(type, value)
  } catch {
    // A proxy that traps it.
    return false
  }
}

/** Gives a class its name, its code and its brand. Also for errors that only one part of heddle throws. */
export function nameClass(type: typeof HeddleError, className: string, code: string): void {
  const inherited = (Object.getPrototypeOf(type.prototype) as { [brand]?: readonly string[] })[brand] ?? []
  Object.defineProperties(type.prototype, {
    name: { value: className, configurable: true, writable: true },
    code: { value: code, configurable: true, writable: true },
    [brand]: { value: [className, ...inherited] },
  })
  classes.set(className, type)
}

/** The class of that name: builds an error again that came from another thread, process or machine. */
export function errorClass(className: string): typeof HeddleError | undefined {
  return classes.get(className)
}

/** An option is unknown, of the wrong type or out of range; also a call with the wrong kind of argument. */
export class InvalidOption extends HeddleError {
  static {
    nameClass(this, 'InvalidOption', 'HEDDLE_INVALID_OPTION')
  }
}

/** A graph was built wrongly: a name twice, a need that is not a task, a task of another graph. */
export class InvalidGraph extends HeddleError {
  static {
    nameClass(this, 'InvalidGraph', 'HEDDLE_INVALID_GRAPH')
  }
}

/** Which clock ran out: of one attempt, of waiting to start, or of everything together. */
export type ClockName = 'timeout' | 'queueTimeout' | 'deadline'

/** A `timeout`, `queueTimeout` or `deadline` ran out. */
export class TimedOut extends HeddleError {
  declare readonly clock: ClockName
  /** The limit that ran out, in milliseconds. */
  declare readonly limitMs: number

  constructor(message: string, options: HeddleErrorOptions & { clock?: ClockName; limitMs?: number } = {}) {
    super(message, options)
    if (options.clock !== undefined) this.clock = options.clock
    if (options.limitMs !== undefined) this.limitMs = options.limitMs
  }

  static {
    nameClass(this, 'TimedOut', 'HEDDLE_TIMED_OUT')
  }
}

/** The task was cancelled: by a signal, by its scope, or because a sibling failed (then `cause` is that failure). */
export class Cancelled extends HeddleError {
  static {
    nameClass(this, 'Cancelled', 'HEDDLE_CANCELLED')
  }
}

/** The worker that ran the task ended before the task did. The message says exit code and reason. */
export class WorkerCrashed extends HeddleError {
  declare readonly exitCode?: number

  constructor(message: string, options: HeddleErrorOptions & { exitCode?: number | undefined } = {}) {
    super(message, options)
    if (options.exitCode !== undefined) this.exitCode = options.exitCode
  }

  static {
    nameClass(this, 'WorkerCrashed', 'HEDDLE_WORKER_CRASHED')
  }
}

/** A worker module could not be loaded, or its workers died at load too often. */
export class WorkerStartFailed extends HeddleError {
  static {
    nameClass(this, 'WorkerStartFailed', 'HEDDLE_WORKER_START_FAILED')
  }
}

/** A value cannot cross to another thread, process, machine or file. The message names the path of the value. */
export class Unserializable extends HeddleError {
  static {
    nameClass(this, 'Unserializable', 'HEDDLE_UNSERIALIZABLE')
  }
}

/** The task did not run, because one that it needs failed; `cause` is that failure. */
export class DependencyFailed extends HeddleError {
  static {
    nameClass(this, 'DependencyFailed', 'HEDDLE_DEPENDENCY_FAILED')
  }
}

/** The circuit breaker is open: the call was refused without trying. */
export class CircuitOpen extends HeddleError {
  static {
    nameClass(this, 'CircuitOpen', 'HEDDLE_CIRCUIT_OPEN')
  }
}

/** Tasks wait for one another in a circle. The message names the circle. */
export class DeadlockDetected extends HeddleError {
  static {
    nameClass(this, 'DeadlockDetected', 'HEDDLE_DEADLOCK')
  }
}

/** Fewer answers than `enough` arrived; from `scatter` it carries those that did, and what became of the others. */
export class QuorumNotReached extends HeddleError {
  declare readonly values?: readonly unknown[]
  declare readonly missing?: readonly { readonly index: number; readonly target: unknown; readonly error: unknown }[]

  constructor(message: string, options: HeddleErrorOptions & Pick<QuorumNotReached, 'values' | 'missing'> = {}) {
    super(message, options)
    if (options.values !== undefined) this.values = options.values
    if (options.missing !== undefined) this.missing = options.missing
  }

  static {
    nameClass(this, 'QuorumNotReached', 'HEDDLE_QUORUM_NOT_REACHED')
  }
}

/** The call would exceed a budget of money, tokens, calls or memory. */
export class BudgetExceeded extends HeddleError {
  static {
    nameClass(this, 'BudgetExceeded', 'HEDDLE_BUDGET_EXCEEDED')
  }
}

/**
 * Why a call to a model failed for good. `'not-sent'`: no key, an option that the client does not know, or a mistake in the program. `'quality'`: no answer
 * passed the pool's `check`.
 */
export type ModelFailure =
  | 'rejected'
  | 'not-sent'
  | 'rate-limited'
  | 'overloaded'
  | 'server'
  | 'network'
  | 'broken-stream'
  | 'quality'

/**
 * What was wrong, as far as fields say: the `key`, the `model` that is not there, the account's `quota`, an input too long for the context `window`, a content
 * `policy`, a request that was not understood (`rejected`), an answer that did not pass `check` (`quality`); `rate-limit`, `overload`, `timeout`, `server`,
 * `network`, a `broken` answer; or the `program` itself.
 */
export type FailureClass =
  | 'key'
  | 'model'
  | 'quota'
  | 'window'
  | 'policy'
  | 'rejected'
  | 'quality'
  | 'rate-limit'
  | 'overload'
  | 'timeout'
  | 'server'
  | 'network'
  | 'broken'
  | 'program'

/** A call to a model failed, and was not or could not be tried again; `cause` is what the provider's client threw. */
export class ModelCallFailed extends HeddleError {
  declare readonly failure: ModelFailure
  /** What was wrong, more exactly. */
  declare readonly because?: FailureClass
  /** HTTP status, where there was an answer. */
  declare readonly statusCode?: number

  constructor(
    message: string,
    options: HeddleErrorOptions & { failure?: ModelFailure; because?: FailureClass; statusCode?: number | undefined } = {},
  ) {
    super(message, options)
    if (options.failure !== undefined) this.failure = options.failure
    if (options.because !== undefined) this.because = options.because
    if (options.statusCode !== undefined) this.statusCode = options.statusCode
  }

  static {
    nameClass(this, 'ModelCallFailed', 'HEDDLE_MODEL_CALL_FAILED')
  }
}

/** The provider's account has used up its quota or credit: waiting does not help. */
export class QuotaExhausted extends HeddleError {
  static {
    nameClass(this, 'QuotaExhausted', 'HEDDLE_QUOTA_EXHAUSTED')
  }
}

/**
 * A program ended between sending a batch and recording it, and the provider's list of batches does not say whether it was sent. Sending it again could cost
 * twice.
 */
export class BatchInDoubt extends HeddleError {
  static {
    nameClass(this, 'BatchInDoubt', 'HEDDLE_BATCH_IN_DOUBT')
  }
}

/** What a model or tool gave does not match the schema that it was asked for. */
export class SchemaMismatch extends HeddleError {
  static {
    nameClass(this, 'SchemaMismatch', 'HEDDLE_SCHEMA_MISMATCH')
  }
}

/** A bounded queue or buffer is full, and its policy is to refuse. */
export class Overflow extends HeddleError {
  /** When a place may be free again, where the one that refuses can say so. */
  declare readonly retryAfterMs?: number

  constructor(message: string, options: HeddleErrorOptions & { retryAfterMs?: number | undefined } = {}) {
    super(message, options)
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs
  }

  static {
    nameClass(this, 'Overflow', 'HEDDLE_OVERFLOW')
  }
}

/** A command of `sh` exited with another code than 0, was ended by a signal, or could not be started. */
export class CommandFailed extends HeddleError {
  declare readonly command: string
  /** Undefined when a signal ended it, or when it never started. */
  declare readonly exitCode?: number
  declare readonly signal?: string
  /** The end of what it wrote. */
  declare readonly stdout: string
  declare readonly stderr: string

  constructor(message: string, options: HeddleErrorOptions & CommandOutcome) {
    super(message, options)
    const { command, exitCode, signal, stdout = '', stderr = '' } = options
    this.command = command
    if (exitCode !== undefined) this.exitCode = exitCode
    if (signal !== undefined) this.signal = signal
    // Not in every print of the error: it may be long, and most of it has been shown.
    Object.defineProperties(this, {
      stdout: { value: stdout, configurable: true },
      stderr: { value: stderr, configurable: true },
    })
  }

  static {
    nameClass(this, 'CommandFailed', 'HEDDLE_COMMAND_FAILED')
  }
}

export interface CommandOutcome {
  readonly command: string
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly stdout?: string
  readonly stderr?: string
}

/** A record of a file is longer than it may be. */
export class RecordTooLong extends HeddleError {
  static {
    nameClass(this, 'RecordTooLong', 'HEDDLE_RECORD_TOO_LONG')
  }
}

/** The scope, pool, channel or limiter was closed. */
export class Closed extends HeddleError {
  static {
    nameClass(this, 'Closed', 'HEDDLE_CLOSED')
  }
}

/** A journal is damaged in the middle, was written by another program or format, or is being written by another process. */
export class JournalRefused extends HeddleError {
  static {
    nameClass(this, 'JournalRefused', 'HEDDLE_JOURNAL_REFUSED')
  }
}

/** A journal could not be read or written; `cause` is what the system says. Nothing that was not safe has been acknowledged. */
export class JournalFailed extends HeddleError {
  static {
    nameClass(this, 'JournalFailed', 'HEDDLE_JOURNAL_FAILED')
  }
}

/** A file is not a heddle trace, is damaged, or was written by a newer version. */
export class InvalidTrace extends HeddleError {
  static {
    nameClass(this, 'InvalidTrace', 'HEDDLE_INVALID_TRACE')
  }
}

/** A file from outside is torn, damaged, or not of the kind that was expected. The message says where. */
export class FileRefused extends HeddleError {
  static {
    nameClass(this, 'FileRefused', 'HEDDLE_FILE_REFUSED')
  }
}

/** A thrown value, as an `Error`: a thrown string or object keeps its value as `cause`. */
export function toError(thrown: unknown): Error {
  return isError(thrown) ? thrown : notAnError(thrown)
}

/** Whether it is an error, also one of another realm (vm contexts, some test runners). */
export function isError(value: unknown): value is Error {
  if (isA(value, Error)) return true
  try {
    return Object.prototype.toString.call(value) === '[object Error]'
  } catch {
    return false
  }
}

function notAnError(thrown: unknown): Error {
  return new HeddleError(`a value that is not an Error was thrown: ${describe(thrown)}`, { cause: thrown })
}

/** The message of an error, for another message: `: the disk is full`; empty for anything else. */
export function because(reason: unknown): string {
  const message = isError(reason) ? messageOf(reason) : ''
  return message === '' ? '' : `: ${message}`
}

/** A short, safe rendering of any value with its type, for messages: `0 (number)`, `"abc" (string)`, `[…] (array)`. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'undefined':
      return 'undefined'
    case 'string':
      return `${JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value)} (string)`
    case 'bigint':
      return `${value}n (bigint)`
    case 'symbol':
      return `${String(value)} (symbol)`
    case 'function':
      return `${functionName(value)} (function)`
    case 'object':
      return describeObject(value)
    default:
      return `${String(value)} (${typeof value})`
  }
}

function functionName(value: object): string {
  const name = peek(value, 'name')
  return typeof name === 'string' && name !== '' ? name : 'an anonymous function'
}

function describeObject(value: object): string {
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`
    const found = peek(peek(Object.getPrototypeOf(value), 'constructor'), 'name')
    return `an object (${typeof found === 'string' && found !== '' ? found : 'no prototype'})`
  } catch {
    // A revoked proxy.
    return 'an object that cannot be looked at'
  }
}
