import { describe, expect, test } from 'vitest'
import { schedule } from '../../../test/support/schedules.ts'
import { makeTraceOf, type TaskSpec, type TraceSpec } from '../../../test/support/traces.ts'
import { compare } from '../verdict/compare.ts'
import { explain } from '../verdict/explain.ts'
import type { Pitfall } from './advice.ts'

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))

/** Tasks one after the other on each of so many workers. */
function onWorkers(workers: number, perWorker: number, ms: number, gapMs: number, more: Partial<TaskSpec> = {}): TaskSpec[] {
  return times(workers * perWorker, (i) => {
    const startedAt = Math.floor(i / workers) * (ms + gapMs)
    return { row: 1 + (i % workers), queuedAt: 0, readyAt: 0, startedAt, settledAt: startedAt + ms, ...more }
  })
}

const map = { id: 1, kind: 'map', name: 'parse' }
const calls = { id: 1, kind: 'call', name: 'fetchPage' }

/** One run for each pitfall, which shows it. */
const planted: Record<Exclude<Pitfall, 'more-workers-hurt'>, TraceSpec> = {
  'small-tasks': { runs: [map], tasks: onWorkers(2, 1_000, 0.01, 0.02) },
  contained: {
    runs: [map],
    notes: [
      { at: 48, kind: 'contained', text: '30 items', data: { items: 30, ms: 20, name: 'parse', module: 'file:///parse.js' } },
      { at: 49, kind: 'contained', text: '40 items', data: { items: 40, ms: 25, name: 'parse', module: 'file:///parse.js' } },
    ],
    tasks: onWorkers(2, 70, 0.5, 0.2),
  },
  copying: {
    runs: [map],
    notes: [
      {
        at: 90,
        run: 1,
        kind: 'copying',
        text: 'what crossed',
        data: {
          name: 'parse',
          module: 'file:///parse.js',
          items: 20,
          bytes: 9e6,
          writeMs: 1,
          readMs: 60,
          ownMs: 0,
          workerMs: 40,
        },
      },
    ],
    tasks: onWorkers(2, 10, 10, 0.1),
  },
  'merging-here': {
    runs: [{ ...map, kind: 'mapReduce' }],
    notes: [
      {
        at: 90,
        run: 1,
        kind: 'copying',
        text: 'what crossed',
        data: {
          name: 'parse',
          module: 'file:///parse.js',
          items: 20,
          bytes: 9e6,
          writeMs: 1,
          readMs: 10,
          ownMs: 60,
          workerMs: 40,
        },
      },
    ],
    tasks: onWorkers(2, 10, 10, 0.1),
  },
  'waiting-for-machines': {
    runs: [map],
    notes: [
      {
        at: 90,
        run: 1,
        kind: 'queueing',
        text: '10 batches waited',
        data: { name: 'parse', batches: 10, workers: 2, 'no-free-slot': 30, quota: 600, redelivery: 0, transfer: 100 },
      },
    ],
    tasks: onWorkers(2, 10, 10, 0.1),
  },
  'not-worth-threads': {
    runs: [map],
    notes: [
      { at: 40, kind: 'worker-start', data: { row: 1, ms: 38 } },
      { at: 41, kind: 'worker-start', data: { row: 2, ms: 39 } },
      { at: 48, kind: 'inline', text: '30 items ran on this thread', data: { items: 30 } },
    ],
    tasks: times(40, (i) => ({ row: 1 + (i % 2), queuedAt: 1, readyAt: 1, startedAt: 42 + i * 0.2, settledAt: 42.2 + i * 0.2 })),
  },
  'too-few-tasks': {
    runs: [map],
    tasks: times(5, (i) => ({ row: 1 + (i % 4), startedAt: i < 4 ? 0 : 100, settledAt: i < 4 ? 100 : 200 })),
  },
  'one-after-the-other': {
    runs: [calls],
    tasks: times(12, (i) => ({ queuedAt: i * 20.1, startedAt: i * 20.1, settledAt: i * 20.1 + 20 })),
  },
  stragglers: {
    runs: [map],
    tasks: [...onWorkers(4, 10, 10, 0), { row: 1, startedAt: 100, settledAt: 300 }],
  },
  'cpu-on-event-loop': {
    runs: [map],
    samples: [{ at: 1_600, busy: 0.99, delayMs: 180 }],
    tasks: times(16, (i) => ({ startedAt: i, settledAt: 1_600 - i })),
  },
  oversubscription: {
    runs: [map],
    meta: { cores: 2 },
    samples: [{ at: 800, busy: 0, cores: 2 }],
    tasks: onWorkers(8, 8, 100, 0),
  },
  'waiting-on-limiter': {
    runs: [map],
    tasks: schedule(
      times(20, () => ({ needs: [], ms: 5, limited: true })),
      4,
      20,
    ),
  },
  'big-messages': { runs: [map], tasks: onWorkers(2, 20, 10, 1, { bytes: 8_000_000 }) },
  'retry-storm': {
    runs: [map],
    tasks: times(40, (i) => ({
      startedAt: Math.floor(i / 4) * 100,
      settledAt: Math.floor(i / 4) * 100 + 100,
      attempts: 3,
      retryMs: 40,
    })),
  },
  'not-retried': {
    notes: [{ at: 90, kind: 'limit', text: 'not retried: the retry budget of 10 % is used up', data: { notRetried: 1 } }],
    tasks: [{ startedAt: 0, settledAt: 100 }],
  },
  'two-retries': {
    notes: [{ at: 90, kind: 'limit', text: 'the pool left a failure to the `retry` of map item 3', data: { leftToRetry: 1 } }],
    tasks: [{ startedAt: 0, settledAt: 100 }],
  },
  'unused-result': {
    tasks: [{ startedAt: 0, settledAt: 100 }],
    notes: [{ at: 90, kind: 'unused', text: 'task "draft" of graph "ship"', data: { ms: 30 } }],
  },
  'calls-in-sequence': {
    tasks: [{ startedAt: 0, settledAt: 100 }],
    notes: [
      {
        at: 0,
        kind: 'finding',
        text: '4 × GET /a one after the other',
        data: { where: 'web', proof: '4 equal reads', savingMs: 60, remedy: 'await map(items, call)' },
      },
    ],
  },
}

