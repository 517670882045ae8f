/**
 * The limits in a provider's response headers. Two forms are known: OpenAI's `x-ratelimit-*`, which most compatible
 * servers send, and Anthropic's `anthropic-ratelimit-*`. Pure: headers and the time come in, figures go out.
 *
 * -1, missing and unreadable figures are unknown. Some deployments send `-1, -1, 0`, some send nothing.
 */

/** One limit: how many units per {@link Meter.perMs}, and how many of them were left when the answer was made. */
export interface Meter {
  readonly limit: number
  /** Undefined where these headers do not say it. */
  readonly remaining: number | undefined
  /** `remaining` is rounded to a multiple of this. */
  readonly step: number
  /** The time that the limit is for, in milliseconds; undefined where these headers do not say it. */
  readonly perMs: number | undefined
}

/** How tokens are taken: by what is asked for, when a request arrives; or input and output apart, as they are used. */
export type Charging = 'arrival' | 'parts'

export interface RateLimits {
  /** Undefined where the headers do not show it. */
  readonly charging: Charging | undefined
  readonly requests: Meter | undefined
  /** Input and output together. */
  readonly tokens: Meter | undefined
  readonly inputTokens: Meter | undefined
  readonly outputTokens: Meter | undefined
}

export type HeaderBag = Readonly<Record<string, string | undefined>>

/**
 * The limits in the headers; undefined when there are none.
 * @param headers names in lower case
 * @param nowDate milliseconds since 1970, by the clock of this machine
 */
export function readRateLimits(headers: HeaderBag | undefined, nowDate: number): RateLimits | undefined {
  if (!headers) return undefined
  return openaiLimits(headers) ?? anthropicLimits(headers, nowDate)
}

function openaiLimits(headers: HeaderBag): RateLimits | undefined {
  const meter = (name: string): Meter | undefined =>
    meterOf(
      headers[`x-ratelimit-limit-${name}`],
      headers[`x-ratelimit-remaining-${name}`],
      goDurationMs(headers[`x-ratelimit-reset-${name}`]),
    )
  const [requests, tokens] = [meter('requests'), meter('tokens')]
  if (!requests && !tokens) return undefined
  return { charging: tokens && 'arrival', requests, tokens, inputTokens: undefined, outputTokens: undefined }
}

/** "The number of tokens remaining (rounded to the nearest thousand)", says Anthropic's reference. */
const tokenStep = 1_000

function anthropicLimits(headers: HeaderBag, nowDate: number): RateLimits | undefined {
  const meter = (name: string): Meter | undefined => {
    const header = (part: string): string | undefined => headers[`anthropic-ratelimit-${name}-${part}`]
    const reset = header('reset')
    // Whole seconds are too coarse to compute the span from, and its limits are all per minute.
    const fine = reset !== undefined && /\.\d/.test(reset)
    const step = name === 'requests' ? 1 : tokenStep
    return meterOf(header('limit'), header('remaining'), fine ? Date.parse(reset) - nowDate : undefined, step)
  }
  const limits = { requests: meter('requests'), inputTokens: meter('input-tokens'), outputTokens: meter('output-tokens') }
  const parts = limits.inputTokens ?? limits.outputTokens
  const tokens = parts ? undefined : meter('tokens')
  if (!limits.requests && !limits.inputTokens && !limits.outputTokens && !tokens) return undefined
  return { charging: parts && 'parts', ...limits, tokens }
}

function meterOf(
  limitText: string | undefined,
  remainingText: string | undefined,
  resetMs: number | undefined,
  step = 1,
): Meter | undefined {
  const limit = count(limitText)
  const remaining = count(remainingText)
  if (limit === undefined || limit === 0) return undefined
  if (remaining === undefined) return { limit, remaining, step, perMs: undefined }
  const left = Math.min(limit, remaining)
  return { limit, remaining: left, step, perMs: spanOf(limit, left, resetMs) }
}

/** A whole number from 0 up, else unknown. */
function count(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*\d+(\.\d+)?\s*$/.test(text)) return undefined
  const value = Math.floor(Number(text))
  return Number.isSafeInteger(value) ? value : undefined
}

const minuteMs = 60_000
/** What limits are for, in practice. */
const usualSpansMs = [minuteMs, 3_600_000, 86_400_000]

/** Beyond these a reset is nonsense: a clock that jumped, or a header that lies. Chosen. */
const shortestSpanMs = 1
const longestSpanMs = 31 * 86_400_000

/**
 * The time that a limit is for. Headers do not say it, but the bucket refills all the time, so the reset is
 * `(limit - remaining) / limit × span`. Read off and snapped to a minute, an hour or a day when it is near one (remaining is
 * rounded, and the reset too). A bucket that holds less than the limit (60 per minute, enforced as 1 per second) is full again
 * sooner, and never shows half of the limit: so less than a minute is only believed while half of it is left.
 */
function spanOf(limit: number, remaining: number, resetMs: number | undefined): number | undefined {
  const used = limit - remaining
  if (resetMs === undefined || !(resetMs > 0) || used <= 0) return undefined
  const span = (resetMs * limit) / used
  // Remaining is cut to a whole number: the true use is up to one less.
  const spanAtMost = used > 1 ? (resetMs * limit) / (used - 1) : Number.POSITIVE_INFINITY
  for (const usual of usualSpansMs) if (span * 0.7 <= usual && usual <= Math.min(span * 1.5, spanAtMost * 1.1)) return usual
  const least = remaining * 2 >= limit ? shortestSpanMs : minuteMs
  return span >= least && span <= longestSpanMs ? span : undefined
}

const goUnitMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** A duration as Go prints it, in milliseconds: `6m0s`, `1.5s`, `120ms`. A bare number is seconds. Undefined for anything else. */
export function goDurationMs(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const bare = Number(text)
  if (!Number.isNaN(bare)) return bare >= 0 ? bare * 1_000 : undefined
  if (!/^(?:\d{1,15}(?:\.\d{1,15})?(?:ns|us|µs|ms|s|m|h)){1,8}$/.test(text.trim())) return undefined
  let ms = 0
  for (const [, number, unit] of text.matchAll(/(\d{1,15}(?:\.\d{1,15})?)(ns|us|µs|ms|s|m|h)/g))
    ms += Number(number) * (goUnitMs[unit as string] as number)
  return ms
}
