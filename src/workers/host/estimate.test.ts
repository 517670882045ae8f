import { expect, test } from 'vitest'
import { Estimate } from './estimate.ts'

function measured(itemMs: number, crossingMs?: number): Estimate {
  const estimate = new Estimate()
  for (let i = 0; i < 30; i++) {
    estimate.record(1_000, 1_000 * itemMs, false)
    if (crossingMs !== undefined) estimate.recordPost(1_000, 500 * crossingMs)
  }
  return estimate
}

test('the first batch is one item, and growth is bounded', () => {
  const estimate = new Estimate()
  expect(estimate.batchSize(100_000, 2)).toBe(1)
  estimate.record(1, 0.000_1, false)
  expect(estimate.batchSize(100_000, 2)).toBe(8)
  estimate.record(8, 0.000_8, false)
  expect(estimate.batchSize(100_000, 2)).toBe(64)
})

test('a batch takes about ten milliseconds, and leaves enough for the others', () => {
  expect(measured(0.1).batchSize(100_000, 2)).toBe(100)
  expect(measured(25).batchSize(100_000, 2)).toBe(1)
  expect(measured(0.1).batchSize(40, 2)).toBe(10)
  // The last shares are not divided again, and what takes less than a message is not divided at all.
  expect(measured(0.1).batchSize(12, 2)).toBe(6)
  expect(measured(0.001).batchSize(80, 2)).toBeGreaterThanOrEqual(80)
  expect(measured(0.000_13).batchSize(1_000, 2)).toBe(1_000)
  expect(measured(0.000_25).batchSize(1_000, 2)).toBe(500)
  for (const itemMs of [0.003, 0.017, 0.07]) expect(Number.isInteger(measured(itemMs).batchSize(7, 2))).toBe(true)
  expect(measured(0.000_001).batchSize(Number.POSITIVE_INFINITY, 2)).toBeLessThanOrEqual(8_192)
})

test('asynchronous functions get small batches, and never run inline', () => {
  const estimate = new Estimate()
  for (let i = 0; i < 10; i++) estimate.record(16, 0.01, true)
  expect(estimate.batchSize(100_000, 2)).toBe(16)
  expect(estimate.plan(10, 2)).toBe('there')
})

test('inline wins where the work is worth less than the crossing', () => {
  expect(measured(0.000_1).plan(100_000, 2)).toBe('here')
  expect(measured(0.01).plan(100_000, 2)).toBe('there')
  expect(measured(0.01).plan(3, 2)).toBe('here')
  expect(measured(0.01, 0.1).plan(100_000, 2)).toBe('here')
  expect(new Estimate().plan(1, 2)).toBe('there')
  // Of an unknown number what comes together counts.
  expect(measured(0.000_1).plan(Number.POSITIVE_INFINITY, 2)).toBe('here')
  expect(measured(0.01).plan(Number.POSITIVE_INFINITY, 2)).toBe('there')
})

/** Objects as results: `readMs` of this thread, `copyMs` of the worker, for each. */
function copied(itemMs: number, readMs: number, copyMs: number): Estimate {
  const estimate = measured(itemMs)
  for (let i = 0; i < 30; i++) {
    estimate.recordRead(10, 10 * readMs, 1e6)
    estimate.recordCopy(10, 10 * copyMs)
  }
  return estimate
}

test('this thread helps where it would wait, and does all where sending costs it as much', () => {
  expect(copied(1.3, 0.35, 0.45).plan(400, 2)).toBe('both')
  expect(copied(1, 1.2, 1).plan(400, 2)).toBe('here')
  // Computing is what takes long: a third thread on two cores would win nothing.
  expect(copied(1, 0.001, 0.001).plan(400, 2)).toBe('there')
  expect(copied(1.3, 0.35, 0.45).plan(400, 8)).toBe('there')
  expect(copied(1, 1.2, 1).plan(400, 1)).toBe('here')
  // What takes long by itself would hold this thread.
  expect(copied(30, 8, 8).plan(400, 2)).toBe('there')
  expect(copied(30, 1, 1).callWins).toBe(false)
})

test('one large argument is believed at once', () => {
  const estimate = new Estimate()
  estimate.recordPost(1, 0.4, 90_000, 8)
  estimate.record(1, 0.1, false)
  expect(estimate.plan(500, 2)).toBe('here')
  // A result that small is not read for as long.
  expect(estimate.readMs).toBeLessThan(0.01)
})

test('a batch is written in a few milliseconds', () => {
  const estimate = new Estimate()
  for (let i = 0; i < 20; i++) {
    estimate.record(100, 1, false)
    estimate.recordPost(100, 100, 90_000, 8)
  }
  expect(estimate.batchSize(100_000, 2)).toBeLessThanOrEqual(5)
})

test('single calls stay where sending them costs this thread more', () => {
  expect(measured(0.01).callWins).toBe(false)
  expect(measured(0.01, 0.3).callWins).toBe(true)
  expect(measured(10, 0.3).callWins).toBe(false)
  expect(new Estimate().callWins).toBe(false)
})

test('one post that lost its core does not make the crossing dear', () => {
  const estimate = measured(0.01, 0.000_2)
  estimate.recordPost(8, 20)
  expect(estimate.plan(100_000, 2)).toBe('there')
})

test('a crossing that seemed dear is tried again in time', () => {
  const estimate = measured(0.01, 0.1)
  expect(estimate.plan(100_000, 2)).toBe('here')
  for (let i = 0; i < 120; i++) estimate.recordInline(500, 5)
  // With a few items, in case it still is.
  expect(estimate.batchSize(100_000, 2)).toBeLessThan(8)
  expect(estimate.plan(100_000, 2)).toBe('there')
})

/** Hands all of it out as the pool does, to workers that take a message each and wait for nothing; gives the batches of each. */
function handOut(estimate: Estimate, items: number, slots: number): number[][] {
  const batches: number[][] = Array.from({ length: slots }, () => [])
  const own = (worker: number): number => (batches[worker] ?? []).reduce((sum, size) => sum + size, 0)
  for (let left = items; left > 0;) {
    let given = 0
    for (let worker = 0; worker < slots && left > 0; worker++) {
      const size = Math.min(left, estimate.batchSize(left, slots, items - left, own(worker)))
      if (size > 0) batches[worker]?.push(size)
      left -= size
      given += size
    }
    if (given === 0) throw new Error(`${left} items went to nobody`)
  }
  return batches
}

test('all workers get the same, in few messages', () => {
  expect(handOut(measured(0.01), 100, 2)).toEqual([[50], [50]])
  for (const [itemMs, items, slots] of [
    [1, 10, 2],
    [0.01, 1_000, 2],
    [0.03, 333, 4],
    [0.2, 7, 3],
  ] as const) {
    const sums = handOut(measured(itemMs), items, slots).map((batches) => batches.reduce((sum, size) => sum + size, 0))
    expect(Math.max(...sums), `${items} × ${itemMs} ms`).toBe(Math.ceil(items / slots))
  }
  expect(Math.max(...handOut(measured(0.01), 1_000, 2).map(({ length }) => length))).toBeLessThanOrEqual(4)
})

test('a worker that has its part before it gets no more', () => {
  expect(measured(1).batchSize(2, 2, 8, 5)).toBe(0)
  expect(measured(1).batchSize(2, 2, 8, 4)).toBe(1)
})
