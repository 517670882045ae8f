import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { redisPath, startRedis, type TestRedis } from '../../../test/support/redis.ts'
import { AccountState } from './account-state.ts'
import type { Ask, Known, Reply } from './exchange.ts'
import { RedisKeeper } from './redis-keeper.ts'

const amount = fc.integer({ min: 0, max: 40 })
const amounts = fc.tuple(amount, fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 5_000 }))
const told = fc.record(
  {
    limit: fc.constantFrom(60, 600, 90_000),
    perMs: fc.constantFrom(60_000, 1_000),
    burst: fc.constantFrom(1, 60, 595),
    step: fc.constantFrom(1, 1_000),
    count: fc.integer({ min: 1, max: 30 }),
    sum: fc.integer({ min: -1e6, max: 1e6 }),
    atMost: fc.integer({ min: -10, max: 50 }),
  },
  { requiredKeys: ['limit', 'perMs', 'burst', 'step'] },
)
const step = fc.record(
  {
    passedMs: fc.integer({ min: 0, max: 3_000 }),
    member: fc.constantFrom('a', 'b', 'c'),
    want: amounts,
    back: amounts,
    told: fc.tuple(fc.option(told), fc.option(told), fc.option(told)),
    answered: fc.boolean(),
    pauseMs: fc.integer({ min: 0, max: 500 }),
    /** The keeper is another one from now on. */
    moves: fc.constantFrom(false, false, false, true),
  },
  { requiredKeys: ['passedMs', 'member', 'want', 'back', 'moves'] },
)

function figures({ grant, waitMs, charged, level, due, limits, members }: Reply): readonly number[] {
  return [...grant, waitMs, ...charged, ...level, ...due, ...limits.flat(), members]
}

describe.skipIf(!redisPath())('the script of Redis', () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis(['--appendonly', 'no'])
  })
  afterAll(() => redis.stop())

  test('decides as the state machine does, whatever is asked', async () => {
    let accounts = 0
    const keeper = await RedisKeeper.open(redis.url, 'same')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        let now = 1_700_000_000_000
        let state = new AccountState('first', now)
        let account = `${accounts++}`
        let known: { readonly here: Known; readonly there: Known } | undefined
        for (const { passedMs, moves, ...ask } of steps) {
          now += passedMs
          if (moves) {
            state = new AccountState(`after ${now} ${accounts}`, now)
            account = `${accounts++}`
          }
          const here: Reply = state.exchange({ ...ask, ...(known && { known: known.here }) } as Ask, now)
          const there = await keeper.exchange(account, { ...ask, ...(known && { known: known.there }) } as Ask, now)
          const [expected, got] = [figures(here), figures(there)]
          expected.forEach((figure, i) => expect(got[i]).toBeCloseTo(figure, 3))
          known = { here, there }
        }
      }),
      { numRuns: 60 },
    )
    await keeper.close()
  })
})
