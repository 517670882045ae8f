/** `by(key).reduce` on workers: each key is folded in order on one of them, whatever their number. */
import { afterAll, describe, expect, test } from 'vitest'
import { InvalidOption, stream, threads, Unserializable, WorkerCrashed } from '../src/index.ts'
import { record } from '../src/trace/index.ts'
import { type Pair, shuffles } from './fixtures/shuffles.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const pools = [1, 2, 3, 8].map((size) => threads({ size }))
const [, two] = pools as [(typeof pools)[0], (typeof pools)[0]]
afterAll(() => Promise.all(pools.map((pool) => pool.close({ graceMs: 0 }))))

const pairsOf = (i: number): Pair[] =>
  Array.from({ length: 40 }, (_, j) => ({ key: `k${(i * 7 + j * j) % 23}`, value: 0.1 * i + j }))

function folded<A>(items: readonly Pair[], fold: (sum: A, pair: Pair) => A, initial: () => A): [string, A][] {
  const values = new Map<string, A>()
  for (const pair of items) values.set(pair.key, fold(values.has(pair.key) ? (values.get(pair.key) as A) : initial(), pair))
  return [...values]
}
const sums = (count: number): [string, number][] =>
  folded(
    numbers(count).flatMap(pairsOf),
    (sum, pair) => sum + pair.value,
    () => 0,
  )

describe('the result is that of a loop, to the bit and in the order of the keys', () => {
  test.each([0, 1, 5, 300])('for what workers make of %d items', async (count) => {
    for (const on of pools) {
      const made = stream(numbers(count)).flatMap(shuffles.pairsOf, { on })
      expect([...(await made.by('key').reduce(shuffles.sum, 0, { on }))]).toEqual(sums(count))
    }
  })

  test('by a worker function, with one for the first value, with asynchronous ones', async () => {
    const { pairsLater, keyOf, keyLater, sum, sumLater, zero } = shuffles
    const expected = sums(120)
    for (const on of pools) {
      const ends = [
        stream(numbers(120)).flatMap(pairsLater, { on }).by(keyOf).reduce(sum, zero, { on }),
        stream(numbers(120)).flatMap(shuffles.pairsOf, { on }).by(keyLater).reduce(sumLater, zero, { on }),
        stream(numbers(120))
          .flatMap(shuffles.pairsOf, { on })
          .by('key')
          .reduce(sum, () => 0, { on }),
      ]
      for (const end of ends) expect([...(await end)]).toEqual(expected)
    }
  })

  test('for items of this thread, by functions of this thread too', async () => {
    const items = numbers(200).flatMap(pairsOf)
    const expected = sums(200)
    for (const on of pools) {
      const ends = [
        stream(items).by('key').reduce(shuffles.sum, 0, { on }),
        stream(items).by(shuffles.keyOf).reduce(shuffles.sum, 0, { on }),
        stream(items)
          .by((pair) => pair.key)
          .reduce(shuffles.sum, 0, { on }),
        stream(items)
          .by('key')
          .reduce(shuffles.sum, (key) => key.length * 0, { on }),
        stream(items).by('key').reduce(shuffles.sum, shuffles.zero, { on, retry: 2 }),
        stream(new Set(items)).by('key').reduce(shuffles.sumLater, 0, { on }),
      ]
      for (const end of ends) expect([...(await end)]).toEqual(expected)
    }
  })

  test('for folds of this thread, that wait or not', async () => {
    const items = numbers(50).flatMap(pairsOf)
    const add = (sum: number, pair: Pair): number => sum + pair.value
    const later = async (sum: number, pair: Pair): Promise<number> => {
      await undefined
      return sum + pair.value
    }
    const sometimes = (sum: number, pair: Pair): number | Promise<number> => (pair.value > 30 ? later(sum, pair) : add(sum, pair))
    for (const fold of [add, later, sometimes]) expect([...(await stream(items).by('key').reduce(fold, 0))]).toEqual(sums(50))
    expect([
      ...(await stream(items)
        .by((pair) => pair.key)
        .reduce(add, () => 0)),
    ]).toEqual(sums(50))
  })

  test('through stages that map, filter and take apart', async () => {
    const expected = folded(
      numbers(200)
        .flatMap(pairsOf)
        .map(({ key, value }) => ({ key, value: value * 1.1 }))
        .filter(({ value }) => value > 5),
      (sum, pair) => sum + pair.value,
      () => 0,
    )
    for (const on of pools) {
      const { flatMap } = { flatMap: stream(numbers(200)).flatMap(shuffles.pairsOf, { on }) }
      const got = await flatMap
        .map(shuffles.scale, { on })
        .filter(shuffles.large, { on })
        .by('key')
        .reduce(shuffles.sum, 0, { on })
      expect([...got]).toEqual(expected)
    }
  })

  test('for values that are objects, of which each key has its own', async () => {
    const items = numbers(60).flatMap(pairsOf)
    const expected = folded<number[]>(
      items,
      (list, pair) => [...list, pair.value],
      () => [],
    )
    for (const on of pools) {
      const made = stream(numbers(60))
        .flatMap(shuffles.pairsOf, { on })
        .by('key')
        .reduce(shuffles.list, [] as number[], { on })
      expect([...(await made)]).toEqual(expected)
      expect([
        ...(await stream(items)
          .by('key')
          .reduce(shuffles.list, [] as number[], { on })),
      ]).toEqual(expected)
    }
  })

  test('for many keys, numbers', async () => {
    const made = (on: (typeof pools)[0]) => stream(numbers(300)).flatMap(shuffles.numbers, { on })
    const expected = new Map<number, number>()
    for (const i of numbers(300))
      for (const j of numbers(1_000)) {
        const key = (i * 31 + j * 7) % 500
        expected.set(key, (expected.get(key) ?? 0) + i + j)
      }
    for (const on of pools) expect([...(await made(on).by('key').reduce(shuffles.sumNumbers, 0, { on }))]).toEqual([...expected])
  })
})

