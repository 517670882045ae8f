import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GrowingColumn } from './growing-column.js'

const values = fc.oneof(
  { weight: 8, arbitrary: fc.integer() },
  fc.double(),
  fc.constantFrom(-0, 0, 2 ** 31, Number.NaN, null, undefined, true, 'text', 5n),
)

test('gives what was pushed, whatever it is', () => {
  fc.assert(
    fc.property(fc.array(values, { maxLength: 300 }), fc.nat(300), (list, cut) => {
      const column = new GrowingColumn()
      for (const value of list) column.push(value)
      const kept = Math.min(cut, list.length)
      column.cut(kept)
      column.push(7)
      expect([...(column.values as unknown[])]).toEqual([...list.slice(0, kept), 7])
    }),
  )
})

test('whole numbers are a typed array, of their own memory', () => {
  const column = new GrowingColumn()
  for (let i = 0; i < 100; i++) column.push(i)
  expect(column.values).toBeInstanceOf(Int32Array)
  expect((column.values as Int32Array).buffer.byteLength).toBe(400)
})
