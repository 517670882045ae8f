import { describe, expect, test } from 'vitest'
import { messageBytes } from './message-size.js'

describe('messageBytes', () => {
  test('counts buffers, texts and lists', () => {
    expect(messageBytes(new Float64Array(1_000))).toBe(8_000)
    expect(messageBytes(new Uint8Array(100).buffer)).toBe(100)
    expect(messageBytes('x'.repeat(500))).toBe(500)
    expect(messageBytes([1, 2, 3])).toBe(24)
    expect(messageBytes({ text: 'abc', more: new Set(['de', 'fg']) })).toBe(4 + 3 + 4 + 4)
    expect(messageBytes(new Map([['key', 'value']]))).toBe(8)
  })

  test('takes the rest of a long list to be like its beginning', () => {
    expect(messageBytes(Array.from({ length: 100_000 }, () => 'ten chars!'))).toBe(1_000_000)
    expect(messageBytes(Array.from({ length: 10_000 }, () => [1, 2, 3]))).toBeCloseTo(240_000, -4)
  })

  test('counts nothing for what is shared or has moved, and survives circles and getters that throw', () => {
    expect(messageBytes(new SharedArrayBuffer(1_000))).toBe(0)
    expect(messageBytes(new Int32Array(new SharedArrayBuffer(1_000)))).toBe(0)
    const moved = new ArrayBuffer(1_000)
    structuredClone(moved, { transfer: [moved] })
    expect(messageBytes(moved)).toBe(0)
    const circle: Record<string, unknown> = {}
    circle.self = circle
    expect(messageBytes(circle)).toBeLessThan(1_000)
    expect(
      messageBytes({
        get bad() {
          throw new Error('no')
        },
      }),
    ).toBe(0)
  })
})
