import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { map } from '../../run/map.ts'
import { listen, openRun, type PlainTask } from '../../base/observer.ts'
import { PlainTasks } from './plain-tasks.ts'
import { record } from './record.ts'
import { runs } from '../../../test/support/runs.ts'

const drained = (tasks: PlainTasks) => {
  const list: PlainTask[] = []
  tasks.drain((task) => list.push({ ...task }))
  return list
}
const newRun = (name = '') => openRun('map', name, { task: 0, run: 0 }, -1, -1)

describe('plain tasks', () => {
  test('come out as they went in, whatever runs they belong to, numbers they have, and times they took', () => {
    const both = [newRun('first'), newRun('second')]
    const task = fc.record({
      run: fc.constantFrom(...both),
      id: fc.nat({ max: 2 ** 32 - 1 }),
      index: fc.nat({ max: 2 ** 31 - 1 }),
      startedNs: fc.nat({ max: 1e12 }),
      durationNs: fc.nat({ max: 1e12 }),
    })
    fc.assert(
      fc.property(fc.array(task, { maxLength: 700, size: 'max' }), fc.nat({ max: 3e15 }), (list, since) => {
        const tasks = new PlainTasks()
        const given = list.map(({ run, id, index, startedNs, durationNs }) => {
          const start = since + startedNs
          return { run, id, index, startedAt: start / 1e6, settledAt: (start + durationNs) / 1e6 }
        })
        const kept = given.filter((task) => tasks.add(task))
        expect(tasks.count).toBe(kept.length)
        expect(drained(tasks)).toEqual(kept)
        expect(drained(tasks)).toEqual([])
      }),
      { numRuns: runs(15, 100) },
    )
  })

  test('come out of lanes as they went in, thousands of them, and again after that', () => {
    const [runs, tasks] = [[newRun('first'), newRun('second')] as const, new PlainTasks()]
    const random = fc.sample(fc.nat({ max: 2 ** 16 }), { numRuns: 1_000, seed: 1 })
    for (const lanes of [1, 16, 100]) {
      // Each lane begins a task when its last one ended; some lanes rest in between, and a second run takes numbers too.
      const free = Array.from({ length: lanes }, (_, lane) => lane / 1_000)
      let [id, at] = [lanes, 1]
      const given = Array.from({ length: 20_000 }, (_, i): PlainTask => {
        const chance = random[i % random.length] as number
        const lane = chance % 5 === 0 ? chance % lanes : i % lanes
        if (chance % 50 === 0) id++
        at = (Math.round(at * 1e6) + chance) / 1e6
        const startedAt = chance % 11 === 0 ? at - chance / 1e7 : (free[lane] as number)
        free[lane] = at
        return {
          run: runs[i < 10_000 ? 0 : 1],
          id: ++id,
          index: id - lanes,
          startedAt: Math.round(startedAt * 1e6) / 1e6,
          settledAt: at,
        }
      })
      if (lanes > 1) tasks.expect(given.length)
      for (const task of given) expect(tasks.add(task)).toBe(true)
      expect(tasks.count).toBe(given.length)
      const list = drained(tasks)
      expect(list.findIndex((task, i) => JSON.stringify(task) !== JSON.stringify(given[i]))).toBe(-1)
      expect(list.length).toBe(given.length)
    }
  })

  test('of lanes take three bytes each', async () => {
    const [run, tasks] = [newRun(), new PlainTasks()]
    const task = (i: number): PlainTask => ({
      run,
      id: i + 1,
      index: i,
      startedAt: Math.max(0, i - 16) / 100,
      settledAt: i / 100,
    })
    for (let i = 0; i < 100_000; i++) tasks.add(task(i))
    const bytes = tasks.take().batches.reduce((sum, { length }) => sum + length, 0)
    expect(bytes / 100_000).toBeGreaterThan(2)
    expect(bytes / 100_000).toBeLessThan(3.3)
  })
})

test('keep what they have allocated where other tasks come between', () => {
  const [run, tasks] = [newRun(), new PlainTasks()]
  let id = 0
  tasks.expect(1_000_000)
  const buffers = new Set<unknown>()
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 300; i++) tasks.add({ run, id: ++id, index: id, startedAt: id, settledAt: id })
    for (const { buffer } of tasks.take().batches) buffers.add(buffer)
    expect(drained(tasks).length).toBe(300)
  }
  expect(buffers.size).toBe(1)
})

test('runs that take turns do not pile up', () => {
  const runs = [newRun('first'), newRun('second')] as const
  const tasks = new PlainTasks()
  let kept = 0
  const next = (): PlainTask => ({ run: runs[kept % 2 ? 1 : 0], id: kept + 1, index: kept, startedAt: kept, settledAt: kept })
  while (tasks.add(next())) kept++
  expect(kept).toBeGreaterThanOrEqual(1_024)
  expect(kept).toBeLessThan(1_300)
  expect(drained(tasks)).toHaveLength(kept)
  expect(tasks.add(next())).toBe(true)
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

test('a trace is printed with what it has', async () => {
  const { trace } = await record(() => map([1, 2, 3], async (x) => x))
  expect(inspect(trace)).toMatch(/tasks: \{\s+count: 3,\s+id: Uint32Array/)
  expect(JSON.parse(JSON.stringify(trace)).tasks.count).toBe(3)
})

test('records real times under the clock of a test', async () => {
  vi.useFakeTimers()
  try {
    const { trace } = await record(() =>
      map([1, 2, 3], async (x) => {
        vi.advanceTimersByTime(10)
        return x
      }),
    )
    // The clock is taken when heddle is loaded: a program under a clock of a test is recorded like any other.
    expect(trace.meta.durationMs).toBeGreaterThan(0)
    expect(trace.samples.busy.every((share) => share >= 0 && share <= 1)).toBe(true)
    expect([...trace.tasks.settledAt].at(-1)).toBeLessThanOrEqual(trace.meta.durationMs)
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
    plainTaskSettled: ({ id, index, startedAt, settledAt }) => told.push([id, index, startedAt, settledAt]),
    batchSettled: ({ firstId, firstIndex, startedAt, settledAt }) => {
      for (let i = 0; i < settledAt.length; i++)
        told.push([firstId + i, firstIndex + i, startedAt[i] as number, settledAt[i] as number])
    },
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