test('with combine the bits are those of one worker', async () => {
  const [one, ...others] = pools as [(typeof pools)[0], ...typeof pools]
  const run = (on: (typeof pools)[0], items: Iterable<number>) =>
    stream(items).flatMap(shuffles.pairsOf, { on }).by('key').reduce(shuffles.sum, 0, { on, combine: shuffles.add })
  const lists = (on: (typeof pools)[0]) =>
    stream(numbers(700))
      .flatMap(shuffles.pairsOf, { on })
      .by(shuffles.keyOf)
      .reduce(shuffles.list, [] as number[], { on, combine: shuffles.concat })
  const alone = [...(await run(one, numbers(700)))]
  expect(alone.map(([key]) => key)).toEqual(sums(700).map(([key]) => key))
  for (const on of others) expect([...(await run(on, numbers(700)))]).toEqual(alone)
  for (const on of others) expect([...(await run(on, new Set(numbers(700))))]).toEqual(alone)
  const expected = folded<number[]>(
    numbers(700).flatMap(pairsOf),
    (list, pair) => (list.push(pair.value), list),
    () => [],
  )
  for (const on of pools) expect([...(await lists(on))]).toEqual(expected)
})

test('each key is folded on one worker, and several of them fold', async () => {
  const threadsOf = await stream(numbers(400))
    .flatMap(shuffles.pairsOf, { on: two })
    .by('key')
    .reduce(shuffles.threads, new Set<number>(), { on: two })
  expect([...threadsOf.values()].every((own) => own.size === 1)).toBe(true)
  expect(new Set([...threadsOf.values()].flatMap((own) => [...own])).size).toBe(2)
})

test('shared memory stays shared', async () => {
  const made = stream(numbers(40)).flatMap(shuffles.pairsOf, { on: two }).map(shuffles.shared, { on: two })
  expect(new Set((await made.by('key').reduce(shuffles.isShared, true, { on: two })).values())).toEqual(new Set([true]))
})

