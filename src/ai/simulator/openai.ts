/** What all of OpenAI's wire formats share: errors, headers, waiting. */
import type { Refusal, Wire } from './wire.ts'

export const openaiCommon: Pick<Wire, 'refusal' | 'headers' | 'retryAfter' | 'charge'> = {
  charge: (request) => ({ tokens: Math.max((request.maxTokens ?? 0) * request.n, request.inputTokens), input: 0, output: 0 }),

  refusal({ kind, message }) {
    const [status, type, code] = refusals[kind]
    return { status, body: { error: { message, type, param: null, code } } }
  },

  headers(state, scale) {
    const headers: Record<string, string> = { 'x-request-id': state.id, 'openai-processing-ms': '0' }
    for (const [name, bucket] of [
      ['requests', state.requests],
      ['tokens', state.tokens],
    ] as const) {
      if (!bucket) continue
      headers[`x-ratelimit-limit-${name}`] = `${bucket.limit}`
      headers[`x-ratelimit-remaining-${name}`] = `${bucket.remaining}`
      headers[`x-ratelimit-reset-${name}`] = bucket.limit < 0 ? '0' : goDuration(bucket.resetMs / scale)
    }
    return headers
  },

  retryAfter: (ms) => ({ 'retry-after-ms': `${Math.ceil(ms)}`, 'retry-after': `${Math.ceil(ms / 1_000)}` }),
}

const refusals: Readonly<Record<Refusal['kind'], readonly [status: number, type: string, code: string | null]>> = {
  requests: [429, 'requests', 'rate_limit_exceeded'],
  tokens: [429, 'tokens', 'rate_limit_exceeded'],
  'too-large': [429, 'tokens', 'rate_limit_exceeded'],
  quota: [429, 'insufficient_quota', 'insufficient_quota'],
  overloaded: [503, 'server_error', 'server_is_overloaded'],
  'server-error': [500, 'server_error', null],
  bad: [400, 'invalid_request_error', null],
  foreign: [403, 'invalid_request_error', null],
  'unknown-model': [404, 'invalid_request_error', 'model_not_found'],
  key: [401, 'invalid_request_error', 'invalid_api_key'],
  route: [404, 'invalid_request_error', null],
}

/** A duration as Go prints it, which is what these headers hold: `6m0s`, `1.5s`, `120ms`. */
export function goDuration(ms: number): string {
  if (ms < 1_000) return `${Number(ms.toFixed(3))}ms`
  const minutes = Math.floor(ms / 60_000)
  const seconds = Number(((ms % 60_000) / 1_000).toFixed(3))
  const hours = Math.floor(minutes / 60)
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes % 60}m` : ''}${seconds}s`
}
