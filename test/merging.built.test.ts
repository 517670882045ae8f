/** Results that are merged on the workers that made them: the tree is the one that the input alone fixes, whoever merges. */
import { afterAll, describe, expect, test } from 'vitest'
import { map, mapReduce, partialResults, stream, threads, TimedOut, Unserializable, WorkerCrashed } from '../src/index.ts'
import { record } from '../src/trace/index.ts'
import { consenting } from './fixtures/consenting.ts'
import { cheap, type Seen } from './fixtures/consenting-merges.ts'
import { holding } from './fixtures/holding-merge.ts'
import { merging, type Tree } from './fixtures/merging.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const join = (a: Tree, b: Tree): Tree => ({
  text: `(${a.text}${b.text})`,
  sums: Float64Array.of((a.sums[0] ?? 0) + (b.sums[0] ?? 0)),
})
const pools = [1, 2, 3, 8].map((size) => threads({ size }))
const [, two] = pools as [(typeof pools)[0], (typeof pools)[0]]
afterAll(() => Promise.all(pools.map((pool) => pool.close({ graceMs: 0 }))))

describe('the tree', () => {
  test.each([1, 2, 3, 5, 64, 100, 1_000, 4_097])('is the same for %d items, wherever it is merged', async (count) => {
    const here = await mapReduce(numbers(count), merging.leaf, join)
    for (const on of pools) {
      const there = await mapReduce(numbers(count), merging.leaf, merging.join, { on })
      expect(there).toEqual(here)
    }
  })

  test('is the same for slow items, asynchronous ones, and asynchronous merges', async () => {
    const here = await mapReduce(numbers(150), merging.leaf, join)
    expect(await mapReduce(numbers(150), merging.leafSlow, merging.join, { on: two })).toEqual(here)
    expect(await mapReduce(numbers(150), merging.leafLater, merging.join, { on: two })).toEqual(here)
    expect(await mapReduce(numbers(150), merging.leafLater, merging.joinLater, { on: two })).toEqual(here)
    expect(await mapReduce(numbers(150), merging.leaf, merging.joinLater, { on: two })).toEqual(here)
  })

  test('is the same for sources that come one by one', async () => {
    const here = await mapReduce(numbers(300), merging.leaf, join)
    expect(await mapReduce(new Set(numbers(300)), merging.leaf, merging.join, { on: two })).toEqual(here)
    const source = async function* () {
      for (const i of numbers(300)) {
        if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
        yield i
      }
    }
    expect(await mapReduce(source(), merging.leaf, merging.join, { on: two })).toEqual(here)
    expect(await mapReduce(numbers(300), merging.leaf, merging.join, { on: two, concurrency: 3 })).toEqual(here)
  })

  test('is the same while it is recorded, and every item is a task', async () => {
    const { value, trace } = await record(() => mapReduce(numbers(300), merging.leaf, merging.join, { on: two }))
    expect(value).toEqual(await mapReduce(numbers(300), merging.leaf, join))
    expect(trace.tasks.count).toBeGreaterThanOrEqual(300)
  })
})

test('plain numbers are merged too', async () => {
  expect(await mapReduce(numbers(10_000), merging.number, merging.add, { on: two })).toBe(49_995_000)
})

test('most results never leave the worker that made them', async () => {
  const made = await mapReduce(numbers(2_000), merging.madeBy, merging.joinMadeBy, { on: two })
  expect([...made.keys()]).toEqual(numbers(2_000))
})

test('the merge gets a context', async () => {
  const { text } = await mapReduce(numbers(4), merging.leaf, merging.joinWithContext, { on: two })
  expect(text).toBe('((ab)(cd))')
})

test('the merge of a consenting module gets one too', async () => {
  expect(await mapReduce(numbers(100), consenting.sizeOf, consenting.joinWithContext)).toBe(4_950)
})

test('shared memory stays shared through merges', async () => {
  const { counter, made } = await mapReduce(numbers(50), merging.shared, merging.joinShared, { on: two })
  expect(counter).toBeInstanceOf(SharedArrayBuffer)
  expect(made).toEqual(numbers(50))
})

