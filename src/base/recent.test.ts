import { expect, test } from 'vitest'
import { Recent } from './recent.ts'

test('keeps the latest entries, and counts what is set again as new', () => {
  const recent = new Recent<number, number>(3)
  for (const key of [1, 2, 3, 1, 4]) recent.set(key, 10 * key)
  expect([1, 2, 3, 4].map((key) => recent.get(key))).toEqual([10, undefined, 30, 40])
  for (let key = 0; key < 10_000; key++) recent.set(key, key)
  expect(recent.size).toBe(3)
})
