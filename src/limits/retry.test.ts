import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BudgetExceeded,
  Cancelled,
  CircuitOpen,
  DeadlockDetected,
  HeddleError,
  InvalidOption,
  TimedOut,
  WorkerCrashed,
} from '../base/errors.ts'
import { retryAfterMs } from './retry-after.ts'
import { RetryBudget } from './retry-budget.ts'
import { Retry } from './retry.ts'
import { isOverload, isTransient } from './transient.ts'

const failure = (fields: object = {}): Error => Object.assign(new Error('no'), fields)
const status = (code: number): Error => failure({ status: code })

describe('the pause', () => {
  test('is drawn from a bound that doubles up to the cap', () => {
    const longest = new Retry({ retries: 9, base: 100, cap: 1_000, budget: Infinity }, () => 1 - Number.EPSILON)
    const bounds = [1, 2, 3, 4, 5, 6].map((attempt) => Math.round(longest.pauseMs(failure(), attempt, 0) ?? -1))
    expect(bounds).toEqual([100, 200, 400, 800, 1_000, 1_000])
    const shortest = new Retry({ retries: 9, budget: Infinity }, () => 0)
    expect(shortest.pauseMs(failure(), 5, 0)).toBe(0)
  })

  test('is always a finite number within its bounds', () => {
    const anything = fc.record({
      base: fc.double({ min: 0, max: 1e9, noNaN: true }),
      cap: fc.double({ min: 0, max: 1e9, noNaN: true }),
      attempt: fc.integer({ min: 1, max: 5_000 }),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    })
    fc.assert(
      fc.property(anything, ({ base, cap, attempt, random }) => {
        const retry = new Retry({ retries: 10_000, base, cap, budget: Infinity }, () => random)
        const pause = retry.pauseMs(failure(), attempt, 0) as number
        expect(Number.isFinite(pause) && pause >= 0 && pause <= cap).toBe(true)
      }),
    )
  })

  test('is never shorter than the server asked for, and jittered beyond it', () => {
    const retry = new Retry({ base: 100, budget: Infinity }, () => 0.5)
    expect(retry.pauseMs(failure({ retryAfter: '3s' }), 1, 0)).toBe(3_050)
  })

  test('is none when the server asks for more than `maxRetryAfter`', () => {
    const retry = new Retry({ maxRetryAfter: '1m' })
    expect(retry.pauseMs(failure({ headers: { 'retry-after': '61' } }), 1, 0)).toBeUndefined()
    expect(retry.pauseMs(failure({ headers: { 'retry-after': '60' } }), 1, 0)).toBeGreaterThanOrEqual(60_000)
  })
})

describe('whether to retry', () => {
  test('is said by the number of retries', () => {
    const retry = new Retry(2)
    expect(retry.pauseMs(failure(), 2, 0)).toBeDefined()
    expect(retry.pauseMs(failure(), 3, 0)).toBeUndefined()
    expect(new Retry({}).retries).toBe(3)
  })

  test('is said by `retryIf`, which is told the attempt', () => {
    const asked: unknown[] = []
    const error = failure()
    const retry = new Retry({ retryIf: (...args) => asked.push(args) < 2 })
    expect(retry.pauseMs(error, 1, 0)).toBeDefined()
    expect(retry.pauseMs(error, 2, 0)).toBeUndefined()
    expect(asked).toEqual([
      [error, 1],
      [error, 2],
    ])
  })

  test.each<[string, unknown, boolean]>([
    ['an error without a status', failure(), true],
    ['a thrown string', 'no', true],
    ['a thrown undefined', undefined, true],
    ['a lost connection in fetch', new TypeError('fetch failed', { cause: new Error('ECONNRESET') }), true],
    ['a mistake of the program', new TypeError('x is not a function'), false],
    ['a name that does not exist', new ReferenceError('x is not defined'), false],
    ['a stack overflow', new RangeError('Maximum call stack size exceeded'), false],
    ['an answer that is no JSON', new SyntaxError('Unexpected end of JSON input'), true],
    ['500', status(500), true],
    ['529', status(529), true],
    ['429', status(429), true],
    ['408', status(408), true],
    ['400', status(400), false],
    ['404 at `response.status`', failure({ response: { status: 404 } }), false],
    ['503 at `statusCode`', failure({ statusCode: 503 }), true],
    ['500 with x-should-retry: false', failure({ status: 500, headers: new Headers({ 'x-should-retry': 'false' }) }), false],
    ['400 with x-should-retry: true', failure({ status: 400, headers: { 'x-should-retry': 'true' } }), true],
    ['an attempt that timed out', new TimedOut('', { clock: 'timeout' }), true],
    ['a deadline', new TimedOut('', { clock: 'deadline' }), false],
    ['a wait in a queue', new TimedOut('', { clock: 'queueTimeout' }), false],
    ['AbortSignal.timeout', new DOMException('', 'TimeoutError'), true],
    ['an abort', new DOMException('', 'AbortError'), false],
    ['a crashed worker', new WorkerCrashed(''), true],
    ['a thrown value that was no error', new HeddleError('', { cause: 5 }), true],
    ['cancelled', new Cancelled(''), false],
    ['an open circuit', new CircuitOpen(''), false],
    ['a deadlock', new DeadlockDetected(''), false],
    ['a budget', new BudgetExceeded(''), false],
    ['a wrong option', new InvalidOption(''), false],
  ])('by default: %s', (_name, error, transient) => {
    expect(isTransient(error)).toBe(transient)
  })

  test('is said by one layer only: what it gave up, those around it do not try again', () => {
    const error = failure()
    const inner = new Retry(1)
    const outer = new Retry(5)
    expect(inner.pauseMs(error, 2, 0)).toBeUndefined()
    expect(outer.pauseMs(error, 1, 0)).toBeUndefined()
    expect(outer.pauseMs(failure(), 1, 0)).toBeDefined()
  })

  test('leaves to the outer layer what the inner one would not retry', () => {
    const error = failure()
    expect(new Retry({ retryIf: () => false }).pauseMs(error, 1, 0)).toBeUndefined()
    expect(new Retry(1).pauseMs(error, 1, 0)).toBeDefined()
  })
})

