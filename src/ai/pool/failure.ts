/**
 * The meaning of a failed call to a model: whether to wait, to try again, to try elsewhere, or to stop. Fields decide
 * ({@link answerOf}); words of a message decide at most about the call itself.
 */
import { isA } from '../../base/look.js'
import {
  BudgetExceeded,
  type FailureClass,
  HeddleError,
  ModelCallFailed,
  type ModelFailure,
  QuotaExhausted,
  TimedOut,
} from '../../base/errors.ts'
import { retryAfterMs } from '../../limits/index.ts'
import { type Answer, answerOf, deepestCause, read } from './answer.ts'
import { redacted } from '../../base/redact.ts'
import { withoutSecrets } from '../../base/secrets.ts'

export type Verdict = { readonly because: FailureClass } & (
  | /** The bucket is empty: everybody waits, and the call goes again. */
    { readonly kind: 'rate-limited'; readonly waitMs: number | undefined }
  /** The account is used up: nobody may go on. */
  | { readonly kind: 'quota' }
  /** May pass by itself: another attempt, elsewhere if possible. */
  | { readonly kind: 'transient'; readonly failure: ModelFailure }
  /** This model does not take this request; another may. */
  | {
      readonly kind: 'refused'
      readonly failure: ModelFailure
      /** The model takes no request at all: it refuses its key, or does not exist. `'likely'`: it may be this request, too. */
      readonly dead?: 'surely' | 'likely'
    }
  /** The program is at fault: no attempt and no model will do better. */
  | { readonly kind: 'fatal'; readonly failure: ModelFailure }
)

/** An answer broke off. Not an error of heddle's own kind, so that it is judged as what the provider did. */
export class BrokenAnswer extends Error {}

/** The model has answered, and the answer is not good enough, or a filter ended it. Paid for; another model may do better. */
export class UnfitAnswer extends Error {
  readonly because: 'quality' | 'policy'

  constructor(message: string, because: 'quality' | 'policy') {
    super(message)
    this.because = because
  }
}

/** Waiting does not help against these: from the references of OpenAI, Anthropic, Moonshot, DeepSeek, Alibaba and litellm's proxy. */
const quotaCodes = new Set([
  'insufficient_quota',
  'exceeded_current_quota_error',
  'credit_balance_exhausted',
  'insufficient_credits',
  'insufficient_balance',
  'billing_error',
  'billing_not_active',
  'billing_hard_limit_reached',
  'payment_required',
  'arrearage',
  'budget_exceeded',
])
const spendLimit = /^[a-z_]{0,60}spend_limit_(?:exceeded|reached)$/

/** The key is wrong. */
const keyCodes = new Set([
  'invalid_api_key',
  'incorrect_api_key',
  'invalid_authentication',
  'authentication_error',
  'api_key_invalid',
  'unauthenticated',
  'unauthorized',
  'account_deactivated',
  'account_disabled',
  'access_terminated',
  'permission_error',
  'permission_denied',
  'accessdeniedexception',
  'unrecognizedclientexception',
  'expiredtokenexception',
  'unsupported_country_region_territory',
])
/** The key is wrong, or the model is not there: no request to this model will be answered. */
const deadCodes = new Set([
  ...keyCodes,
  'model_not_found',
  'model_not_available',
  'model_decommissioned',
  'invalid_model',
  'unknown_model',
  'deploymentnotfound',
  'not_found_error',
  'resourcenotfoundexception',
])
const timeoutCodes = new Set(['timeout_error', 'deadline_exceeded'])
const lengthCodes = new Set([
  'context_length_exceeded',
  'context_window_exceeded',
  'string_above_max_length',
  'request_too_large',
  'prompt_too_long',
  'model_max_prompt_tokens_exceeded',
])
const policyCodes = new Set([
  'content_filter',
  'content_policy_violation',
  'content_policy',
  'responsibleaipolicyviolation',
  'moderation_blocked',
  'data_inspection_failed',
  'invalid_prompt',
  'prohibited_content',
  'policy_violation',
])
const overloadCodes = new Set([
  'overloaded_error',
  'overloaded',
  'server_is_overloaded',
  'engine_overloaded_error',
  'service_tier_capacity_exceeded',
  'service_unavailable',
  'serviceunavailableexception',
  'modelnotreadyexception',
  'unavailable',
])
const rateCodes = new Set([
  'rate_limit_error',
  'rate_limit_exceeded',
  'rate_limit_reached_error',
  'rate_limited',
  'too_many_requests',
  'throttlingexception',
  'toomanyrequestsexception',
  'resource_exhausted',
])
const serverCodes = new Set([
  'server_error',
  'api_error',
  'internal',
  'internal_error',
  'internal_server_error',
  'internalserverexception',
  'timeout_error',
  'deadline_exceeded',
  'bad_gateway',
  'upstream_error',
])

