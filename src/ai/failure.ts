/** What a failed call to a model says: whether to wait, to try again, to try elsewhere, or to stop. */
import { HeddleError, ModelCallFailed, type ModelFailure, QuotaExhausted, TimedOut } from '../base/errors.ts'
import { retryAfterMs, statusOf } from '../limits/index.ts'
import type { HeaderBag } from './headers.ts'
import { redacted, withoutKeys } from './redact.ts'

export type Verdict =
  /** The bucket is empty: everybody waits, and the call goes again. */
  | { readonly kind: 'rate-limited'; readonly waitMs: number | undefined }
  /** The account is used up: nobody may go on. */
  | { readonly kind: 'quota' }
  /** May pass by itself: another attempt, elsewhere if possible. */
  | { readonly kind: 'transient'; readonly failure: ModelFailure }
  /** The request itself is at fault, or the program: no attempt will do better. */
  | { readonly kind: 'fatal'; readonly failure: ModelFailure }

/**
 * Codes and types of errors that waiting does not help against, from OpenAI's and Anthropic's references; of Gemini the quota per day,
 * or one of nothing. Its limits per minute come with the very words of OpenAI's dead account ("You exceeded your current quota"), so
 * words alone say nothing.
 */
const fatalQuota =
  /insufficient_quota|credit_balance_exhausted|spend_limit_exceeded|billing_hard_limit_reached|billing_error|credit balance is too low|"quotaId":\s*"\w*PerDay|limit: 0(?![.\d])/i
/** Gemini says in the body how long to wait (google.rpc.RetryInfo). */
const retryDelay = /"retryDelay":\s*"(\d+(?:\.\d+)?)s"/
const tooLarge = /request too large/i

export function judge(error: unknown): Verdict {
  const status = statusOf(error)
  const text = describeAnswer(error)
  if (status !== undefined && status < 500 && fatalQuota.test(text)) return { kind: 'quota' }
  if (status === 429) {
    if (tooLarge.test(text) || headersOf(error)?.['x-should-retry'] === 'false') return { kind: 'fatal', failure: 'rejected' }
    return { kind: 'rate-limited', waitMs: retryAfterMs(error) ?? delayIn(text) }
  }
  if (status !== undefined) return byStatus(status)
  if (error instanceof TimedOut && error.clock === 'timeout') return { kind: 'transient', failure: 'network' }
  // A provider's stream reports its errors without a status.
  if (/overloaded/i.test(text)) return { kind: 'transient', failure: 'overloaded' }
  if (/rate_limit/i.test(text)) return { kind: 'rate-limited', waitMs: retryAfterMs(error) }
  if (error instanceof HeddleError) return { kind: 'fatal', failure: 'rejected' }
  if (error instanceof ReferenceError || error instanceof RangeError) return { kind: 'fatal', failure: 'rejected' }
  return { kind: 'transient', failure: isNetwork(error) ? 'network' : 'broken-stream' }
}

function delayIn(text: string): number | undefined {
  const [, seconds] = retryDelay.exec(text) ?? []
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}

function byStatus(status: number): Verdict {
  if (status === 503 || status === 529) return { kind: 'transient', failure: 'overloaded' }
  if (status >= 500 || status === 408 || status === 409 || status === 425) return { kind: 'transient', failure: 'server' }
  // An answer that began with 200 and could not be read to its end.
  if (status < 300) return { kind: 'transient', failure: 'broken-stream' }
  return { kind: 'fatal', failure: 'rejected' }
}

const networkCodes = /^(ECONN|ENOTFOUND|EPIPE|ETIMEDOUT|EAI_AGAIN|EHOST|ENET|UND_ERR)/

function isNetwork(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (networkCodes.test(String((at as { code?: unknown }).code ?? ''))) return true
    if (/fetch failed|cannot connect|socket|network|terminated/i.test(at.message)) return true
  }
  return false
}

/** The words of the answer: of its body where there is one. */
function describeAnswer(error: unknown): string {
  if (typeof error === 'string') return error
  if (typeof error !== 'object' || error === null) return ''
  const { responseBody, message, type, code } = error as Record<'responseBody' | 'message' | 'type' | 'code', unknown>
  const words = [responseBody, message, type, code].filter((part) => typeof part === 'string').join(' ')
  return words === '' ? safeJson(error) : words
}

function safeJson(value: object): string {
  try {
    return JSON.stringify(value).slice(0, 2_000)
  } catch {
    return ''
  }
}

/** The headers of a failed answer; names in lower case, as `fetch` gives them. */
export function headersOf(error: unknown): HeaderBag | undefined {
  return (error as { responseHeaders?: HeaderBag } | null | undefined)?.responseHeaders
}

/**
 * The error that a call is settled with. Never one that the AI SDK takes for retryable, so that its retries do not multiply
 * ours; what was thrown is the `cause`, without the keys that were in it.
 */
export function toModelError(error: unknown, verdict: Verdict, model: string, attempts: number): Error {
  if (error instanceof HeddleError) return error
  const after = attempts > 1 ? ` after ${attempts} attempts` : ''
  const said = withoutKeys(error instanceof Error ? error.message : describeAnswer(error))
  const cause = redacted(error)
  if (verdict.kind === 'quota') {
    return new QuotaExhausted(`The account for ${model} has used up its quota: ${said}`, {
      cause,
      hint: "Waiting does not help: look at the provider's billing page.",
    })
  }
  const failure = verdict.kind === 'rate-limited' ? 'rate-limited' : verdict.failure
  return new ModelCallFailed(`The call to ${model} failed${after} (${failure}): ${said}`, {
    cause,
    failure,
    statusCode: statusOf(error),
  })
}
