import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyTable } from './key-table.js'

const keys = fc.oneof(
  fc.integer({ min: -40, max: 40 }),
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, Number.NaN, 2 ** 31, -(2 ** 31), 2 ** 31 - 1, null, undefined, true, '0', '', 0n, 1n),
  fc.string({ maxLength: 2 }),
)

test('numbers keys as a Map keeps them apart', () => {
  fc.assert(
    fc.property(fc.array(keys, { maxLength: 400 }), (list) => {
      const table = new KeyTable()
      const map = new Map<unknown, number>()
      for (const key of list) {
        expect(table.find(key)).toBe(map.get(key) ?? -1)
        if (!map.has(key)) map.set(key, map.size)
        expect(table.numberOf(key)).toBe(map.get(key))
      }
      expect(table.size).toBe(map.size)
      for (const [key, number] of map) expect(table.find(key)).toBe(number)
    }),
  )
})

test('keeps a hundred thousand keys that lie at like distances', () => {
  for (const step of [1, 64, 65_536, 0x1_0001]) {
    const table = new KeyTable()
    for (let i = 0; i < 100_000; i++) table.numberOf(Math.imul(i, step))
    const different = new Set(Array.from({ length: 100_000 }, (_, i) => Math.imul(i, step))).size
    expect(table.size).toBe(different)
    expect(table.find(Math.imul(different - 1, step))).toBe(different - 1)
  }
})
