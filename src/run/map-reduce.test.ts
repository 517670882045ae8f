import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plain } from '../../test/fixtures/plain.ts'
import { thisThread } from '../workers/this-thread.ts'
import { InvalidOption } from '../base/errors.ts'
import { mapReduce } from './map-reduce.ts'
import { turn } from '../../test/support/turn.ts'

/** The shape of the tree, written as brackets. */
const bracket = (a: string, b: string): string => `(${a}${b})`
const letter = (i: number): string => String.fromCharCode(97 + (i % 26))

/**
 * The tree for five items:
 *
 *         (((ab)(cd))e)
 *         /          \
 *     ((ab)(cd))      e
 *      /     \
 *    (ab)   (cd)
 */
test('the tree depends on the number of items alone', async () => {
  for (const [count, expected] of [
    [1, 'a'],
    [2, '(ab)'],
    [3, '((ab)c)'],
    [5, '(((ab)(cd))e)'],
    [7, '(((ab)(cd))((ef)g))'],
  ] as const) {
    expect(
      await mapReduce(
        Array.from({ length: count }, (_, i) => i),
        async (i) => letter(i),
        bracket,
      ),
    ).toBe(expected)
  }
})

test('neither the order of completion, nor the concurrency, nor slow merges change it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(40),
      fc.integer({ min: 1, max: 9 }),
      fc.infiniteStream(fc.nat(3)),
      async (count, concurrency, waits) => {
        const items = Array.from({ length: count + 1 }, (_, i) => i)
        const pause = async (): Promise<void> => {
          for (let left = waits.next().value as number; left > 0; left--) await turn()
        }
        const plainTree = await mapReduce<number, string>(items, letter, bracket, { concurrency: 1 })
        const slow = await mapReduce(
          items,
          async (i) => {
            await pause()
            return letter(i)
          },
          async (a, b) => {
            await pause()
            return bracket(a, b)
          },
          { concurrency },
        )
        expect(slow).toBe(plainTree)
      },
    ),
    { numRuns: 40 },
  )
})

test('holds a value for each call under way and each level of the tree, never all of them', async () => {
  let [alive, most] = [0, 0]
  const count = 2_000
  const total = await mapReduce(
    Array.from({ length: count }, (_, i) => i),
    async (i) => {
      most = Math.max(most, ++alive)
      if (i % 7 === 0) await turn()
      return 1
    },
    (a, b) => {
      alive--
      return a + b
    },
    { concurrency: 8 },
  )
  expect(total).toBe(count)
  // Slow items leave gaps, at most one for each call under way, with a block of each size beside them at worst.
  expect(most).toBeLessThan(8 * Math.ceil(Math.log2(count)))
})

test('a merge that takes time holds up an executor too, and belongs to the run', async () => {
  let merging = 0
  let most = 0
  const sum = await mapReduce(
    Array.from({ length: 3_000 }, () => 1),
    plain.double,
    async (a, b) => {
      most = Math.max(most, ++merging)
      await turn()
      merging--
      return a + b
    },
    { on: thisThread },
  )
  expect(sum).toBe(6_000)
  expect(merging).toBe(0)
  expect(most).toBeLessThan(200)
})

test('a failed merge fails the run, after those under way have settled', async () => {
  for (const options of [{ concurrency: 8 }, { on: thisThread }]) {
    let open = 0
    const failing = mapReduce(
      Array.from({ length: 64 }, (_, i) => i),
      'on' in options ? plain.double : (n: number) => 2 * n,
      async (a: number, b: number) => {
        open++
        await turn()
        open--
        if (a === 8) throw new RangeError('no merge')
        return a + b
      },
      options,
    )
    await expect(failing).rejects.toThrow('no merge')
    expect(open).toBe(0)
  }
})

test('cancelling reaches the last merges', async () => {
  const stop = new AbortController()
  const failing = mapReduce(
    [1, 2, 3],
    (n) => n,
    async () => {
      stop.abort('enough')
      await turn()
      return 0
    },
    { signal: stop.signal },
  )
  await expect(failing).rejects.toMatchObject({ name: 'Cancelled' })
})

test('a source without items needs `empty`', async () => {
  expect(await mapReduce([], plain.double, (a, b) => a + b, { empty: 7 })).toBe(7)
  expect(
    await mapReduce(
      [] as number[],
      (n) => n,
      (a, b) => a + b,
      { empty: 0 },
    ),
  ).toBe(0)
  await expect(
    mapReduce(
      [] as number[],
      (n) => n,
      (a, b) => a + b,
    ),
  ).rejects.toThrow(InvalidOption)
})
