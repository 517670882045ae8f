import { assert, describe, expect, test } from 'vitest'
import { SimulatedClock } from '../base/clock.ts'
import { Cancelled, Closed, InvalidOption, Overflow, TimedOut } from '../base/errors.ts'
import type { Lease } from './lease.ts'
import { Limiter, limiter } from './limiter.ts'
import type { AcquireOptions, LimiterOptions } from './limiter-options.ts'
import { simulateLimiter } from './simulation.fixture.ts'
import { turn } from '../../test/support/turn.ts'

/** A limiter on a clock to move by hand, and a list of what happened, in order. */
function simulated(options: LimiterOptions) {
  const clock = new SimulatedClock()
  const own = new Limiter(options, clock)
  const events: string[] = []
  const leases = new Map<string, Lease>()
  const ask = (name: string, how: AcquireOptions = {}): void => {
    own.acquire(how).then(
      (lease) => {
        events.push(name)
        leases.set(name, lease)
      },
      (error: unknown) => events.push(`${name}: ${(error as Error).name}`),
    )
  }
  const release = async (name: string): Promise<void> => {
    leases.get(name)?.release()
    await turn()
  }
  return { clock, own, events, leases, ask, release }
}

describe('concurrency', () => {
  test('lets so many run, and the others in order of arrival', async () => {
    const { own, events, ask, release } = simulated({ concurrency: 2 })
    for (const name of ['a', 'b', 'c', 'd']) ask(name)
    await turn()
    expect(events).toEqual(['a', 'b'])
    expect(own.stats).toMatchObject({ running: 2, waiting: 2, started: 2 })
    await release('b')
    expect(events).toEqual(['a', 'b', 'c'])
    await release('b') // a second time does nothing
    expect(events).toEqual(['a', 'b', 'c'])
    await release('a')
    await release('c')
    await release('d')
    expect(own.stats).toMatchObject({ running: 0, waiting: 0, started: 4 })
  })

  test('serves higher priorities first', async () => {
    const { events, ask, release } = simulated({ concurrency: 1 })
    ask('first')
    ask('low', { priority: -1 })
    ask('normal')
    ask('high', { priority: 10 })
    for (const name of ['first', 'high', 'normal', 'low']) await turn().then(() => release(name))
    expect(events).toEqual(['first', 'high', 'normal', 'low'])
  })

  test('does not let light calls overtake a heavy one for ever', async () => {
    const { events, ask, release } = simulated({ concurrency: 3 })
    ask('light')
    ask('heavy', { weight: 3 })
    ask('later')
    await turn()
    expect(events).toEqual(['light'])
    await release('light')
    expect(events).toEqual(['light', 'heavy'])
    await release('heavy')
    expect(events).toEqual(['light', 'heavy', 'later'])
  })

  test('goes on when it is lowered below what runs, and below what a waiter weighs', async () => {
    const { own, events, ask, release } = simulated({ concurrency: 4 })
    ask('a', { weight: 4 })
    ask('b', { weight: 4 })
    ask('c')
    await turn()
    own.update({ concurrency: 2 })
    await release('a')
    expect(events).toEqual(['a', 'b'])
    await release('b')
    expect(events).toEqual(['a', 'b', 'c'])
    own.update({ concurrency: 5 })
    ask('d', { weight: 4 })
    await turn()
    expect(events).toEqual(['a', 'b', 'c', 'd'])
  })

  test('can adapt: overload lowers it', async () => {
    const own = limiter({ concurrency: 'auto', adaptive: { initial: 10 } })
    const overloaded = Object.assign(new Error('too many'), { status: 429 })
    const calls = Array.from({ length: 10 }, () => own.run(() => Promise.reject(overloaded)))
    await Promise.allSettled(calls)
    expect(own.stats.concurrency).toBe(5)
  })
})

