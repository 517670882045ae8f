/**
 * What a client gets instead of an answer, in OpenAI's form: `{"error":{"message","type","param","code"}}`. Every refusal of the server is one of these, so that
 * the clients that people have already show it well, and know whether trying again makes sense.
 */
import {
  BudgetExceeded,
  Cancelled,
  CircuitOpen,
  Closed,
  Overflow,
  TimedOut,
  WorkerCrashed,
  WorkerStartFailed,
} from '../../../base/errors.ts'
import { messageOf } from '../../../base/look.js'
import { retryAfterMs } from '../../../limits/index.ts'
import { BadRequest } from '../../bad-request.ts'

export type ApiStatus = 400 | 401 | 403 | 404 | 405 | 408 | 413 | 415 | 429 | 499 | 500 | 503 | 504

/** Why something was refused: a label of the metrics, and the `code` of the answer. */
export type Cause =
  | 'bad_request'
  | 'invalid_api_key'
  | 'foreign_host'
  | 'not_found'
  | 'model_not_found'
  | 'model_not_allowed'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'body_too_large'
  | 'input_too_large'
  | 'unsupported_media_type'
  | 'requests_quota'
  | 'tokens_quota'
  | 'concurrency_quota'
  | 'queue_full'
  | 'memory_full'
  | 'client_closed'
  | 'failed'
  | 'loading'
  | 'draining'
  | 'unavailable'
  | 'waited_too_long'
  | 'deadline_exceeded'

export interface ApiErrorOptions {
  readonly param?: string | undefined
  /** @default the cause */
  readonly code?: string | undefined
  /** When asking again makes sense, in milliseconds from now. */
  readonly retryAfterMs?: number | undefined
  /** The connection must end after the answer: what comes on it cannot be told apart, or is not wanted. @default false */
  readonly closes?: boolean
  /** What happened inside, for the log of the server and not for the client. */
  readonly inside?: unknown
}

export class ApiError extends Error {
  readonly status: ApiStatus
  readonly why: Cause
  readonly options: ApiErrorOptions

  constructor(status: ApiStatus, why: Cause, message: string, options: ApiErrorOptions = {}) {
    super(message)
    this.status = status
    this.why = why
    this.options = options
  }

  /** The body of the answer. */
  get body(): { readonly error: { message: string; type: string; param: string | null; code: string } } {
    const { param = null, code = this.why } = this.options
    return { error: { message: this.message, type: typeOf(this.status), param, code } }
  }
}

/** The words of OpenAI for it. */
function typeOf(status: ApiStatus): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

/** Where an error says nothing about when to come again: soon enough for a queue that empties in a second. Chosen. */
const retryMs = 1_000

/** Any error of a model or of the server, as what the client gets. What is not known here is a 500 that does not show what is inside. */
export function apiErrorOf(error: unknown, requestId: string): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof BadRequest) {
    return new ApiError(400, 'bad_request', error.message, { param: error.param, code: error.reason })
  }
  const retryAfter = retryAfterMs(error) ?? retryMs
  if (error instanceof Overflow) {
    const message = 'The queue of the model is full. Send fewer requests at once, or try again later.'
    return new ApiError(429, 'queue_full', message, { retryAfterMs: retryAfter, inside: error })
  }
  if (error instanceof BudgetExceeded) {
    return new ApiError(413, 'input_too_large', 'The input is larger than all that may wait for the model.', { inside: error })
  }
  if (error instanceof TimedOut && error.clock === 'queueTimeout') {
    const message = 'The request waited in the queue for as long as it may. Try again later.'
    return new ApiError(503, 'waited_too_long', message, { retryAfterMs: retryAfter, inside: error })
  }
  if (error instanceof TimedOut) {
    return new ApiError(504, 'deadline_exceeded', 'The time for the request has run out.', { inside: error })
  }
  if (error instanceof Closed || error instanceof CircuitOpen || error instanceof WorkerStartFailed) {
    const message = 'The model is not available at this moment. Try again later.'
    return new ApiError(503, 'unavailable', message, { retryAfterMs: retryAfter, inside: error })
  }
  if (error instanceof Cancelled) return new ApiError(499, 'client_closed', messageOf(error), { inside: error })
  const what = error instanceof WorkerCrashed ? 'The process that ran the request ended.' : 'The server failed to answer.'
  const message = `${what} Its log has the reason under the request id ${requestId}.`
  return new ApiError(500, 'failed', message, { inside: error })
}
