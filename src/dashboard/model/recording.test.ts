import { beforeEach, describe, expect, test } from 'vitest'
import { makeTraceOf, type TaskSpec } from '../../../test/support/traces.ts'
import { joined } from '../../trace/format/joined.ts'
import { encodeTrace, TraceEncoder } from '../../trace/format/encode.ts'
import { newTables, type Trace } from '../../trace/model/trace.ts'
import { checkQuery, type Queries } from './query.ts'
import { Recording } from './recording.ts'

const write = (): string[] => []

function recordingOf(trace: Trace): Recording {
  const recording = new Recording({ write })
  recording.push(encodeTrace(trace))
  recording.end()
  return recording
}

/**
 *     fetch 1 ──▶ parse 1 ──▶ store      on this thread, worker 1 and worker 2; parse 2 fails
 *     fetch 2 ──▶ parse 2
 */
const tasks: readonly TaskSpec[] = [
  { id: 1, name: 'fetch', queuedAt: 0, startedAt: 0, settledAt: 10 },
  { id: 2, name: 'fetch', queuedAt: 0, startedAt: 0, settledAt: 20 },
  { id: 3, name: 'parse', needs: [1], row: 1, queuedAt: 0, readyAt: 10, startedAt: 12, settledAt: 40 },
  {
    id: 4,
    name: 'parse',
    needs: [2],
    row: 2,
    queuedAt: 0,
    readyAt: 20,
    startedAt: 21,
    settledAt: 30,
    attempts: 3,
    retryMs: 4,
    state: 'failed',
    error: { name: 'TypeError', message: 'no `words` in <b>it</b>' },
  },
  { id: 5, name: 'store', needs: [3], queuedAt: 0, readyAt: 40, startedAt: 40, settledAt: 50 },
]
const trace = makeTraceOf({
  tasks,
  notes: [{ at: 5, kind: 'worker-start', text: 'worker 1', data: { row: 1, ms: 5 } }],
  samples: [
    { at: 10, busy: 0.5, delayMs: 2, cores: 1 },
    { at: 50, busy: 1, delayMs: 30, cores: 2 },
  ],
})

