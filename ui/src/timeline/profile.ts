/** How many tasks were at work over time, and where some failed: the small picture of everything above the timeline. */
import { taskStates, type Slices, type TimelineWindow } from '../../../src/dashboard/page.ts'

export interface Profile {
  /** Mean number at work, by column. */
  readonly atWork: Float32Array
  /** 1 where a task failed. */
  readonly failed: Uint8Array
  readonly most: number
}

const noSlices: Slices = {
  count: 0,
  task: new Uint32Array(),
  group: new Uint16Array(),
  state: new Uint8Array(),
  critical: new Uint8Array(),
  queued: new Float64Array(),
  ready: new Float64Array(),
  started: new Float64Array(),
  settled: new Float64Array(),
}
const failedState = taskStates.indexOf('failed')

export function profileOf({ lanes, columns, from, to }: TimelineWindow): Profile {
  const atWork = new Float32Array(columns)
  const failed = new Uint8Array(columns)
  const perMs = columns / (to - from)
  for (const { slices = noSlices, coverage, capacity } of lanes) {
    if (coverage) {
      for (let x = 0; x < columns; x++) {
        atWork[x] = (atWork[x] as number) + ((coverage.share[x] as number) / 255) * capacity
        if ((coverage.failed[x] as number) > 0) failed[x] = 1
      }
    }
    for (let i = 0; i < slices.count; i++) {
      const a = Math.max(0, ((slices.started[i] as number) - from) * perMs)
      const b = Math.min(columns, ((slices.settled[i] as number) - from) * perMs)
      for (let x = Math.floor(a); x < b; x++) atWork[x] = (atWork[x] as number) + Math.min(b, x + 1) - Math.max(a, x)
      if (slices.state[i] === failedState && a < columns) failed[Math.floor(a)] = 1
    }
  }
  let most = 0
  for (const value of atWork) most = Math.max(most, value)
  return { atWork, failed, most }
}
