import { APICallError } from 'ai'
import { describe, expect, test } from 'vitest'
import { BudgetExceeded, ModelCallFailed, QuotaExhausted, TimedOut } from '../../base/errors.ts'
import { judge, toModelError } from './failure.ts'

function answer(statusCode: number, body: object, responseHeaders: Record<string, string> = {}): APICallError {
  return new APICallError({
    message: 'said no',
    url: 'http://x',
    requestBodyValues: {},
    statusCode,
    responseBody: JSON.stringify(body),
    responseHeaders,
  })
}

const openai = (type: string, code: string | null, message = ''): object => ({ error: { message, type, param: null, code } })
const anthropic = (type: string, message = ''): object => ({ type: 'error', error: { type, message } })

const gemini = (quotaId: string): object => ({
  error: {
    code: 429,
    message: 'You exceeded your current quota, please check your plan and billing details.',
    status: 'RESOURCE_EXHAUSTED',
    details: [
      { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId }] },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '26.5s' },
    ],
  },
})

describe('judge', () => {
  test.each([
    [
      'OpenAI tokens',
      answer(429, openai('tokens', 'rate_limit_exceeded'), { 'retry-after-ms': '174' }),
      { kind: 'rate-limited', waitMs: 174, because: 'rate-limit' },
    ],
    [
      'OpenAI slow_down',
      answer(429, openai('requests', 'slow_down')),
      { kind: 'rate-limited', waitMs: undefined, because: 'rate-limit' },
    ],
    [
      'a wait above a minute',
      answer(429, {}, { 'retry-after': '75' }),
      { kind: 'rate-limited', waitMs: 75_000, because: 'rate-limit' },
    ],
    ['OpenAI quota', answer(429, openai('insufficient_quota', 'insufficient_quota')), { kind: 'quota', because: 'quota' }],
    [
      'Gemini per minute, in the words of a dead account',
      answer(429, gemini('GenerateRequestsPerMinutePerProjectPerModel-FreeTier')),
      { kind: 'rate-limited', waitMs: 26_500, because: 'rate-limit' },
    ],
    [
      'Gemini per day',
      answer(429, gemini('GenerateRequestsPerDayPerProjectPerModel-FreeTier')),
      { kind: 'quota', because: 'quota' },
    ],
    [
      'limits that are called credit',
      answer(429, openai('credit_limit', null, 'Your rate limits are 600 RPM (10 QPS)')),
      { kind: 'rate-limited', waitMs: undefined, because: 'rate-limit' },
    ],
    ['a spend limit', answer(429, openai('x', 'monthly_spend_limit_exceeded')), { kind: 'quota', because: 'quota' }],
    [
      'Anthropic credit',
      answer(400, anthropic('invalid_request_error', 'Your credit balance is too low')),
      { kind: 'quota', because: 'quota' },
    ],
    [
      'too large for the limit',
      answer(429, openai('tokens', 'rate_limit_exceeded', 'Request too large for x')),
      { kind: 'refused', failure: 'rejected', because: 'rate-limit' },
    ],
    [
      'OpenAI overload',
      answer(503, openai('server_error', 'server_is_overloaded')),
      { kind: 'transient', failure: 'overloaded', because: 'overload' },
    ],
    [
      'Anthropic overload',
      answer(529, anthropic('overloaded_error')),
      { kind: 'transient', failure: 'overloaded', because: 'overload' },
    ],
    [
      'overload within a stream',
      { type: 'overloaded_error', message: 'busy' },
      { kind: 'transient', failure: 'overloaded', because: 'overload' },
    ],
    ['a server error', answer(500, {}), { kind: 'transient', failure: 'server', because: 'server' }],
    ['a bad request', answer(400, {}), { kind: 'refused', failure: 'rejected', because: 'rejected' }],
    ['a wrong key', answer(401, {}), { kind: 'refused', failure: 'rejected', because: 'key', dead: 'surely' }],
    [
      'a status that the response has',
      Object.assign(new Error('x'), { response: { status: 400 } }),
      { kind: 'refused', failure: 'rejected', because: 'rejected' },
    ],
    [
      'an error of the provider that middleware wraps',
      new Error('x', { cause: answer(503, {}) }),
      { kind: 'transient', failure: 'overloaded', because: 'overload' },
    ],
    ['a status inside a stream', { code: 502, message: 'upstream' }, { kind: 'transient', failure: 'server', because: 'server' }],
    [
      'a status inside a stream that is text',
      { code: '429', message: 'slow' },
      { kind: 'rate-limited', waitMs: undefined, because: 'rate-limit' },
    ],
    [
      'OpenRouter and its moderation',
      answer(403, { error: { code: 403, metadata: { reasons: ['violence'] } } }),
      { kind: 'refused', failure: 'rejected', because: 'policy' },
    ],
    [
      'Azure and its content filter',
      answer(400, { error: { code: 'content_filter', innererror: { code: 'ResponsibleAIPolicyViolation' } } }),
      { kind: 'refused', failure: 'rejected', because: 'policy' },
    ],
    [
      'Bedrock',
      answer(400, {}, { 'x-amzn-errortype': 'ThrottlingException:http://x' }),
      { kind: 'rate-limited', waitMs: undefined, because: 'rate-limit' },
    ],
    [
      'DeepSeek and an empty account',
      answer(402, { error: { message: 'Insufficient Balance' } }),
      { kind: 'quota', because: 'quota' },
    ],
    [
      'Moonshot and a busy engine',
      answer(429, { error: { type: 'engine_overloaded_error' } }),
      { kind: 'transient', failure: 'overloaded', because: 'overload' },
    ],
    ['an abort', new DOMException('no', 'AbortError'), { kind: 'fatal', failure: 'rejected', because: 'program' }],
    [
      'a getter that throws',
      {
        get status() {
          throw new Error('boom')
        },
      },
      { kind: 'transient', failure: 'broken-stream', because: 'broken' },
    ],
    [
      'no key',
      Object.assign(new Error('x'), { name: 'AI_LoadAPIKeyError' }),
      { kind: 'refused', failure: 'not-sent', because: 'key', dead: 'surely' },
    ],
    ['a mistake', new TypeError('x is not a function'), { kind: 'fatal', failure: 'not-sent', because: 'program' }],
    [
      'an address that is none',
      new TypeError('Failed to parse URL', { cause: Object.assign(new TypeError('x'), { code: 'ERR_INVALID_URL' }) }),
      { kind: 'fatal', failure: 'not-sent', because: 'program' },
    ],
    ['a body cut off', answer(200, {}), { kind: 'transient', failure: 'broken-stream', because: 'broken' }],
    [
      'a lost connection',
      new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) }),
      { kind: 'transient', failure: 'network', because: 'network' },
    ],
    ['a timeout', new TimedOut('late', { clock: 'timeout' }), { kind: 'transient', failure: 'network', because: 'timeout' }],
    [
      'waiting too long for a turn',
      new TimedOut('late', { clock: 'queueTimeout' }),
      { kind: 'fatal', failure: 'rejected', because: 'program' },
    ],
    ['a budget', new BudgetExceeded('no'), { kind: 'fatal', failure: 'rejected', because: 'program' }],
    ['a bug', new RangeError('x'), { kind: 'fatal', failure: 'not-sent', because: 'program' }],
    ['nothing at all', undefined, { kind: 'transient', failure: 'broken-stream', because: 'broken' }],
  ])('%s', (_, error, verdict) => {
    expect(judge(error)).toEqual(verdict)
  })
})

test('the error of a call is named, is not retryable for the SDK, and keeps its cause', () => {
  const cause = answer(500, {})
  const error = toModelError(cause, judge(cause), 'p/m', 3)
  expect(error).toBeInstanceOf(ModelCallFailed)
  expect(error).toMatchObject({ failure: 'server', statusCode: 500, cause })
  expect(error.message).toBe('The call to p/m failed after 3 attempts (server): said no')
  expect(APICallError.isInstance(error)).toBe(false)
  const quota = answer(429, openai('insufficient_quota', null))
  expect(toModelError(quota, judge(quota), 'p/m', 1)).toBeInstanceOf(QuotaExhausted)
  const budget = new BudgetExceeded('no')
  expect(toModelError(budget, judge(budget), 'p/m', 1)).toBe(budget)
})