describe('a finished recording', () => {
  const recording = recordingOf(trace)

  test('overview', () => {
    const { head, counts, groups, failures, notes } = recording.answer('overview', {})
    expect(head).toMatchObject({ name: 'made by hand', nowMs: 50, live: false, complete: true, tasks: 5 })
    expect(counts).toEqual({ waiting: 0, ready: 0, running: 0, done: 4, failed: 1, cancelled: 0 })
    expect(groups.map(({ label, kind, total, medianMs, maxMs }) => [label, kind, total, medianMs, maxMs])).toEqual([
      ['fetch', 'graph', 2, 10, 20],
      ['parse', 'graph', 2, 9, 28],
      ['store', 'graph', 1, 10, 10],
    ])
    expect(groups[1]).toMatchObject({ firstFailure: 4, attempts: 4 })
    expect(failures).toMatchObject([
      { name: 'TypeError', message: 'no `words` in <b>it</b>', tasks: 1, first: { id: 4, label: 'parse' } },
    ])
    expect(notes).toEqual([{ at: 5, kind: 'worker-start', text: 'worker 1' }])
  })

  test('a range counts the tasks that it touches, as they stood at its end', () => {
    const { counts, groups } = recording.answer('overview', { range: { from: 0, to: 15 } })
    expect(counts).toEqual({ waiting: 2, ready: 0, running: 2, done: 1, failed: 0, cancelled: 0 })
    expect(groups.map(({ number, label }) => [number, label])).toEqual([
      [0, 'fetch'],
      [1, 'parse'],
      [2, 'store'],
    ])
  })

  test.each([undefined, { from: 5, to: 35 }, { from: 20, to: 21 }])('where the time went sums to wall × rows: %j', (range) => {
    const { wallMs, rows, pathMs } = recording.answer('explanation', { range })
    expect(wallMs).toBe(range ? range.to - range.from : 50)
    expect(rows.length).toBeGreaterThan(0)
    for (const { slots, runningMs, idle } of rows)
      expect(runningMs + idle.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(wallMs * slots, 6)
    expect(Object.values(pathMs).reduce((sum, ms) => sum + ms)).toBeCloseTo(wallMs, 6)
  })

  test('tasks that compute in turns on this thread are not called idle, as the verdict does not', () => {
    const turns = makeTraceOf({
      runs: [{ id: 1, kind: 'map', name: 'parse', concurrency: 4 }],
      samples: [{ at: 400, busy: 1, cores: 1 }],
      tasks: Array.from({ length: 4 }, (_, i) => ({ startedAt: 100 * i, settledAt: 400 })),
    })
    const { idle, verdict } = recordingOf(turns).answer('explanation', {})
    expect(verdict[2]).toBe('4 at once took turns on this thread, which was busy 100 % of the time')
    expect(idle).toMatchObject({ of: 'slots', rows: 4, share: 0, tookTurns: true })
    expect(recording.answer('explanation', {}).idle).toMatchObject({ tookTurns: false })
  })

  test('the critical path joins end to end, and names lanes', () => {
    const { segments, total } = recording.answer('path', {})
    expect(total).toBe(segments.length)
    expect(segments.map(({ kind, task, lane }) => [kind, task?.id, lane])).toEqual([
      ['work', 1, '0.0'],
      ['queue', 3, '1.0'],
      ['work', 3, '1.0'],
      ['work', 5, '0.0'],
    ])
    expect(recording.answer('path', { limit: 1 })).toMatchObject({ total: 4, segments: [{ task: { id: 3 } }] })
  })

  test('a window has slices where they are few, and marks the critical path once it is known', () => {
    const { lanes } = recording.answer('window', { from: 0, to: 50, columns: 100 })
    expect(lanes.map(({ key, label, tasks }) => [key, label, tasks])).toEqual([
      ['0.0', 'this thread, 1', 2],
      ['0.1', 'this thread, 2', 1],
      ['1.0', 'worker 1', 1],
      ['2.0', 'worker 2', 1],
    ])
    expect(lanes[0]?.slices).toMatchObject({ count: 2, task: Uint32Array.of(1, 5), critical: Uint8Array.of(1, 1) })
    expect(lanes[2]?.slices).toMatchObject({
      queued: Float64Array.of(0),
      ready: Float64Array.of(10),
      started: Float64Array.of(12),
    })
    const narrow = recording.answer('window', { from: 0, to: 50, columns: 1, lanes: ['1.0'] })
    expect(narrow.lanes.filter(({ slices, coverage }) => slices || coverage).map(({ key }) => key)).toEqual(['1.0'])
    expect(narrow.lanes[2]?.coverage).toEqual({
      share: Uint8Array.of(Math.round(255 * (28 / 50))),
      group: Uint16Array.of(1),
      failed: Uint8Array.of(0),
      critical: Uint8Array.of(1),
    })
  })

  test('series', () => {
    const { at, throughput, running, queued, failures, busy, delayMs } = recording.answer('series', { points: 5 })
    expect(at).toEqual([0, 10, 20, 30, 40])
    expect(throughput.map((perSecond) => perSecond / 100)).toEqual([0, 1, 1, 1, 2])
    expect(failures).toEqual([0, 0, 0, 1, 0])
    expect(running.map((mean) => mean.toFixed(1))).toEqual(['2.0', '1.8', '1.9', '1.0', '1.0'])
    expect(queued.map((mean) => mean.toFixed(1))).toEqual(['3.0', '2.2', '1.1', '1.0', '0.0'])
    expect(busy).toEqual([0.5, 1, 1, 1, 1])
    expect(delayMs).toEqual([2, 30, 30, 30, 30])
  })

  test('tasks: order, page, filters, search', () => {
    const ids = (query: Queries['tasks']): number[] => recording.answer('tasks', query).rows.map(({ id }) => id)
    expect(ids({})).toEqual([1, 2, 3, 4, 5])
    expect(ids({ order: 'duration', descending: true })).toEqual([3, 2, 5, 1, 4])
    expect(ids({ order: 'label' })).toEqual([1, 2, 4, 3, 5])
    expect(recording.answer('tasks', { offset: 3, limit: 1 })).toMatchObject({ total: 5, offset: 3, rows: [{ id: 4 }] })
    expect(ids({ group: 1 })).toEqual([3, 4])
    expect(ids({ state: 'failed' })).toEqual([4])
    expect(ids({ search: 'WORDS' })).toEqual([4])
    expect(ids({ search: 'arse' })).toEqual([3, 4])
    expect(ids({ range: { from: 41, to: 45 } })).toEqual([5])
  })

  test('a task in detail', () => {
    expect(recording.answer('task', { id: 4 })).toMatchObject({
      label: 'parse',
      state: 'failed',
      executor: 2,
      lane: '2.0',
      run: 'graph "g"',
      attempts: 3,
      waits: { dependencyMs: 20, slotMs: 1, limiterMs: 0, retryMs: 4 },
      needs: [{ id: 2, label: 'fetch' }],
      neededBy: [],
      failure: { name: 'TypeError' },
    })
    expect(recording.answer('task', { id: 1 })).toMatchObject({ neededBy: [{ id: 3 }], neededByTotal: 1, critical: true })
    expect(() => recording.answer('task', { id: 99 })).toThrow('no task 99')
  })

  test('the graph: small ones by task, groups when asked for', () => {
    const byTask = recording.answer('graph', {})
    expect(byTask.nodes).toHaveLength(5)
    expect(byTask.layers).toEqual([2, 2, 1])
    const byGroup = recording.answer('graph', { expanded: [] })
    expect(byGroup.nodes.map(({ key, label, tasks: count }) => [key, label, count])).toEqual([
      ['g0', 'fetch', 2],
      ['g1', 'parse', 2],
      ['g2', 'store', 1],
    ])
    expect(byGroup.edges.map(({ from, to, kind, count }) => [from, to, kind, count])).toEqual([
      [0, 1, 'needs', 2],
      [1, 2, 'needs', 1],
    ])
  })
})

describe('a growing recording', () => {
  const later = makeTraceOf({ tasks: tasks.toReversed().map((task) => ({ ...task })), meta: { complete: false } })

  test('gives what the whole file gives, in pieces of any size', () => {
    const bytes = encodeTrace(trace)
    const recording = new Recording({ write })
    for (let at = 0; at < bytes.length; at += 7) recording.push(bytes.subarray(at, at + 7))
    recording.end()
    const { version: _, ...pieces } = recording.answer('overview', {})
    const { version: __, ...whole } = recordingOf(trace).answer('overview', {})
    expect(pieces).toEqual(whole)
  })

  test('numbers its groups once and for all', () => {
    const encoder = new TraceEncoder()
    const first = makeTraceOf({ tasks: [{ id: 5, name: 'store', startedAt: 0, settledAt: 50 }], meta: { complete: false } })
    let now = 0
    const recording = new Recording({ write, now: () => now })
    recording.push(joined([...encoder.begin(first.meta), ...encoder.next(first)]))
    expect(recording.answer('overview', {}).groups.map(({ number, label }) => [number, label])).toEqual([[0, 'store']])
    now += 10_000
    // The same encoder appends what the later state has beyond the first.
    recording.push(joined(encoder.next(later)))
    const groups = recording.answer('overview', {}).groups
    expect(groups.find(({ label }) => label === 'store')?.number).toBe(0)
  })

  test('keeps a state as long as its price says, and has the last one when it ends', () => {
    let now = 0
    const slow = 50
    const recording = new Recording({ write, now: () => (now += slow / 4) })
    const encoder = new TraceEncoder()
    recording.push(joined([...encoder.begin(later.meta), ...encoder.next(later)]))
    const { version } = recording.answer('overview', {})
    recording.push(joined(encoder.next(later, { runs: [], open: newTables().tasks.rows() })))
    expect(recording.tick().version).toBeGreaterThan(version)
    expect(recording.answer('overview', {}).version).toBe(version)
    now += 100 * slow
    expect(recording.answer('overview', {}).version).toBeGreaterThan(version)
    recording.end()
    expect(recording.answer('overview', {}).version).toBe(recording.version)
  })

  test('rests long while less than a core is free, and shortly before, after and at the end', () => {
    const recording = new Recording({ write })
    expect(recording.restMs).toBe(100)
    const encoder = new TraceEncoder()
    const rests = [2, 8, 7].map((cores, at) => {
      const samples = [2, 8, 7].slice(0, at + 1).map((used, i) => ({ at: 100 * i, busy: 1, cores: used }))
      const state = makeTraceOf({ tasks, samples, meta: { complete: false, cores: 8 } })
      recording.push(joined([...(at === 0 ? encoder.begin(state.meta) : []), ...encoder.next(state)]))
      return [cores, recording.restMs]
    })
    expect(rests).toEqual([
      [2, 100],
      [8, 2_500],
      [7, 100],
    ])
    const busy = makeTraceOf({ tasks, samples: [2, 8, 7, 8].map((cores, i) => ({ at: 100 * i, busy: 1, cores })) })
    recording.push(joined(encoder.next(busy)))
    expect(recording.restMs).toBe(2_500)
    recording.end()
    expect(recording.restMs).toBe(100)
  })

  test('explains with every second refresh only while less than a core is free', () => {
    let now = 0
    const recording = new Recording({ write, now: () => now })
    const encoder = new TraceEncoder()
    const state = makeTraceOf({ tasks, samples: [{ at: 0, busy: 1, cores: 8 }], meta: { complete: false, cores: 8 } })
    recording.push(joined([...encoder.begin(state.meta), ...encoder.next(state)]))
    const begun = recording.version
    const refresh = (): [overview: number, explanation: number] => {
      recording.push(joined(encoder.next(state, { runs: [], open: newTables().tasks.rows() })))
      return [recording.answer('overview', {}).version - begun, recording.answer('explanation', {}).version - begun]
    }
    recording.answer('overview', {})
    recording.answer('explanation', {})
    now += recording.restMs
    expect(refresh()).toEqual([1, 0])
    now += recording.restMs
    expect(refresh()).toEqual([2, 2])
    recording.end()
    expect(recording.answer('explanation', {}).version).toBe(recording.version)
  })

  describe('paces a run of known length by what is left, while less than a core is free', () => {
    let now = 0
    beforeEach(() => void (now = 0))
    const state = (total: number, done: number, at: number) =>
      makeTraceOf({
        tasks: Array.from({ length: done }, (_, i) => ({ id: i + 1, startedAt: 4_995 + i, settledAt: 4_996 + i })),
        runs: [{ id: 1, kind: 'map', name: 'm', total, state: 'running', settledAt: -1 }],
        samples: [{ at: 0, busy: 1, cores: 8 }],
        meta: { complete: false, cores: 8, durationMs: at },
      })
    /** Five tasks have settled before it is busy, then one a millisecond. The rest is 2.5 s. */
    const running = (total: number) => {
      const encoder = new TraceEncoder()
      const recording = new Recording({ write, now: () => now })
      const first = state(total, 5, 5_000)
      recording.push(joined([...encoder.begin(first.meta), ...encoder.next(first)]))
      recording.answer('explanation', {})
      expect(recording.restMs).toBe(2_500)
      const push = (done: number): void => recording.push(joined(encoder.next(state(total, done, 4_995 + done))))
      const isExplained = (): boolean => recording.answer('explanation', {}).version === recording.version
      return { recording, push, isExplained }
    }

    test('a long one is looked at early, and explained when it is very long', () => {
      for (const [total, explained] of [
        [12_000, true],
        [8_000, false],
      ] as const) {
        now = 0
        const { recording, push, isExplained } = running(total)
        now = 2_000
        push(15)
        expect(recording.restMs).toBe(2_000)
        expect(isExplained()).toBe(explained)
        now = 2_200
        expect(recording.restMs).toBe(2_200)
        now = 9_000
        expect(recording.restMs).toBe(2_500)
        expect(isExplained()).toBe(true)
      }
    })

    test('one that ends soon is explained when it has ended, and one that is all but over is not looked at any more', () => {
      const { recording, push, isExplained } = running(2_000)
      now = 2_500
      push(15)
      expect(recording.restMs).toBe(2_500)
      expect(isExplained()).toBe(false)
      now = 5_000
      push(1_500)
      expect(recording.restMs).toBe(3_125)
      expect(isExplained()).toBe(false)
      // Something else may follow.
      now = 7_500
      expect(isExplained()).toBe(true)
      recording.end()
      expect([recording.restMs, isExplained()]).toEqual([100, true])
    })
  })

  test('counts what is known to come, and what is under way', () => {
    const open = makeTraceOf({ tasks: [{ id: 9, startedAt: 10, settledAt: 12, state: 'running', row: 1 }] })
    const done = makeTraceOf({
      tasks: [{ id: 1, startedAt: 0, settledAt: 5 }],
      runs: [{ id: 1, kind: 'map', name: 'fetch', total: 10, state: 'running', settledAt: -1 }],
      meta: { complete: false, durationMs: 12 },
    })
    const encoder = new TraceEncoder()
    const recording = new Recording({ write })
    recording.push(joined([...encoder.begin(done.meta), ...encoder.next(done, { runs: [], open: open.tasks })]))
    const counts = { waiting: 8, ready: 0, running: 1, done: 1, failed: 0, cancelled: 0 }
    expect(recording.tick()).toMatchObject({ nowMs: 12, live: true, counts })
    expect(recording.answer('overview', {})).toMatchObject({ counts, groups: [{ label: 'map "fetch"', total: 10 }] })
    expect(recording.answer('tasks', {}).rows[1]).toMatchObject({ id: 9, state: 'running', settledAt: -1 })
  })
})

describe('questions from outside', () => {
  test.each([
    ['overview', { range: { from: 2, to: 1 } }, 'end comes after'],
    ['overview', { rang: {} }, 'no field'],
    ['overview', { __proto__: null, constructor: 1 }, 'no field "constructor"'],
    ['window', { from: 0, to: 10 }, 'columns'],
    ['window', { from: 0, to: Number.NaN, columns: 10 }, 'finite'],
    ['window', { from: 0, to: 10, columns: 1e9 }, '8192'],
    ['tasks', { limit: 1e6 }, '1000'],
    ['tasks', { state: 'toString' }, 'one of'],
    ['task', {}, 'id'],
    ['export', { format: '../../etc/passwd' }, 'one of'],
    ['graph', [], 'object'],
  ] as const)('%s %j is refused', (question, query, reason) => {
    expect(() => checkQuery(question, query)).toThrow(reason)
  })

  test('what is good passes as it is', () => {
    expect(checkQuery('window', { from: 0, to: 10, columns: 5, lanes: ['1.0'] })).toEqual({
      from: 0,
      to: 10,
      columns: 5,
      lanes: ['1.0'],
    })
  })
})

test('bars of a graph with more tasks than there can be groups have names of their own, where there is room', () => {
  const tasks = Array.from({ length: 400 }, (_, i) => ({
    id: i + 1,
    name: `step ${i}`,
    startedAt: 10 * i,
    settledAt: 10 * i + 9,
  }))
  const recording = recordingOf(makeTraceOf({ runs: [{ id: 1, kind: 'graph', name: 'build' }], tasks }))
  expect(recording.answer('overview', {}).groups.map(({ label }) => label)).toEqual(['graph "build"'])
  const close = recording.answer('window', { from: 1_000, to: 1_100, columns: 1_000 })
  expect(Object.entries(close.names).slice(0, 2)).toEqual([
    ['101', 'step 100'],
    ['102', 'step 101'],
  ])
  expect(recording.answer('window', { from: 0, to: 4_000, columns: 4_000 }).names).toEqual({})
  const few = recordingOf(makeTraceOf({ runs: [{ id: 1, kind: 'graph', name: 'build' }], tasks: tasks.slice(0, 100) }))
  expect(few.answer('window', { from: 0, to: 100, columns: 1_000 }).names).toEqual({})
})
