/** What is left out of a message: the bytes that no view in it shows. Compared with what a clone gives. */
import { createSecretKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { shown } from './shown.js'
import { processorTime } from '../../test/support/processor-time.ts'

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i)
const clone = <T>(value: T): { got: T; moved: unknown[] } => {
  const moved: unknown[] = []
  const kept = shown(value, moved)
  return { got: structuredClone(kept, { transfer: moved as ArrayBuffer[] }), moved }
}
class Tile {
  x = 1
  pixels: Uint8Array
  constructor(pixels: Uint8Array) {
    this.pixels = pixels
  }
  get area(): number {
    return this.pixels.length
  }
}

const { buffer } = bytes(800)
test.each<[string, ArrayBufferView]>([
  ['Uint8Array', new Uint8Array(buffer, 3, 5)],
  ['Int16Array', new Int16Array(buffer, 6, 5)],
  ['Float64Array', new Float64Array(buffer, 16, 3)],
  ['BigInt64Array', new BigInt64Array(buffer, 16, 3)],
  ['DataView', new DataView(buffer, 3, 9)],
  ['empty', new Float32Array(buffer, 8, 0)],
  ['at the end', new Uint8ClampedArray(buffer, 798)],
  ['Buffer', Buffer.from(buffer as ArrayBuffer, 7, 9)],
])('a view keeps its kind and content, and has no more behind it: %s', (_, view) => {
  const { got } = clone({ view })
  expect(got.view).toEqual(structuredClone({ view }).view)
  expect(got.view.buffer.byteLength).toBe(view.byteLength)
})

test.each<[string, (part: Uint8Array) => unknown]>([
  ['a list', (part) => [part, 1, 'two']],
  ['a list with holes and a field', (part) => Object.assign([], { 1: part, 3: 3, field: part })],
  ['an object', (part) => ({ a: { b: { part } }, date: new Date(0), error: new TypeError('x') })],
  ['an instance of a class', (part) => [new Tile(part), new Tile(part)]],
  [
    'a map and a set',
    (part) =>
      new Map<unknown, unknown>([
        ['values', new Set([part])],
        [part, /x/],
      ]),
  ],
  ['an object without a prototype', (part) => Object.assign(Object.create(null), { part, ['constructor']: 1 })],
  ['hostile keys', (part) => [part, JSON.parse('{"__proto__": {"polluted": 1}, "then": 2}')]],
  [
    'the same view twice, in a circle',
    (part) => {
      const value: Record<string, unknown> = { part, again: [part] }
      return Object.assign(value, { self: value })
    },
  ],
  [
    'below 200 levels',
    (part) => {
      let value: unknown = part
      for (let i = 0; i < 200; i++) value = [value]
      return value
    },
  ],
  ['behind 50,000 objects', (part) => [Array.from({ length: 50_000 }, (_, i) => ({ i })), part]],
])('as a clone, wherever it lies: %s', (_, make) => {
  const part = bytes(100_000).subarray(10, 20)
  const value = make(part)
  const { got } = clone(value)
  expect(got).toEqual(structuredClone(value))
  expect(largest(got)).toBe(10)
  expect(largest(structuredClone(value))).toBe(100_000)
})

/** Size of the largest buffer behind the views of a value. */
function largest(value: unknown, seen = new Set<unknown>()): number {
  if (typeof value !== 'object' || value === null || seen.has(value)) return 0
  if (ArrayBuffer.isView(value)) return value.buffer.byteLength
  seen.add(value)
  const parts = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Object.values(value)
  return Math.max(0, ...parts.map((part) => largest(part, seen)))
}

test('views that overlap still show the same bytes, those that do not are apart', () => {
  const all = bytes(10_000)
  const value = {
    a: all.subarray(4, 20),
    b: new Float64Array(all.buffer, 16, 2),
    c: all.subarray(18, 30),
    d: all.subarray(32, 40),
  }
  const { got } = clone(value)
  expect(got).toEqual(structuredClone(value))
  expect([got.a.buffer === got.b.buffer, got.a.buffer === got.c.buffer, got.a.buffer === got.d.buffer]).toEqual([
    true,
    true,
    false,
  ])
  got.b.fill(0)
  expect([...got.a.slice(12), ...got.c.slice(0, 2)]).toEqual([0, 0, 0, 0, 0, 0])
  expect(got.a.buffer.byteLength + got.d.buffer.byteLength).toBeLessThan(50)
})

const shared = new SharedArrayBuffer(100)
const whole = bytes(100)
const resizable = new (ArrayBuffer as unknown as new (size: number, options: object) => ArrayBuffer)(100, { maxByteLength: 200 })
test.each<[string, unknown]>([
  ['no view', { rows: [{ id: 1, tags: ['a'] }], at: new Date() }],
  ['a view of all', [whole]],
  ['a part beside the buffer', { part: whole.subarray(1, 2), buffer: whole.buffer }],
  ['a part beside a view of all', { part: whole.subarray(1, 2), all: new DataView(whole.buffer) }],
  ['shared memory', [new Uint8Array(shared, 1, 2)]],
  ['a buffer that can be resized', [new Uint8Array(resizable, 0, 2)]],
  [
    'a getter that throws',
    {
      part: whole.subarray(1, 2),
      get broken(): never {
        throw new Error('broken')
      },
    },
  ],
])('left alone: %s', (_, value) => {
  expect(shown(value, [])).toBe(value)
})

test('what is moved is moved whole; large copies are moved too', () => {
  const part = bytes(300_000).subarray(0, 100)
  const moved: unknown[] = [part.buffer]
  const value = [part, bytes(300_000).subarray(0, 100_000)]
  const kept = shown(value, moved) as Uint8Array[]
  expect(kept[0]).toBe(part)
  expect(moved).toEqual([part.buffer, kept[1]?.buffer])
})

test('many short views of a short buffer leave it whole: a buffer for each would cost more', () => {
  const all = new Float64Array(1_000)
  const rows = Array.from({ length: 100 }, (_, i) => all.subarray(i * 10, i * 10 + 10))
  expect(shown(rows, [])).toBe(rows)
  expect(shown(rows.slice(0, 2), [])[0]?.buffer.byteLength).toBe(80)
})

test('objects of the platform beside a part stay what they are', () => {
  const kept = shown({ part: whole.subarray(1, 2), key: createSecretKey(Buffer.from('k')), blob: new Blob(['x']) }, [])
  const got = structuredClone(kept)
  expect([got.key.type, got.blob.size, got.part.buffer.byteLength]).toEqual(['secret', 1, 1])
})

test('a sparse list of any length takes no time', () => {
  const sparse: unknown[] = []
  sparse.length = 4_000_000_000
  const took = processorTime()
  expect(shown(sparse, [])).toBe(sparse)
  expect(took()).toBeLessThan(500)
})
