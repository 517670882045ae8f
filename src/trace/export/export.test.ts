import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { importTrace } from '../../../test/support/perfetto.ts'
import { schedule } from '../../../test/support/schedules.ts'
import { makeTraceOf, type TaskSpec } from '../../../test/support/traces.ts'
import { layLanes } from './lanes.ts'
import { exportFormats, exportTrace } from './index.ts'
import { layout } from './layout.ts'
import { runs } from '../../../test/support/runs.ts'

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const text = (trace: ReturnType<typeof makeTraceOf>, format: (typeof exportFormats)[number]): string =>
  [...exportTrace(trace, format)].join('')

// schema ─┬─▶ api ─┬─▶ release
//         └─▶ ui ──┘
const names = ['schema', 'api', 'ui', 'release']
const ship = makeTraceOf({
  runs: [{ id: 1, kind: 'graph', name: 'ship' }],
  samples: [{ at: 30, busy: 0.25, cores: 1.5 }],
  tasks: schedule(
    [
      { needs: [], ms: 10 },
      { needs: [1], ms: 30 },
      { needs: [1], ms: 20 },
      { needs: [2, 3], ms: 5 },
    ],
    2,
    0,
  ).map((task) => ({
    ...task,
    name: names[task.id - 1] as string,
    ...(task.id === 3 && { state: 'failed' as const, error: { name: 'TypeError', message: 'no <b>ui</b> & "more"' } }),
  })),
})

const hostile = [
  '<script>alert(1)</script>',
  '"]; click n0 javascript:alert(1)',
  '\u001B[31mred',
  'a\nb\r\nc',
  '\u202Egnp.exe',
  '&amp;#34;',
  "'onload='x",
  '__proto__',
]
/** Letters that drive a terminal or turn text around. */
const invisible = /(?!\n)[\p{Cc}\p{Cf}]/u
const hostileTrace = makeTraceOf({
  runs: [{ id: 1, kind: 'graph', name: '<img src=x onerror=alert(1)>' }],
  tasks: hostile.map((name, i) => ({ name, startedAt: i, settledAt: i + 1, needs: i > 0 ? [i] : [] })),
})

describe('the export for Perfetto', () => {
  test('has a thread per worker and per slot, and an arrow from each need', () => {
    const imported = importTrace(text(ship, 'chrome'))
    expect(imported.problems).toEqual([])
    expect(Object.fromEntries(imported.threads)).toEqual({ 'this thread, slot 1': 3, 'this thread, slot 2': 1 })
    expect(imported.arrows.toSorted()).toEqual([
      ['api', 'release'],
      ['schema', 'api'],
      ['schema', 'ui'],
      ['ui', 'release'],
    ])
    // api, ui and release waited for what they needed.
    expect(imported.asynchronous).toBe(3)
  })

  test('is accepted for any trace', () => {
    const at = fc.double({ min: 0, max: 100, noNaN: true })
    const task = fc.record({
      a: at,
      b: at,
      c: at,
      d: at,
      row: fc.nat(3),
      parent: fc.nat(6),
      needs: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 3 }),
      limiterMs: fc.nat(20),
    })
    fc.assert(
      fc.property(fc.array(task, { minLength: 1, maxLength: 12 }), (drafts) => {
        const tasks = drafts.map(({ a, b, c, d, ...rest }): TaskSpec => {
          const [queuedAt, readyAt, startedAt, settledAt] = [a, b, c, d].sort((x, y) => x - y) as [number, number, number, number]
          return { ...rest, queuedAt, readyAt, startedAt, settledAt }
        })
        expect(importTrace(text(makeTraceOf({ tasks }), 'chrome')).problems).toEqual([])
      }),
      { numRuns: runs(60, 1_000) },
    )
  })

  test('shows what no longer fits on slots as asynchronous events', () => {
    const imported = importTrace(text(makeTraceOf({ tasks: times(100, () => ({ startedAt: 0, settledAt: 10 })) }), 'chrome'))
    expect(imported.problems).toEqual([])
    expect(imported.threads.size).toBe(64)
    expect(imported.asynchronous).toBe(36)
  })

  test('gives workers whose functions overlap more than one line', () => {
    const tasks = [
      { row: 2, startedAt: 0, settledAt: 10 },
      { row: 2, startedAt: 5, settledAt: 15 },
    ]
    const imported = importTrace(text(makeTraceOf({ tasks }), 'chrome'))
    expect(imported.problems).toEqual([])
    expect(imported.threads.get('worker 2')).toBe(1)
  })
})

