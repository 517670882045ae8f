import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidOption } from '../base/errors.ts'
import { stream } from './stream.ts'
import { laterBy, range, Tally } from './stream.fixture.ts'
import { runs } from '../../test/support/runs.ts'

describe('stages give what the same methods of arrays give', () => {
  const step = fc.oneof(
    fc.record({ op: fc.constant('map' as const), delays: fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }) }),
    fc.record({ op: fc.constant('filter' as const), delays: fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }) }),
    fc.record({ op: fc.constant('flatMap' as const), delays: fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }) }),
    fc.record({ op: fc.constantFrom('take' as const, 'drop' as const), count: fc.nat(30) }),
  )

  test('in order, whatever the delays and the bounds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 5 }),
        fc.nat(40),
        fc.integer({ min: 1, max: 6 }),
        fc.nat(4),
        fc.boolean(),
        async (steps, length, concurrency, buffer, asyncSource) => {
          const options = { concurrency, buffer }
          let expected = range(length)
          let pipeline = stream(asyncSource ? laterItems(length) : range(length))
          for (const each of steps) {
            if (each.op === 'map') {
              expected = expected.map((x) => x * 3 + 1)
              pipeline = pipeline.map(
                laterBy(each.delays, (x) => x * 3 + 1),
                options,
              )
            } else if (each.op === 'filter') {
              expected = expected.filter((x) => x % 3 !== 0)
              pipeline = pipeline.filter(
                laterBy(each.delays, (x) => x % 3 !== 0),
                options,
              )
            } else if (each.op === 'flatMap') {
              expected = expected.flatMap((x) => range(x % 4).map((y) => x + y))
              pipeline = pipeline.flatMap(
                laterBy(each.delays, (x) => range(x % 4).map((y) => x + y)),
                options,
              )
            } else {
              expected = each.op === 'take' ? expected.slice(0, each.count) : expected.slice(each.count)
              pipeline = each.op === 'take' ? pipeline.take(each.count) : pipeline.drop(each.count)
            }
          }
          expect(await pipeline.toArray()).toEqual(expected)
        },
      ),
      { numRuns: runs(100, 400) },
    )
  })

  test('in any order the same items', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(60),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.nat(6), { minLength: 1 }),
        async (length, concurrency, delays) => {
          const options = { concurrency, ordered: false }
          const items = await stream(range(length))
            .map(
              laterBy(delays, (x) => x + 1),
              options,
            )
            .filter(
              laterBy(delays.toReversed(), (x) => x % 2 === 0),
              options,
            )
            .flatMap(
              laterBy(delays, (x) => laterItems(x % 3, x)),
              options,
            )
            .toArray()
          const expected = range(length)
            .map((x) => x + 1)
            .filter((x) => x % 2 === 0)
            .flatMap((x) => range(x % 3).map((y) => x + y))
          expect(items.toSorted((a, b) => a - b)).toEqual(expected.toSorted((a, b) => a - b))
        },
      ),
      { numRuns: runs(60, 200) },
    )
  })
})

