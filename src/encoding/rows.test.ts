/** Rows as columns: what comes back is what a structured clone would give. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { itemsOf, partitionOf, Partitions } from './partitions.js'
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
      let changed = 0
      for (let i = 0; i < 8_000; i++) {
        const partition = partitionOf(key(i), count)
        if (partitionOf(key(i), count) !== partition) changed++
        sizes[partition] = (sizes[partition] ?? 0) + 1
      }
      expect(changed).toBe(0)
      for (const size of sizes) expect(size).toBeGreaterThan((8_000 / count) * 0.7)
    }
  })

  test('keys that a Map takes for one have one partition', () => {
    expect(partitionOf(-0, 8)).toBe(partitionOf(0, 8))
    expect(partitionOf(Number.NaN, 8)).toBe(partitionOf(Number.NaN, 8))
  })

  type Item = { readonly k: string | number }
  /** Of three partitions: the items with their places. */
  const divided = (lists: readonly Item[][], how: 'rows' | 'one by one'): unknown => {
    const partitions = new Partitions(3, false)
    for (const list of lists) {
      let at = how === 'rows' ? partitions.addRows(list, 0, list.length, 'k') : 0
      for (; at < list.length; at++) partitions.add(list[at]?.k, list[at])
    }
    return partitions.chunks(7).map((chunk) => chunk && { at: chunk.at, items: Array.from(itemsOf(chunk)) })
  }

  test('rows that are divided at once go where they would go one by one', () => {
    const value = fc.oneof(fc.integer(), fc.constant(-0), fc.double(), fc.string(), fc.constant(null), fc.constant(undefined))
    const key = fc.oneof(fc.integer(), fc.double(), fc.string())
    const alike = fc.record({ k: key, v: value }, { noNullPrototype: true })
    const other = fc.oneof(
      fc.record({ v: value, k: key }, { noNullPrototype: true }),
      fc.record({ k: key }, { noNullPrototype: true }),
      fc.record({ k: key, v: fc.constant({ deep: [1] }) }, { noNullPrototype: true }),
      fc.record({ k: key, v: value, w: value }, { noNullPrototype: true }),
      fc.record({ k: key, v: value }),
    )
    const list = fc.array(fc.oneof({ weight: 20, arbitrary: alike }, { weight: 1, arbitrary: other }), { maxLength: 40 })
    fc.assert(
      fc.property(fc.array(list, { maxLength: 4 }), (lists) => {
        expect(divided(lists as Item[][], 'rows')).toStrictEqual(divided(lists as Item[][], 'one by one'))
      }),
    )
  })

  test('rows that are divided at once leave off at the first one that is not like them', () => {
    const rows = times(20, (i) => ({ k: i, v: i % 3 })) as Item[]
    const end = (list: readonly unknown[], key = 'k'): number => new Partitions(2, false).addRows(list, 0, list.length, key)
    expect(end(rows)).toBe(20)
    expect(end(rows.with(12, { k: 1 }))).toBe(12)
    expect(end(rows.with(12, Object.assign(Object.create({}), { k: 1, v: 2 }) as Item))).toBe(12)
    expect(end(rows.with(5, { k: 1, v: () => 1 } as Item))).toBe(5)
    expect([end(rows, 'other'), end([1, 2], 'k'), end([], 'k'), end([[1, 2]], '0')]).toEqual([0, 0, 0, 0])
    expect(() => end(rows.with(3, { k: Symbol('no') } as unknown as Item))).not.toThrow()
  })
})
