/** How arrays look when they are printed. */
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import * as da from '../index.ts'

const here = { threads: 0 } as const
const printed = async (x: da.NDArray): Promise<string> =>
  inspect(await x.compute(here))
    .split('\n')
    .slice(1)
    .join('\n')

test('elements stand in brackets, aligned, as NumPy prints them', async () => {
  expect(
    await printed(
      da.from([
        [1, -2.5],
        [100, 0.25],
      ]),
    ),
  ).toBe('[[  1.    -2.5 ]\n [100.     0.25]]')
  expect(await printed(da.from([1n, -20n]))).toBe('[  1 -20]')
  expect(await printed(da.from([true, false]))).toBe('[ true false]')
  expect(await printed(da.from([1 / 3, Number.NaN, Number.POSITIVE_INFINITY]))).toBe('[0.33333333        nan        inf]')
  expect(await printed(da.from([[[1, 2]], [[3, 4]]]))).toBe('[[[1. 2.]]\n\n [[3. 4.]]]')
  expect(await printed(da.from([1e20, 1e-7]))).toBe('[1e+20  1e-7]')
  expect(await printed(da.zeros([0, 2]))).toBe('[]')
})

test('of a large array the edges show, also of one through a view', async () => {
  const x = await da.arange(2_000).persist(here)
  expect(inspect(x)).toBe(`${x.toString()}\n[   0.    1.    2. ... 1997. 1998. 1999.]`)
  const rows = await printed(da.arange(10_000).reshape(100, 100))
  expect(rows.split('\n')).toHaveLength(7)
  expect(rows).toContain('...')
  const tall = await printed(da.ones([500, 2]))
  expect(tall.split('\n').length).toBeLessThanOrEqual(101)
})

test('what is not computed is not computed to print it', () => {
  let made = 0
  const x = da.fromDelayed([3], () => (made++, [1, 2, 3])).add(1)
  expect(inspect(x)).toBe(x.toString())
  expect(made).toBe(0)
})
