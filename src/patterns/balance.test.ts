import { describe, expect, test } from 'vitest'
import { SimulatedClock } from '../base/clock.ts'
import { CircuitOpen, InvalidOption } from '../base/errors.ts'
import { balance, type BalanceOptions, balanceWith } from './balance.ts'
import { type BalanceBy, chooser, type Replicas } from './choose.ts'

/** The same numbers in every run (Park and Miller's generator). */
function seeded(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

/** Replicas that answer with their number; those in `down` fail. Slow ones take their time on the simulated clock. */
function simulated(times: readonly number[], options: BalanceOptions<[string]>) {
  const clock = new SimulatedClock()
  const down = new Set<number>()
  const asked = times.map(() => 0)
  const replicas = times.map((ms, index) => async (_text: string): Promise<number> => {
    asked[index] = (asked[index] as number) + 1
    if (ms > 0) await new Promise<void>((resolve) => clock.schedule(ms, resolve))
    if (down.has(index)) throw new Error(`replica ${index} is down`)
    return index
  })
  return { clock, down, asked, call: balanceWith(replicas, options, { clock, random: seeded(3) }) }
}

describe('balance', () => {
  test("'least-busy' gives a slow replica no more than it can bear", async () => {
    const { clock, asked, call } = simulated([10, 10, 40], { by: 'least-busy' })
    let done = 0
    const lane = async (): Promise<void> => {
      while (clock.now() < 1_000) {
        await call('x')
        done++
      }
    }
    const lanes = Promise.all(Array.from({ length: 12 }, lane))
    await clock.advance(1_100)
    await lanes
    // Four under way at each: 4 / 10 ms at the fast ones, 4 / 40 ms at the slow one.
    expect(asked[2]).toBeLessThan((asked[0] as number) / 3.5)
    expect(done).toBeGreaterThan(850)
    expect(call.replicas.map(({ busy }) => busy)).toEqual([0, 0, 0])
  })

  test("'round-robin' goes in turn", async () => {
    const { call } = simulated([0, 0, 0], { by: 'round-robin' })
    const answers = []
    for (let i = 0; i < 6; i++) answers.push(await call('x'))
    expect(answers).toEqual([0, 1, 2, 0, 1, 2])
  })

  test("'consistent-hash' sends a key to the same replica, to another one while that is down, and back again", async () => {
    const { clock, down, call } = simulated([0, 0, 0], { by: 'consistent-hash', breaker: { consecutive: 1, reset: 100 } })
    const home = await call('customer 7')
    expect(await call('customer 7')).toBe(home)
    down.add(home)
    await expect(call('customer 7')).rejects.toThrow('is down')
    const other = await call('customer 7')
    expect(other).not.toBe(home)
    expect(await call('customer 7')).toBe(other)
    down.clear()
    await clock.advance(100)
    expect(await call('customer 7')).toBe(home)
  })

  test('leaves a replica alone that fails, probes it, and gives it its share again', async () => {
    const { clock, down, asked, call } = simulated([0, 0], { by: 'round-robin', breaker: { consecutive: 3, reset: 1_000 } })
    down.add(1)
    let failures = 0
    const ask = (): Promise<unknown> => call('x').catch(() => failures++)
    for (let i = 0; i < 100; i++) await ask()
    expect(failures).toBe(3)
    expect(call.replicas.map(({ breaker }) => breaker.state)).toEqual(['closed', 'open'])
    await clock.advance(1_000)
    for (let i = 0; i < 10; i++) await ask()
    expect(failures).toBe(4)
    down.clear()
    await clock.advance(1_000)
    const before = asked[1] as number
    for (let i = 0; i < 10; i++) await ask()
    expect((asked[1] as number) - before).toBe(5)
    expect(failures).toBe(4)
  })

  test('rejects with CircuitOpen when no replica is left', async () => {
    const { down, asked, call } = simulated([0, 0], { breaker: { consecutive: 1 } })
    down.add(0).add(1)
    for (let i = 0; i < 2; i++) await expect(call('x')).rejects.toThrow('is down')
    await expect(call('x')).rejects.toBeInstanceOf(CircuitOpen)
    await expect(call('x')).rejects.toThrow('the circuit breakers of all 2 replicas are open')
    expect(asked).toEqual([1, 1])
  })

  test('asks a half-open replica with one call at a time', async () => {
    const { clock, down, asked, call } = simulated([50], { breaker: { consecutive: 1, reset: 100 } })
    down.add(0)
    const first = call('x').catch((error: unknown) => error)
    await clock.advance(50)
    expect(await first).toMatchObject({ message: 'replica 0 is down' })
    down.clear()
    await clock.advance(100)
    const probe = call('x')
    await expect(call('x')).rejects.toBeInstanceOf(CircuitOpen)
    await clock.advance(50)
    expect(await probe).toBe(0)
    expect(asked).toEqual([2])
  })

  test('checks its options and the key', async () => {
    expect(() => balance([])).toThrow(InvalidOption)
    expect(() => balance([() => 1, 2 as never])).toThrow('Expected `replicas[1]` of balance to be a function, got 2 (number)')
    expect(() => balance([() => 1], { by: 'random' as never })).toThrow(InvalidOption)
    await expect(balance([(thing: object) => thing], { by: 'consistent-hash' })({})).rejects.toBeInstanceOf(InvalidOption)
    const byId = balance([({ id }: { id: number }) => id], { by: 'consistent-hash', key: ({ id }) => id })
    expect(await byId({ id: 4 })).toBe(4)
  })
})

describe('choose', () => {
  const idle = (count: number, out: readonly number[] = [], busy: readonly number[] = []): Replicas => ({
    count,
    busy: (replica) => busy[replica] ?? 0,
    ready: (replica) => !out.includes(replica),
  })
  const ways: BalanceBy[] = ['least-busy', 'power-of-two', 'round-robin', 'consistent-hash']

  test.each(ways)('%s gives everybody who is ready about the same, and nobody else anything', (by) => {
    const choose = chooser(by, seeded(11))
    const calls = [0, 0, 0, 0, 0]
    for (let i = 0; i < 10_000; i++) {
      const chosen = choose(idle(5, [3]), `key ${i}`) as number
      calls[chosen] = (calls[chosen] as number) + 1
    }
    expect(calls[3]).toBe(0)
    for (const replica of [0, 1, 2, 4]) {
      expect(calls[replica]).toBeGreaterThan(2_250)
      expect(calls[replica]).toBeLessThan(2_750)
    }
    expect(choose(idle(2, [0, 1]), 'a')).toBeUndefined()
    expect(choose(idle(2, [0]), 'a')).toBe(1)
  })

  test("'power-of-two' never takes the busiest, for there is always a less busy one beside it", () => {
    const choose = chooser('power-of-two', seeded(5))
    const seen = new Set(Array.from({ length: 1_000 }, () => choose(idle(3, [], [9, 1, 4]), '')))
    expect([...seen].sort()).toEqual([1, 2])
  })

  test("'consistent-hash' moves only the keys of the replica that falls out, and a fair share to one that is added", () => {
    const choose = chooser('consistent-hash', Math.random)
    const keys = Array.from({ length: 4_000 }, (_, i) => `user:${i}`)
    const home = keys.map((key) => choose(idle(4), key))
    const without2 = keys.map((key) => choose(idle(4, [2]), key))
    const withFifth = keys.map((key) => choose(idle(5), key))
    expect(keys.filter((_, i) => home[i] !== 2 && home[i] !== without2[i])).toEqual([])
    const moved = keys.filter((_, i) => home[i] !== withFifth[i])
    expect(keys.filter((_, i) => home[i] !== withFifth[i] && withFifth[i] !== 4)).toEqual([])
    expect(moved.length / keys.length).toBeGreaterThan(0.17)
    expect(moved.length / keys.length).toBeLessThan(0.23)
  })
})
