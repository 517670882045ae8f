/** Results of a graph that only worker functions need stay with the workers; every value is as if it had come here. */
import { describe, expect, test } from 'vitest'
import { Closed, type Executor, graph, map, partialResults, threads, WorkerCrashed } from '../src/index.ts'
import { sealedAmong, staysThere } from '../src/run/graph-stays.ts'
import { Sealed } from '../src/encoding/sealed.js'
import { staying } from './fixtures/staying.ts'
import { runs } from './support/runs.ts'

const sum50 = (50 * 49) / 2

test('only what workers alone need stays with them', () => {
  const executor = { name: 'x', slots: 1, keepsValues: true } as never
  const other = { name: 'y', slots: 1, keepsValues: true } as never
  // 0 → 1 → 2 and 3; 2 is asked for, 3 runs here, 4 elsewhere.
  const dag = { size: 5, needStart: Int32Array.of(0, 0, 1, 2, 3, 4), needs: Int32Array.of(0, 1, 1, 0) } as never
  const where = (there: (unknown | undefined)[]) =>
    staysThere({ dag, targets: [2], tasks: [] } as never, (t) => there[t] as never)
  expect(where([executor, executor, executor, executor, executor])).toEqual(Uint8Array.of(1, 1, 0, 0, 0))
  expect(where([executor, executor, executor, undefined, executor])).toEqual(Uint8Array.of(1, 0, 0, 0, 0))
  expect(where([executor, executor, executor, executor, other])).toEqual(Uint8Array.of(0, 1, 0, 0, 0))
  expect(where([undefined, undefined, executor, undefined, undefined])).toBeUndefined()
})

test('sealed ones are found in records and lists', () => {
  const one = new Sealed(new Uint8Array(1))
  expect(sealedAmong({ a: one, b: 1 })).toEqual([{ argument: 0, key: 'a' }])
  expect(sealedAmong([1, one])).toEqual([{ argument: 0, key: '1' }])
  expect(sealedAmong(undefined)).toEqual([])
})

test('each task that needs it gets a value of its own', async () => {
  const g = graph('own')
  const a = g.task('a', staying.numbers)
  const b = g.task('b', { a }, staying.changed)
  const c = g.task('c', { a, b }, staying.sum)
  const d = g.task('d', [a, b], staying.length)
  expect(await g.run({ c, d })).toEqual({ c: { total: sum50 + 51 }, d: 50 + 51 })
})

test('what this thread needs too comes here', async () => {
  const g = graph('here')
  const a = g.task('a', staying.numbers)
  const b = g.task('b', { a }, staying.changed)
  const here = g.task('here', { a, b }, ({ a: { made, list }, b: changed }) => [made.get('x'), list.length, changed.length])
  expect(await g.run({ here, a })).toEqual({
    here: [1, 50, 51],
    a: { list: Array.from({ length: 50 }, (_, i) => i), made: new Map([['x', 1]]) },
  })
})

test('what had completed is given as values when a task fails', async () => {
  const g = graph('fails')
  const a = g.task('a', staying.numbers)
  const b = g.task('b', { a }, staying.fails)
  const error = await g.run(b).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(RangeError)
  expect(partialResults(error)?.results).toMatchObject({ a: { made: new Map([['x', 1]]) } })
})

test('a task that is tried again gets what it got at first', async () => {
  const g = graph('again')
  const a = g.task('a', staying.numbers)
  const count = g.task('count', staying.counter)
  const b = g.task('b', { a, count }, staying.failsOnce, { retry: { retries: 2, base: 1 } })
  expect(await g.run(b)).toBe(51)
})

describe.each([2, 1, 3, 8].slice(0, runs(2, 4)))('on %d threads', (size) => {
  /** A lattice: each task needs two of the row above it, and the first that runs as number `at` ends its worker. */
  const lattice = async (on: Executor, at: number, retry: number): Promise<unknown> => {
    const dies = new SharedArrayBuffer(4)
    new Int32Array(dies)[0] = at
    const g = graph('lattice')
    const begin = g.task('dies', () => dies)
    const first = g.task('first', staying.numbers, { on, retry })
    let row = [first, first]
    for (let depth = 0; depth < 3; depth++) {
      row = [0, 1].map((i) =>
        g.task(`${depth}.${i}`, { dies: begin, a: row[i] as never, b: row[1 - i] as never }, staying.joined as never, {
          on,
          retry,
        }),
      )
    }
    const last = g.task('last', { dies: begin, a: row[0] as never, b: row[1] as never }, staying.joined as never, { on, retry })
    return await g.run(last)
  }

  test('a graph has the same bits whichever task ends its worker, where it may run again; else that task fails by name', async () => {
    const on = threads({ size })
    const expected = await lattice(on, -1, 0)
    for (let at = 0; at < 7; at++) expect(await lattice(on, at, 2)).toStrictEqual(expected)
    await expect(lattice(on, 3, 0)).rejects.toThrow(WorkerCrashed)
    await on.close({ graceMs: 0 })
  })

  test('closing while values are kept settles', async () => {
    const on = threads({ size })
    const g = graph('closes')
    const a = g.task('a', staying.numbers, { on })
    const b = g.task('b', { a }, staying.changed, { on })
    const waits = g.task('waits', { b }, async () => {
      await on.close({ graceMs: 0 })
    })
    const c = g.task('c', { a, waits }, staying.lengthOf as never, { on })
    await expect(g.run(c)).rejects.toThrow(Closed)
  })
})

test('what a worker made outlives it, without being made again', async () => {
  const on = threads({ size: 1 })
  const g = graph('outlives')
  const first = g.task('first', staying.numbers, { on })
  const made = g.task('made', { a: first }, staying.lengthOf, { on })
  const end = g.task('end', { made }, async () => {
    await expect(map([1], staying.ends, { on })).rejects.toThrow(WorkerCrashed)
  })
  const last = g.task('last', { a: first, end }, staying.lengthOf, { on })
  expect(await g.run(last)).toBe(50)
  await on.close({ graceMs: 0 })
})
