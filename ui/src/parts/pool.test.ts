import { expect, test } from 'vitest'
import { poolOf, scrollTo } from './pool.ts'

test('a short table has all its rows', () => {
  expect(poolOf(3, 28, 0, 300)).toEqual({ height: 84, first: 0, count: 3, offset: 0 })
  expect(poolOf(0, 28, 0, 300)).toMatchObject({ height: 0, count: 0 })
})

test.each([100, 10_000, 1_000_000, 50_000_000])('of %d rows the first and the last can be reached', (total) => {
  const start = poolOf(total, 28, 0, 300)
  expect(start).toMatchObject({ first: 0, offset: 0 })
  const end = poolOf(total, 28, start.height - 300, 300)
  expect(end.first + end.count).toBe(total)
  expect(end.offset + end.count * 28).toBeCloseTo(end.height, 3)
  expect(end.count).toBeLessThan(15)
})

test.each([100, 1_000_000])('of %d rows any can be scrolled to', (total) => {
  for (const row of [0, 1, Math.floor(total / 3), total - 1]) {
    const top = scrollTo(row, total, 28, poolOf(total, 28, 0, 300).height / 2, 300)
    const { first, count, offset } = poolOf(total, 28, top, 300)
    expect(row).toBeGreaterThanOrEqual(first)
    expect(row).toBeLessThan(first + count)
    const y = offset + (row - first) * 28 - top
    expect(y).toBeGreaterThan(-1)
    expect(y + 28).toBeLessThan(301)
  }
  expect(scrollTo(0, total, 28, 0, 300)).toBe(0)
})
