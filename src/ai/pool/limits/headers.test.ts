import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { goDurationMs, readRateLimits } from './headers.ts'

const openai = (name: string, limit: string, remaining: string, reset: string): Record<string, string> => ({
  [`x-ratelimit-limit-${name}`]: limit,
  [`x-ratelimit-remaining-${name}`]: remaining,
  [`x-ratelimit-reset-${name}`]: reset,
})

test.each([
  ['1s', 1_000],
  ['6m0s', 360_000],
  ['120ms', 120],
  ['1h2m3.5s', 3_723_500],
  ['250µs', 0.25],
  ['0', 0],
  ['59.7', 59_700],
  ['', undefined],
  ['-1', undefined],
  ['1s garbage', undefined],
  ['1d', undefined],
])('reads the duration %j', (text, ms) => {
  expect(goDurationMs(text)).toBe(ms)
})

test('reads the OpenAI form', () => {
  const headers = { ...openai('requests', '500', '499', '120ms'), ...openai('tokens', '30000', '18928', '22.144s') }
  expect(readRateLimits(headers, 0)).toEqual({
    charging: 'arrival',
    requests: { limit: 500, remaining: 499, step: 1, perMs: 60_000 },
    tokens: { limit: 30_000, remaining: 18_928, step: 1, perMs: 60_000 },
    inputTokens: undefined,
    outputTokens: undefined,
  })
})

test('tells limits per day and those of a faster world from the reset', () => {
  expect(readRateLimits(openai('requests', '10000', '9990', '1m26.4s'), 0)?.requests?.perMs).toBe(86_400_000)
  expect(readRateLimits(openai('requests', '14400', '14399', '6s'), 0)?.requests?.perMs).toBe(86_400_000)
  expect(readRateLimits(openai('requests', '600', '540', '100ms'), 0)?.requests?.perMs).toBeCloseTo(1_000)
  // 300 per minute, enforced as 5 per second: full again at once, and still 300 per minute.
  expect(readRateLimits(openai('requests', '300', '2', '600ms'), 0)?.requests?.perMs).toBeUndefined()
})

test('reads the Anthropic form, whose whole seconds say nothing about the span', () => {
  const now = Date.UTC(2026, 0, 1)
  const one = (name: string, limit: number, remaining: number): Record<string, string> => ({
    [`anthropic-ratelimit-${name}-limit`]: `${limit}`,
    [`anthropic-ratelimit-${name}-remaining`]: `${remaining}`,
    [`anthropic-ratelimit-${name}-reset`]: '2026-01-01T00:00:02Z',
  })
  const limits = readRateLimits(
    {
      ...one('requests', 50, 49),
      ...one('input-tokens', 50_000, 48_000),
      ...one('output-tokens', 10_000, 9_000),
      ...one('tokens', 60_000, 57_000),
    },
    now,
  )
  expect(limits).toEqual({
    charging: 'parts',
    requests: { limit: 50, remaining: 49, step: 1, perMs: undefined },
    tokens: undefined,
    inputTokens: { limit: 50_000, remaining: 48_000, step: 1_000, perMs: undefined },
    outputTokens: { limit: 10_000, remaining: 9_000, step: 1_000, perMs: undefined },
  })
})

test('-1, missing and unreadable figures are unknown', () => {
  expect(readRateLimits(undefined, 0)).toBeUndefined()
  expect(readRateLimits({}, 0)).toBeUndefined()
  expect(readRateLimits({ ...openai('requests', '-1', '-1', '0'), ...openai('tokens', '-1', '-1', '0') }, 0)).toBeUndefined()
  expect(readRateLimits(openai('requests', 'many', 'few', 'soon'), 0)).toBeUndefined()
  const limitAlone = { limit: 60, remaining: undefined, step: 1, perMs: undefined }
  expect(readRateLimits({ 'x-ratelimit-limit-requests': '60' }, 0)?.requests).toEqual(limitAlone)
  expect(readRateLimits(openai('requests', '60', '-1', '0'), 0)?.requests).toEqual(limitAlone)
})

test('never gives a figure that cannot be: whatever the headers hold', () => {
  const text = fc.oneof(
    fc.string(),
    fc.integer().map(String),
    fc.double().map(String),
    fc.constantFrom('1e309', 'NaN', '-0', '9'.repeat(400)),
  )
  fc.assert(
    fc.property(text, text, text, fc.double(), (limit, remaining, reset, now) => {
      const meter = readRateLimits(openai('tokens', limit, remaining, reset), now)?.tokens
      if (!meter) return
      expect(meter.limit).toBeGreaterThan(0)
      expect(meter.remaining ?? 0).toBeGreaterThanOrEqual(0)
      expect(meter.remaining ?? 0).toBeLessThanOrEqual(meter.limit)
      expect(meter.perMs ?? 60_000).toBeGreaterThan(0)
    }),
  )
})