const healthy: Record<string, TraceSpec> = {
  'a short program that loads its client while it asks': {
    runs: [map],
    samples: times(6, (i) => ({ at: (i + 1) * 100, busy: 0.9, delayMs: 50 })),
    tasks: times(3, (i) => ({ startedAt: i, settledAt: 600 - i })),
  },
  'pages fetched sixteen at a time': {
    runs: [{ id: 1, kind: 'map', name: 'fetchPage', concurrency: 16 }],
    samples: times(10, (i) => ({ at: (i + 1) * 100, busy: 0.15, delayMs: 2 })),
    tasks: times(160, (i) => ({ startedAt: Math.floor(i / 16) * 100, settledAt: Math.floor(i / 16) * 100 + 80 + (i % 7) * 3 })),
  },
  'documents analysed on all workers': {
    runs: [map],
    samples: [{ at: 1_000, busy: 0.1, cores: 4 }],
    notes: times(4, (i) => ({ at: 20, kind: 'worker-start', data: { row: i + 1, ms: 20 } })),
    tasks: onWorkers(4, 100, 10, 0.05).map((task) => ({
      ...task,
      startedAt: task.startedAt + 21,
      settledAt: task.settledAt + 21,
    })),
  },
  'a graph as wide as its slots': {
    tasks: schedule(
      times(60, (i) => ({ needs: i < 4 ? [] : [i - 3], ms: 20 + (i % 3) })),
      4,
      0,
    ),
  },
  'a reduction as a tree': {
    runs: [{ id: 1, kind: 'mapReduce', name: 'countWords' }],
    tasks: schedule(
      [...times(64, () => ({ needs: [], ms: 10 })), ...times(16, (i) => ({ needs: times(4, (j) => i * 4 + j + 1), ms: 1 }))],
      4,
      0,
    ),
  },
  'branches side by side, each with steps that need the one before': {
    runs: [
      { id: 1, kind: 'all' },
      { id: 2, kind: 'scope', name: 'entities', parentTask: 1 },
      { id: 3, kind: 'scope', name: 'sentiment', parentTask: 2 },
    ],
    tasks: [
      { id: 1, name: 'entities', startedAt: 0, settledAt: 301 },
      { id: 2, name: 'sentiment', startedAt: 0, settledAt: 299 },
      ...times(3, (i) => ({ id: 3 + i, run: 2, parent: 1, startedAt: i * 100, settledAt: i * 100 + 100, name: `step ${i}` })),
      ...times(3, (i) => ({ id: 6 + i, run: 3, parent: 2, startedAt: i * 99, settledAt: i * 99 + 99, name: `pass ${i}` })),
    ],
  },
}