export function judge(error: unknown, depth = 0): Verdict {
  if (isA(error, BrokenAnswer)) return transient('broken-stream', 'broken')
  if (isA(error, UnfitAnswer))
    return { kind: 'refused', failure: error.because === 'quality' ? 'quality' : 'rejected', because: error.because }
  const ours = judgeOurs(error, depth)
  if (ours) return ours
  const answer = answerOf(error)
  const { status } = answer
  if (isQuota(answer)) return { kind: 'quota', because: 'quota' }
  // Another attempt would read as much again.
  if (isNamed(error, tooLarge)) return { kind: 'refused', failure: 'broken-stream', because: 'broken' }
  // Somebody stopped the request on purpose, or a client's own clock did.
  if (read(error, 'name') === 'AbortError' && status === undefined)
    return { kind: 'fatal', failure: 'rejected', because: 'program' }
  if (read(error, 'name') === 'TimeoutError' && status === undefined) return transient('network', 'timeout')
  if (isMistake(error, status)) return { kind: 'fatal', failure: 'not-sent', because: 'program' }
  if (neverSent(error)) {
    const isKey = isNamed(error, keyErrors)
    return { kind: 'refused', failure: 'not-sent', because: isKey ? 'key' : 'rejected', ...(isKey && { dead: 'surely' }) }
  }
  if (status === 429 || ((status === undefined || status < 500) && has(answer, rateCodes))) return judgeRefusal(error, answer)
  if (has(answer, overloadCodes) && (status === undefined || status >= 500)) return transient('overloaded', 'overload')
  if (status !== undefined && status >= 400) return judgeStatus(status, answer)
  if (has(answer, deadCodes)) return refused(has(answer, keyCodes) ? 'key' : 'model', 'surely')
  if (has(answer, lengthCodes)) return refused('window')
  if (has(answer, policyCodes)) return refused('policy')
  if (has(answer, serverCodes)) return transient('server', has(answer, timeoutCodes) ? 'timeout' : 'server')
  // An answer that began with 200 and could not be read to its end, or nobody who says what happened.
  return status === undefined && isNetwork(error) ? transient('network', 'network') : transient('broken-stream', 'broken')
}

function transient(failure: ModelFailure, because: FailureClass): Verdict {
  return { kind: 'transient', failure, because }
}

function refused(because: FailureClass, dead?: 'surely' | 'likely'): Verdict {
  return { kind: 'refused', failure: 'rejected', because, ...(dead && { dead }) }
}

