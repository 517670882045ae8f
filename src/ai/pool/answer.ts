/**
 * The fields of a failed answer: status, codes, headers. Only fields decide what a failure means. The words of a body may be anything,
 * also the prompt that the provider repeats, so no decision that concerns other calls may rest on them.
 *
 * Clients and providers put the same facts in different places: the error itself, its `data`, its `responseBody`, an `error` inside,
 * the error that it wraps. All of them are looked at, and every look is safe: a getter that throws has no value.
 */
import { isError } from '../../base/errors.ts'
import { isList } from '../../base/look.js'
import { statusOf } from '../../limits/index.ts'
import type { HeaderBag } from './limits/headers.ts'

export interface Answer {
  /** HTTP status, from the answer or from the error that a stream carries; undefined where nobody answered. */
  readonly status: number | undefined
  /** Types, codes, statuses and reasons that the provider names, in lower case. */
  readonly codes: ReadonlySet<string>
  /** What the provider says in its `message` field. For people, and for the call itself. */
  readonly message: string
  readonly headers: HeaderBag | undefined
  /** Gemini says in the body how long to wait (google.rpc.RetryInfo), in milliseconds. */
  readonly retryDelayMs: number | undefined
  /** The quotas that Gemini says were exceeded (google.rpc.QuotaFailure). */
  readonly quotas: readonly { readonly id: string; readonly value: string | undefined }[]
  /** The provider's moderation gives reasons (OpenRouter). */
  readonly flagged: boolean
}

/** Errors wrap errors; a chain that is longer than this goes in a circle, or is nobody's. Chosen. */
export const deepestCause = 5
/** A body that is larger than this is not an error object. OpenAI's and Anthropic's have some hundred bytes. Chosen. */
const largestBody = 65_536
const mostDetails = 32

/** What the error says in its fields. */
export function answerOf(error: unknown): Answer {
  const facts = new Facts()
  for (let at: unknown = error, depth = 0; at !== undefined && depth < deepestCause; depth++) {
    facts.look(at)
    if (facts.status !== undefined) break
    at = read(at, 'cause') ?? read(at, 'lastError')
  }
  return facts
}

/** A property, or undefined where reading it fails. */
export function read(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return undefined
  try {
    return (value as Record<string, unknown>)[name]
  } catch {
    return undefined
  }
}

class Facts implements Answer {
  status: number | undefined
  readonly codes = new Set<string>()
  message = ''
  headers: HeaderBag | undefined
  retryDelayMs: number | undefined
  readonly quotas: { id: string; value: string | undefined }[] = []
  flagged = false

  look(error: unknown): void {
    if (typeof error === 'string') {
      this.message ||= error
      return
    }
    this.status ??= safeStatus(error)
    this.headers ??= headersOf(error)
    const type = this.headers?.['x-amzn-errortype']
    if (type !== undefined) this.#code(type.split(':')[0])
    this.#body(error, 0)
    const text = read(error, 'responseBody')
    for (const body of [read(error, 'data'), typeof text === 'string' ? parsed(text) : undefined, read(error, 'body')])
      this.#body(body, 0)
    const own = read(error, 'message')
    if (this.message === '' && typeof own === 'string') this.message = own
  }

  #body(body: unknown, depth: number): void {
    if (typeof body !== 'object' || body === null || depth > 3) return
    // Gemini's streams answer with a list of one error.
    if (isList(body)) return this.#body(body[0], depth + 1)
    for (const name of ['type', 'code', 'status', 'reason', '__type']) this.#code(read(body, name))
    const message = read(body, 'message')
    if (!isError(body) && typeof message === 'string' && message !== '') this.message = message
    this.#code(read(read(body, 'innererror'), 'code'))
    const reasons = read(read(body, 'metadata'), 'reasons')
    if (isList(reasons) && reasons.length > 0) this.flagged = true
    const details = read(body, 'details')
    if (isList(details)) for (const detail of details.slice(0, mostDetails)) this.#detail(detail)
    this.#body(read(body, 'error'), depth + 1)
  }

  #code(code: unknown): void {
    if (typeof code === 'string' && code.length <= 100) this.codes.add(code.toLowerCase())
    const number = typeof code === 'string' && /^[45]\d\d$/.test(code) ? Number(code) : code
    // A stream begins with 200, and has the status of its error in the error.
    if (
      Number.isInteger(number) &&
      (number as number) >= 400 &&
      (number as number) < 600 &&
      !(this.status !== undefined && this.status >= 400)
    )
      this.status = number as number
  }

  #detail(detail: unknown): void {
    this.#code(read(detail, 'reason'))
    const delay = read(detail, 'retryDelay')
    const [, seconds] = (typeof delay === 'string' && /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(delay)) || []
    if (seconds !== undefined) this.retryDelayMs = Number(seconds) * 1_000
    const violations = read(detail, 'violations')
    if (!isList(violations)) return
    for (const violation of violations.slice(0, mostDetails)) {
      const [id, value] = [read(violation, 'quotaId'), read(violation, 'quotaValue')]
      if (typeof id === 'string') this.quotas.push({ id, value: typeof value === 'string' ? value : undefined })
    }
  }
}

/** The headers of a failed answer, with names in lower case: an object, a `Headers`, or those of a `response`. */
export function headersOf(error: unknown): HeaderBag | undefined {
  for (const bag of [read(error, 'responseHeaders'), read(error, 'headers'), read(read(error, 'response'), 'headers')]) {
    if (typeof bag !== 'object' || bag === null) continue
    try {
      const entries = typeof read(bag, 'entries') === 'function' ? [...(bag as Headers).entries()] : Object.entries(bag)
      return Object.fromEntries(
        entries.flatMap(([name, value]) => (typeof value === 'string' ? [[name.toLowerCase(), value]] : [])),
      )
    } catch {
      continue
    }
  }
  return undefined
}

function safeStatus(error: unknown): number | undefined {
  try {
    return statusOf(error)
  } catch {
    return undefined
  }
}

function parsed(text: string): unknown {
  if (text.length > largestBody) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
