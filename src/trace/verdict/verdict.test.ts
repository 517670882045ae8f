import { expect, test } from 'vitest'
import { makeTraceOf, type TraceSpec } from '../../../test/support/traces.ts'
import { explain } from './explain.ts'

const verdict = (spec: TraceSpec): readonly string[] => explain(makeTraceOf(spec)).verdict
const threads = { cores: 2, processorTime: 'threads' } as const

test('says of a program that ended before its workers had begun what starting them took', () => {
  const lines = verdict({
    meta: { durationMs: 623 },
    runs: [{ id: 1, kind: 'map', name: 'f', startedAt: 0, settledAt: 623 }],
    notes: [{ at: 90, kind: 'worker-start', data: { row: 1, ms: 90 } }],
    tasks: [{ row: 1, readyAt: 100, startedAt: 498, settledAt: 520 }],
  })
  expect(lines).toEqual(['too little work to judge: 22 ms in 623 ms; starting workers took 498 ms'])
})

test('counts what native threads computed, says how many calls were under way, and finds that there are too many threads', () => {
  // A hundred calls on each of two workers, which native threads compute on two cores that are always in use: two seconds.
  const tasks = Array.from({ length: 200 }, (_, i) => ({ row: 1 + (i % 2), readyAt: 0, startedAt: 0, settledAt: 10 * (i + 1) }))
  const at = Array.from({ length: 20 }, (_, i) => 100 * (i + 1))
  const { verdict, speedup, work, advice } = explain(
    makeTraceOf({
      meta: { ...threads, durationMs: 2_000 },
      runs: [{ id: 1, kind: 'map', name: 'thumbnail', settledAt: 2_000 }],
      tasks,
      samples: at.map((at) => ({ at, busy: 0.02, cores: 2 })),
      processors: at.flatMap((at) => [
        { at, row: 1, cpuMs: 4, busyMs: 4 },
        { at, row: 2, cpuMs: 4, busyMs: 4 },
        { at, row: -1, cpuMs: 188, waitMs: 600 },
      ]),
    }),
  )
  expect(work.measuredMs).toBe(201_000)
  expect(speedup).toBeGreaterThan(1.8)
  expect(speedup).toBeLessThanOrEqual(2)
  expect(verdict[0]).toMatch(
    /^3\.\d+ s → 2\.00 s, at least (1\.9|2\.0)× \(processor time and waiting of the tasks against wall time; 101 calls at once\)$/,
  )
  expect(verdict[2]).toMatch(/2\.0 of 2 cores in use \(native threads 1\.9\)/)
  expect(advice.map(({ pitfall }) => pitfall)).toContain('oversubscription')
})

test('names the tasks of a large graph in what bounds it', () => {
  const tasks = Array.from({ length: 400 }, (_, i) => ({
    id: i + 1,
    name: `task ${i}`,
    needs: i === 0 ? [] : [i],
    readyAt: 10 * i,
    startedAt: 10 * i,
    settledAt: 10 * i + (i === 7 ? 10 : 9),
  }))
  const [, bound] = verdict({ runs: [{ id: 1, kind: 'graph', name: 'build' }], tasks })
  expect(bound).toMatch(/^bound by 400 tasks in a row, the longest task 7 /)
  expect(bound).not.toContain('build')
})

test('gives no factor where calls may have waited for the outside or for the thread, and cores were free', () => {
  const at = Array.from({ length: 20 }, (_, i) => 100 * (i + 1))
  const { verdict, speedup, speedupIs } = explain(
    makeTraceOf({
      meta: { ...threads, durationMs: 2_000 },
      runs: [{ id: 1, kind: 'map', name: 'f', settledAt: 2_000 }],
      tasks: Array.from({ length: 16 }, () => ({ readyAt: 0, startedAt: 0, settledAt: 2_000 })),
      samples: at.map((at) => ({ at, busy: 1, cores: 1 })),
      processors: at.map((at) => ({ at, row: 0, cpuMs: 100, busyMs: 100 })),
    }),
  )
  expect(speedupIs).toBe('unknown')
  expect(speedup).toBeLessThanOrEqual(1)
  expect(verdict[0]).toBe(
    '2.00 s of processor time in 2.00 s, 16 calls at once (how long they waited for the outside is unknown)',
  )
  expect(verdict[2]).toMatch(/^16 at once took turns on this thread/)
})

test('one is one', () => {
  const at = Array.from({ length: 20 }, (_, i) => 100 * (i + 1))
  const { verdict } = explain(
    makeTraceOf({
      meta: { ...threads, cores: 1, durationMs: 2_000 },
      runs: [{ id: 1, kind: 'map', name: 'f', settledAt: 2_000 }],
      tasks: [{ readyAt: 0, startedAt: 0, settledAt: 2_000, row: 1 }],
      samples: at.map((at) => ({ at, busy: 0.02, cores: 1 })),
      processors: at.flatMap((at) => [
        { at, row: 1, cpuMs: 4, busyMs: 4 },
        { at, row: -1, cpuMs: 90, waitMs: 100 },
      ]),
    }),
  )
  expect(verdict.join('\n')).toMatch(/; 1 call at once\)|of 1 core in use/)
  expect(verdict.join('\n')).not.toMatch(/\b1 (?:calls|cores|workers|tasks)\b/)
})
