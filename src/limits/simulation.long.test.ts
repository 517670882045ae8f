import { assert, describe, it } from 'vitest'
import { simulateLimiter, simulatePolicy } from './simulation.fixture.ts'

/** Together with the thousands of `npm test` this makes a hundred thousand histories. */
const seeds = 50_000

describe('long simulation', () => {
  it('of limiters', { timeout: 600_000 }, async () => {
    for (let seed = 1; seed <= seeds; seed++) assert.notEqual(await simulateLimiter(seed), '')
  })

  it('of policies', { timeout: 600_000 }, async () => {
    for (let seed = 1; seed <= seeds; seed++) assert.notEqual(await simulatePolicy(seed), '')
  })
})
