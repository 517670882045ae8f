/**
 * How long a server asked to be left alone, read from an error: first what a client library made of it, then
 * `retry-after-ms`, then `retry-after` (RFC 9110, section 10.2.3: seconds, or a date).
 */
import { type Duration, durationMs } from '../base/duration.ts'
import { peek } from '../base/look.js'
import { answerIn, headerOf } from './transient.ts'

/**
 * Milliseconds from now; undefined when the error asks for nothing.
 *
 * @param error its `retryAfterMs` (milliseconds) and `retryAfter` (a `Duration`: a bare number means milliseconds) count
 *   before its headers, which may be at `headers`, `responseHeaders` or `response.headers`
 * @param nowDate milliseconds since 1970, for a header that gives a date
 */
export function retryAfterMs(error: unknown, nowDate: number = Date.now()): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const answer = answerIn(error)
  return (
    milliseconds(peek(answer, 'retryAfterMs')) ??
    duration(peek(answer, 'retryAfter')) ??
    milliseconds(headerOf(error, 'retry-after-ms')) ??
    retryAfterHeader(headerOf(error, 'retry-after'), nowDate)
  )
}

function milliseconds(value: unknown): number | undefined {
  const ms = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof ms === 'number' && Number.isFinite(ms) && ms >= 0 ? ms : undefined
}

function duration(value: unknown): number | undefined {
  try {
    const ms = durationMs(value as Duration, 'retryAfter')
    return Number.isFinite(ms) ? ms : undefined
  } catch {
    return undefined
  }
}

function retryAfterHeader(value: string | undefined, nowDate: number): number | undefined {
  const seconds = milliseconds(value)
  if (value === undefined || seconds !== undefined) return seconds === undefined ? undefined : seconds * 1_000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowDate)
}
