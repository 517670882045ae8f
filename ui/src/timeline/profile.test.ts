import { expect, test } from 'vitest'
import type { Lane } from '../../../src/dashboard/page.ts'
import { profileOf } from './profile.ts'

const lane: Lane = { key: '1', executor: 1, line: 0, label: 'worker 1', capacity: 1, tasks: 2 }
const windowOf = (...lanes: readonly Lane[]) => ({ version: 1, from: 0, to: 40, columns: 4, lanes, names: {} })

test('adds up single tasks and coverage, column by column', () => {
  const started = Float64Array.of(0, 15)
  const slices = {
    count: 2,
    task: Uint32Array.of(1, 2),
    group: new Uint16Array(2),
    state: Uint8Array.of(2, 3),
    critical: new Uint8Array(2),
    queued: started,
    ready: started,
    started,
    settled: Float64Array.of(10, 40),
  }
  const coverage = {
    share: Uint8Array.of(255, 0, 0, 255),
    group: new Uint16Array(4),
    failed: Uint8Array.of(0, 0, 0, 1),
    critical: new Uint8Array(4),
  }
  const { atWork, failed, most } = profileOf(windowOf({ ...lane, slices }, { ...lane, key: '0', capacity: 3, coverage }))
  expect([...atWork]).toEqual([4, 0.5, 1, 4])
  expect([...failed]).toEqual([0, 1, 0, 1])
  expect(most).toBe(4)
})

test('nothing ran, nothing is shown', () => {
  expect(profileOf(windowOf(lane)).most).toBe(0)
})
