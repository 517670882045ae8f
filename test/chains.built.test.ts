/** Neighbouring stages of worker functions travel as one: a value between them stays on the worker that made it. */
import { afterAll, describe, expect, test } from 'vitest'
import { stream, threads, WorkerCrashed } from '../src/index.ts'
import { record } from '../src/trace/index.ts'
import { chains } from './fixtures/chains.ts'
import { plain } from './fixtures/plain.ts'

const on = threads({ size: 2 })
afterAll(() => on.close({ graceMs: 0 }))
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

test('what is between them need not cross, and does not', async () => {
  const made = await stream(numbers(500)).map(chains.made, { on }).map(chains.used, { on }).toArray()
  expect(made).toEqual(numbers(500).map((i) => ({ i, twice: i * 2, together: true })))
})

test('three stages, of two modules, some asynchronous, give what three calls give', async () => {
  const expected = numbers(300).map((n) => ((n + 1) * 2 + 1) * 2)
  const { addOne, double, doubleLater } = chains
  expect(
    await stream(numbers(300)).map(addOne, { on }).map(doubleLater, { on }).map(addOne, { on }).map(double, { on }).toArray(),
  ).toEqual(expected)
  expect(
    await stream(numbers(300))
      .map(addOne, { on })
      .map(plain.double, { on })
      .map(addOne, { on })
      .map(plain.doubleLater, { on })
      .toArray(),
  ).toEqual(expected)
})

test('what is between two groups of them runs where it did', async () => {
  const sums = await stream(numbers(200))
    .map(chains.addOne, { on })
    .map(chains.double, { on })
    .map((n) => n + 1)
    .map(chains.double, { on })
    .toArray()
  expect(sums).toEqual(numbers(200).map((n) => ((n + 1) * 2 + 1) * 2))
})

test('stages that filter and take apart give what they give one by one', async () => {
  const expected = numbers(300)
    .map((n) => n + 1)
    .filter((n) => n % 2 === 0)
    .flatMap((n) => Array.from({ length: n % 4 }, (_, i) => n + i))
    .map((n) => n * 2)
    .filter((n) => n % 2 === 0)
  const { addOne, isEven, isEvenLater, upTo, eachUpTo, double } = chains
  for (const [even, many] of [
    [isEven, upTo],
    [isEvenLater, eachUpTo],
  ] as const) {
    const made = stream(numbers(300)).map(addOne, { on }).filter(even, { on })
    expect(await made.flatMap(many, { on }).map(double, { on }).filter(even, { on }).toArray()).toEqual(expected)
  }
  expect(await stream(numbers(20)).flatMap(upTo, { on }).take(3).toArray()).toEqual([1, 2, 3])
  expect(await stream(numbers(20)).filter(isEven, { on }).toArray()).toEqual(numbers(20).filter((n) => n % 2 === 0))
})

test('the items of the program stay as they are, whatever stages do with theirs', async () => {
  const items = numbers(50).map((n) => ({ n, by: '' }))
  const made = await stream(items).map(chains.marks, { on }).map(chains.marks, { on }).toArray()
  expect(made.map(({ by }) => by)).toEqual(items.map(() => 'aa'))
  expect(items.every(({ by }) => by === '')).toBe(true)
})

test('each part gets the context of the item', async () => {
  expect(await stream(numbers(3)).map(chains.addOne, { on }).map(chains.seen, { on }).toArray()).toEqual([
    '1 0 false',
    '2 1 false',
    '3 2 false',
  ])
})

test('each part behind one that filters gets the context of the item', async () => {
  const made = stream(numbers(5)).filter(chains.isEven, { on }).map(chains.seen, { on })
  expect(await made.toArray()).toEqual(['0 0 false', '2 2 false', '4 4 false'])
})

test('a trace shows the tasks of each stage, and what they needed', async () => {
  const { trace } = await record(() =>
    stream(numbers(40)).map(chains.addOne, { on }).map(chains.doubleLater, { on, name: 'second' }).toArray(),
  )
  const names = numbers(trace.tasks.count).map((task) => trace.strings[trace.tasks.name[task] as number])
  expect(names.filter((name) => name === 'addOne')).toHaveLength(40)
  expect(names.filter((name) => name === 'second')).toHaveLength(40)
})

