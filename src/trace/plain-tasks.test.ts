import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
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

test('runs that take turns do not pile up', () => {
  const runs = [1, 2].map(() => openRun('map', '', { task: 0, run: 0 }, -1, -1)) as [RunRecord, RunRecord]
  const tasks = new PlainTasks()
  let kept = 0
  while (tasks.add(runs[kept % 2] as RunRecord, kept + 1, kept, kept, kept)) kept++
  expect(kept).toBeGreaterThanOrEqual(1_024)
  expect(kept).toBeLessThan(1_300)
  expect(drained(tasks)).toHaveLength(kept)
  expect(tasks.add(runs[0], 1, 0, 1, 1)).toBe(true)
})

test('a trace moved to another thread leaves others whole', async () => {
  const traced = async () => (await record(() => map([1, 2, 3], async (x) => x))).trace
  const [first, second] = [await traced(), await traced()]
  const columns = [first.tasks, first.needs, first.notes].flatMap((table) => Object.values(table))
  const buffers = new Set(columns.filter((column) => ArrayBuffer.isView(column)).map(({ buffer }) => buffer as ArrayBuffer))
  const moved = structuredClone(first, { transfer: [...buffers] })
  expect(moved.tasks.count).toBe(3)
  expect(structuredClone(second).tasks.id).toEqual(second.tasks.id)
  expect(structuredClone(await traced()).tasks.count).toBe(3)
})

test('records under the clock of a test', async () => {
  vi.useFakeTimers()
  try {
    const { trace } = await record(() =>
      map([1, 2, 3], async (x) => {
        vi.advanceTimersByTime(10)
        return x
      }),
    )
    expect(trace.meta.durationMs).toBe(30)
    expect([...trace.tasks.settledAt].at(-1)).toBe(30)
  } finally {
    vi.useRealTimers()
  }
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