describe('rate', () => {
  test('lets a few start at once, and the others evenly', async () => {
    const { clock, events, ask } = simulated({ rate: 10, per: '1s', burst: 2 })
    for (const name of ['a', 'b', 'c', 'd']) ask(name)
    await clock.advance(0)
    expect(events).toEqual(['a', 'b'])
    await clock.advance(99)
    expect(events).toEqual(['a', 'b'])
    await clock.advance(2)
    expect(events).toEqual(['a', 'b', 'c'])
    await clock.advance(100)
    expect(events).toEqual(['a', 'b', 'c', 'd'])
    expect(clock.pending).toBe(0)
  })

  test('gives nothing back when a call ends, and everything when it never began', async () => {
    const { clock, events, leases, ask } = simulated({ rate: 1, per: '1s' })
    ask('a')
    await turn()
    leases.get('a')?.release()
    ask('b')
    await clock.advance(999)
    expect(events).toEqual(['a'])
    await clock.advance(10)
    expect(events).toEqual(['a', 'b'])
    leases.get('b')?.refund()
    ask('c')
    await clock.advance(0)
    expect(events).toEqual(['a', 'b', 'c'])
  })

  test('stops while paused', async () => {
    const { clock, own, events, ask } = simulated({ rate: 100, per: '1s', concurrency: 50 })
    own.pause(300)
    own.pause(200)
    ask('a')
    await clock.advance(299)
    expect(events).toEqual([])
    await clock.advance(2)
    expect(events).toEqual(['a'])
    own.pause(clock.now() + 10_000)
    ask('b')
    await clock.advance(100)
    own.resume()
    await turn()
    expect(events).toEqual(['a', 'b'])
  })

  test('takes new limits, and what the other side says is left', async () => {
    const { clock, own, events, ask } = simulated({ rate: 1, per: '1s' })
    ask('a')
    ask('b')
    ask('c')
    await clock.advance(10)
    own.update({ rate: 100, per: '1s' })
    await clock.advance(21)
    expect(events).toEqual(['a', 'b', 'c'])
    await clock.advance(1_000)
    own.setLevels({ rate: 0 })
    ask('d')
    await clock.advance(9)
    expect(events).toEqual(['a', 'b', 'c'])
    await clock.advance(2)
    expect(events).toEqual(['a', 'b', 'c', 'd'])
  })
})

describe('tokens', () => {
  test('reserves what a call will cost, and reconciles with what it did', async () => {
    const { clock, own, events, leases, ask } = simulated({ tokens: 100, per: '1s', metering: 'bucket' })
    ask('a', { cost: 80 })
    ask('b', { cost: 60 })
    await turn()
    expect(events).toEqual(['a'])
    leases.get('a')?.release(30)
    await turn()
    expect(events).toEqual(['a', 'b'])
    leases.get('b')?.release(100)
    expect(own.stats.tokens).toBe(130)
    ask('c', { cost: 10 })
    await clock.advance(399)
    expect(events).toEqual(['a', 'b'])
    await clock.advance(2)
    expect(events).toEqual(['a', 'b', 'c'])
  })

  test('takes rate and tokens at one moment', async () => {
    const { clock, own, events, ask } = simulated({ rate: 10, tokens: 100, per: '1s', burst: 10 })
    ask('big', { cost: 100 })
    ask('next', { cost: 50 })
    await clock.advance(999)
    expect(events).toEqual(['big'])
    // While `next` waits for tokens it has used up none of the rate.
    await clock.advance(10)
    expect(events).toEqual(['big', 'next'])
    for (let i = 0; i < 9; i++) ask(`free ${i}`, { cost: 0 })
    await clock.advance(0)
    expect(own.stats.started).toBe(11)
  })
})

describe('waiting ends', () => {
  test('when the queue is full, at once', async () => {
    const { events, ask } = simulated({ concurrency: 1, maxQueue: 1, name: 'the API' })
    ask('a')
    await turn()
    ask('b')
    ask('c')
    await turn()
    expect(events).toEqual(['a', 'c: Overflow'])
    const full = new Limiter({ concurrency: 1, maxQueue: 0, name: 'the API' })
    full.tryAcquire()
    await expect(full.acquire()).rejects.toThrow(Overflow)
    await expect(full.acquire()).rejects.toThrow('the API is full: 0 calls wait already')
  })

  test('by its timeout, or that of the limiter', async () => {
    const { clock, own, events, ask } = simulated({ concurrency: 1, queueTimeout: '1s' })
    ask('a')
    ask('b')
    ask('c', { timeout: 200 })
    await clock.advance(200)
    expect(events).toEqual(['a', 'c: TimedOut'])
    const late = own.acquire({ timeout: 50 }).catch((error: unknown) => error)
    await clock.advance(50)
    expect(await late).toBeInstanceOf(TimedOut)
    expect(await late).toMatchObject({ clock: 'queueTimeout', limitMs: 50 })
    await clock.advance(750)
    expect(events).toEqual(['a', 'c: TimedOut', 'b: TimedOut'])
    expect(own.stats).toMatchObject({ waiting: 0, refused: 3 })
    expect(clock.pending).toBe(0)
  })

  test('by an abort, which holds up nobody', async () => {
    const { events, ask, release } = simulated({ concurrency: 2 })
    const controller = new AbortController()
    ask('a')
    ask('b')
    // It needs both slots, so it stands in the way of `c`.
    ask('heavy', { weight: 2, signal: controller.signal })
    ask('c')
    await turn()
    await release('a')
    expect(events).toEqual(['a', 'b'])
    controller.abort()
    await turn()
    expect(events).toEqual(['a', 'b', 'heavy: Cancelled', 'c'])
  })

  test('without waiting at all when the signal has aborted', async () => {
    const own = limiter({ concurrency: 1 })
    await expect(own.acquire({ signal: AbortSignal.abort() })).rejects.toBeInstanceOf(Cancelled)
    expect(own.stats.running).toBe(0)
  })

  test('when the limiter is closed; what runs is let finish', async () => {
    const { own, events, ask, release } = simulated({ concurrency: 1 })
    ask('a')
    ask('b')
    await turn()
    own.close()
    await turn()
    expect(events).toEqual(['a', 'b: Closed'])
    await expect(own.acquire()).rejects.toBeInstanceOf(Closed)
    await release('a')
    expect(own.stats.running).toBe(0)
  })
})