describe('the budget', () => {
  test('allows a tenth of the calls of the last ten seconds, and a hundred in any case', () => {
    const budget = new RetryBudget()
    const spend = (times: number, now: number): number =>
      Array.from({ length: times }, () => budget.spend(now)).filter(Boolean).length
    expect(spend(1_000, 0)).toBe(100)
    for (let i = 0; i < 5_000; i++) budget.call(1_000)
    expect(spend(1_000, 2_000)).toBe(400)
    expect(budget.refused).toBe(900 + 600)
    // Eleven seconds after the last one everything is forgotten.
    expect(spend(1_000, 13_000)).toBe(100)
  })

  test('keeps every window of ten seconds within the bound', () => {
    const event = fc.record({ pause: fc.nat(3_000), calls: fc.nat(200), retries: fc.nat(100) })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const budget = new RetryBudget({ ratio: 0.1, floor: 5 })
        let now = 0
        const log: { second: number; calls: number; retries: number }[] = []
        for (const { pause, calls, retries } of events) {
          now += pause
          for (let i = 0; i < calls; i++) budget.call(now)
          let made = 0
          for (let i = 0; i < retries; i++) if (budget.spend(now)) made++
          log.push({ second: Math.floor(now / 1_000), calls, retries: made })
          const window = log.filter((entry) => entry.second > Math.floor(now / 1_000) - 10)
          const sum = (what: 'calls' | 'retries'): number => window.reduce((total, entry) => total + entry[what], 0)
          expect(made === 0 || sum('retries') <= Math.max(5, 0.1 * sum('calls'))).toBe(true)
        }
      }),
    )
  })

  test('can be lifted, and shared', () => {
    const free = new Retry({ retries: 1, budget: Infinity })
    for (let i = 0; i < 1_000; i++) expect(free.pauseMs(failure(), 1, 0)).toBeDefined()
    const shared = new RetryBudget({ floor: 1 })
    expect(new Retry({ budget: shared }).pauseMs(failure(), 1, 0)).toBeDefined()
    expect(new Retry({ budget: shared }).pauseMs(failure(), 1, 0)).toBeUndefined()
  })
})

describe('what a server asks for', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  test.each<[string, unknown, number | undefined]>([
    ['nothing', failure(), undefined],
    ['no object', 'no', undefined],
    ['retryAfterMs', failure({ retryAfterMs: 1_500 }), 1_500],
    ['retryAfter as a duration', failure({ retryAfter: '2s' }), 2_000],
    ['retryAfter as a bare number', failure({ retryAfter: 250 }), 250],
    ['retry-after in seconds', failure({ headers: { 'retry-after': '2' } }), 2_000],
    ['retry-after-ms before retry-after', failure({ headers: { 'retry-after': '2', 'retry-after-ms': '174' } }), 174],
    ['a Headers object', failure({ headers: new Headers({ 'Retry-After': '0.5' }) }), 500],
    ['headers of the response', failure({ response: { headers: new Headers({ 'Retry-After': '1' }) } }), 1_000],
    ['responseHeaders, as the AI SDK has them', failure({ responseHeaders: { 'retry-after': '3' } }), 3_000],
    ['a date', failure({ headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' } }), 30_000],
    ['a date that has passed', failure({ headers: { 'retry-after': 'Thu, 01 Jan 2015 00:00:30 GMT' } }), 0],
    ['nonsense', failure({ headers: { 'retry-after': 'soon' }, retryAfter: -1, retryAfterMs: Number.NaN }), undefined],
  ])('%s', (_name, error, ms) => {
    expect(retryAfterMs(error, now)).toBe(ms)
  })
})

test('knows overload from other failures', () => {
  expect([429, 503, 529].every((code) => isOverload(status(code)))).toBe(true)
  expect([400, 500, 502].some((code) => isOverload(status(code)))).toBe(false)
  expect(isOverload(new TimedOut('', { clock: 'timeout' }))).toBe(true)
  expect(isOverload(new TimedOut('', { clock: 'queueTimeout' }))).toBe(false)
  expect(isOverload(failure())).toBe(false)
})

test('refuses options that make no sense', () => {
  expect(() => new Retry(-1)).toThrow(InvalidOption)
  expect(() => new Retry({ retries: 1.5 })).toThrow('Expected `retries` to be a whole number from 0 up, got 1.5 (number)')
  expect(() => new Retry({ maxAttempts: 3 } as never)).toThrow('Unknown option `maxAttempts` of retry')
})
