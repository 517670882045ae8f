/** `reduce` on workers: in order on one of them, or block by block on all, with the same bits for any number. */
import { afterAll, describe, expect, test } from 'vitest'
import { InvalidOption, stream, threads, Unserializable, WorkerCrashed } from '../src/index.ts'
import { type Pair, shuffles } from './fixtures/shuffles.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const pools = [1, 2, 3, 8].map((size) => threads({ size }))
const [, two] = pools as [(typeof pools)[0], (typeof pools)[0]]
afterAll(() => Promise.all(pools.map((pool) => pool.close({ graceMs: 0 }))))

const pairsOf = (i: number): Pair[] =>
  Array.from({ length: 40 }, (_, j) => ({ key: `k${(i * 7 + j * j) % 23}`, value: 0.1 * i + j }))
const items = numbers(150).flatMap(pairsOf)
const sum = items.reduce((all, pair) => all + pair.value, 0)

test('without combine the bits are those of a loop', async () => {
  for (const on of pools) {
    const made = () => stream(numbers(150)).flatMap(shuffles.pairsOf, { on })
    expect(await made().reduce(shuffles.sum, 0, { on })).toBe(sum)
    expect(await stream(items).reduce(shuffles.sum, 0, { on })).toBe(sum)
    expect(
      await made()
        .map(shuffles.scale, { on })
        .reduce(shuffles.list, [] as number[], { on }),
    ).toEqual(items.map(({ value }) => value * 1.1))
  }
})

test('without combine a fold that waits gets its items in order too', async () => {
  const few = items.slice(0, 120)
  const expected = few.reduce((all, pair) => all + pair.value, 0)
  for (const on of pools) expect(await stream(few).reduce(shuffles.sumLater, 0, { on })).toBe(expected)
})

test('with combine they are those of one worker', async () => {
  const { pairsOf: pairs, pairsLater, sum: add, add: plus, list, concat, large } = shuffles
  const [one] = pools as [(typeof pools)[0]]
  const sums = (on: (typeof pools)[0]) => stream(numbers(1_500)).flatMap(pairs, { on }).reduce(add, 0, { on, combine: plus })
  const alone = await sums(one)
  expect(alone).toBeCloseTo(
    numbers(1_500)
      .flatMap(pairsOf)
      .reduce((all, pair) => all + pair.value, 0),
    3,
  )
  const values = items.map(({ value }) => value)
  for (const on of pools) {
    expect(await sums(on)).toBe(alone)
    const lists = [
      stream(numbers(150))
        .flatMap(pairs, { on })
        .reduce(list, [] as number[], { on, combine: concat }),
      stream(numbers(150))
        .flatMap(pairsLater, { on })
        .reduce(list, [] as number[], { on, combine: concat }),
      stream(items).reduce(list, [] as number[], { on, combine: concat }),
      stream(new Set(items))
        .map(shuffles.self, { on })
        .reduce(list, [] as number[], { on, combine: concat }),
    ]
    for (const made of lists) expect(await made).toEqual(values)
    const few = stream(items)
      .filter(large, { on })
      .reduce(list, [] as number[], { on, combine: concat })
    expect(await few).toEqual(values.filter((value) => value > 5))
  }
})

test('a stream without items gives the first value', async () => {
  expect(await stream([] as Pair[]).reduce(shuffles.sum, 7, { on: two, combine: shuffles.add })).toBe(7)
  expect(await stream([] as Pair[]).reduce(shuffles.sum, 7, { on: two })).toBe(7)
})

describe('what goes wrong', () => {
  const made = () => stream(numbers(300)).flatMap(shuffles.pairsOf, { on: two })
  const { sum: add, add: plus } = shuffles
  const next = async (): Promise<void> => expect(await made().reduce(add, 0, { on: two, combine: plus })).toBeGreaterThan(0)

  test('a fold or a combine that throws, or ends its worker', async () => {
    await expect(made().reduce(shuffles.failsAt, 0, { on: two, combine: plus })).rejects.toThrow('too large')
    await expect(made().reduce(add, 0, { on: two, combine: shuffles.addFails })).rejects.toThrow('cannot add')
    await expect(made().reduce(shuffles.exitsAt, 0, { on: two, combine: plus })).rejects.toThrow(WorkerCrashed)
    await expect(made().reduce(add, 0, { on: two, combine: shuffles.addExits })).rejects.toThrow(WorkerCrashed)
    await expect(made().reduce(shuffles.exitsAt, 0, { on: two })).rejects.toThrow(WorkerCrashed)
    await next()
  })

  test('cancellation in the middle', async () => {
    for (const options of [{ on: two }, { on: two, combine: plus }]) {
      const stop = new AbortController()
      const source = stream(numbers(100_000), { signal: stop.signal }).flatMap(shuffles.pairsOf, { on: two })
      const running = source.reduce(shuffles.sumLater, 0, options)
      setTimeout(() => stop.abort(new Error('enough')), 100)
      await expect(running).rejects.toThrow('enough')
    }
    await next()
  })

  test('values that cannot cross', async () => {
    const handles = made().reduce(shuffles.handles as never, 0 as unknown, { on: two, combine: shuffles.add as never })
    await expect(handles).rejects.toThrow(Unserializable)
    await next()
  })

  test('a combine of this thread', async () => {
    await expect(made().reduce(add, 0, { on: two, combine: (a, b) => a + b })).rejects.toThrow(InvalidOption)
  })
})
