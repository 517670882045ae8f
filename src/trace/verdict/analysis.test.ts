import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { schedule } from '../../../test/support/schedules.ts'
import { makeTraceOf, rowOf, type TaskSpec, type TraceSpec } from '../../../test/support/traces.ts'
import { contention } from '../explain/contention.ts'
import { useOfExecutors } from '../explain/idle.ts'
import { orderBy } from '../explain/order.ts'
import { relate } from '../explain/relate.ts'
import { selfTimes } from '../explain/self-time.ts'
import { spanMs } from '../explain/span.ts'
import { runs as cases } from '../../../test/support/runs.ts'

const analyse = (spec: TraceSpec) => {
  const trace = makeTraceOf(spec)
  const related = relate(trace)
  const self = selfTimes(related)
  const byId = (id: number): number => self.ms[rowOf(trace, id)] ?? Number.NaN
  return {
    trace,
    related,
    self,
    byId,
    span: spanMs(related, self.ms),
    rows: useOfExecutors(related, self).rows,
    work: contention(related, self),
  }
}

const total = (values: Readonly<Record<string, number>>): number => Object.values(values).reduce((sum, value) => sum + value, 0)

describe('orderBy', () => {
  test('sorts as a stable comparison does, for any keys', () => {
    const keys = fc.array(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: 0, max: 3 })), {
      maxLength: 200,
    })
    fc.assert(
      fc.property(keys, (values) => {
        const expected = values.map((_, i) => i).sort((a, b) => (values[a] as number) - (values[b] as number) || a - b)
        expect([...orderBy(Float64Array.from(values))]).toEqual(expected)
      }),
    )
  })

  test('takes no more than a comparison sort when one far key leaves the others no digits', () => {
    const keys = Float64Array.from({ length: 200_000 }, (_, i) => (i === 0 ? 1e15 : 1 - i / 1e6))
    const order = orderBy(keys)
    expect([order[0], order.at(-2), order.at(-1)]).toEqual([199_999, 1, 0])
  })

  test('sorts many keys the same way, also where they are very close together', () => {
    for (const spread of [1, 1e3, 1e12]) {
      const keys = Float64Array.from({ length: 30_000 }, (_, i) => ((i * 7_919) % 30_011) / spread + (i % 5 === 0 ? 1e6 : 0))
      const expected = [...keys.keys()].sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b)
      expect([...orderBy(keys)]).toEqual(expected)
    }
  })
})