/** What heddle itself has thrown, a pool inside this one included. */
function judgeOurs(error: unknown, depth: number): Verdict | undefined {
  if (!(error instanceof HeddleError)) return undefined
  if (error instanceof TimedOut && error.clock === 'timeout') return transient('network', 'timeout')
  if (error instanceof QuotaExhausted) return { kind: 'quota', because: 'quota' }
  if (error instanceof ModelCallFailed && error.failure !== undefined) {
    const { failure } = error
    if (failure === 'rejected' || failure === 'not-sent' || failure === 'quality')
      return { kind: 'refused', failure, because: error.because ?? 'rejected' }
    return transient(failure, error.because ?? 'server')
  }
  if (error instanceof BudgetExceeded || error.code !== 'HEDDLE_ERROR')
    return { kind: 'fatal', failure: 'rejected', because: 'program' }
  // The base class stands for a thrown value that was not an Error. Causes may go in a circle.
  return error.cause === undefined || depth > deepestCause ? undefined : judge(error.cause, depth + 1)
}

function judgeRefusal(error: unknown, answer: Answer): Verdict {
  if (has(answer, overloadCodes)) return transient('overloaded', 'overload')
  // OpenAI: one request needs more than a whole minute has. These words decide about this request only.
  const needsMore = has(answer, rateCodes) && answer.message.startsWith('Request too large')
  if (needsMore || answer.headers?.['x-should-retry'] === 'false') return refused('rate-limit')
  return { kind: 'rate-limited', waitMs: safeRetryAfterMs(error) ?? answer.retryDelayMs, because: 'rate-limit' }
}

function judgeStatus(status: number, answer: Answer): Verdict {
  if (answer.headers?.['x-should-retry'] === 'false')
    return status >= 500 ? { kind: 'refused', failure: 'server', because: 'server' } : refused('rejected')
  if (status === 503 || status === 529) return transient('overloaded', 'overload')
  if (status === 408 || status === 504) return transient('server', 'timeout')
  if (status >= 500 || status === 409 || status === 425) return transient('server', 'server')
  if (has(answer, lengthCodes) || status === 413) return refused('window')
  if (has(answer, policyCodes) || answer.flagged) return refused('policy')
  if (status === 401 || has(answer, deadCodes))
    return refused(status === 401 || has(answer, keyCodes) ? 'key' : 'model', 'surely')
  if (status === 403) return refused('key', 'likely')
  if (status === 404 || status === 410) return refused('model', 'likely')
  return refused('rejected')
}

/**
 * Gemini's limits per minute come with the very words of OpenAI's dead account ("You exceeded your current quota"); the quota's id says
 * which it is. Anthropic's empty account has no field of its own: its form, its status and the whole beginning of its message do.
 */
function isQuota({ status, codes, quotas, message }: Answer): boolean {
  if (status !== undefined && status >= 500) return false
  if (status === 402 || quotas.some(({ id, value }) => id.includes('PerDay') || value === '0')) return true
  for (const code of codes) if (quotaCodes.has(code) || spendLimit.test(code)) return true
  return (
    status === 400 &&
    codes.has('error') &&
    codes.has('invalid_request_error') &&
    message.startsWith('Your credit balance is too low')
  )
}

function has({ codes }: Answer, known: ReadonlySet<string>): boolean {
  for (const code of codes) if (known.has(code)) return true
  return false
}

const keyErrors = new Set(['AI_LoadAPIKeyError', 'AI_LoadSettingError', 'AI_NoSuchModelError', 'AI_NoSuchProviderError'])
/** The AI SDK throws these before it sends anything. */
const unsentErrors = new Set([
  ...keyErrors,
  'AI_InvalidArgumentError',
  'AI_InvalidPromptError',
  'AI_UnsupportedFunctionalityError',
  'AI_TooManyEmbeddingValuesForCallError',
])
const tooLarge = new Set(['AnswerTooLarge'])
/** Nobody was reached, so nothing was sent. */
const unreached = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

/** The client had something against the request: no key, no such option. Nothing was sent. */
function neverSent(error: unknown): boolean {
  return isNamed(error, unsentErrors)
}

/** Whether the error says that the request has not reached anybody: then nothing can be billed. */
export function notReached(error: unknown): boolean {
  return neverSent(error) || chain(error).some((at) => unreached.has(String(read(at, 'code') ?? '')))
}

