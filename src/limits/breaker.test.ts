import { describe, expect, test } from 'vitest'
import { SimulatedClock } from '../base/clock.ts'
import { Cancelled, CircuitOpen, InvalidOption, TimedOut } from '../base/errors.ts'
import { breakerAgainstModel } from './breaker.fixture.ts'
import { type BreakerOptions, CircuitBreaker, type Verdict } from './breaker.ts'
import { runs } from '../../test/support/runs.ts'

test('agrees with its model in any sequence of calls, outcomes and pauses', () => {
  const { halfOpen, reopened } = breakerAgainstModel(runs(500, 3_000))
  expect(halfOpen).toBeGreaterThan(50)
  expect(reopened).toBeGreaterThan(10)
})

/** A breaker with a clock to move by hand. */
function breaker(options: BreakerOptions) {
  const clock = new SimulatedClock()
  const own = new CircuitBreaker(options, clock)
  const call = (verdict: Verdict): void => own.settle(own.enter(), verdict)
  const times = (count: number, verdict: Verdict): void => {
    for (let i = 0; i < count; i++) call(verdict)
  }
  const wait = (ms: number): void => {
    clock.schedule(ms, () => {})
    clock.step()
  }
  return { own, call, times, wait }
}

describe('opening', () => {
  test('happens after so many failures in a row', () => {
    const { own, times } = breaker({ consecutive: 3 })
    times(2, 'failure')
    times(1, 'success')
    times(2, 'failure')
    expect(own.state).toBe('closed')
    times(1, 'failure')
    expect(own.state).toBe('open')
    expect(() => own.enter()).toThrow(CircuitOpen)
    expect(own.refused).toBe(1)
  })

  test('happens above a rate of failures, once enough calls were made', () => {
    const { own, times } = breaker({ failureRate: 0.5, over: 10, minimum: 4 })
    times(3, 'failure')
    expect(own.state).toBe('closed')
    times(5, 'success')
    times(2, 'failure')
    // 5 of the last 10 is not more than half; the next failure takes the place of the first failure.
    times(1, 'failure')
    expect(own.state).toBe('closed')
    times(1, 'success')
    times(1, 'failure')
    expect(own.state).toBe('closed')
    times(2, 'failure')
    expect(own.state).toBe('open')
  })

  test('takes no account of calls that tell nothing', () => {
    const { own, times } = breaker({ consecutive: 2 })
    times(1, 'failure')
    times(50, 'unknown')
    expect(own.state).toBe('closed')
    times(1, 'failure')
    expect(own.state).toBe('open')
  })

  test('says when it will probe', () => {
    const { own, times, wait } = breaker({ consecutive: 1, reset: '10s', name: 'the breaker of "ask"' })
    times(1, 'failure')
    wait(4_000)
    expect(() => own.enter()).toThrow('Refused without trying: the breaker of "ask" is open; it lets a probe through in 6.00 s')
  })
})

describe('half-open', () => {
  test('lets one probe through, whatever happens with the calls from before', () => {
    const { own, wait } = breaker({ consecutive: 1, reset: 100 })
    const [first, straggler] = [own.enter(), own.enter()]
    own.settle(first, 'failure')
    wait(100)
    const probe = own.enter()
    expect(() => own.enter()).toThrow('a probe is under way')
    own.settle(straggler, 'failure')
    expect(own.state).toBe('half-open')
    own.settle(probe, 'success')
    expect(own.state).toBe('closed')
  })

  test('gives up a probe that never settles', () => {
    const { own, times, wait } = breaker({ consecutive: 1, reset: 100, probeTimeout: 30 })
    times(1, 'failure')
    wait(100)
    const lost = own.enter()
    wait(29)
    expect(() => own.enter()).toThrow(CircuitOpen)
    wait(1)
    const next = own.enter()
    own.settle(lost, 'failure')
    expect(own.state).toBe('half-open')
    own.settle(next, 'success')
    expect(own.state).toBe('closed')
  })

  test('probes again when a probe told nothing', () => {
    const { own, times, call, wait } = breaker({ consecutive: 1, reset: 100 })
    times(1, 'failure')
    wait(100)
    call('unknown')
    expect(own.state).toBe('half-open')
    call('success')
    expect(own.state).toBe('closed')
  })
})

describe('what an error means', () => {
  const status = (code: number): Error => Object.assign(new Error(`HTTP ${code}`), { status: code })

  test.each<[string, unknown, Verdict]>([
    ['a server error', status(503), 'failure'],
    ['an error without a status', new Error('socket hang up'), 'failure'],
    ['a timeout', new TimedOut('', { clock: 'timeout' }), 'failure'],
    ['not found', status(404), 'success'],
    ['cancelled', new Cancelled(''), 'unknown'],
    ['a wait for a limiter', new TimedOut('', { clock: 'queueTimeout' }), 'unknown'],
    ['a mistake of the program', new TypeError('x is not a function'), 'unknown'],
  ])('%s', (_name, error, verdict) => {
    expect(new CircuitBreaker().verdict(error)).toBe(verdict)
  })

  test('is for `failIf` to say', () => {
    const own = new CircuitBreaker({ failIf: (error) => (error as { status?: number }).status === 404 })
    expect(own.verdict(status(404))).toBe('failure')
    expect(own.verdict(status(503))).toBe('success')
    expect(own.verdict(new Cancelled(''))).toBe('unknown')
  })
})

test('refuses options that make no sense', () => {
  expect(() => new CircuitBreaker({ consecutive: 0 })).toThrow(InvalidOption)
  expect(() => new CircuitBreaker({ failureRate: 2 })).toThrow(
    'Expected `failureRate` to be a number from 0 to 1, got 2 (number)',
  )
  expect(() => new CircuitBreaker({ over: 1e9 })).toThrow(InvalidOption)
  expect(() => new CircuitBreaker({ halfOpenAfter: 5 } as never)).toThrow('Unknown option `halfOpenAfter` of breaker')
})