test('the fold gets a context, and a trace shows blocks as tasks', async () => {
  const run = () =>
    stream(numbers(50)).flatMap(shuffles.pairsOf, { on: two }).by('key').reduce(shuffles.withContext, 0, { on: two })
  const expected = folded(
    numbers(50).flatMap(pairsOf),
    (sum: number) => sum + 1,
    () => 0,
  )
  const { value, trace } = await record(run)
  expect([...value]).toEqual(expected)
  expect(trace.tasks.count).toBeGreaterThan(0)
})

describe('what goes wrong', () => {
  const made = () => stream(numbers(300)).flatMap(shuffles.pairsOf, { on: two })
  const next = async (): Promise<void> =>
    expect([...(await made().by('key').reduce(shuffles.sum, 0, { on: two }))]).toEqual(sums(300))

  test('a fold that throws', async () => {
    await expect(made().by('key').reduce(shuffles.failsAt, 0, { on: two })).rejects.toThrow('too large')
    await next()
  })

  test('a combine that throws', async () => {
    const failed = made().by('key').reduce(shuffles.sum, 0, { on: two, combine: shuffles.addFails })
    await expect(failed).rejects.toThrow('cannot add')
    await next()
  })

  test('a worker that ends while it makes, folds, or combines', async () => {
    const ends = [
      () => stream(numbers(300)).flatMap(shuffles.pairsExit, { on: two }).by('key').reduce(shuffles.sum, 0, { on: two }),
      () => made().by('key').reduce(shuffles.exitsAt, 0, { on: two }),
      () => made().by('key').reduce(shuffles.sum, 0, { on: two, combine: shuffles.addExits }),
    ]
    for (const end of ends) await expect(end()).rejects.toThrow(WorkerCrashed)
    await next()
  })

  test('cancellation in the middle, also of a fold that never returns', async () => {
    for (const fold of [shuffles.sumLater, shuffles.forEver]) {
      const stop = new AbortController()
      const source = stream(numbers(100_000), { signal: stop.signal }).flatMap(shuffles.pairsOf, { on: two })
      const running = source.by('key').reduce(fold, 0, { on: two })
      setTimeout(() => stop.abort(new Error('enough')), 100)
      await expect(running).rejects.toThrow('enough')
    }
    await next()
  })

  test('values that cannot cross, in the middle and at the end', async () => {
    const handles = made()
      .by('key')
      .reduce(shuffles.handles as never, 0 as unknown, { on: two })
    await expect(handles).rejects.toThrow(Unserializable)
    const functions = stream(numbers(300))
      .flatMap(shuffles.withFunction, { on: two })
      .by('key')
      .reduce(shuffles.sum as never, 0, { on: two })
    await expect(functions).rejects.toThrow(/run is a function|run.*function/)
    await next()
  })

  test('keys that are objects, which are others on every thread', async () => {
    await expect(made().by(shuffles.objectKey).reduce(shuffles.sum, 0, { on: two })).rejects.toThrow(/key of by/)
  })

  test('closing the pool while it runs', async () => {
    const own = threads({ size: 2 })
    const running = stream(numbers(100_000))
      .flatMap(shuffles.pairsOf, { on: own })
      .by('key')
      .reduce(shuffles.sumLater, 0, { on: own })
    setTimeout(() => void own.close({ graceMs: 50 }), 100)
    await expect(running).rejects.toThrow(/closed/)
  })

  test('options that do not fit', async () => {
    await expect(
      made()
        .by('key')
        .reduce(shuffles.sum, 0, { combine: (a, b) => a + b }),
    ).rejects.toThrow(InvalidOption)
    await expect(
      made()
        .by(shuffles.keyOf)
        .reduce(shuffles.sum, (key: string) => key.length),
    ).rejects.toThrow(InvalidOption)
  })
})