describe('the export for OpenTelemetry', () => {
  interface Span {
    traceId: string
    spanId: string
    parentSpanId?: string
    name: string
    startTimeUnixNano: string
    endTimeUnixNano: string
    links?: { spanId: string }[]
    events?: { attributes: { key: string; value: { stringValue: string } }[] }[]
    status: { code?: number }
  }
  const spansOf = (trace: ReturnType<typeof makeTraceOf>): Span[] =>
    (JSON.parse(text(trace, 'otlp')) as { resourceSpans: [{ scopeSpans: [{ spans: Span[] }] }] }).resourceSpans[0].scopeSpans[0]
      .spans

  test('has a span per run and per task, needs as links, and errors as exceptions', () => {
    const spans = spansOf(ship)
    const byName = new Map(spans.map((span) => [span.name, span]))
    const id = (name: string): string | undefined => byName.get(name)?.spanId
    expect(byName.get('release')).toMatchObject({
      parentSpanId: id('graph "ship"'),
      links: [{ spanId: id('api') }, { spanId: id('ui') }],
      startTimeUnixNano: '1700000000040000000',
      endTimeUnixNano: '1700000000045000000',
    })
    expect(byName.get('ui')).toMatchObject({
      status: { code: 2 },
      events: [{ attributes: [{ value: { stringValue: 'TypeError' } }, {}, {}] }],
    })
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
    for (const { traceId, spanId } of spans)
      expect([traceId.length, spanId.length, /^[0-9a-f]+$/.test(traceId + spanId)]).toEqual([32, 16, true])
  })

  test('puts runs below the task that started them, also one on a worker', () => {
    const spans = spansOf(
      makeTraceOf({
        runs: [
          { id: 1, kind: 'all' },
          { id: 2, kind: 'map', name: 'inner', parentTask: 1 },
        ],
        tasks: [
          { id: 1, name: 'outer', startedAt: 0, settledAt: 10 },
          { id: 2, run: 2, parent: 1, row: 3, name: 'item', startedAt: 1, settledAt: 9 },
        ],
      }),
    )
    const byName = new Map(spans.map((span) => [span.name, span]))
    expect(byName.get('map "inner"')?.parentSpanId).toBe(byName.get('outer')?.spanId)
    expect(byName.get('item')?.parentSpanId).toBe(byName.get('map "inner"')?.spanId)
  })
})

