/** Worker functions in a row as one: one crossing, wherever a worker function is taken. */
import { afterAll, expect, test } from 'vitest'
import { all, graph, InvalidOption, map, mapReduce, pipe, processes, stream, threads, workers } from '../src/index.ts'
import { chains } from './fixtures/chains.ts'
import { merging } from './fixtures/merging.ts'

const on = threads({ size: 2 })
afterAll(() => on.close({ graceMs: 0 }))
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const { addOne, double, doubleLater, failsAtFive, made, used, seen } = chains

test('what is between them does not cross, and has one worker', async () => {
  const both = pipe(made, used)
  expect(both.name).toBe('made → used')
  const expected = numbers(200).map((i) => ({ i, twice: i * 2, together: true }))
  expect(await map(numbers(200), both)).toEqual(expected)
  expect(await map(numbers(200), both, { on })).toEqual(expected)
  expect(await both(3)).toEqual(expected[3])
})

test('map, mapReduce, settle, all, graph, streams and pipes take it', async () => {
  const three = pipe(addOne, doubleLater, double)
  const expected = numbers(50).map((n) => (n + 1) * 4)
  expect(await map(numbers(50), three, { on })).toEqual(expected)
  expect(await map(numbers(50), three, { retry: 2, timeout: '10s' })).toEqual(expected)
  expect(await mapReduce(numbers(50), three, merging.add, { on })).toBe(expected.reduce((a, b) => a + b, 0))
  expect(await all({ a: () => three(1), b: () => three(2) })).toEqual({ a: 8, b: 12 })
  const g = graph('pipes')
  const two = g.task('two', async () => 2)
  const twelve = g.task('twelve', { two }, ({ two: n }) => three(n))
  const asItem = g.task('record', { i: twelve }, pipe(chains.numberOf, double))
  expect(await g.run(asItem)).toBe(24)
  expect(await stream(numbers(50)).map(three, { on }).map(addOne, { on }).toArray()).toEqual(expected.map((n) => n + 1))
  expect(await map(numbers(50), pipe(three, pipe(addOne, double)))).toEqual(expected.map((n) => (n + 1) * 2))
  expect(await map(numbers(3), pipe(addOne, seen as (n: number) => Promise<string>))).toEqual([
    '1 0 false',
    '2 1 false',
    '3 2 false',
  ])
})

test('processes run it too', async () => {
  const own = processes({ size: 1 })
  expect(await map(numbers(5), pipe(addOne, double), { on: own })).toEqual([2, 4, 6, 8, 10])
  await own.close()
})

test('the error is that of the function', async () => {
  await expect(map(numbers(50), pipe(addOne, failsAtFive, double), { on })).rejects.toThrow('five')
})

test('what is not a worker function, or runs elsewhere, is refused', () => {
  const isolated = workers<(typeof import('./fixtures/plain.ts'))['plain']>(new URL('fixtures/plain.ts', import.meta.url), {
    isolation: 'process',
  })
  expect(() => pipe(addOne, (async (n: number) => n) as never)).toThrow(InvalidOption)
  expect(() => (pipe as (...fns: unknown[]) => unknown)(addOne)).toThrow(InvalidOption)
  expect(() => pipe(addOne, isolated.double as never)).toThrow(/one executor/)
})