test('so it does of stages that filter and take apart: each shows the items that it had', async () => {
  const { addOne, isEven, isEvenLater, upTo, eachUpTo, double } = chains
  for (const [even, many] of [
    [isEven, upTo],
    [isEvenLater, eachUpTo],
  ] as const) {
    const { trace } = await record(() =>
      stream(numbers(40)).map(addOne, { on }).filter(even, { on }).flatMap(many, { on }).map(double, { on }).toArray(),
    )
    const count = new Map<string, number>()
    for (let task = 0; task < trace.tasks.count; task++) {
      const name = trace.strings[trace.tasks.name[task] as number] as string
      count.set(name, (count.get(name) ?? 0) + 1)
      expect(trace.tasks.settledAt[task]).toBeGreaterThanOrEqual(trace.tasks.startedAt[task] as number)
    }
    // Of 1 to 40 twenty are even, and ten of those give something.
    expect([...count.values()]).toEqual([40, 40, 20, 10])
  }
})

describe('stages with `retry`', () => {
  const retry = { retries: 3, base: 1, retryIf: () => true }
  const rows = numbers(100).map((n) => ({ n, by: n % 3 === 0 ? '3' : '1' }))

  test('are called again with what they got, whatever they did to it', async () => {
    for (const fails of [chains.spoils, chains.spoilsLater]) {
      expect(await stream(numbers(100)).map(chains.wanted, { on }).map(fails, { on, retry }).toArray()).toEqual(rows)
      // The first stage: its items are those of the program.
      const items = numbers(100).map((n) => ({ n, by: '' }))
      expect(await stream(items).map(fails, { on, retry }).toArray()).toEqual(rows)
      expect(await stream(items).map(fails, { on, retry }).map(chains.marks, { on, retry }).toArray()).toEqual(
        rows.map(({ n, by }) => ({ n, by: `${by}a` })),
      )
    }
  })

  test('travel with their neighbours', async () => {
    const late = await stream(numbers(50)).map(chains.made, { on, retry }).map(chains.used, { on }).toArray()
    expect(late.every(({ together }) => together)).toBe(true)
  })

  test('in the middle of stages that filter and take apart: what has succeeded is not done again', async () => {
    const made = numbers(200)
      .flatMap((n) => Array.from({ length: n % 4 }, (_, i) => n + i))
      .filter((n) => n % 2 === 0)
      .map((n) => ({ n, by: n % 3 === 0 ? '3a' : '1a' }))
    for (const fails of [chains.spoils, chains.spoilsLater]) {
      const written = stream(numbers(200)).flatMap(chains.rowsOf, { on }).filter(chains.isKept, { on, retry })
      expect(await written.map(fails, { on, retry }).map(chains.marks, { on }).toArray()).toEqual(made)
    }
  })

  test('an attempt is one at its own function, and has the key of the first one', async () => {
    const keys: unknown[] = []
    const noted = { ...retry, retryIf: (error: unknown) => keys.push((error as { key?: string }).key) > 0 }
    const made = await stream(numbers(40))
      .map(chains.wanted, { on })
      .map(chains.spoils, { on, retry })
      .map(chains.keyed, { on, retry: noted })
      .map(chains.keyed, { on, retry: noted })
      .toArray()
    expect(new Set(made.map(({ key }) => key)).size).toBe(40)
    const last = new Set(made.map(({ key }) => key))
    expect(keys.filter((key) => last.has(key as string))).toHaveLength(6)
    expect(keys).toHaveLength(12)
  })

  test('give up with the error of the last attempt, and say so in the trace', async () => {
    const few = { retries: 1, base: 1, retryIf: () => true }
    const failing = stream(numbers(10).slice(3)).map(chains.wanted, { on }).map(chains.spoils, { on, retry: few }).toArray()
    await expect(failing).rejects.toThrow(/attempt 2 at [369]/)
    const { trace } = await record(() =>
      stream(numbers(30)).map(chains.wanted, { on }).map(chains.spoils, { on, retry }).map(chains.marks, { on }).toArray(),
    )
    const tasks = numbers(trace.tasks.count).map((task) => ({
      name: trace.strings[trace.tasks.name[task] as number],
      attempts: trace.tasks.attempts[task],
    }))
    expect(tasks).toHaveLength(90)
    expect(tasks.filter(({ attempts }) => attempts === 3).map(({ name }) => name)).toEqual(
      Array.from({ length: 10 }, () => 'spoils'),
    )
  })

  test('what its worker lost begins again where every stage has it, else fails and says so', async () => {
    const items = (): { n: number; cell: Int32Array }[] => {
      const cell = new Int32Array(new SharedArrayBuffer(4))
      return numbers(100).map((n) => ({ n, cell }))
    }
    expect(await stream(items()).map(chains.endsOnce, { on, retry }).toArray()).toEqual(numbers(100))
    const both = stream(items()).map(chains.withCell, { on, retry }).map(chains.endsOnce, { on, retry })
    expect(await both.toArray()).toEqual(numbers(100))
    const one = stream(items()).map(chains.withCell, { on }).map(chains.endsOnce, { on, retry }).toArray()
    await expect(one).rejects.toMatchObject({ name: 'WorkerCrashed', hint: expect.stringContaining('every stage') })
  })

  test.each([1, 3, 8])('the same results on %i threads, also when one of them ends', async (size) => {
    const own = threads({ size })
    try {
      const cell = new Int32Array(new SharedArrayBuffer(4))
      const both = { on: own, retry }
      const written = stream(numbers(60).map((n) => ({ n, cell })))
        .map(chains.withCell, both)
        .map(chains.endsOnce, both)
      const made = await written.map(chains.wanted, both).filter(chains.isKept, both).map(chains.spoils, both).toArray()
      expect(made).toEqual(rows.slice(0, 60).filter(({ n }) => n % 2 === 0))
      expect(cell[0]).toBe(2)
    } finally {
      await own.close({ graceMs: 0 })
    }
  })

  test('a value that cannot be kept is named', async () => {
    const failing = stream([1, 2]).map(chains.withFunction, { on }).map(chains.spoils, { on, retry }).toArray()
    await expect(failing).rejects.toThrow('item.late is a function')
  })

  test('stopping in a pause between attempts settles', async () => {
    const stop = new AbortController()
    const long = { retries: 1, base: 1e9, cap: 1e9, retryIf: () => true }
    const running = stream(numbers(100), { signal: stop.signal })
      .map(chains.wanted, { on })
      .map(chains.spoils, { on, retry: long })
      .toArray()
    setTimeout(() => stop.abort(new Error('enough')), 200)
    await expect(running).rejects.toThrow('enough')
  })
})

