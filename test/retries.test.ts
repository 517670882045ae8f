/** `retry: n` means n retries, in everything that takes it; a budget that refuses says so. */
import { expect, test } from 'vitest'
import { all, balance, graph, guard, hedge, map, mapReduce, retryBudget, scatter, scope, stream } from 'heddle'
import { explain, record } from 'heddle/trace'

const calls = 1_000
const items = Array.from({ length: calls }, (_, n) => n)

/** Fails once for every fourth item. */
function flaky(): (n: number) => Promise<number> {
  const tried = new Set<number>()
  return async (n) => {
    if (n % 4 !== 0 || tried.has(n)) return n
    tried.add(n)
    throw new Error(`once, for ${n}`)
  }
}

const retry = { retries: 3, base: 0 } as const
const ways: Readonly<Record<string, (fn: (n: number) => Promise<number>) => Promise<unknown>>> = {
  map: (fn) => map(items, fn, { retry }),
  stream: (fn) => stream(items).map(fn, { retry }).toArray(),
  'a keyed stream': (fn) => stream(items).by((n) => n).map(fn, { retry }).toArray(), // prettier-ignore
  guard: (fn) => Promise.all(items.map(guard(fn, { retry }))),
  'guard around balance': (fn) => Promise.all(items.map(guard(balance([fn], { breaker: { consecutive: calls } }), { retry }))),
  'hedge around guard': (fn) => Promise.all(items.map(hedge(guard(fn, { retry })))),
  all: (fn) => all(items.map((n) => () => fn(n)), { retry }), // prettier-ignore
  scatter: async (fn) => (await scatter(items, fn, { retry })).values,
  scope: (fn) => scope((s) => Promise.all(items.map((n) => s.fork(() => fn(n), { retry })))),
  graph: async (fn) => {
    const g = graph('g')
    return g.run(items.map((n) => g.task(`t${n}`, () => fn(n))), { retry }) // prettier-ignore
  },
}

test.each(Object.keys(ways))('no call is lost: %s', async (name) => {
  expect(await (ways[name] as (typeof ways)[string])(flaky())).toEqual(items)
})

test('mapReduce, too', async () => {
  expect(await mapReduce(items, flaky(), (a, b) => a + b, { retry })).toBe((calls * (calls - 1)) / 2)
})

test('what a budget refuses says so, as the very error, and is counted', async () => {
  const budget = retryBudget({ ratio: 0.1, floor: 10 })
  const frozen = Object.freeze(new Error('frozen'))
  const thrown = new Map<number, Error>()
  const { trace } = await record(async () => {
    const { failed } = await map(
      items,
      async (n) => {
        const error = n === 999 ? frozen : new Error(`down ${n}`)
        thrown.set(n, error)
        throw error
      },
      { retry: { ...retry, retries: 1, budget }, onFailure: 'settle', concurrency: 1 },
    )
    expect(failed).toHaveLength(calls)
    for (const { index, error } of failed) expect(error).toBe(thrown.get(index))
    const hinted = failed.filter(({ error }) =>
      (error as { hint?: string }).hint?.startsWith('Not retried: the retry budget of 10 %'),
    )
    expect(hinted.length).toBeGreaterThan(800)
    expect(budget.refused).toBeGreaterThanOrEqual(hinted.length)
  })
  const advice = explain(trace).advice.find(({ pitfall }) => pitfall === 'not-retried')
  expect(advice?.title).toBe(`${budget.refused} failures were not retried`)
})
