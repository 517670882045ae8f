/** Worker functions that call worker functions, and maps inside maps: no deadlock, no thread more than there are places. */
import { afterAll, expect, test } from 'vitest'
import { map, threads } from '../src/index.ts'
import { type FunctionRef, refOf } from '../src/run/executor.ts'
import { nested } from './fixtures/nested.ts'
import { plain } from './fixtures/plain.ts'

const executor = threads({ size: 2 })
const call = (fn: unknown, ...args: unknown[]): Promise<unknown> => executor.call(refOf(fn) as FunctionRef, args)
afterAll(() => executor.close({ graceMs: 0 }))

test("a worker function may call its own module, others, and somebody else's", async () => {
  expect(await call(nested.viaOther, 4)).toBe(9)
  expect(await call(nested.chained, 4)).toBe(9)
  expect(await call(nested.viaForeign, 'text')).toBe('TEXT')
  expect(await call(nested.allInside, 3)).toEqual({ one: 6, two: 7 })
})

test('the setup of the module that is called runs first, once', async () => {
  expect(await Promise.all([1, 2, 3, 4].map(() => call(nested.setups)))).toEqual([1, 1, 1, 1])
})

test('a nested call sees the context of its task', async () => {
  const ref = refOf(nested.context) as FunctionRef
  expect(await executor.call(ref, [], { index: 9 })).toBe(9)
})

test('many nested maps at once finish, on as many threads as there are places', async () => {
  const sizes = Array.from({ length: 40 }, (_, n) => n)
  const results = await map(sizes, nested.mapInside, { on: executor })
  expect(results.map(({ length }) => length)).toEqual(sizes)
  const ids = await map(sizes, nested.thread, { on: executor, concurrency: 40 })
  expect(new Set(ids.filter((id) => id > 0)).size).toBeLessThanOrEqual(2)
})

test('a map over a worker function inside a map over functions of this thread finishes', async () => {
  const sums = await map(
    Array.from({ length: 30 }, (_, n) => n),
    async (n) => (await map([n, n + 1, n + 2], plain.doubleLater, { on: executor })).reduce((a, b) => a + b),
    { concurrency: 30 },
  )
  expect(sums).toEqual(Array.from({ length: 30 }, (_, n) => 6 * n + 6))
})
