/** Results that came as bytes are read in slices, each is reported once, and what was given up meanwhile is not. */
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { written } from '../../encoding/written.js'
import type { ResultMessage } from '../protocol.ts'
import { Estimate } from './estimate.ts'
import { type Job, newPosted, type Posted } from './job.ts'
import { Posting } from './posting.ts'
import { Reading } from './reading.ts'

const rows = Array.from({ length: 2_000 }, (_, id) => ({ id, name: `row ${id}` }))
const piece = { count: 1, bytes: written([rows]) as Uint8Array<ArrayBuffer> }

/** A batch of as many items, and what becomes of them by index. */
function batch(count: number) {
  const outcomes: unknown[] = []
  const turns = new Set<number>()
  const job = {
    ref: { name: 'rows' },
    estimate: new Estimate(),
    underWay: count,
    cancelReason: undefined as unknown,
    work: {
      succeed: (first: number, values: unknown[]) => {
        turns.add(turn)
        for (const [i, value] of values.entries()) outcomes[first + i] = value
      },
      fail: (index: number, error: unknown) => (outcomes[index] = error),
      skip: (index: number) => (outcomes[index] = 'skipped'),
    },
  }
  const posted: Posted = newPosted({
    id: 1,
    job: job as unknown as Job,
    batch: { first: 0, items: Array.from({ length: count }) },
    postedAt: 0,
    near: false,
    moved: false,
  })
  return { outcomes, turns, job, posted }
}

const message = (count: number, more: Partial<ResultMessage> = {}) =>
  ({ values: [], from: 0, pieces: Array.from({ length: count }, () => piece), ...more }) as unknown as ResultMessage

let turn = 0
async function untilRead(reading: Reading): Promise<void> {
  for (; reading.busy; turn++) await setImmediate()
}

test('in several turns of the event loop', async () => {
  const { outcomes, turns, job, posted } = batch(300)
  let slices = 0
  const reading = new Reading(
    () => {},
    () => void slices++,
  )
  reading.add(posted, message(300), 1)
  expect(posted.left).toBe(0)
  expect(job.underWay).toBeGreaterThan(0)
  await untilRead(reading)
  expect(outcomes).toHaveLength(300)
  expect(outcomes[299]).toEqual(rows)
  expect(job.underWay).toBe(0)
  // 300 × 0.3 ms, at most 3 ms at a time; a slow machine takes more turns.
  expect(turns.size).toBeGreaterThan(8)
  expect(slices).toBeGreaterThan(8)
  expect(job.estimate.readMs).toBeGreaterThan(0.01)
})

test('what was given up or cancelled while it waited is not handed over', async () => {
  const { outcomes, job, posted } = batch(300)
  const reading = new Reading(
    () => {},
    () => {},
  )
  reading.add(posted, message(300), 1)
  const late = new Error('too late')
  posted.doomed = new Map([[298, late]])
  const other = batch(2)
  reading.add(other.posted, message(2), 1)
  other.job.cancelReason = { reason: 'stop' }
  await untilRead(reading)
  expect(outcomes[298]).toBe(late)
  expect(outcomes[299]).toEqual(rows)
  expect(other.outcomes).toEqual(['skipped', 'skipped'])
  expect([job.underWay, other.job.underWay]).toEqual([0, 0])
})

test('what cannot be read fails alone', async () => {
  const { outcomes, posted } = batch(3)
  const reading = new Reading(
    () => {},
    () => {},
  )
  const bad = { count: 1, bytes: new Uint8Array([255, 15, 1, 111, 34]) }
  reading.add(posted, message(0, { pieces: [piece, bad, piece] }), 1)
  await untilRead(reading)
  expect(outcomes).toEqual([rows, expect.objectContaining({ code: 'HEDDLE_UNSERIALIZABLE' }), rows])
})

test('is full while much is unread', async () => {
  const count = Math.ceil((40 * 2 ** 20) / piece.bytes.length)
  const { posted } = batch(count)
  const reading = new Reading(
    () => {},
    () => {},
  )
  reading.add(posted, message(count), 1)
  expect(reading.full).toBe(true)
  await untilRead(reading)
  expect(reading.full).toBe(false)
})

test('arguments are written for a few milliseconds in one turn', async () => {
  let wentOn = 0
  const posting = new Posting(() => void wentOn++)
  expect(posting.enough()).toBe(false)
  const began = performance.now()
  while (performance.now() - began < 5);
  posting.note(began)
  expect(posting.enough()).toBe(true)
  expect(posting.enough()).toBe(true)
  await setImmediate()
  await setImmediate()
  expect(wentOn).toBe(1)
  expect(posting.enough()).toBe(false)
})
