import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { sharesOf } from './shares.ts'

const many = 1_000

test('slots are divided by weight', () => {
  expect(
    sharesOf(8, [
      { weight: 3, wants: many },
      { weight: 1, wants: many },
    ]),
  ).toEqual([6, 2])
  expect(
    sharesOf(9, [
      { weight: 1, wants: many },
      { weight: 1, wants: many },
      { weight: 1, wants: many },
    ]),
  ).toEqual([3, 3, 3])
})

test('what one does not need the others have, and each has a place to begin at once', () => {
  expect(
    sharesOf(8, [
      { weight: 3, wants: many },
      { weight: 100, wants: 0 },
    ]),
  ).toEqual([7, 1])
  expect(
    sharesOf(
      2,
      Array.from({ length: 5 }, () => ({ weight: 1, wants: many })),
    ),
  ).toEqual([1, 1, 1, 1, 1])
})

test('none is idle while somebody wants it, and nobody has more than its weight says while others want more', () => {
  const demand = fc.record({ weight: fc.integer({ min: 1, max: 20 }), wants: fc.nat(50) })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), fc.array(demand, { minLength: 1, maxLength: 8 }), (places, demands) => {
      const shares = sharesOf(places, demands)
      const sum = shares.reduce((a, b) => a + b, 0)
      const wanted = demands.reduce((total, { wants }) => total + Math.max(1, wants), 0)
      expect(sum).toBe(Math.max(demands.length, Math.min(places, wanted)))
      // Of two that want more, neither could give one to the other and both be nearer to their weights.
      const unfair = demands.flatMap((a, i) =>
        demands.filter((b, j) => {
          const [mine, others] = [shares[i] as number, shares[j] as number]
          return others < b.wants && mine > 1 && (mine - 1) / a.weight > others / b.weight + 1e-9
        }),
      )
      expect(unfair).toEqual([])
    }),
  )
})