describe('advice', () => {
  test.each(Object.entries(planted))(
    'finds %s where it is planted, with evidence, a saving and something to type',
    (pitfall, spec) => {
      const explained = explain(makeTraceOf(spec))
      const advice = explained.advice.find((found) => found.pitfall === pitfall)
      expect(explained.advice.map((found) => found.pitfall)).toContain(pitfall)
      // It is a finding, as those in source code are.
      expect(advice).toMatchObject({ rule: pitfall, tier: 'likely', where: expect.stringMatching(/\w/) })
      expect(advice).toMatchObject({ title: advice?.message, evidence: advice?.proof.join('; '), suggestion: advice?.remedy })
      expect(advice?.evidence).toMatch(/\d/)
      // What a failure has cost cannot be said.
      expect(advice?.savingMs).toBeGreaterThanOrEqual(['not-retried', 'two-retries'].includes(pitfall) ? 0 : Number.MIN_VALUE)
      expect(advice?.savingMs).toBeLessThanOrEqual(explained.wallMs)
      expect(advice?.suggestion).toMatch(/\w+\(|heddle (?:run|fleet|worker)|split|leave/)
    },
  )

  test.each(Object.entries(planted))('says little else about %s', (pitfall, spec) => {
    const others = explain(makeTraceOf(spec)).advice.filter((found) => found.pitfall !== pitfall)
    expect(others.map((found) => found.pitfall)).toEqual([])
  })

  test.each(Object.entries(healthy))('has nothing to say about %s', (_, spec) => {
    expect(explain(makeTraceOf(spec)).advice).toEqual([])
  })

  test('knows a task that waits for the one before from one that needs it', () => {
    const tasks = times(12, (i) => ({
      queuedAt: 0,
      readyAt: i * 20,
      startedAt: i * 20,
      settledAt: i * 20 + 20,
      needs: i === 0 ? [] : [i],
    }))
    expect(explain(makeTraceOf({ tasks })).advice).toEqual([])
  })
})

describe('stragglers', () => {
  const suggestions = (spec: TraceSpec) =>
    explain(makeTraceOf(spec)).advice.map(({ pitfall, suggestion }) => [pitfall, suggestion.split(':')[0]])

  test('that began with the first are to be split, for no order helps', () => {
    const together: TraceSpec = {
      runs: [{ ...map, concurrency: 16 }],
      tasks: times(13, (i) => ({ startedAt: 0, settledAt: i === 12 ? 600 : 20 })),
    }
    expect(suggestions(together)).toEqual([['stragglers', 'split the long ones into pieces that can run at once']])
    const later = { ...together, tasks: times(13, (i) => ({ startedAt: i === 12 ? 20 : 0, settledAt: i === 12 ? 600 : 20 })) }
    const known = { ...later, runs: [{ ...map, concurrency: 16, total: 13 }] }
    const onWorkers = { ...known, tasks: known.tasks.map((task, i) => ({ ...task, row: i + 1 })) }
    expect(suggestions(onWorkers)).toContainEqual(['stragglers', 'start the long ones first'])
  })

  test('of calls over a network, of which nobody knows the length, are to be tried again, and single calls have no order', () => {
    const tasks = times(13, (i) => ({ startedAt: i === 12 ? 20 : 0, settledAt: i === 12 ? 600 : 20 }))
    expect(suggestions({ runs: [{ ...map, concurrency: 16 }], tasks })).toEqual([
      ['stragglers', 'where another try may be quicker'],
    ])
    const calls = {
      runs: tasks.map((_, i) => ({ id: i + 1, kind: 'call', name: 'ask' })),
      tasks: tasks.map((task, i) => ({ ...task, run: i + 1 })),
    }
    expect(suggestions(calls)).toEqual([])
  })

  test('are nothing to say on a thread that computes all the time', () => {
    const spec: TraceSpec = {
      runs: [map],
      samples: [{ at: 700, busy: 1, cores: 1 }],
      tasks: times(40, (i) => ({ startedAt: 10 * i, settledAt: 10 * i + (i === 30 ? 300 : 10) })),
    }
    expect(suggestions(spec).map(([pitfall]) => pitfall)).not.toContain('stragglers')
  })
})

describe('tasks that are too small', () => {
  test.each<[string, Partial<TaskSpec>, string]>([
    ['on workers get many items in one call', { row: 1 }, ').flatMap(many).toArray()'],
    ['that never wait are run in a loop', { row: 0 }, 'for (const item of items) results.push(await parse(item))'],
  ])('%s', (_what, more, suggestion) => {
    const tasks = times(10_000, (i) => ({ queuedAt: 0, readyAt: 0, startedAt: i * 0.002, settledAt: i * 0.002 + 0.001, ...more }))
    const advice = explain(makeTraceOf({ runs: [map], samples: [{ at: 20, busy: 1 }], tasks })).advice
    expect(advice.find(({ pitfall }) => pitfall === 'small-tasks')?.suggestion).toContain(suggestion)
  })

  test('are bundled where some of them wait', () => {
    const tasks = times(10_000, (i) => ({ startedAt: i * 0.002, settledAt: i * 0.002 + (i % 10 === 0 ? 5 : 0.001) }))
    const { advice } = explain(makeTraceOf({ runs: [map], tasks }))
    expect(advice.find(({ pitfall }) => pitfall === 'small-tasks')?.suggestion).toContain(
      '.batch({ size: 10 }).flatMap((chunk) => Promise.all(',
    )
  })
})

describe('more workers', () => {
  /** The same thousand tasks, as long as the law with these numbers says. */
  const runOf = (workers: number, sigma: number, kappa: number) => {
    const wallMs = (10_000 / workers) * (1 + sigma * (workers - 1) + kappa * workers * (workers - 1))
    const ms = (wallMs / 1_000) * workers
    return makeTraceOf({
      runs: [map],
      meta: { name: `${workers} workers`, durationMs: wallMs, cores: 64 },
      tasks: onWorkers(workers, 1_000 / workers, ms, 0),
    })
  }

  test('hurt beyond the peak of the Universal Scalability Law, which is found again from three runs', () => {
    const { scaling, advice, lines } = compare([1, 4, 10, 20].map((workers) => runOf(workers, 0.05, 0.01)))
    expect(scaling?.law).toBe('usl')
    expect(scaling?.sigma).toBeCloseTo(0.05, 6)
    expect(scaling?.kappa).toBeCloseTo(0.01, 6)
    expect(scaling?.peak).toBeCloseTo(Math.sqrt(0.95 / 0.01), 4)
    expect(advice).toMatchObject([{ pitfall: 'more-workers-hurt', suggestion: 'heddle run --concurrency 10 …' }])
    expect(lines.at(-1)).toBe('best with 10 workers; 20 are already too many')
  })

  test('do not help where most is serial: Amdahl, from two runs', () => {
    const { scaling, lines, advice } = compare([runOf(1, 0.5, 0), runOf(10, 0.5, 0)])
    expect(scaling).toMatchObject({ law: 'amdahl', kappa: 0, peak: Number.POSITIVE_INFINITY })
    expect(scaling?.sigma).toBeCloseTo(0.5, 6)
    expect(scaling?.maxSpeedup).toBeCloseTo(2, 6)
    expect(lines.at(-1)).toContain('more workers will not help')
    expect(advice).toEqual([])
  })

  test('are no question when all runs had as many', () => {
    const { scaling, lines } = compare([runOf(4, 0, 0), runOf(4, 0.1, 0)])
    expect(scaling).toBeUndefined()
    expect(lines[0]).toBe('2.50 s → 3.25 s: the last run was 1.3× slower than the first')
  })
})
