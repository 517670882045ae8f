import { expect, test } from 'vitest'
import type { Lane, Slices, TimelineWindow } from '../../../src/dashboard/page.ts'
import { hitTest } from './hit.ts'

function slicesOf(...times: readonly (readonly [number, number])[]): Slices {
  const started = Float64Array.from(times, ([from]) => from)
  return {
    count: times.length,
    task: Uint32Array.from(times, (_, i) => i + 1),
    group: new Uint16Array(times.length),
    state: new Uint8Array(times.length).fill(2),
    critical: new Uint8Array(times.length),
    queued: started,
    ready: started,
    started,
    settled: Float64Array.from(times, ([, to]) => to),
  }
}

const lane: Lane = { key: '0', executor: 0, line: 0, label: 'this thread', capacity: 1, tasks: 2 }
const windowOf = (lane: Lane): TimelineWindow => ({ version: 1, from: 0, to: 100, columns: 10, lanes: [lane], names: {} })

test('a bar is hit on it and a little beside it, the nearest first', () => {
  const busy = { ...lane, slices: slicesOf([10, 20], [24, 30]) }
  const at = (ms: number) => hitTest(windowOf(busy), busy, ms, 3)
  expect(at(15)).toMatchObject({ kind: 'task', slice: 0 })
  expect(at(21)).toMatchObject({ kind: 'task', slice: 0 })
  expect(at(23)).toMatchObject({ kind: 'task', slice: 1 })
  expect(at(40)).toMatchObject({ kind: 'idle' })
  expect(at(5)).toMatchObject({ kind: 'idle' })
})

test('a bar of a large graph has the name that is drawn on it', () => {
  const busy = { ...lane, slices: slicesOf([10, 20], [24, 30]) }
  const window = { ...windowOf(busy), names: { 1: 'compile' } }
  expect(hitTest(window, busy, 15, 3)).toMatchObject({ kind: 'task', name: 'compile' })
  expect(hitTest(window, busy, 26, 3)).toMatchObject({ kind: 'task', name: undefined })
})

test('coverage is hit by column', () => {
  const share = new Uint8Array(10)
  share[3] = 128
  const covered = { ...lane, coverage: { share, group: new Uint16Array(10), failed: share, critical: share } }
  expect(hitTest(windowOf(covered), covered, 35, 3)).toMatchObject({ kind: 'coverage', column: 3, columnMs: 10 })
  expect(hitTest(windowOf(covered), covered, 45, 3)).toMatchObject({ kind: 'idle' })
  expect(hitTest(windowOf(covered), covered, 450, 3)).toMatchObject({ kind: 'idle' })
})
