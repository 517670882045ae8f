import { expect, test } from 'vitest'
import * as da from '../index.ts'
import { processes } from '../../workers/executors.ts'

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

test('whole numbers of 64 bits are divided exactly, with the floor and the sign of NumPy', async () => {
  const a = da.from(BigInt64Array.of(7n, -7n, 7n, -7n, 2n ** 62n + 1n, -(2n ** 63n), 5n))
  const b = da.from(BigInt64Array.of(2n, 2n, -2n, -2n, 2n, -1n, 0n))
  expect((await a.floorDivide(b).compute()).toArray()).toEqual([3n, -4n, -4n, 3n, 2n ** 61n, -(2n ** 63n), 0n])
  expect((await a.remainder(b).compute()).toArray()).toEqual([1n, 1n, -1n, -1n, 1n, 0n, 0n])
  expect(await a.floorDivide(10n).sum().compute()).toBe(-2n + (2n ** 62n + 1n) / 10n - (2n ** 63n / 10n + 1n))
})

test('what is a method is a function too', async () => {
  const x = da.from([
    [1.26, -2],
    [3, 4],
  ])
  const [total, mean, most, rounded, clipped, spread] = await da.compute([
    da.sum(x, { axis: 0 }),
    da.mean(x),
    da.argmax(x),
    da.round(x, 1),
    da.clip(x, 0, 3),
    da.var(x, { ddof: 1 }),
  ])
  expect(total.toArray()).toEqual([4.26, 2])
  expect(mean).toBeCloseTo(6.26 / 4, 14)
  expect(most).toBe(3)
  expect(rounded.toArray()).toEqual([
    [1.3, -2],
    [3, 4],
  ])
  expect(clipped.toArray()).toEqual([
    [1.26, 0],
    [3, 3],
  ])
  expect(spread).toBeCloseTo(20.7907 / 3, 12)
})

test('an executor that shares no memory is refused where it is given', async () => {
  const elsewhere = processes({ size: 1 })
  await expect(da.arange(10).sum().compute({ on: elsewhere })).rejects.toThrow(
    /`on` of compute to share memory .* processes does not/,
  )
  await elsewhere.close()
})
