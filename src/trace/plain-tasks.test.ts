import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { map } from '../run/map.ts'
import { listen, openRun, type RunRecord } from '../base/observer.ts'
import { PlainTasks } from './plain-tasks.ts'
import { record } from './record.ts'

const drained = (tasks: PlainTasks) => {
  const rows: [RunRecord, number, number, number, number][] = []
  tasks.drain((...row) => rows.push(row))
  return rows
}

describe('plain tasks', () => {
  test('come out as they went in, whatever runs they belong to', () => {
    const runs = [0, 1].map((n) => openRun('map', `run ${n}`, { task: 0, run: 0 }, -1, -1))
    const task = fc.record({
      run: fc.constantFrom(...runs),
      id: fc.nat({ max: 2 ** 32 - 1 }),
      index: fc.nat({ max: 2 ** 31 - 1 }),
      startedNs: fc.nat({ max: 2e9 }),
      durationNs: fc.nat({ max: 2e9 }),
    })
    fc.assert(
      fc.property(fc.array(task, { maxLength: 50 }), fc.nat({ max: 3e12 }), (list, since) => {
        const tasks = new PlainTasks()
        const rows = list.map(({ run, id, index, startedNs, durationNs }) => {
          const start = since + startedNs
          return [run, id, index, start / 1e6, (start + durationNs) / 1e6] as const
        })
        const kept = rows.filter((row) => tasks.add(...row))
        expect(tasks.count).toBe(kept.length)
        expect(drained(tasks)).toEqual(kept)
        expect(drained(tasks)).toEqual([])
      }),
    )
  })

  test('are kept by the ten thousand', () => {
    const run = openRun('map', '', { task: 0, run: 0 }, -1, -1)
    const tasks = new PlainTasks()
    for (let i = 0; i < 30_000; i++) expect(tasks.add(run, i + 7, i, i / 100, i / 100 + 0.5)).toBe(true)
    const rows = drained(tasks)
    expect(rows.length).toBe(30_000)
    expect(rows.every(([of, id, index, from], i) => of === run && id === i + 7 && index === i && from === i / 100)).toBe(true)
  })

  test('refuses times that are seconds apart, and takes the next one', () => {
    const run = openRun('map', '', { task: 0, run: 0 }, -1, -1)
    const tasks = new PlainTasks()
    expect(tasks.add(run, 1, 0, 1_000, 12_000)).toBe(false)
    expect(tasks.add(run, 2, 1, 20_000, 20_001)).toBe(true)
    expect(tasks.add(run, 3, 2, 26_000, 26_001)).toBe(false)
    expect(drained(tasks)).toEqual([[run, 2, 1, 20_000, 20_001]])
    expect(tasks.add(run, 3, 2, 26_000, 26_001)).toBe(true)
  })
})

test('a trace has plain tasks and others in the order in which they settled, with the times that were told', async () => {
  const told: number[][] = []
  const stop = listen({
    runStarted() {},
    runSettled() {},
    noted() {},
    taskSettled: ({ id, index, startedAt, settledAt }) => told.push([id, index, startedAt, settledAt]),
    plainTaskSettled: (_run, id, index, startedAt, settledAt) => told.push([id, index, startedAt, settledAt]),
  })
  const items = Array.from({ length: 2_000 }, (_, i) => i)
  const { trace } = await record(() =>
    map(
      items,
      async (i) => {
        if (i % 7 === 0) throw new Error('seventh')
        // An inner run breaks the order of the numbers.
        if (i % 5 === 0) await map([1, 2], async (x) => x)
        if (i % 3 === 0) await new Promise(setImmediate)
        return i
      },
      { concurrency: 8, onFailure: 'settle' },
    ),
  )
  stop()
  const began = trace.meta.epochMs - performance.timeOrigin
  const { tasks } = trace
  expect(tasks.count).toBe(told.length)
  for (const [row, [id, index, startedAt, settledAt]] of told.entries()) {
    expect([tasks.id[row], tasks.index[row]]).toEqual([id, index])
    expect(tasks.startedAt[row]).toBeCloseTo((startedAt as number) - began, 2)
    expect(tasks.settledAt[row]).toBeCloseTo((settledAt as number) - began, 2)
  }
})
