import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SimulatedClock } from '../base/clock.ts'
import { Cancelled, CircuitOpen, InvalidOption, Overflow } from '../base/errors.ts'
import type { TaskContext } from '../base/frame.ts'
import { map } from '../run/map.ts'
import { scope } from '../run/scope.ts'
import { batched, type BatchedOptions, batchedWith } from './batched.ts'

/** Doubles numbers in `ms`; rejects a batch with a bad number in it. Remembers every call. */
function simulated(
  options: BatchedOptions<number>,
  { ms = 0, bad = [] as readonly number[], error = new Error('bad batch') } = {},
) {
  const clock = new SimulatedClock()
  const calls: number[][] = []
  const seen = { mostAtOnce: 0, aborted: 0 }
  let atOnce = 0
  const double = async (items: number[], { signal }: TaskContext): Promise<number[]> => {
    calls.push(items)
    seen.mostAtOnce = Math.max(seen.mostAtOnce, ++atOnce)
    signal.addEventListener('abort', () => seen.aborted++)
    if (ms > 0) await new Promise<void>((resolve) => clock.schedule(ms, resolve))
    atOnce--
    if (items.some((item) => bad.includes(item))) throw error
    return items.map((item) => item * 2)
  }
  return { clock, calls, seen, call: batchedWith(double, options, clock) }
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

/** Lets the clock run, then gives every outcome: the value, or the error. */
async function outcomes(clock: SimulatedClock, promises: readonly Promise<unknown>[]): Promise<unknown[]> {
  const all = Promise.all(promises.map((promise) => promise.catch((error: unknown) => error)))
  await clock.advance(10_000)
  return all
}

describe('batched', () => {
  test('sends a batch when it is full, the rest when the oldest has waited long enough', async () => {
    const { clock, calls, call } = simulated({ size: 3, within: 5 })
    const promises = upTo(5).map((n) => call(n))
    await clock.advance(4)
    expect(calls).toEqual([[0, 1, 2]])
    await clock.advance(1)
    expect(calls).toEqual([
      [0, 1, 2],
      [3, 4],
    ])
    expect(await Promise.all(promises)).toEqual([0, 2, 4, 6, 8])
    expect(clock.pending).toBe(0)
  })

  test('counts items by their cost; one above the size goes alone', async () => {
    const { clock, calls, call } = simulated({ size: 10, within: 5, cost: (n) => n })
    await outcomes(
      clock,
      [4, 5, 3, 50, 7].map((n) => call(n)),
    )
    expect(calls).toEqual([[4, 5], [3], [50], [7]])
  })

  test('has no more batches under way than `concurrency`, and refuses beyond `maxQueue`', async () => {
    const { clock, calls, seen, call } = simulated({ size: 2, concurrency: 2, maxQueue: 4 }, { ms: 10 })
    const results = await outcomes(
      clock,
      upTo(9).map((n) => call(n)),
    )
    expect(seen.mostAtOnce).toBe(2)
    expect(calls).toHaveLength(4)
    expect(results.slice(0, 8)).toEqual(upTo(8).map((n) => n * 2))
    expect(results[8]).toBeInstanceOf(Overflow)
  })

  test('fails the call whose position holds an Error, and no other', async () => {
    const no = new Error('no such user')
    const load = batched((ids: number[]) => ids.map((id) => (id === 2 ? no : `user ${id}`)))
    const results = await Promise.allSettled([load(1), load(2), load(3)])
    expect(results).toEqual([
      { status: 'fulfilled', value: 'user 1' },
      { status: 'rejected', reason: no },
      { status: 'fulfilled', value: 'user 3' },
    ])
  })

  test('splits a batch that is rejected until the bad items are alone, wherever they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 64 }), fc.nat(63), async (size, at) => {
        const bad = at % size
        const { clock, calls, call } = simulated({ size }, { bad: [bad] })
        const results = await outcomes(
          clock,
          upTo(size).map((n) => call(n)),
        )
        expect(results).toEqual(upTo(size).map((n) => (n === bad ? new Error('bad batch') : n * 2)))
        expect(calls.length).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(size)))
      }),
      { numRuns: 100 },
    )
  })

  test('gives up when every part is rejected: the items are not the reason', async () => {
    const { clock, calls, call } = simulated({ size: 64 }, { bad: upTo(64) })
    const results = await outcomes(
      clock,
      upTo(64).map((n) => call(n)),
    )
    expect(calls).toHaveLength(6 + 6)
    expect(results.every((result) => result instanceof Error)).toBe(true)
  })

  test.each([
    ['overload', Object.assign(new Error('busy'), { status: 503 })],
    ['a refusal', new CircuitOpen('open')],
  ])('does not split after %s', async (_, error) => {
    const { clock, calls, call } = simulated({ size: 8 }, { bad: [3], error })
    const results = await outcomes(
      clock,
      upTo(8).map((n) => call(n)),
    )
    expect(calls).toHaveLength(1)
    expect(new Set(results)).toEqual(new Set([error]))
  })

  test('says so when the list has the wrong length', async () => {
    let calls = 0
    const load = batched((ids: number[]) => {
      calls++
      return ids.slice(1)
    })
    const results = await Promise.allSettled([load(1), load(2)])
    for (const result of results) {
      expect(result).toMatchObject({
        reason: { message: expect.stringContaining('a list of 2 results, one for each item in order, got an array of 1') },
      })
    }
    expect(calls).toBe(1)
  })

  test('drops the item of a caller that gives up before it is sent', async () => {
    const { clock, calls, call } = simulated({ size: 8, within: 5 })
    const controller = new AbortController()
    const promises = [call(0), call(1, { signal: controller.signal }), call(2)]
    controller.abort()
    const results = await outcomes(clock, promises)
    expect(calls).toEqual([[0, 2]])
    expect(results[1]).toBeInstanceOf(Cancelled)
    const late = await outcomes(clock, [call(3, { signal: controller.signal })])
    expect(late[0]).toBeInstanceOf(Cancelled)
    expect(calls).toHaveLength(1)
  })

  test('cancels a batch only when all of its callers have given up', async () => {
    const { clock, calls, seen, call } = simulated({ size: 2 }, { ms: 50 })
    const [a, b] = [new AbortController(), new AbortController()]
    const promises = [call(0, { signal: a.signal }), call(1, { signal: b.signal })]
    const settled = Promise.allSettled(promises)
    await clock.advance(10)
    expect(calls).toHaveLength(1)
    a.abort()
    expect(seen.aborted).toBe(0)
    b.abort()
    expect(seen.aborted).toBe(1)
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await clock.advance(50)
    expect(calls).toHaveLength(1)
  })

  test('gives up with the task that calls it, and spares the others of the batch', async () => {
    const { clock, calls, call } = simulated({ size: 8, within: 5 })
    const other = call(1)
    const running = scope(async (s) => {
      const mine = s.fork(() => call(0))
      await Promise.resolve()
      s.cancel()
      await mine
    })
    await expect(running).rejects.toBeInstanceOf(Cancelled)
    await clock.advance(5)
    expect(await other).toBe(2)
    expect(calls).toEqual([[1]])
  })

  test('works under map with real time', async () => {
    const sizes: number[] = []
    const load = batched(
      (ids: number[]) => {
        sizes.push(ids.length)
        return ids.map(String)
      },
      { size: 10 },
    )
    expect(await map(upTo(100), load, { concurrency: 50 })).toEqual(upTo(100).map(String))
    expect(Math.max(...sizes)).toBe(10)
  })

  test('checks its options', async () => {
    expect(() => batched(() => [], { size: 0 })).toThrow(InvalidOption)
    await expect(batched((n: number[]) => n, { cost: () => Number.NaN })(1)).rejects.toBeInstanceOf(InvalidOption)
  })
})
