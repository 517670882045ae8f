/** What is sealed is, when it is opened, what a structured clone would be; everything else is not sealed. */
import { MessageChannel } from 'node:worker_threads'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { markTransfer } from './transfers.js'
import { seal, unseal } from './sealed.js'
import { runs } from '../../test/support/runs.ts'

const there = (value: object): unknown => unseal(seal(value) as Uint8Array)

test('equals a clone, for any plain value', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.anything({
        withMap: true,
        withSet: true,
        withDate: true,
        withTypedArray: true,
        withSparseArray: true,
        withBigInt: true,
      }),
      fc.array(tie('any')),
      fc.dictionary(fc.string(), tie('any')),
    ),
  })).any
  let opened = 0
  fc.assert(
    fc.property(fc.array(value), (list) => {
      const sealed = seal(list)
      if (sealed) opened++
      expect(sealed ? unseal(sealed) : structuredClone(list)).toStrictEqual(structuredClone(list))
    }),
    { numRuns: runs(60, 300) },
  )
  expect(opened).toBeGreaterThan(50)
})

test('keeps what is shared inside of it, errors and views', () => {
  const buffer = new Float64Array([1, 2, 3]).buffer
  const inner = { n: 1 }
  const copy = there({
    a: inner,
    b: inner,
    one: new Float64Array(buffer),
    two: new Uint8Array(buffer),
    bytes: Buffer.from('bytes'),
    error: new RangeError('too far', { cause: 'why' }),
    holes: Object.assign(Array.from({ length: 0 }), { length: 3 }),
  }) as Record<string, unknown>
  expect(copy['a']).toBe(copy['b'])
  expect((copy['one'] as Float64Array).buffer).toBe((copy['two'] as Uint8Array).buffer)
  expect(copy['bytes']).toStrictEqual(structuredClone(Buffer.from('bytes')))
  expect(copy['error']).toBeInstanceOf(RangeError)
  expect((copy['error'] as RangeError).cause).toBe('why')
  expect(copy['holes']).toHaveLength(3)
})

test('a view of a large buffer takes what it shows', () => {
  const sealed = seal({ part: new Uint8Array(10_000_000).subarray(5, 15) })
  expect(sealed?.length).toBeLessThan(1_000)
})

test.each([
  ['a number', 1],
  ['a text', 'text'],
  ['null', null],
  ['a function', { f() {} }],
  ['shared memory', { memory: new SharedArrayBuffer(4) }],
  ['a port', { port: new MessageChannel().port1 }],
  ['a blob', { blob: new Blob(['x']) }],
  ['an exception of the platform', { error: new DOMException('x') }],
  ['an abort signal', { signal: new AbortController().signal }],
  [
    'a getter that throws',
    {
      get x() {
        throw new Error('no')
      },
    },
  ],
])('%s is left to the ordinary way', (_name, value) => {
  expect(seal(value)).toBeUndefined()
})

test('what is to be moved, and what goes round in a circle, is left to the ordinary way', () => {
  const moved = { buffer: new ArrayBuffer(8) }
  markTransfer(moved, [moved.buffer])
  expect(seal(moved)).toBeUndefined()
  const round: Record<string, unknown> = {}
  round['self'] = round
  expect(seal(round)).toBeUndefined()
})
