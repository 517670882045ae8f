import { assert, describe, expect, test } from 'vitest'
import { breakerAgainstModel } from './breaker.fixture.ts'
import { simulateLimiter, simulatePolicy } from './simulation.fixture.ts'

/** A hundred thousand histories of both together. */
const seeds = 50_000

describe('long simulation', () => {
  test('of limiters', { timeout: 600_000 }, async () => {
    for (let seed = 1; seed <= seeds; seed++) assert.notEqual(await simulateLimiter(seed), '')
  })

  test('of policies', { timeout: 600_000 }, async () => {
    for (let seed = 1; seed <= seeds; seed++) assert.notEqual(await simulatePolicy(seed), '')
  })

  test('of breakers', { timeout: 600_000 }, () => {
    const { halfOpen, reopened } = breakerAgainstModel(20_000)
    expect(halfOpen).toBeGreaterThan(2_000)
    expect(reopened).toBeGreaterThan(400)
  })
})