describe('what goes wrong', () => {
  test('the error is that of the part', async () => {
    await expect(stream(numbers(50)).map(chains.addOne, { on }).map(chains.failsAtFive, { on }).toArray()).rejects.toThrow('five')
    await expect(stream(numbers(50)).map(chains.failsAtFive, { on }).map(chains.addOne, { on }).toArray()).rejects.toThrow('five')
  })

  test('a stage that settles, and its neighbours, keep what they say of failures', async () => {
    const outcomes = await stream(numbers(10))
      .map(chains.addOne, { on })
      .map(chains.failsAtFive, { on, onFailure: 'settle' })
      .toArray()
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(outcomes).toHaveLength(10)
  })

  test('a part that ends its worker fails by name, and what had not started is done', async () => {
    await expect(stream(numbers(100)).map(chains.ends, { on }).map(chains.double, { on }).toArray()).rejects.toThrow(
      WorkerCrashed,
    )
    expect(await stream([1, 2]).map(chains.ends, { on }).map(chains.double, { on }).toArray()).toEqual([2, 4])
  })

  test('stopping in the middle of an endless part settles', async () => {
    const stop = new AbortController()
    const running = stream(numbers(100), { signal: stop.signal }).map(chains.addOne, { on }).map(chains.forEver, { on }).toArray()
    setTimeout(() => stop.abort(new Error('enough')), 300)
    await expect(running).rejects.toThrow('enough')
    expect(await stream([1]).map(chains.addOne, { on }).map(chains.double, { on }).toArray()).toEqual([4])
  })
})
