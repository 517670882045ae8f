/** Selection against a plain sort, in rows of every kind. */
import { expect, test } from 'vitest'
import { randomFrom } from '../../../test/support/random.ts'
import { between, quantileMethods, quantilesOf, selectTo } from './select.ts'

const random = randomFrom(29)
const rows: Readonly<Record<string, (i: number, n: number) => number>> = {
  random: () => random.next(),
  equal: () => 3,
  'two values': () => random.below(2),
  ascending: (i) => i,
  descending: (i, n) => n - i,
  'one that stands out of a sample': (i) => (i % 7 === 3 ? 1e9 + i : 1),
  'a saw': (i) => i % 13,
  infinite: (i) => [Number.NEGATIVE_INFINITY, 1, Number.POSITIVE_INFINITY][i % 3] as number,
}
const lengths = [1, 2, 17, 300, 2_048, 5_000]
const fractions = [0, 0.001, 0.25, 0.5, 0.9, 0.999, 1]

test.each(Object.entries(rows))('quantiles of rows that are %s', (_, element) => {
  for (const length of lengths) {
    const row = Float64Array.from({ length }, (_v, i) => element(i, length))
    const sorted = Float64Array.from(row).sort()
    for (const q of fractions) {
      const place = q * (length - 1)
      const goal = between(sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number, place - Math.floor(place))
      const got = quantilesOf(Float64Array.from(row), [q], 'linear', false)
      expect({ length, q, got }).toEqual({ length, q, got: [goal] })
      // Others of several at once, too.
      expect(quantilesOf(Float64Array.from(row), [0.5, q], 'linear', false)[1]).toEqual(goal)
    }
    const all = quantilesOf(
      Float64Array.from(row),
      Array.from({ length: 9 }, (_v, i) => i / 8),
      'lower',
      false,
    )
    expect(all).toEqual(Array.from({ length: 9 }, (_v, i) => sorted[Math.floor((i / 8) * (length - 1))]))
  }
})

test('a place has the element that sorting puts there, with none larger before it and NaN behind', () => {
  for (const length of lengths) {
    const row = Float64Array.from({ length }, (_, i) => (i % 9 === 4 ? Number.NaN : random.below(50)))
    const sorted = Float64Array.from(row).sort()
    const places = [0, Math.floor(length / 3), length - 1]
    const parted = Float64Array.from(row)
    selectTo(parted, places)
    for (const place of places) {
      const value = sorted[place] as number
      expect(parted[place]).toBe(value)
      expect([...parted.subarray(0, place)].some((before) => before > value)).toBe(false)
    }
    expect(Float64Array.from(parted).sort()).toEqual(sorted)
  }
})

test('NaN makes a quantile NaN, or is left out', () => {
  const row = [3, Number.NaN, 1, 2]
  expect(quantilesOf(Float64Array.from(row), [0.5], 'linear', false)).toEqual([Number.NaN])
  expect(quantilesOf(Float64Array.from(row), [0.5], 'linear', true)).toEqual([2])
  for (const method of quantileMethods) expect(quantilesOf(new Float64Array(0), [0.5], method, true)).toEqual([Number.NaN])
})
