import { expect, test } from 'vitest'
import { Sizing, targetBytes } from './sizing.ts'

/** Sizes of the batches of a map of `items` that take `itemMs` each, one after the other. */
function sizesOf(items: number, itemMs: number, slots: number, bytes = 10): number[] {
  const sizing = new Sizing()
  const sizes: number[] = []
  for (let left = items; left > 0;) {
    const size = Math.min(left, sizing.next(left, slots))
    sizes.push(size)
    sizing.sent(size, size * bytes)
    sizing.took(size, size * itemMs)
    left -= size
  }
  return sizes
}

test('begins with one item, doubles at most, and comes to a fifth of a second', () => {
  const sizes = sizesOf(20_000, 1, 2)
  expect(sizes[0]).toBe(1)
  expect(sizes.every((size, i) => i === 0 || size <= 2 * Math.max(...sizes.slice(0, i)))).toBe(true)
  expect(Math.max(...sizes)).toBe(200)
})

test('ends in smaller and smaller batches, none that a trip would cost more than', () => {
  const sizes = sizesOf(2_000, 1, 2).slice(-5)
  expect(sizes.slice(0, 4)).toEqual(sizes.slice(0, 4).toSorted((a, b) => b - a))
  expect(Math.min(...sizes.slice(0, 4))).toBeGreaterThanOrEqual(10)
  // Items of a second each go one by one.
  expect(new Set(sizesOf(20, 1_000, 4))).toEqual(new Set([1]))
})

test('a trivial map is a few batches', () => {
  expect(sizesOf(20_000, 0.002, 2).length).toBeLessThan(25)
})

test('large items fill a message, not more', () => {
  const sizes = sizesOf(2_000, 0.01, 2, 4_096)
  expect(Math.max(...sizes) * 4_096).toBeLessThanOrEqual(targetBytes)
})

test('two batches for each slot are out, by the weight of the run', () => {
  const sizing = new Sizing()
  expect([sizing.window(1, 1), sizing.window(8, 1), sizing.window(8, 2), sizing.window(8, 0.01)]).toEqual([4, 16, 32, 4])
  expect(sizing.window(10_000, 1)).toBe(1_000)
})