describe('terminals', () => {
  test('reduce folds in order, with and without a first value', async () => {
    const letters = (): ReturnType<typeof stream<string>> => stream(['a', 'b', 'c']).map(laterBy([3, 0, 1], (x) => x))
    expect(await letters().reduce((all, x) => all + x, '>')).toBe('>abc')
    expect(await letters().reduce(async (all, x) => all + x)).toBe('abc')
    expect(await stream([5]).reduce((a, b) => a + b)).toBe(5)
    expect(await stream<number>([]).reduce((a: number | undefined, b: number) => (a ?? 0) + b, undefined)).toBeUndefined()
    await expect(stream<number>([]).reduce((a, b) => a + b)).rejects.toThrow('reduce of a stream without items has no result')
  })

  test('some, every and find stop at the item that decides', async () => {
    const seen: number[] = []
    const look = (x: number): number => (seen.push(x), x)
    expect(
      await stream(range(100))
        .map(look)
        .some((x) => x === 3),
    ).toBe(true)
    expect(
      await stream(range(100))
        .map(look)
        .every((x) => x < 3),
    ).toBe(false)
    expect(
      await stream(range(100))
        .map(look)
        .find((x) => x === 3),
    ).toBe(3)
    expect(seen).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3])
    expect(await stream(range(5)).some((x) => x > 9)).toBe(false)
    expect(await stream(range(5)).every(async (x) => x < 9)).toBe(true)
    expect(await stream(range(5)).find((x) => x > 9)).toBeUndefined()
  })

  test('find gives the first in order, also when a later one answers sooner', async () => {
    expect(
      await stream([1, 2, 3]).find(
        laterBy([5, 0, 0], (x) => x > 0),
        { concurrency: 3 },
      ),
    ).toBe(1)
  })

  test('forEach calls the function on every item', async () => {
    const seen = new Set<number>()
    await stream(range(50)).forEach(async (x) => void seen.add(x), { concurrency: 4 })
    expect(seen.size).toBe(50)
  })

  test('for await reads item by item, and several requests are answered in order', async () => {
    const items: number[] = []
    for await (const item of stream(range(5)).map(laterBy([2, 0], (x) => x))) items.push(item)
    expect(items).toEqual([0, 1, 2, 3, 4])
    const numbers = stream(range(3)).map(laterBy([2, 0], (x) => x))
    const iterator = numbers[Symbol.asyncIterator]()
    const answers = await Promise.all(range(5).map(() => iterator.next()))
    expect(answers.map(({ value, done }) => done || value)).toEqual([0, 1, 2, true, true])
  })

  test('what is not asked for does not run', async () => {
    const seen: number[] = []
    const numbers = stream(range(100)).map((x) => (seen.push(x), x))
    const iterator = numbers[Symbol.asyncIterator]()
    await iterator.next()
    await iterator.next()
    expect(seen).toEqual([0, 1])
    await iterator.return?.()
  })
})

describe('joining and dividing', () => {
  test('merge gives the items of all, each source in its order', async () => {
    const merged = await stream(laterItems(20))
      .merge(
        laterItems(5, 100),
        [200, 201],
        stream([300]).map(async (x) => x + 1),
      )
      .toArray()
    expect(merged.toSorted((a, b) => a - b)).toEqual([...range(20), 100, 101, 102, 103, 104, 200, 201, 301])
    expect(merged.filter((x) => x < 100)).toEqual(range(20))
  })

  test('merge does not wait for a source that has nothing', async () => {
    const never: AsyncIterable<number> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }
    expect(await stream(never).merge(range(5)).take(5).toArray()).toEqual(range(5))
  })

  test('tee gives everything to all, and what they return', async () => {
    const { sum, odd, first } = await stream(range(100))
      .map(laterBy([1, 0, 2], (x) => x))
      .tee({
        sum: (s) => s.reduce((a, b) => a + b, 0),
        odd: async (s) => (await s.filter((x) => x % 2 === 1).toArray()).length,
        first: (s) => s.take(3).toArray(),
      })
    expect({ sum, odd, first }).toEqual({ sum: 4950, odd: 50, first: [0, 1, 2] })
    expect(await stream([1, 2]).tee([(s) => s.toArray(), () => 'read nothing'])).toEqual([[1, 2], 'read nothing'])
  })

  test('a tee without consumers, and one whose consumers take nothing, end', async () => {
    const tally = new Tally()
    expect(await stream(tally.source(9)).tee([])).toEqual([])
    expect(await stream(tally.source(9)).tee({ nothing: () => 1 })).toEqual({ nothing: 1 })
    expect(tally.open).toBe(0)
  })

  test('no branch of a tee is further ahead of the slowest than the buffer', async () => {
    let fast = 0
    let slow = 0
    let most = 0
    await stream(range(200)).tee(
      [
        (s) => s.forEach(() => void (most = Math.max(most, ++fast - slow))),
        (s) =>
          s.forEach(
            laterBy([3], () => void slow++),
            { concurrency: 1 },
          ),
      ],
      { buffer: 5 },
    )
    expect([fast, slow]).toEqual([200, 200])
    // Five in the buffer, and what the slow one has taken and not finished: one under way, one that waits.
    expect(most).toBeLessThanOrEqual(5 + 2)
    expect(most).toBeGreaterThan(2)
  })

  test('a failing branch of a tee cancels the others', async () => {
    const failing = stream(laterItems(1_000)).tee([
      (s) => s.toArray(),
      (s) =>
        s.forEach((x) => {
          if (x === 3) throw new RangeError('no')
        }),
    ])
    await expect(failing).rejects.toThrow(RangeError)
  })

  test('flatMap reads one iterable after the other, or several at once', async () => {
    const slowFirst = (x: number): AsyncIterable<string> => named(`${x}`, x === 0 ? 6 : 0)
    expect(await stream([0, 1]).flatMap(slowFirst).toArray()).toEqual(['0a', '0b', '1a', '1b'])
    expect(await stream([0, 1]).flatMap(slowFirst, { ordered: false }).toArray()).toEqual(['1a', '1b', '0a', '0b'])
  })

  test('a stream that was used says so', async () => {
    const used = stream([1])
    used.map((x) => x)
    expect(() => used.map((x) => x)).toThrow('This stream has been used')
    await expect(used.toArray()).rejects.toThrow('This stream has been used')
    await expect(used[Symbol.asyncIterator]().next()).rejects.toThrow('This stream has been used')
  })
})

