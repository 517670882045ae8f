/** Tables cross as columns, and come out as a structured clone would give them. */
import { deepStrictEqual } from 'node:assert'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromColumns, toColumns } from './columns.js'
import { bytesToWrite, readWritten, written } from './written.js'
import { runs } from '../../test/support/runs.ts'
import { processorTime } from '../../test/support/processor-time.ts'

/** What cannot be written is cloned. */
function there(values: unknown[]): unknown[] {
  const bytes = written(values)
  return bytes ? readWritten(bytes) : structuredClone(values)
}

test('any list is what a clone of it is, most as columns', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<unknown>(null, undefined, true, 'text', -0, 0, 1, 2 ** 31, 1.5, Number.NaN, 10n),
      fc.array(tie('any')),
      fc.record({ a: tie('any'), b: fc.integer() }, { requiredKeys: ['b'] }),
      fc.record({ name: fc.string(), price: fc.double(), paid: fc.boolean(), tags: fc.array(fc.string()) }),
      fc.dictionary(fc.string({ maxLength: 3 }), tie('any'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).any
  let columns = 0
  const lists = runs(1_000, 4_000)
  fc.assert(
    fc.property(fc.array(value, { maxLength: 40 }), (list) => {
      const packed = toColumns(list)
      if (packed) columns++
      // A clone of the packed form, as on its way.
      deepStrictEqual(packed ? fromColumns(structuredClone(packed)) : structuredClone(list), structuredClone(list))
      deepStrictEqual(there(list), structuredClone(list))
    }),
    { numRuns: lists },
  )
  expect(columns).toBeGreaterThan(lists / 20)
})

const rows = (count: number) => Array.from({ length: count }, (_, i) => ({ id: i, name: `row ${i}`, at: i / 2 }))

test.each<[string, () => unknown]>([
  ['an object that is there twice', () => [...rows(3), ...[rows(1)[0]].flatMap((row) => [row, row])]],
  ['a list that is there twice', () => [1].flatMap(() => ((tags) => rows(3).map((row) => ({ ...row, tags })))(['a', 'b']))],
  ['a circle', () => ((row: Record<string, unknown>) => [(row['self'] = row)])({})],
  ['a list with holes', () => ({ list: Object.assign(Array.from({ length: 2 }), { length: 5 }), rows: rows(3) })],
  ['lists with holes', () => rows(3).map(({ id }) => ({ list: Object.assign([1], { length: id + 1 }) }))],
  ['a short list with a property', () => Object.assign(rows(3), { index: 1 })],
  ['a long list with a property', () => Object.assign(rows(300), { index: 1 })],
  [
    'long lists of numbers with a property',
    () => [
      Object.assign(
        rows(300).map(({ at }) => at),
        { unit: 'mm' },
      ),
      rows(3),
    ],
  ],
  ['matches of an expression', () => rows(3).map(({ name }) => /(?<row>\d)/.exec(name))],
  ['keys that mean something else', () => rows(3).map(({ id }) => ({ id, ['__proto__x']: 1, ...JSON.parse('{"__proto__":1}') }))],
  ['names of methods', () => rows(3).map(({ id }) => ({ id, constructor: 1, toString: 'text' }))],
  [
    'maps, sets, dates and views',
    () => rows(3).map(({ id }) => ({ id, map: new Map([[id, new Set([id])]]), at: new Date(id), view: new Uint8Array(id) })),
  ],
  [
    'objects of a class',
    () =>
      rows(3).map(
        ({ id }) =>
          new (class Point {
            x = id
          })(),
      ),
  ],
  ['objects without a prototype', () => rows(3).map((row) => Object.assign(Object.create(null), row))],
  ['fields that nobody can list', () => rows(3).map((row) => Object.defineProperty({ ...row }, 'hidden', { value: 1 }))],
  [
    'getters',
    () =>
      rows(3).map(({ id }) => ({
        get id() {
          return id
        },
      })),
  ],
  ['very many keys', () => rows(3).map(() => Object.fromEntries(rows(200).map(({ id, name }) => [name, id])))],
  ['nothing', () => []],
  [
    'a deep value',
    () => {
      let value: unknown = rows(2)
      for (let i = 0; i < 60; i++) value = [{ value }]
      return value
    },
  ],
])('%s', (_what, make) => {
  const value = make()
  deepStrictEqual(there([value]), structuredClone([value]))
  // Who is who, too.
  const same = (list: unknown) => Array.from(list as unknown[], (part, _, all = list as unknown[]) => all.indexOf(part))
  expect(same(there([value])[0])).toEqual(same(structuredClone(value)))
})

test('rows of one shape take fewer bytes than one by one', () => {
  const list = rows(1_000)
  expect((written([list]) as Uint8Array).length).toBeLessThan(0.6 * (written([new Map([[1, list]])]) as Uint8Array).length)
})

test('a setter that somebody gave all objects does not see what is read', () => {
  const packed = toColumns([rows(2)]) as never
  const set = (): never => {
    throw new Error('called')
  }
  // oxlint-disable-next-line no-extend-native -- as a bad neighbour does
  Object.defineProperty(Object.prototype, 'name', { set, get: () => undefined, configurable: true })
  try {
    expect(Object.getOwnPropertyDescriptor((fromColumns(packed)[0] as object[])[1], 'name')?.value).toBe('row 1')
  } finally {
    delete (Object.prototype as { name?: unknown }).name
  }
})

test('only what is large and made of objects is worth writing', () => {
  expect(bytesToWrite([rows(3)])).toBe(0)
  expect(bytesToWrite(rows(1_000).map(({ id }) => id))).toBe(0)
  expect(bytesToWrite([new Uint8Array(1e6)])).toBe(0)
  expect(bytesToWrite(['x'.repeat(1e6)])).toBe(0)
  expect(bytesToWrite([])).toBe(0)
  expect(bytesToWrite([rows(2_000)])).toBeGreaterThan(32_768)
})

test('what many hold is looked through once, and left to the clone', () => {
  const list = Array.from({ length: 100_000 }, (_, i) => i)
  const calls = Array.from({ length: 2_000 }, (_, i) => [i, list])
  const took = processorTime()
  expect(written(calls, true)).toBeUndefined()
  // Each of them by itself takes 0.1 ms and more.
  expect(took()).toBeLessThan(100)
  const rest = [new Map([[1, list]]), ...calls]
  expect(written(rest, true)).toBeUndefined()
  expect(took()).toBeLessThan(1_000)
})
