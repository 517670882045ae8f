/** Rows as columns: what comes back is what a structured clone would give. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { partitionOf } from './partitions.js'
import { packRows, unpackRows } from './rows.js'

const times = (count: number, make: (i: number) => unknown): unknown[] => Array.from({ length: count }, (_, i) => make(i))

describe('rows', () => {
  test.each<[string, (i: number) => unknown]>([
    ['numbers', (i) => ({ key: i, value: i / 3 })],
    ['minus zero and NaN', (i) => ({ a: i % 2 ? -0 : 0, b: i % 3 ? Number.NaN : 1 })],
    ['text, booleans, bigints, nothing', (i) => ({ a: `k${i}`, b: i % 2 === 0, c: 3n, d: null, e: undefined })],
    ['kinds that change', (i) => ({ a: i % 2 ? i : `${i}` })],
    ['fields with odd names', (i) => ({ 'a b': i, 7: i, "'": i, constructor: i })],
    ['pairs', (i) => [`k${i}`, i]],
  ])('of %s are packed, and come back as they were', (_, make) => {
    const items = times(20, make)
    const rows = packRows(items)
    expect(rows).toBeDefined()
    expect(structuredClone(rows && unpackRows(rows))).toStrictEqual(structuredClone(items))
  })

  test.each<[string, (i: number) => unknown]>([
    ['other fields', (i) => (i === 19 ? { a: 1, b: 2 } : { a: 1 })],
    ['another order of fields', (i) => (i === 19 ? { b: 1, a: 2 } : { a: 1, b: 2 })],
    ['objects inside', () => ({ a: {} })],
    [
      'a class',
      () =>
        new (class A {
          a = 1
        })(),
    ],
    ['no prototype', () => Object.assign(Object.create(null) as object, { a: 1 })],
    ['holes', (i) => (i === 19 ? Object.assign([], { 0: 1, 2: 3 }) : [1, 2, 3])],
    ['a field beside the elements', () => Object.assign([1, 2], { more: 1 })],
    ['a field that sets the prototype', () => JSON.parse('{"__proto__":1,"a":2}')],
    ['numbers', (i) => i],
    ['functions', () => ({ a: () => 1 })],
  ])('with %s stay as they are', (_, make) => {
    expect(packRows(times(20, make))).toBeUndefined()
  })

  test('of any shape come back equal', () => {
    const value = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.boolean(), fc.constant(null))
    fc.assert(
      fc.property(
        fc.array(fc.record({ a: value, b: value }, { noNullPrototype: true }), { minLength: 16, maxLength: 40 }),
        (items) => {
          const rows = packRows(items)
          expect(rows && unpackRows(rows)).toStrictEqual(structuredClone(items))
        },
      ),
    )
  })
})

describe('partitions', () => {
  test.each([1, 2, 3, 8])('%d of them: each key has one, and they are about equal', (count) => {
    for (const key of [
      (i: number) => i,
      (i: number) => `user-${i}`,
      (i: number) => i / 7,
      (i: number) => i * 1_024,
      (i: number) => BigInt(i),
    ]) {
      const sizes = Array.from({ length: count }, () => 0)
      for (let i = 0; i < 8_000; i++) {
        const partition = partitionOf(key(i), count)
        expect(partition).toBe(partitionOf(key(i), count))
        sizes[partition] = (sizes[partition] ?? 0) + 1
      }
      for (const size of sizes) expect(size).toBeGreaterThan((8_000 / count) * 0.7)
    }
  })

  test('keys that a Map takes for one have one partition', () => {
    expect(partitionOf(-0, 8)).toBe(partitionOf(0, 8))
    expect(partitionOf(Number.NaN, 8)).toBe(partitionOf(Number.NaN, 8))
  })
})
