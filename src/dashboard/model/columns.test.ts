/** The columns of a window against the plainest way to compute them: every task, every column. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeTraceOf, type TaskSpec } from '../../../test/support/traces.ts'
import type { Trace } from '../../trace/model/trace.ts'
import { linesMax } from '../protocol.ts'
import { coverageOf } from './columns.ts'
import { GroupNumbers } from './group-numbers.ts'
import { layOut, type Line } from './timeline.ts'
import { View } from './view.ts'

const names = ['parse', 'fetch', 'store']

function timelineOf(trace: Trace) {
  const view = new View(trace, new GroupNumbers())
  return { view, ...layOut(view) }
}

/** One worker with many tasks one after the other; some of no length, some that failed. */
const row = fc
  .array(
    fc.record({
      gap: fc.nat(3),
      length: fc.nat(9),
      name: fc.constantFrom(...names),
      failed: fc.boolean(),
    }),
    { minLength: 1, maxLength: 120 },
  )
  .map((steps) => {
    let at = 0
    return steps.map(({ gap, length, name, failed }): TaskSpec => {
      const startedAt = at + gap
      at = startedAt + length
      return { row: 1, startedAt, settledAt: at, name, state: failed ? 'failed' : 'done' }
    })
  })

/** Promises on this thread, overlapping as they like. */
const crowd = fc.array(
  fc
    .record({ from: fc.nat(100), length: fc.nat(60), name: fc.constantFrom(...names), failed: fc.boolean() })
    .map(({ from, length, name, failed }): TaskSpec => ({
      row: 0,
      startedAt: from,
      settledAt: from + length,
      name,
      state: failed ? 'failed' : 'done',
    })),
  { minLength: linesMax + 10, maxLength: 150 },
)

const windows = fc.record({
  from: fc.nat(60),
  length: fc.integer({ min: 1, max: 200 }),
  columns: fc.integer({ min: 1, max: 40 }),
})

function bruteForce(line: Line, from: number, to: number, columns: number) {
  const step = (to - from) / columns
  return Array.from({ length: columns }, (_, column) => {
    const [begin, end] = [from + column * step, column === columns - 1 ? to : from + (column + 1) * step]
    const byGroup = new Map<number, number>()
    let [busy, failed] = [0, 0]
    for (let i = 0; i < line.count; i++) {
      const [a, b] = [line.from[i] as number, line.to[i] as number]
      const inside = a === b ? a >= begin && a < end : a < end && b > begin
      if (!inside) continue
      const ms = Math.min(b, end) - Math.max(a, begin)
      busy += ms
      if (line.failed[i] === 1) failed += ms
      byGroup.set(line.group[i] as number, (byGroup.get(line.group[i] as number) ?? 0) + ms)
    }
    return { share: busy / step / line.capacity, failed: busy > 0 ? failed / busy : 0, byGroup }
  })
}

/** What the coverage of a line says otherwise than the plain way. */
function differences(line: Line, from: number, to: number, columns: number, exactGroups: boolean): string[] {
  const coverage = coverageOf(line, { from, to, columns }, names.length)
  // Rounding of a share that lies half-way.
  const near = (got: number | undefined, share: number): boolean => Math.abs((got as number) - 255 * share) < 1.01
  return bruteForce(line, from, to, columns).flatMap(({ share, failed, byGroup }, column) => {
    const most = Math.max(...byGroup.values())
    const best = byGroup.get(coverage.group[column] as number) ?? 0
    return [
      ...(near(coverage.share[column], share) ? [] : [`share of column ${column}`]),
      ...(share > 0 && coverage.share[column] === 0 ? [`nothing in column ${column}`] : []),
      ...(share > 0 && !near(coverage.failed[column], failed) ? [`failures in column ${column}`] : []),
      ...(share > 0 && exactGroups && Math.abs(best - most) > 1e-6 ? [`group of column ${column}`] : []),
    ]
  })
}

describe('coverage', () => {
  test('of a line is what every task adds to every column', () => {
    fc.assert(
      fc.property(row, windows, (tasks, { from, length, columns }) => {
        const { lines } = timelineOf(makeTraceOf({ tasks }))
        // A block stands for its main group alone, so the main group of a column is exact only where no block fits into one.
        expect(differences(lines[0] as Line, from, from + length, columns, length / columns < 2)).toEqual([])
      }),
    )
  })

  test('of a shared line too', () => {
    fc.assert(
      fc.property(crowd, windows, (tasks, { from, length, columns }) => {
        const { lines } = timelineOf(makeTraceOf({ tasks }))
        const shared = lines.filter((line) => line.shared)
        expect(shared.flatMap((line) => differences(line, from, from + length, columns, true))).toEqual([])
      }),
    )
  })

  test('of one group leaves the others out', () => {
    const tasks: TaskSpec[] = [
      { row: 1, name: 'parse', startedAt: 0, settledAt: 10 },
      { row: 1, name: 'fetch', startedAt: 10, settledAt: 20 },
    ]
    const { lines } = timelineOf(makeTraceOf({ tasks }))
    expect([...coverageOf(lines[0] as Line, { from: 0, to: 20, columns: 2, group: 1 }, 2).share]).toEqual([0, 255])
  })
})

describe('lines', () => {
  test('hold every task once, and none overlaps another', () => {
    fc.assert(
      fc.property(crowd, (tasks) => {
        const { lines, lineOf } = timelineOf(makeTraceOf({ tasks }))
        expect(lines.reduce((sum, { count }) => sum + count, 0)).toBe(tasks.length)
        expect(lines.length).toBeLessThanOrEqual(linesMax)
        const drawn = lines.flatMap((line, place) => [...line.task].map((task) => [task, place]))
        expect(drawn.filter(([task, place]) => lineOf[task as number] !== place)).toEqual([])
        const single = lines.filter(({ shared }) => !shared)
        const overlaps = single.filter(({ from, to }) => from.some((at, i) => i > 0 && at < (to[i - 1] as number)))
        expect(overlaps).toEqual([])
      }),
    )
  })

  test('a million executors that a stranger claims share one line beyond the first', () => {
    const tasks = Array.from({ length: 3_000 }, (_, i): TaskSpec => ({ row: i + 1, startedAt: i, settledAt: i + 1 }))
    const { lines } = timelineOf(makeTraceOf({ tasks }))
    expect(lines).toHaveLength(512)
    expect(lines.at(-1)).toMatchObject({ shared: true, label: '2489 more workers', count: 2_489 })
  })

  test('tasks that never started are on none', () => {
    const { lines, lineOf } = timelineOf(
      makeTraceOf({ tasks: [{ startedAt: -1, queuedAt: 0, readyAt: -1, settledAt: 5, state: 'cancelled' }] }),
    )
    expect(lines).toEqual([])
    expect([...lineOf]).toEqual([-1])
  })
})
