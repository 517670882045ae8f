import { expect, test } from 'vitest'
import { SimulatedClock } from '../base/clock.ts'
import { Limiter } from './limiter.ts'

test('levels can be read, and set to what the other side says, up as well as down to a debt', async () => {
  const clock = new SimulatedClock()
  const shared = new Limiter({ rate: 60, tokens: 6_000, per: '1m', metering: 'bucket' }, clock)
  await shared.acquire({ cost: 1_000 })
  expect(shared.levels()).toMatchObject({ rate: 59, tokens: 5_000 })
  shared.setLevels({ tokens: -100, rate: 99 })
  expect(shared.levels()).toMatchObject({ rate: 60, tokens: -100 })
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
  expect(new Limiter({ concurrency: 1 }).levels()).toEqual({ rate: Infinity, tokens: Infinity, outputTokens: Infinity })
})

test('calls and tokens may be counted over different times', async () => {
  const clock = new SimulatedClock()
  const shared = new Limiter({ rate: 60, tokens: 6_000, per: '1m', metering: 'bucket' }, clock)
  shared.update({ rate: 10, per: '1h', tokens: 100, tokensPer: '1s' })
  await shared.acquire({ cost: 100 })
  await clock.advance(1_000)
  expect(shared.levels()).toMatchObject({ rate: 9 + 10 / 3_600, tokens: 100 })
  expect(() => new Limiter({ concurrency: 1 }).update({ tokensPer: '1s' })).toThrow(/`tokens` to be a bound/)
})

test('output tokens are an allowance of their own: taken together with the rest, or not at all', async () => {
  const clock = new SimulatedClock()
  const shared = new Limiter({ concurrency: 1, tokens: 1_000, outputTokens: 100, per: '10s', metering: 'bucket' }, clock)
  const first = await shared.acquire({ cost: 10, outputCost: 80 })
  first.release(10, undefined, 60)
  expect(shared.levels()).toMatchObject({ tokens: 990, outputTokens: 40 })
  const order: string[] = []
  const large = shared.acquire({ cost: 10, outputCost: 90 })
  void large.then(() => order.push('large'))
  // Waiting, it holds neither the place nor tokens; and a small one does not overtake it.
  expect(shared.stats.running).toBe(0)
  expect(shared.levels().tokens).toBe(990)
  void shared.acquire({ cost: 10, outputCost: 1 }).then(() => order.push('small'))
  await clock.advance(4_999)
  expect(order).toEqual([])
  await clock.advance(1)
  expect(order).toEqual(['large'])
  ;(await large).release()
  await clock.advance(100)
  expect(order).toEqual(['large', 'small'])
  expect(() => shared.tryAcquire({ outputCost: 101 })).toThrow(/`outputCost` 101 to be at most the outputTokens 100/)
  expect(() => new Limiter({ concurrency: 1 }).update({ outputTokens: 1 })).toThrow(/`outputTokens` to be a bound/)
})

test('how much may gather can be bounded below the allowance', async () => {
  const clock = new SimulatedClock()
  const shared = new Limiter({ rate: 60, tokens: 600, per: '1m', metering: 'bucket' }, clock)
  shared.update({ burst: 2, tokensBurst: 20 })
  expect(shared.levels()).toMatchObject({ rate: 2, tokens: 20 })
  await clock.advance(60_000)
  expect(shared.levels()).toMatchObject({ rate: 2, tokens: 20 })
  await shared.acquire({ cost: 20 })
  await clock.advance(1_000)
  expect(shared.levels()).toMatchObject({ rate: 2, tokens: 10 })
})
