import fc from 'fast-check'
import { expect, test } from 'vitest'
import { kinds } from '../../test/fixtures/kinds.ts'
import { deserialize, findUncloneable, serialize } from './cloning.js'
import { fromText, toText, writable } from './tagged.ts'
import { runs } from '../../test/support/runs.ts'

const back = (value: unknown): unknown => fromText(toText(value))

test.each(Object.entries(kinds))('takes or refuses, as a process does: %s', (_, { arrives, make }) => {
  const value = { rows: [0, { cell: make() }] }
  const got =
    arrives === 'everywhere'
      ? back(value)
      : findUncloneable(value, 'argument', writable)?.slice(0, 'argument.rows[1].cell'.length)
  expect(writable(value)).toBe(arrives === 'everywhere')
  expect(got).toEqual(arrives === 'everywhere' ? deserialize(serialize(value)) : 'argument.rows[1].cell')
})

test('any data comes back as it was', () => {
  fc.assert(
    fc.property(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withSparseArray: true,
        withBoxedValues: false,
        withNullPrototype: false,
      }),
      (value) => {
        expect(back(value)).toStrictEqual(value)
      },
    ),
    { numRuns: runs(600, 4_000) },
  )
})

test('keys that mean something to JavaScript, or to the text itself, stay keys', () => {
  const value = JSON.parse('{"$":["date",0],"__proto__":{"polluted":1},"then":2,"constructor":3,"toJSON":4}') as object
  const copy = back([value, undefined]) as [Record<string, unknown>]
  expect(Object.keys(copy[0])).toEqual(['$', '__proto__', 'then', 'constructor', 'toJSON'])
  expect(copy[0]['$']).toEqual(['date', 0])
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

test('what occurs twice is one thing, also in a circle and through a buffer', () => {
  const part = { a: 1 }
  const bytes = new Uint8Array([1, 2, 3, 4])
  const circle: unknown[] = []
  circle.push(circle)
  const map = new Map<unknown, unknown>()
  map.set('self', map)
  const copy = back({ x: part, y: part, circle, map, bytes, tail: bytes.subarray(2), same: bytes.buffer }) as {
    [key: string]: unknown
    circle: unknown[]
    map: Map<unknown, unknown>
    bytes: Uint8Array
    tail: Uint8Array
  }
  expect(copy['x']).toBe(copy['y'])
  expect(copy.circle[0]).toBe(copy.circle)
  expect(copy.map.get('self')).toBe(copy.map)
  copy.bytes[3] = 9
  expect([...copy.tail]).toEqual([3, 9])
  expect(copy['same']).toBe(copy.bytes.buffer)
})

test('a view carries no more than it shows', () => {
  const copy = back(Buffer.from('a secret next to it').subarray(2, 8)) as Buffer
  expect(copy.toString()).toBe('secret')
  expect(copy.buffer.byteLength).toBe(6)
  expect(toText(new Uint8Array(new ArrayBuffer(1_000_000), 0, 3)).length).toBeLessThan(60)
})

test.each([
  '{"$":["view","Function","AAAA"]}',
  '{"$":["unknown",1]}',
  '{"$":["again",3]}',
  '{"$":["list",-1,[]]}',
  '{"$":["part","Uint8Array",{},0,9]}',
  '{"$":["map",5]}',
  '{"$":["bigint","x"]}',
  `${'{"$":["set",['.repeat(5_000)}${']]}'.repeat(5_000)}`,
  '{"$":',
])('text of somebody else is refused, and runs nothing: %.40s', (text) => {
  expect(() => fromText(text)).toThrow(/./)
})
