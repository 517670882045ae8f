import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TimedOut } from '../base/errors.ts'
import { isSpent, markSpent } from '../base/final-errors.ts'
import { findUncloneable, serializable } from './cloning.js'
import { packError } from './errors.js'
import { fromWire } from './from-wire.ts'
import { packNumbers } from './numbers.js'
import { processorTime } from '../../test/support/processor-time.ts'

const crossed = (error: unknown): unknown => fromWire(structuredClone(packError(error)))

describe('an error on the wire', () => {
  test('keeps the class of heddle, its fields and its code', () => {
    const error = crossed(
      new TimedOut('late', { clock: 'deadline', limitMs: 5, hint: 'wait', cause: new TypeError('why') }),
    ) as TimedOut
    expect(error).toBeInstanceOf(TimedOut)
    expect(error).toMatchObject({ code: 'HEDDLE_TIMED_OUT', clock: 'deadline', limitMs: 5, hint: 'wait', message: 'late' })
    expect(error.cause).toBeInstanceOf(TypeError)
  })

  test('stays one that is not to be tried again', () => {
    const error = new Error('tried')
    expect(isSpent(crossed(error))).toBe(false)
    markSpent(error)
    expect(isSpent(crossed(error))).toBe(true)
    expect(Object.keys(crossed(error) as Error)).toEqual([])
  })

  test('ends causes that go in circles', () => {
    const error = new Error('round')
    error.cause = error
    let depth = 0
    for (let at = crossed(error) as Error | undefined; at; at = at.cause as Error | undefined) depth++
    expect(depth).toBeGreaterThan(1)
    expect(depth).toBeLessThan(20)
  })

  test('survives whatever was thrown', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const hostile = {
      get message(): never {
        throw new Error('no message for you')
      },
    }
    for (const thrown of [
      proxy,
      Object.setPrototypeOf(hostile, Error.prototype),
      Symbol('s'),
      () => {},
      Object.create(null),
      globalThis,
    ]) {
      expect(() => crossed(thrown)).not.toThrow()
    }
    fc.assert(fc.property(fc.anything({ withNullPrototype: true, withSparseArray: true }), (thrown) => void crossed(thrown)))
  })

  test('does not let a field reach a prototype', () => {
    const error = Object.assign(new Error('x'), JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}'))
    const back = crossed(error) as Error & { polluted?: unknown }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    expect(back).toBeInstanceOf(Error)
  })

  test('is no real name of a class by accident', () => {
    for (const name of ['toString', '__proto__', 'constructor', '']) {
      const error = new Error('odd')
      Object.defineProperty(error, 'name', { value: name })
      expect(crossed(error)).toBeInstanceOf(Error)
      expect((crossed(error) as Error).name).toBe(name)
    }
  })
})

describe('what cannot be cloned', () => {
  test('is named by its path', () => {
    const cyclic: Record<string, unknown> = { deep: { list: [1, { 'odd key': () => {} }] } }
    cyclic.self = cyclic
    cyclic.deep = { back: cyclic, ...(cyclic.deep as object) }
    expect(findUncloneable(cyclic, 'argument')).toBe('argument.deep.list[1]["odd key"] is a function (odd key)')
    expect(findUncloneable({ fine: [1, new Map()] }, 'argument')).toBeUndefined()
  })

  test('is found soon in a value nested 100,000 deep', () => {
    let deep: unknown[] = []
    for (let i = 0; i < 100_000; i++) deep = [deep]
    const took = processorTime()
    expect(findUncloneable(deep, 'argument')).toContain('nested too deeply')
    expect(took()).toBeLessThan(5_000)
  })

  test('is more for a process than for a thread', () => {
    const view = { cells: new Int32Array(new SharedArrayBuffer(4)) }
    expect(findUncloneable(view, 'argument')).toBeUndefined()
    expect(findUncloneable(view, 'argument', serializable)).toBe('argument.cells is a view of shared memory')
  })
})

test('numbers are packed only when all are', () => {
  expect(packNumbers([1, 2, 3])).toBeUndefined()
  expect(packNumbers([1, 2, 3, 4, 5, 6, 7, '8'])).toBeUndefined()
  expect([...(packNumbers([1, -0, Number.NaN, 4, 5, 6, 7, Infinity]) as Float64Array)]).toEqual([
    1,
    -0,
    Number.NaN,
    4,
    5,
    6,
    7,
    Infinity,
  ])
})

test('integers are packed as integers, so that a function counts up to them as fast as it does at home', () => {
  expect(packNumbers([0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 5, 6, 7])).toEqual(
    new Int32Array([0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 5, 6, 7]),
  )
  for (const other of [-0, 0.5, 2 ** 31, Number.NaN, Infinity]) {
    const packed = packNumbers([1, 2, 3, 4, 5, 6, 7, other])
    expect(packed).toBeInstanceOf(Float64Array)
    expect(packed?.[7]).toBe(other)
  }
  expect(packNumbers([1, 2, 3, 4, 5, 6, 0.5, '8'])).toBeUndefined()
})
