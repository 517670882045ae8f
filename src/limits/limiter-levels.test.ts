import { expect, test } from 'vitest'
import { SimulatedClock } from '../base/clock.ts'
import { Limiter } from './limiter.ts'

test('levels can be read, and set to what the other side says, up as well as down to a debt', async () => {
  const clock = new SimulatedClock()
  const shared = new Limiter({ rate: 60, tokens: 6_000, per: '1m', metering: 'bucket' }, clock)
  await shared.acquire({ cost: 1_000 })
  expect(shared.levels()).toEqual({ rate: 59, tokens: 5_000 })
  shared.setLevels({ tokens: -100, rate: 99 })
  expect(shared.levels()).toEqual({ rate: 60, tokens: -100 })
  let started = 0
  void shared.acquire({ cost: 100 }).then(() => started++)
  await clock.advance(1_999)
  expect(started).toBe(0)
  await clock.advance(1)
  expect(started).toBe(1)
  const waiting = shared.acquire({ cost: 3_000 })
  shared.setLevels({ tokens: 6_000 })
  await waiting
  expect(shared.levels().tokens).toBe(3_000)
})

test('what is not metered has no bound', () => {
  expect(new Limiter({ concurrency: 1 }).levels()).toEqual({ rate: Infinity, tokens: Infinity })
})

test('calls and tokens may be counted over different times', async () => {
  const clock = new SimulatedClock()
  const shared = new Limiter({ rate: 60, tokens: 6_000, per: '1m', metering: 'bucket' }, clock)
  shared.update({ rate: 10, per: '1h', tokens: 100, tokensPer: '1s' })
  await shared.acquire({ cost: 100 })
  await clock.advance(1_000)
  expect(shared.levels()).toEqual({ rate: 9 + 10 / 3_600, tokens: 100 })
  expect(() => new Limiter({ concurrency: 1 }).update({ tokensPer: '1s' })).toThrow(/`tokens` to be a bound/)
})
