/** What is thrown comes out as it is, whatever it is, from wherever it was thrown; and any bound of concurrency is a bound. */
import { describe, expect, test } from 'vitest'
import { all, balance, batched, graph, guard, hedge, map, mapReduce, scatter, scope, stream } from '../src/index.ts'
import { rejects, same, throws } from './fixtures/throws-anything.ts'

const values: Readonly<Record<string, unknown>> = {
  undefined,
  null: null,
  zero: 0,
  no: false,
  empty: '',
  text: 'why',
  big: 10n,
  list: [1],
}

const here = async (name: string): Promise<never> => {
  await undefined
  throw values[name]
}
const functions: Readonly<Record<string, (name: string) => Promise<unknown>>> = {
  'on this thread': here,
  'on a worker': throws,
  'later, on a worker': rejects,
}

type Thrower = (name: string) => Promise<unknown>
const combinators: Readonly<Record<string, (fn: Thrower, name: string) => Promise<unknown>>> = {
  'the call': (fn, name) => fn(name),
  map: (fn, name) => map([name], fn),
  'map with a policy': (fn, name) => map([name], fn, { timeout: '9s', retry: { retries: 1, base: 1 } }),
  'map over an async source': (fn, name) => map(stream([name]), fn),
  mapReduce: (fn, name) => mapReduce([name, name], fn, (a) => a),
  stream: (fn, name) => stream([name]).map(fn).toArray(),
  'stream, unordered': (fn, name) => stream([name]).map(fn, { ordered: false }).toArray(),
  keys: (fn, name) =>
    stream([name])
      .by((key) => key)
      .map(fn)
      .toArray(),
  filter: (fn, name) =>
    stream([name])
      .filter(fn as never)
      .toArray(),
  tee: (fn, name) => stream([name]).tee([() => fn(name)]),
  all: (fn, name) => all([() => fn(name)]),
  scope: (fn, name) => scope((s) => s.fork(() => fn(name))),
  graph: (fn, name) => {
    const g = graph('g')
    return g.run(g.task('t', () => fn(name)))
  },
  guard: (fn, name) => guard(fn, { timeout: '9s' })(name),
  hedge: (fn, name) => hedge(fn, { after: '9s' })(name),
  balance: (fn, name) => balance([fn])(name),
  batched: (fn, name) => batched(async () => [await fn(name)])(1),
}

describe.each(Object.entries(functions))('thrown %s', (_, fn) => {
  test.each(Object.entries(combinators))('through %s', async (_way, run) => {
    const seen: Record<string, unknown> = {}
    for (const name of Object.keys(values)) {
      seen[name] = await run(fn, name).then(
        () => 'no failure',
        (error: unknown) => error,
      )
    }
    expect(seen).toEqual(values)
  })

  test('settled by map, all and stream', async () => {
    for (const [name, reason] of Object.entries(values)) {
      const { failed } = await map([name], fn, { onFailure: 'settle' })
      expect(failed).toEqual([{ index: 0, item: name, error: reason }])
      expect(await all([() => fn(name)], { onFailure: 'settle' })).toEqual([{ status: 'rejected', reason }])
      expect(await stream([name]).map(fn, { onFailure: 'settle' }).toArray()).toEqual([{ status: 'rejected', reason }])
    }
  })

  test('by scatter, which says who is missing', async () => {
    await expect(scatter(['undefined'], fn, { enough: 1 })).rejects.toMatchObject({ name: 'QuorumNotReached' })
  })
})

async function* three(): AsyncGenerator<number> {
  yield* [1, 2, 3]
}

describe.each([Number.POSITIVE_INFINITY, 1e6, 1e9])('concurrency %s of three items', (concurrency) => {
  const double = async (value: number): Promise<number> => 2 * value
  const ways: Record<string, () => Promise<unknown>> = {
    map: () => map(three(), double, { concurrency }),
    'map of a list': () => map([1, 2, 3], double, { concurrency }),
    'map of an iterable': () => map(new Set([1, 2, 3]).values(), double, { concurrency }),
    'map with a policy': () => map(three(), double, { concurrency, timeout: '9s', retry: 1 }),
    'a worker function': () => map(three(), same, { concurrency }),
    'a worker function with a policy': () => map(three(), same, { concurrency, retry: 1 }),
    mapReduce: () => mapReduce(three(), double, (a, b) => a + b, { concurrency }),
    'mapReduce of a worker function': () => mapReduce(three(), same, async (a, b) => a + b, { concurrency }),
    stream: () => stream(three()).map(double, { concurrency }).toArray(),
    'stream, unordered': () => stream(three()).map(double, { concurrency, ordered: false }).toArray(),
    'stream of a worker function': () => stream(three()).map(same, { concurrency }).toArray(),
    keys: () =>
      stream(three())
        .by((i) => i)
        .map(double, { concurrency })
        .toArray(),
    flatMap: () =>
      stream(three())
        .flatMap((i) => [i, i], { concurrency, ordered: false })
        .toArray(),
    graph: () => {
      const g = graph('g')
      for (const i of [1, 2, 3]) g.task(`t${i}`, () => i)
      return g.run(undefined, { concurrency })
    },
    batched: () =>
      map(
        [1, 2, 3],
        batched(async (list: number[]) => list, { concurrency }),
        { concurrency },
      ),
  }

  test.each(Object.entries(ways))('%s', async (_, run) => {
    expect(await (run() as Promise<unknown>).then(() => 'settled')).toBe('settled')
  })
})