describe('pictures', () => {
  test('draw the graph with its critical path and its failures', () => {
    const mermaid = text(ship, 'mermaid')
    expect(mermaid).toContain('flowchart LR')
    expect(mermaid.split('\n').filter((line) => line.includes('-->'))).toHaveLength(4)
    expect(mermaid).toContain('class n0,n2,n3 critical')
    expect(mermaid).toContain('class n1 failed')
    const svg = text(ship, 'svg-graph')
    expect(svg.match(/<rect/g)).toHaveLength(4)
    expect(svg.match(/class="line critical"/g)).toHaveLength(2)
  })

  test('draw groups where there are too many tasks', () => {
    const many = makeTraceOf({
      runs: [
        { id: 1, kind: 'map', name: 'read' },
        { id: 2, kind: 'map', name: 'parse', parentTask: 3 },
      ],
      tasks: times(400, (i) => ({ id: i + 1, run: i < 200 ? 1 : 2, parent: i < 200 ? 0 : 3, startedAt: i, settledAt: i + 1 })),
    })
    expect(text(many, 'mermaid')).toMatch(/read.*× 200/)
    expect(text(many, 'svg-graph').match(/<rect/g)).toHaveLength(2)
  })

  test('draw a million tasks as what covers each pixel', () => {
    const tasks = times(20_000, (i) => ({ row: 1 + (i % 2), startedAt: i * 0.05, settledAt: i * 0.05 + 0.05 }))
    const svg = text(makeTraceOf({ tasks }), 'svg-timeline')
    expect(svg.length).toBeLessThan(200_000)
    expect(svg).toContain('worker 1')
    expect(svg).toContain('worker 2')
  })

  test('are well-formed and carry nothing that runs, whatever the names are', () => {
    for (const format of exportFormats) {
      const output = text(hostileTrace, format)
      expect(output.length).toBeGreaterThan(0)
    }
    for (const format of ['svg-graph', 'svg-timeline'] as const) {
      const svg = text(hostileTrace, format)
      expect(svg).not.toMatch(/<script|<img|<\w[^>]*\son\w+=/)
      expect(svg).not.toMatch(invisible)
      expect(svg.replace(/<[^<>]*>/g, '')).not.toMatch(/[<>]/)
    }
    const mermaid = text(hostileTrace, 'mermaid')
    expect(mermaid).not.toMatch(/<script|"\]; click/)
    expect(mermaid).not.toMatch(invisible)
    expect(() => importTrace(text(hostileTrace, 'chrome'))).not.toThrow()
    expect(() => JSON.parse(text(hostileTrace, 'otlp'))).not.toThrow()
  })
})

describe('layLanes', () => {
  test('never lays two things that overlap on one line, and takes no more lines than overlap at once', () => {
    const item = fc.record({ from: fc.nat(60), ms: fc.integer({ min: 1, max: 20 }) })
    fc.assert(
      fc.property(fc.array(item, { maxLength: 40 }), (items) => {
        const from = Float64Array.from(items, (one) => one.from)
        const to = Float64Array.from(items, (one) => one.from + one.ms)
        const { of, count } = layLanes(from, to)
        for (let a = 0; a < items.length; a++) {
          for (let b = 0; b < a; b++) {
            const overlap = (from[a] as number) < (to[b] as number) && (from[b] as number) < (to[a] as number)
            expect(overlap && of[a] === of[b]).toBe(false)
          }
        }
        const atOnce = times(80, (t) => items.filter((one) => one.from <= t && t < one.from + one.ms).length)
        expect(count).toBe(Math.max(0, ...atOnce))
      }),
    )
  })
})

describe('layout', () => {
  test('puts what is needed to the left of what needs it', () => {
    const graph = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(graph, (drafts) => {
        const needs = drafts.map((picks, node) => (node === 0 ? [] : [...new Set(picks.map((pick) => pick % node))]))
        const { nodes, layers } = layout(needs)
        for (const [node, list] of needs.entries()) {
          for (const need of list) expect(nodes[need]?.layer).toBeLessThan(nodes[node]?.layer as number)
        }
        expect(layers.flat().toSorted((a, b) => a - b)).toEqual([...needs.keys()])
      }),
    )
  })

  test('comes to an end where things need each other in a circle', () => {
    expect(layout([[1], [0], [2]]).nodes).toHaveLength(3)
  })
})

test('makes pictures that open, whatever tasks are called', () => {
  const named = [
    'a\u0000b',
    '\u0001',
    '\u001B[31mred',
    '\uD800',
    '\uFFFE',
    'x'.repeat(15) + '\u{1F600}',
    ']]>',
    '<script>alert(1)</script>',
  ]
  const trace = makeTraceOf({
    runs: [{ id: 1, kind: 'graph', name: 'g' }],
    tasks: named.map((name, i) => ({ name, row: 0, startedAt: 10 * i, settledAt: 10 * i + 5, needs: i === 0 ? [] : [i] })),
  })
  for (const format of ['svg-timeline', 'svg-graph'] as const) {
    const picture = text(trace, format)
    // oxlint-disable-next-line no-control-regex -- XML forbids them
    expect(picture).not.toMatch(/[\0-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF\p{Surrogate}]/u)
    expect(picture).not.toContain('<script')
  }
})
