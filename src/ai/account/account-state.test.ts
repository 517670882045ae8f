import { describe, expect, test } from 'vitest'
import { AccountState } from './account-state.ts'
import { type Ask, horizonMs, nothing, probesAtOnce } from './exchange.ts'

const perMinute = (limit: number) => ({ limit, perMs: 60_000, burst: limit, step: 1 })
const ask = (member: string, calls: number, more: Partial<Ask> = {}): Ask => ({
  member,
  want: [calls, 0, 0],
  back: nothing,
  ...more,
})
/** An account of 60 calls per minute, of which 60 have gone. */
function empty(): AccountState {
  const state = new AccountState('one', 0)
  state.exchange(ask('a', 60, { told: [perMinute(60), null, null] }), 0)
  return state
}

describe('an account that programs share', () => {
  test('grants what is there, and then what flows in, each in its turn', () => {
    const state = empty()
    expect(state.exchange(ask('a', 1), 0)).toMatchObject({ grant: [1, 0, 0], waitMs: 1_000 })
    expect(state.exchange(ask('b', 1), 0)).toMatchObject({ grant: [1, 0, 0], waitMs: 2_000 })
    expect(state.exchange(ask('a', 1), 1_000)).toMatchObject({ waitMs: 2_000 })
  })

  test('whoever wants more gets no more than those who want less, once there is too little', () => {
    const state = empty()
    const got = { greedy: 0, modest: 0 }
    const ready = { greedy: 0, modest: 0 }
    for (let now = 0; now < 600_000; now += 10) {
      for (const member of ['greedy', 'modest'] as const) {
        if (now < ready[member]) continue
        const { grant, waitMs } = state.exchange(ask(member, member === 'greedy' ? 500 : 3), now)
        got[member] += grant[0]
        ready[member] = now + waitMs
      }
    }
    expect(got.greedy + got.modest).toBeGreaterThan(595)
    expect(Math.abs(got.greedy - got.modest)).toBeLessThan(10)
  })

  test('lets a few calls find out about limits that nobody knows', () => {
    const state = new AccountState('one', 0)
    expect(state.exchange(ask('a', 100), 0)).toMatchObject({ grant: [probesAtOnce, 0, 0], waitMs: 0 })
    expect(state.exchange(ask('b', 100), 10)).toMatchObject({ grant: [0, 0, 0] })
    // The answers have no headers: then there is nothing to wait for.
    expect(state.exchange(ask('b', 100, { answered: true }), 20)).toMatchObject({ grant: [100, 0, 0], waitMs: 0 })
  })

  test('what comes back is there for others', () => {
    const state = empty()
    expect(state.exchange(ask('b', 5), 0).waitMs).toBe(1_000)
    state.exchange(ask('a', 0, { back: [10, 0, 0] }), 0)
    expect(state.exchange(ask('b', 5), 0)).toMatchObject({ waitMs: 0 })
  })

  test('a pause that one was told of holds for all', () => {
    const state = new AccountState('one', 0)
    state.exchange(ask('a', 0, { told: [perMinute(60), null, null], pauseMs: 5_000 }), 0)
    expect(state.exchange(ask('b', 1), 1_000)).toMatchObject({ grant: nothing, waitMs: 4_000 })
    expect(state.exchange(ask('b', 1), 5_000)).toMatchObject({ grant: [1, 0, 0], waitMs: 0 })
  })

  test('a keeper that takes over knows what its members heard, whoever of them comes first', () => {
    for (const order of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const before = new AccountState('one', 0)
      const heard = {
        a: before.exchange(ask('a', 20, { told: [perMinute(60), null, null] }), 0),
        b: before.exchange(ask('b', 10), 0),
      }
      const after = new AccountState('two', 1_000)
      const [first, second] = order
      after.exchange(ask(first, 0, { known: heard[first] }), 1_000)
      expect(after.exchange(ask(second, 0, { known: heard[second] }), 1_000).level[0]).toBeCloseTo(31)
    }
  })

  test('readings of one program alone move nothing while others were granted as much', () => {
    const state = new AccountState('one', 0)
    state.exchange(ask('a', 0, { told: [perMinute(600), null, null] }), 0)
    state.exchange(ask('a', 50), 0)
    state.exchange(ask('b', 50), 0)
    const { level } = state.exchange(ask('a', 0, { told: [{ ...perMinute(600), count: 1, sum: 600 }, null, null] }), 0)
    // The next crowd are all hundred calls: half of them are no mean.
    const half = { ...perMinute(600), count: 50, sum: 50 * 400 }
    expect(state.exchange(ask('a', 0, { told: [half, null, null] }), 0).level).toEqual(level)
    expect(state.exchange(ask('b', 0, { told: [half, null, null] }), 0).level[0]).toBe(300)
  })

  test('a grant reaches a little into the future where limits are high, so that nobody asks for each call', () => {
    const state = new AccountState('one', 0)
    state.exchange(ask('a', 60_000, { told: [perMinute(60_000), null, null] }), 0)
    expect(state.exchange(ask('a', 1_000), 0)).toMatchObject({ grant: [horizonMs, 0, 0], waitMs: horizonMs })
  })
})
