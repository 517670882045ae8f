import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Cancelled, InvalidOption, TimedOut } from '../base/errors.ts'
import { context } from '../base/frame.ts'
import { partialResults } from './failure.ts'
import { map } from './map.ts'
import { turn } from '../../test/support/turn.ts'
import { runs } from '../../test/support/runs.ts'

const range = (length: number): number[] => Array.from({ length }, (_, i) => i)

/** A lazy source that counts, and what is under way of it. */
function watched(length: number): { source: AsyncGenerator<number>; seen: { pulled: number; closed: number } } {
  const seen = { pulled: 0, closed: 0 }
  async function* numbers(): AsyncGenerator<number> {
    try {
      for (let i = 0; i < length; i++) {
        seen.pulled++
        yield i
      }
    } finally {
      seen.closed++
    }
  }
  return { source: numbers(), seen }
}

describe('map', () => {
  test('keeps the order, the bound and the laziness, whatever the order of completion', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat(30), fc.integer({ min: 1, max: 6 }), async (scheduler, length, concurrency) => {
        const { source, seen } = watched(length)
        let [open, most, done, ahead] = [0, 0, 0, 0]
        const results = map(
          source,
          async (n, { index }) => {
            most = Math.max(most, ++open)
            ahead = Math.max(ahead, seen.pulled - done)
            expect(index).toBe(n)
            await scheduler.schedule(Promise.resolve(), `item ${n}`)
            expect(context().index).toBe(n)
            open--
            done++
            return n * 2
          },
          { concurrency },
        )
        expect(await scheduler.waitFor(results)).toEqual(range(length).map((n) => n * 2))
        expect(most).toBeLessThanOrEqual(concurrency)
        expect(ahead).toBeLessThanOrEqual(concurrency + 1)
        expect(seen).toEqual({ pulled: length, closed: 1 })
      }),
      { numRuns: runs(60, 400) },
    )
  })

  test('gives the first failure itself, and what had completed', async () => {
    const { source, seen } = watched(1_000)
    const failure = new RangeError('third')
    const failing = map(
      source,
      async (n, { signal }) => {
        await turn()
        if (n === 3) throw failure
        if (n > 3) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
        return n
      },
      { concurrency: 4 },
    )
    await expect(failing).rejects.toBe(failure)
    expect(partialResults(failure)).toMatchObject({ completed: 3, failed: 3 })
    expect(partialResults(failure)).toHaveProperty('results.2', 2)
    expect(seen.closed).toBe(1)
    expect(seen.pulled).toBeLessThan(12)
  })

  test('settles', async () => {
    const { results, ok, failed } = await map(
      range(6),
      (n) => {
        if (n % 2) throw new Error(`no ${n}`)
        return n
      },
      { onFailure: 'settle' },
    )
    expect(results.map(({ status }) => status)).toEqual(range(6).map((n) => (n % 2 ? 'rejected' : 'fulfilled')))
    expect(ok).toEqual([0, 2, 4])
    expect(failed.map(({ index, item }) => [index, item])).toEqual([
      [1, 1],
      [3, 3],
      [5, 5],
    ])
  })

  test('has an outcome for every item when it settles after a cancellation', async () => {
    const stop = new AbortController()
    const { results, failed } = await map(
      range(40),
      async (n) => {
        if (n === 5) stop.abort('half way')
        await turn()
        return n
      },
      { onFailure: 'settle', signal: stop.signal, concurrency: 2 },
    )
    expect(results).toHaveLength(40)
    expect(failed.length).toBeGreaterThan(30)
    for (const { index, item, error } of failed) {
      expect(item).toBe(index)
      expect(error).toBeInstanceOf(Cancelled)
    }
  })

  test('obeys a deadline, and tells it', async () => {
    const failing = map(
      range(3),
      async (_, { signal, deadline }) => {
        expect(deadline - performance.now()).toBeLessThanOrEqual(20)
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
      },
      { deadline: 20 },
    )
    await expect(failing).rejects.toBeInstanceOf(TimedOut)
    await expect(failing).rejects.toMatchObject({ clock: 'deadline' })
  })

  test('a timeout says of which item', async () => {
    const never = (): Promise<never> => new Promise(() => {})
    const fetchPage = (n: number): unknown => (n === 2 ? never() : n)
    const { failed } = await map([1, 2, 3], fetchPage, { timeout: 20, grace: 1, concurrency: 1, onFailure: 'settle' })
    expect(failed.map(({ error }) => (error as Error).message)).toEqual([
      'map "fetchPage" item 1 timed out: an attempt took longer than the timeout of 20 ms',
    ])
  })

  test('leaves a function that ignores its signal behind after the grace', async () => {
    const stop = new AbortController()
    const failing = map([1], () => new Promise<never>(() => {}), { signal: stop.signal, grace: 5 })
    stop.abort('stop')
    await expect(failing).rejects.toMatchObject({ name: 'Cancelled', cause: 'stop' })
  })

  test.each([
    [{ concurrency: 0 }, 'Expected `concurrency` to be a whole number from 1 up'],
    [{ concurrency: 1.5 }, 'Expected `concurrency`'],
    [{ onFailure: 'throw' }, "Expected `onFailure` to be 'stop' or 'settle'"],
    [{ timeout: '5 s' }, 'Expected `timeout` to be a number of milliseconds'],
    [{ concurency: 4 }, 'Unknown option `concurency` of map'],
    [{ signal: {} }, 'Expected `signal` to be an AbortSignal'],
    [{ on: {} }, 'Expected `on` to be an executor'],
    [{ on: { call() {}, bulk() {}, close() {} } }, 'Expected `fn` of map to be a worker function'],
  ])('refuses %j', async (options, message) => {
    const failing = map([1], (n) => n, options as never)
    await expect(failing).rejects.toBeInstanceOf(InvalidOption)
    await expect(failing).rejects.toThrow(message)
  })

  test('refuses what is no function', async () => {
    await expect(map([1], 7 as never)).rejects.toThrow('Expected `fn` of map to be a function, got 7 (number)')
  })
})