describe('self time', () => {
  const nested: TaskSpec[] = [
    { id: 1, startedAt: 0, settledAt: 100 },
    { id: 2, parent: 1, run: 2, startedAt: 10, settledAt: 40 },
    { id: 3, parent: 1, run: 2, startedAt: 30, settledAt: 60 },
    { id: 4, parent: 2, run: 3, startedAt: 10, settledAt: 30 },
  ]
  const runs = [
    { id: 1, kind: 'scope' },
    { id: 2, kind: 'scope', parentTask: 1 },
    { id: 3, kind: 'scope', parentTask: 2 },
  ]

  test('leaves out what ran inside, however it overlaps, and counts nothing twice', () => {
    const { byId, self } = analyse({ tasks: nested, runs })
    expect([1, 2, 3, 4].map(byId)).toEqual([50, 10, 30, 20])
    expect(self.totalMs).toBe(110)
  })

  test('is nothing while the task waits for a map that has not handed out its next item', () => {
    const { byId } = analyse({
      runs: [
        { id: 1, kind: 'scope' },
        { id: 2, kind: 'map', parentTask: 1, startedAt: 10, settledAt: 90 },
      ],
      tasks: [
        { id: 1, startedAt: 0, settledAt: 100 },
        { id: 2, parent: 1, run: 2, startedAt: 20, settledAt: 30 },
        { id: 3, parent: 1, run: 2, startedAt: 60, settledAt: 80 },
      ],
    })
    expect(byId(1)).toBe(20)
  })

  test('leaves out waiting on limiters and pausing between attempts', () => {
    const { byId } = analyse({
      tasks: [
        { id: 1, readyAt: 0, startedAt: 0, settledAt: 100, limiterMs: 30, retryMs: 20 },
        { id: 2, readyAt: 0, startedAt: 40, settledAt: 100, limiterMs: 40 },
      ],
    })
    expect([byId(1), byId(2)]).toEqual([50, 60])
  })

  test('equals the time covered by the task and by no child, on random trees', () => {
    const tree = fc.array(fc.record({ parent: fc.nat(), from: fc.nat(50), ms: fc.nat(30) }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(tree, (drafts) => {
        const tasks: (TaskSpec & { id: number })[] = []
        for (const [i, { parent, from, ms }] of drafts.entries()) {
          const above = i === 0 ? undefined : tasks[parent % i]
          const [low, high] = above ? [above.startedAt, above.settledAt] : [0, 100]
          const startedAt = Math.min(high, low + from)
          tasks.push({ id: i + 1, parent: above?.id ?? 0, startedAt, settledAt: above ? Math.min(high, startedAt + ms) : 100 })
        }
        const { byId } = analyse({ tasks, runs: [{ id: 1, kind: 'scope' }] })
        const covered = (task: TaskSpec, t: number): boolean => task.startedAt <= t && t < task.settledAt
        for (const task of tasks) {
          let alone = 0
          for (let t = 0; t < 100; t++) {
            if (covered(task, t) && !tasks.some((child) => child.parent === task.id && covered(child, t))) alone++
          }
          expect(byId(task.id)).toBe(alone)
        }
      }),
      { numRuns: cases(200, 1_000) },
    )
  })
})

describe('span', () => {
  test('of a graph is its longest chain of needs, whatever the slots', () => {
    // 1 (10) ─▶ 2 (20) ─▶ 4 (10)      3 (25) alone: on one slot they take 65, the longest chain 40
    const tasks = schedule(
      [
        { needs: [], ms: 10 },
        { needs: [1], ms: 20 },
        { needs: [], ms: 25 },
        { needs: [2], ms: 10 },
      ],
      1,
      0,
    )
    expect(analyse({ tasks }).span).toBe(40)
  })

  test('of a map is its longest task, though one slot ran them one by one', () => {
    const tasks = [0, 1, 2].map((i) => ({ startedAt: i * 10, settledAt: i * 10 + 10 }))
    expect(analyse({ tasks, runs: [{ id: 1, kind: 'map' }] }).span).toBe(10)
  })

  test('of code that awaits line by line is the sum', () => {
    const tasks = [0, 1, 2].map((i) => ({ startedAt: i * 10, settledAt: i * 10 + 10 }))
    expect(analyse({ tasks, runs: [{ id: 1, kind: 'scope' }] }).span).toBe(30)
  })

  test('of runs one after the other is the sum of theirs; of runs side by side the longest', () => {
    const spec = (secondFrom: number): TraceSpec => ({
      runs: [
        { id: 1, kind: 'map', startedAt: 0, settledAt: 20 },
        { id: 2, kind: 'map', startedAt: secondFrom, settledAt: secondFrom + 30 },
      ],
      tasks: [
        { startedAt: 0, settledAt: 20, run: 1 },
        { startedAt: 0, settledAt: 15, run: 1 },
        { startedAt: secondFrom, settledAt: secondFrom + 30, run: 2 },
      ],
    })
    expect(analyse(spec(20)).span).toBe(50)
    expect(analyse(spec(10)).span).toBe(30)
  })

  test('goes through parents: their own time and the longest chain of runs inside', () => {
    const { span } = analyse({
      runs: [
        { id: 1, kind: 'all' },
        { id: 2, kind: 'map', parentTask: 1, startedAt: 10, settledAt: 50 },
      ],
      tasks: [
        { id: 1, startedAt: 0, settledAt: 60 },
        { id: 2, run: 2, parent: 1, startedAt: 10, settledAt: 30 },
        { id: 3, run: 2, parent: 1, startedAt: 10, settledAt: 50 },
        { id: 4, startedAt: 0, settledAt: 55 },
      ],
    })
    expect(span).toBe(60)
  })

  test('is at most the wall time and the work, and at least the longest task, on random schedules', () => {
    const jobs = fc.array(fc.record({ ms: fc.integer({ min: 1, max: 30 }), picks: fc.array(fc.nat(), { maxLength: 3 }) }), {
      minLength: 1,
      maxLength: 20,
    })
    fc.assert(
      fc.property(jobs, fc.integer({ min: 1, max: 6 }), (drafts, slots) => {
        const tasks = schedule(
          drafts.map(({ ms, picks }, job) => ({
            ms,
            needs: job === 0 ? [] : [...new Set(picks.map((pick) => (pick % job) + 1))],
          })),
          slots,
          0,
        )
        const { span, related, self } = analyse({ tasks })
        expect(span).toBeLessThanOrEqual(related.wallMs)
        expect(span).toBeLessThanOrEqual(self.totalMs)
        expect(span).toBeGreaterThanOrEqual(Math.max(...drafts.map(({ ms }) => ms)))
      }),
      { numRuns: cases(200, 1_000) },
    )
  })
})

describe('idle time', () => {
  test('sums with running time to wall time × rows, whatever the trace', () => {
    const at = fc.nat(100)
    const task = fc.record({
      a: at,
      b: at,
      c: at,
      d: at,
      row: fc.nat(3),
      limiterMs: fc.nat(30),
      retryMs: fc.nat(10),
      parent: fc.nat(5),
      run: fc.integer({ min: 1, max: 2 }),
    })
    fc.assert(
      fc.property(fc.array(task, { minLength: 1, maxLength: 15 }), (drafts) => {
        const tasks = drafts.map(({ a, b, c, d, ...rest }): TaskSpec => {
          const [queuedAt, readyAt, startedAt, settledAt] = [a, b, c, d].sort((x, y) => x - y) as [number, number, number, number]
          return { ...rest, queuedAt, readyAt, startedAt, settledAt }
        })
        const runs = [
          { id: 1, kind: 'scope' },
          { id: 2, kind: 'map', parentTask: 3 },
        ]
        const { rows, related } = analyse({ tasks, runs, meta: { durationMs: 110 } })
        for (const { slots, runningMs, idleMs } of rows) {
          expect(runningMs + total(idleMs)).toBeCloseTo(related.wallMs * slots, 6)
          for (const ms of Object.values(idleMs)) expect(ms).toBeGreaterThanOrEqual(0)
        }
      }),
      { numRuns: cases(300, 2_000) },
    )
  })

  test('knows waiting on dependencies from having nothing left to start', () => {
    // slot a: 1 0–40, 3 40–60      slot b: 2 0–10, idle until 40 (3 and 4 need 1), 4 40–50, idle until 60
    const { rows } = analyse({
      tasks: [
        { id: 1, startedAt: 0, settledAt: 40 },
        { id: 2, startedAt: 0, settledAt: 10 },
        { id: 3, needs: [1], queuedAt: 0, readyAt: 40, startedAt: 40, settledAt: 60 },
        { id: 4, needs: [1], queuedAt: 0, readyAt: 40, startedAt: 40, settledAt: 50 },
      ],
    })
    expect(rows).toMatchObject([{ row: 0, slots: 2, runningMs: 80, idleMs: { dependency: 30, tail: 10, slot: 0 } }])
  })

  test('knows a worker that starts, one that gets its tasks late, and one that has none', () => {
    const { rows } = analyse({
      meta: { durationMs: 100 },
      notes: [{ at: 30, kind: 'worker-start', data: { row: 1, ms: 25 } }],
      runs: [{ id: 1, kind: 'map', startedAt: 0, settledAt: 90 }],
      tasks: [
        { row: 1, readyAt: 30, startedAt: 35, settledAt: 60 },
        { row: 2, startedAt: 0, settledAt: 90 },
      ],
    })
    expect(rows[0]).toMatchObject({ row: 1, runningMs: 25, idleMs: { startup: 30, dispatch: 0, tail: 35, program: 10 } })
    expect(rows[1]).toMatchObject({ row: 2, runningMs: 90, idleMs: { program: 10 } })
  })

  test('knows limiters, pauses and a concurrency below the slots', () => {
    const { rows } = analyse({
      tasks: [
        { id: 1, startedAt: 0, settledAt: 20 },
        { id: 2, startedAt: 0, settledAt: 20 },
        { id: 3, readyAt: 20, startedAt: 50, settledAt: 60, limiterMs: 30 },
        { id: 4, startedAt: 60, settledAt: 90, retryMs: 20 },
        { id: 5, startedAt: 90, settledAt: 100 },
        { id: 6, readyAt: 90, startedAt: 100, settledAt: 110 },
      ],
    })
    expect(rows[0]).toMatchObject({ slots: 2, idleMs: { limiter: 60, retry: 40, slot: 10 } })
  })
})

describe('work', () => {
  const sixteen = Array.from({ length: 16 }, () => ({ startedAt: 0, settledAt: 160 }))

  test('counts tasks that wait for the network in full', () => {
    const { work } = analyse({
      tasks: sixteen,
      samples: [
        { at: 80, busy: 0.1 },
        { at: 160, busy: 0.3 },
      ],
    })
    expect(work).toMatchObject({ measuredMs: 2_560, workMs: 2_560, waitedForThreadMs: 0 })
    expect(work.threadBusy).toBeCloseTo(0.2)
  })

  test('counts tasks that compute on one thread once, however many are under way', () => {
    const { work } = analyse({ tasks: sixteen, samples: [{ at: 160, busy: 1 }] })
    expect(work).toMatchObject({ measuredMs: 2_560, workMs: 160, waitedForThreadMs: 2_400 })
  })

  test('leaves the workers’ tasks alone while this thread is busy', () => {
    const { work } = analyse({
      tasks: sixteen.slice(0, 4).map((task, i) => ({ ...task, row: i + 1 })),
      samples: [{ at: 160, busy: 1, cores: 4 }],
    })
    expect(work.workMs).toBe(640)
  })

  test('counts workers for the cores that they got where there were too few', () => {
    const { work } = analyse({
      tasks: sixteen.slice(0, 4).map((task, i) => ({ ...task, row: i + 1 })),
      samples: [{ at: 160, busy: 0, cores: 2 }],
      meta: { cores: 2 },
    })
    expect(work).toMatchObject({ measuredMs: 640, workMs: 320, waitedForCoreMs: 320 })
  })

  test('never becomes more than was measured or less than nothing', () => {
    const sample = fc.record({
      at: fc.nat(200),
      busy: fc.double({ min: 0, max: 1, noNaN: true }),
      cores: fc.double({ min: 0, max: 9, noNaN: true }),
    })
    const task = fc.record({ startedAt: fc.nat(150), ms: fc.nat(60), row: fc.nat(2) })
    fc.assert(
      fc.property(fc.array(task, { minLength: 1, maxLength: 12 }), fc.array(sample, { maxLength: 6 }), (drafts, samples) => {
        const tasks = drafts.map(({ startedAt, ms, row }) => ({ startedAt, settledAt: startedAt + ms, row }))
        const { work } = analyse({ tasks, samples: samples.sort((a, b) => a.at - b.at) })
        expect(work.workMs).toBeLessThanOrEqual(work.measuredMs + 1e-9)
        expect(work.workMs).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})
