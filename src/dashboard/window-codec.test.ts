import { expect, test } from 'vitest'
import type { TimelineWindow } from './protocol.ts'
import { decodeWindow, encodeWindow } from './window-codec.ts'

const lane = { executor: 0, line: 0, capacity: 1, tasks: 3 }

const window: TimelineWindow = {
  version: 7,
  from: 0.5,
  to: 10,
  columns: 5,
  names: { 1: 'task “1”' },
  lanes: [
    {
      ...lane,
      key: 't0.0',
      label: 'this thread “ß”',
      slices: {
        count: 3,
        task: Uint32Array.of(1, 2, 4_000_000_000),
        group: Uint16Array.of(0, 1, 65_535),
        state: Uint8Array.of(1, 2, 3),
        critical: Uint8Array.of(0, 1, 0),
        queued: Float64Array.of(0.1, 0.2, 0.3),
        ready: Float64Array.of(0.1, 0.2, 0.3),
        started: Float64Array.of(1, 2, 3),
        settled: Float64Array.of(1.5, 2.5, Math.PI),
      },
    },
    {
      ...lane,
      key: 'w1.0',
      label: 'worker 1',
      coverage: {
        share: Uint8Array.of(0, 1, 128, 254, 255),
        group: Uint16Array.of(0, 1, 2, 3, 4),
        failed: Uint8Array.of(0, 0, 0, 0, 255),
        critical: Uint8Array.of(1, 1, 0, 0, 0),
      },
    },
    { ...lane, key: 'w2.0', label: 'worker 2' },
  ],
}

test('a window comes back as it was', () => {
  expect(decodeWindow(encodeWindow(window))).toEqual(window)
})

test('bytes that do not lie aligned are read as well', () => {
  const bytes = encodeWindow(window)
  const shifted = new Uint8Array(bytes.length + 3)
  shifted.set(bytes, 3)
  expect(decodeWindow(shifted.subarray(3))).toEqual(window)
})

test.each([0, 3, 40, 300])('bytes that end after %i are refused', (length) => {
  expect(() => decodeWindow(encodeWindow(window).subarray(0, length))).toThrow(/bounds|length|JSON|offset/)
})