describe('run', () => {
  test('gives what the function gives, and the slot back whatever happens', async () => {
    const own = limiter({ concurrency: 1 })
    expect(await own.run(() => 'value')).toBe('value')
    await expect(own.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect(
      own.run(() => {
        throw new Error('at once')
      }),
    ).rejects.toThrow('at once')
    expect(own.stats).toMatchObject({ running: 0, started: 3 })
  })

  test('asks `actualCost` what the call really used', async () => {
    const own = limiter({ tokens: 1_000, per: '1m', actualCost: (answer: { used: number }) => answer.used })
    await own.run(() => ({ used: 7 }), { cost: 500 })
    expect(own.stats.tokens).toBe(7)
    await own.run((lease) => lease.release(3), { cost: 500 })
    expect(own.stats.tokens).toBe(10)
  })
})

test('gives the slot back at the end of a `using` block', async () => {
  const own = limiter({ concurrency: 1 })
  {
    using lease = await own.acquire()
    expect(lease).toBeDefined()
    expect(own.tryAcquire()).toBeUndefined()
  }
  {
    await using lease = await own.acquire()
    expect(lease).toBeDefined()
  }
  expect(own.stats.running).toBe(0)
})

describe('options', () => {
  test.each<[unknown, string]>([
    [{}, 'Expected limiter to get `concurrency`, `rate` or `tokens`, got none of them'],
    [{ concurrency: 0 }, "Expected `concurrency` to be a whole number from 1 up or 'auto', got 0 (number)"],
    [{ rate: 10 }, 'Expected `per` to be given with `rate` or `tokens`, got undefined'],
    [{ rate: 0, per: '1s' }, 'Expected `rate` to be a number above 0, got 0 (number)'],
    [{ rate: 10, per: 0 }, 'Expected `per` to be a duration above 0'],
    [{ concurrency: 1, per: '1s' }, 'Expected `per` to come with `rate` or `tokens`'],
    [{ rate: 10, per: '1s', burst: 20 }, 'Expected `burst` to be a number from 1 up to `rate`'],
    [{ concurrency: 1, adaptive: {} }, "Expected `adaptive` to come with `concurrency: 'auto'`"],
    [{ concurency: 1 }, 'Unknown option `concurency` of limiter'],
  ])('%j is refused', (options, message) => {
    expect(() => limiter(options as LimiterOptions)).toThrow(InvalidOption)
    expect(() => limiter(options as LimiterOptions)).toThrow(message)
  })

  test('refuses a call that could never start', async () => {
    await expect(limiter({ concurrency: 2 }).acquire({ weight: 3 })).rejects.toThrow(
      'Expected `weight` 3 to be at most the concurrency 2 of the limiter: the call could never start',
    )
    await expect(limiter({ tokens: 100, per: '1s' }).acquire({ cost: 101 })).rejects.toBeInstanceOf(InvalidOption)
    await expect(limiter({ rate: 1, per: '1s' }).acquire({ weight: 2 })).rejects.toBeInstanceOf(InvalidOption)
  })

  test('refuses to change a bound that is not there', () => {
    expect(() => limiter({ concurrency: 2 }).update({ rate: 3 })).toThrow(
      'Expected `rate` to be a bound that the limiter was made with',
    )
    expect(() => limiter({ concurrency: 'auto' }).update({ concurrency: 3 })).toThrow(InvalidOption)
    expect(() => limiter({ rate: 1, per: '1s' }).update({ per: 0 })).toThrow('Expected `per` to be a duration above 0')
  })
})

describe('simulation', () => {
  test('keeps its bounds and settles every call, in 200 seeded histories', async () => {
    for (let seed = 1; seed <= 200; seed++) assert.notEqual(await simulateLimiter(seed), '')
  })

  test('does the same for the same seed', async () => {
    for (let seed = 1; seed <= 30; seed++) assert.equal(await simulateLimiter(seed), await simulateLimiter(seed), `seed ${seed}`)
  })
})
