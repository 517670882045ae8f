import { expect, test } from 'vitest'
import * as da from './index.ts'

test('the mean of random numbers', async () => {
  const x = da.random([1_000_000], { chunks: 100_000, seed: 42 })
  const mean = await x.mean().compute({ threads: 0 })
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.002)
})

test('a chain over slices, broadcasting and reductions', async () => {
  const x = da.from([
    [1, 2, 3],
    [4, 5, 6],
  ])
  expect((await x.add(10).compute()).toArray()).toEqual([
    [11, 12, 13],
    [14, 15, 16],
  ])
  expect((await x.T.compute()).toArray()).toEqual([
    [1, 4],
    [2, 5],
    [3, 6],
  ])
  expect(
    (
      await x
        .get(':', '::-1')
        .multiply(da.from([1, 10, 100]))
        .compute()
    ).toArray(),
  ).toEqual([
    [3, 20, 100],
    [6, 50, 400],
  ])
  expect((await x.sum({ axis: 0 }).compute()).toArray()).toEqual([5, 7, 9])
  expect((await x.sum({ axis: 1, keepdims: true }).compute()).toArray()).toEqual([[6], [15]])
  expect(await x.var().compute()).toBeCloseTo(35 / 12, 14)
  expect(await x.argmax().compute()).toBe(5)
  expect((await x.subtract(x.mean()).compute()).toArray()).toEqual([
    [-2.5, -1.5, -0.5],
    [0.5, 1.5, 2.5],
  ])
  expect((await da.concat([x, x.multiply(2)], 1).compute()).toArray()).toEqual([
    [1, 2, 3, 2, 4, 6],
    [4, 5, 6, 8, 10, 12],
  ])
  expect((await da.stack([x, x]).compute()).shape).toEqual([2, 2, 3])
})