describe('what goes wrong', () => {
  test('a merge that throws is what mapReduce rejects with', async () => {
    await expect(mapReduce(numbers(500), merging.leaf, merging.joinFails, { on: two })).rejects.toThrow('too long')
  })

  test('an item that throws is what it rejects with', async () => {
    await expect(mapReduce(numbers(500), merging.failsAt, merging.join, { on: two })).rejects.toThrow('the fortieth')
  })

  test('a merge that ends its worker fails by name, and the pool goes on', async () => {
    await expect(mapReduce(numbers(500), merging.leaf, merging.joinExits, { on: two })).rejects.toThrow(WorkerCrashed)
    expect(await mapReduce(numbers(500), merging.number, merging.add, { on: two })).toBe(124_750)
  })

  test('a merged result that cannot cross says what in it cannot', async () => {
    const failed = mapReduce(numbers(8), merging.leaf, merging.joinWithFunction as never, { on: two })
    await expect(failed).rejects.toThrow(Unserializable)
    await expect(failed).rejects.toThrow(/later is a function/)
  })

  test('cancellation in the middle of merging settles it soon', async () => {
    const controller = new AbortController()
    const running = mapReduce(numbers(10_000), merging.leaf, merging.joinSlow, { on: two, signal: controller.signal })
    setTimeout(() => controller.abort(new Error('enough')), 100)
    // To merge them all would take longer than a test may.
    await expect(running).rejects.toThrow('enough')
    expect(await map([1, 2], merging.number, { on: two })).toEqual([1, 2])
  })

  test('what had completed is not given as partial results of a fold', async () => {
    const error = await mapReduce(numbers(500), merging.failsAt, merging.join, { on: two }).catch((thrown: unknown) => thrown)
    expect(partialResults(error)).toBeUndefined()
  })
})

describe('where both functions consented', () => {
  /** Until some of it ran here: what it costs has to be measured first, which a busy machine delays. */
  const untilHere = async (run: () => Promise<Seen>): Promise<Seen> => {
    for (let i = 0; ; i++) {
      const seen = await run()
      if (seen.here > 0 || i === 500) return seen
    }
  }

  test.each([7, 300, 4_097])('%d items are mapped and merged here in the same tree', async (count) => {
    const { text } = await mapReduce(numbers(count), merging.leaf, join)
    for (const merge of [cheap.join, cheap.joinLater]) {
      const seen = await untilHere(() => mapReduce(numbers(count), cheap.seen, merge, { on: two }))
      expect(seen.here).toBeGreaterThan(0)
      expect(seen.text).toBe(text)
    }
  })

  test('a merge that throws here is what mapReduce rejects with', async () => {
    let error: unknown
    for (let i = 0; i < 500 && error === undefined; i++)
      error = await mapReduce(numbers(300), cheap.seen, cheap.joinFails, { on: two }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
    expect(error).toEqual(new RangeError('not here'))
  })

  test('a merge that never returns here is stopped by name, and never runs here again', async () => {
    let error: unknown
    for (let i = 0; i < 500 && error === undefined; i++)
      error = await mapReduce(numbers(3_000), holding.number, holding.join, { on: two }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
    expect(error).toBeInstanceOf(TimedOut)
    expect(await mapReduce(numbers(3_000), holding.number, holding.join, { on: two })).toBe(4_498_500)
  })

  test('a stage of a stream, and a source of unknown length, run here too', async () => {
    const source = function* (): Generator<number> {
      yield* numbers(3_000)
    }
    const runs = [() => stream(source()).map(cheap.seen, { on: two }).toArray(), () => map(source(), cheap.seen, { on: two })]
    for (const run of runs) {
      let seen: Seen[] = []
      for (let i = 0; i < 500 && !seen.some(({ here }) => here === 1); i++) seen = await run()
      expect(seen.some(({ here }) => here === 1)).toBe(true)
      expect(seen.map(({ text }) => text).join('')).toBe(
        numbers(3_000)
          .map((n) => String.fromCharCode(97 + (n % 26)))
          .join(''),
      )
    }
  })
})