describe('backpressure', () => {
  test('a source a hundred times faster is held back: items in the pipeline never exceed its capacity', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ concurrency: fc.integer({ min: 1, max: 5 }), buffer: fc.nat(5), ordered: fc.boolean() }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.array(fc.nat(9), { minLength: 1, maxLength: 7 }),
        async (stages, delays) => {
          const tally = new Tally()
          let pipeline = stream(tally.source(150))
          let capacity = 0
          for (const [at, stage] of stages.entries()) {
            capacity += stage.concurrency + stage.buffer
            // Each stage is slower than the one before; the source takes no time at all.
            pipeline = pipeline.map(
              laterBy(
                delays.map((delay) => delay * (at + 1)),
                (x) => x,
              ),
              stage,
            )
          }
          for await (const _ of pipeline) {
            tally.consumed++
            await laterBy([40], () => {})(0)
          }
          expect(tally.consumed).toBe(150)
          // One more: the source has given it, and the first stage is about to start it.
          expect(tally.most).toBeLessThanOrEqual(capacity + 1)
        },
      ),
      { numRuns: 20 },
    )
  })

  test('no more calls are under way than allowed, and as many where they take time', async () => {
    const tally = new Tally()
    await stream(range(200))
      .map(tally.watch(laterBy([3, 1, 4, 1, 5], (x) => x)), { concurrency: 7 })
      .toArray()
    expect(tally.mostUnderWay).toBe(7)
  })

  test('tiny tasks let the event loop turn', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    const startedAt = performance.now()
    await stream(range(300_000))
      .map(async (x) => x)
      .filter((x) => x % 2 === 0)
      .forEach(() => {})
    clearInterval(timer)
    expect(turns).toBeGreaterThan((performance.now() - startedAt) / 100)
  })
})

test('wrong use is refused at once', async () => {
  expect(() => stream(5 as never)).toThrow(InvalidOption)
  expect(() => stream([1], { concurrency: 3 } as never)).toThrow('Unknown option `concurrency` of stream')
  expect(() => stream([1]).map(5 as never)).toThrow('Expected `fn` of map to be a function')
  expect(() => stream([1]).map((x) => x, { concurrency: 0 })).toThrow(
    "Expected `concurrency` to be a whole number from 1 up or 'auto', got 0",
  )
  expect(() => stream([1]).take(-1)).toThrow('Expected `count` of take to be a whole number from 0 up, got -1')
  expect(() => stream([1]).take(undefined as never)).toThrow(InvalidOption)
  expect(() => stream([1]).batch({} as never)).toThrow('Expected batch to get a `size`')
  expect(() => stream([1]).window({} as never)).toThrow('got neither')
  expect(() => stream([1]).window({ size: 2, step: 3 })).toThrow('Expected `step` to be at most `size` 2, got 3')
  await expect(stream([1]).forEach(5 as never)).rejects.toThrow('Expected `fn` of forEach to be a function')
  expect(() => stream([1]).map((x) => x, { on: { call() {}, bulk() {}, close() {} } as never })).toThrow(
    'worker function because `on` is given',
  )
})

/** Numbers that come one by one, each after a turn of the microtask queue or two. */
async function* laterItems(length: number, from = 0): AsyncGenerator<number> {
  for (let i = 0; i < length; i++) {
    if (i % 3 === 1) await undefined
    yield from + i
  }
}

async function* named(name: string, delay: number): AsyncGenerator<string> {
  for (const letter of ['a', 'b']) {
    await laterBy([delay], () => {})(0)
    yield name + letter
  }
}