function isNamed(error: unknown, names: ReadonlySet<string>): boolean {
  return chain(error).some((at) => names.has(String(read(at, 'name') ?? '')))
}

/** Errors of the program itself: `fetch` reports a lost connection as a `TypeError` with a cause, and an address that is not one with a code. */
function isMistake(error: unknown, status: number | undefined): boolean {
  if (status !== undefined) return false
  const mistakes = [TypeError, ReferenceError, RangeError]
  if (!mistakes.some((type) => isA(error, type))) return chain(error).some((at) => read(at, 'code') === 'ERR_INVALID_URL')
  const cause = read(error, 'cause')
  return (cause === undefined && !networkWords.test(String(read(error, 'message')))) || read(cause, 'code') === 'ERR_INVALID_URL'
}

const networkCodes = /^(ECONN|ENOTFOUND|EPIPE|ETIMEDOUT|EAI_AGAIN|EHOST|ENET|UND_ERR)/
/** What the clients of Node, undici, Deno, Bun and the AI SDK say of lost connections. */
const networkWords = /^(?:fetch failed|failed to fetch|load failed|cannot connect|terminated|socket|network|other side closed)/i

function isNetwork(error: unknown): boolean {
  return chain(error).some(
    (at) => networkCodes.test(String(read(at, 'code') ?? '')) || networkWords.test(String(read(at, 'message') ?? '')),
  )
}

/** The error and what it was caused by. */
function chain(error: unknown): readonly unknown[] {
  const found: unknown[] = []
  for (let at = error; typeof at === 'object' && at !== null && found.length < deepestCause; at = read(at, 'cause'))
    found.push(at)
  return found
}

function safeRetryAfterMs(error: unknown): number | undefined {
  try {
    return retryAfterMs(error)
  } catch {
    return undefined
  }
}

/** Longer messages are cut. Chosen. */
const longestMessage = 2_000

/** What the provider or its client says, for people. */
export function saidBy(error: unknown): string {
  const own = read(error, 'message')
  const said = typeof own === 'string' && own !== '' ? own : answerOf(error).message
  const text = withoutSecrets((said === '' ? safeJson(error) : said).slice(0, 4 * longestMessage))
  return text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text
}

function safeJson(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, longestMessage)
  } catch {
    return 'a value that cannot be shown'
  }
}

/**
 * The error that a call is settled with. Never one that the AI SDK takes for retryable, so that its retries do not multiply
 * ours; what was thrown is the `cause`, without the keys that were in it.
 */
export function toModelError(error: unknown, verdict: Verdict, model: string, attempts: number, hint?: string): Error {
  if (error instanceof HeddleError && error.code !== 'HEDDLE_ERROR') return error
  // As the model itself gives it: callers and the SDK know an abort by its name.
  if (verdict.kind === 'fatal' && read(error, 'name') === 'AbortError') return error as Error
  const after = attempts > 1 ? ` after ${attempts} attempts` : ''
  const said = saidBy(error)
  const cause = redacted(error)
  if (verdict.kind === 'quota') {
    return new QuotaExhausted(`The account for ${model} has used up its quota: ${said}`, {
      cause,
      hint: "Waiting does not help: look at the provider's billing page.",
    })
  }
  const { because } = verdict
  const failure = verdict.kind === 'rate-limited' ? 'rate-limited' : verdict.failure
  return new ModelCallFailed(`The call to ${model} failed${after} (${failure}): ${said}`, {
    cause,
    failure,
    because,
    statusCode: statusOfAnswer(error),
    ...(hint !== undefined && { hint }),
  })
}

/** The status of the answer, wherever the error has it. */
export function statusOfAnswer(error: unknown): number | undefined {
  return answerOf(error).status
}

/** Whether a provider has answered with an error: then nothing is billed. */
export function wasRefused(error: unknown): boolean {
  const status = statusOfAnswer(error)
  return status !== undefined && status >= 400
}
