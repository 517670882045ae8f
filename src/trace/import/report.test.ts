import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Drawn, drawn } from './spans.fixture.ts'
import type { SequenceFinding } from './findings.ts'
import { explainSpans, type SpanReport } from './report.ts'

const sql = (statement: string): Drawn['attributes'] => ({ 'db.system': 'postgresql', 'db.statement': statement })
const http = (method: string, url: string): Drawn['attributes'] => ({ 'http.request.method': method, 'url.full': url })

interface Call {
  readonly ms: number
  readonly attributes: Drawn['attributes']
  /** The parent's own work before it. @default 0.1 */
  readonly after?: number
  /** It begins with the call before it. */
  readonly together?: boolean
  readonly failed?: boolean
  readonly name?: string
}

/** A request that makes calls one after the other. */
function request(calls: readonly Call[], traceId = 't1'): Drawn[] {
  const spans: Drawn[] = []
  let [at, began] = [1, 1]
  for (const [i, { ms, attributes, after = 0.1, together = false, failed = false, name }] of calls.entries()) {
    const start = together ? began : at + after
    spans.push({
      id: `c${i}`,
      parentId: 'root',
      traceId,
      start,
      ms,
      kind: 'client',
      failed,
      ...(attributes && { attributes }),
      ...(name !== undefined && { name }),
    })
    began = start
    at = Math.max(at, start + ms)
  }
  return [{ id: 'root', name: 'GET /page', service: 'web', kind: 'server', traceId, start: 0, ms: at + 1 }, ...spans]
}

const explained = (...requests: readonly Drawn[][]): SpanReport => explainSpans(drawn(requests.flat()))

const told = ({ findings }: SpanReport): string[] =>
  findings.map(({ rule, tier, calls, rounds }) => `${rule} ${tier} ${rounds} ${calls.join(' | ')}`)

const times = (count: number, call: (i: number) => Call): Call[] => Array.from({ length: count }, (_, i) => call(i))

describe('what ran one after the other', () => {
  test('a loop of equal reads', () => {
    const report = explained(request(times(10, (i) => ({ ms: 20, attributes: sql(`SELECT * FROM items WHERE id = ${i}`) }))))
    expect(told(report)).toEqual(['loop likely 10 SELECT * FROM items WHERE id = ?'])
    const [finding] = report.findings as [SequenceFinding]
    expect(finding.savingMs).toBeCloseTo(180, 6)
    expect(finding.remedy).toContain('one query')
    expect(report.operations[0]?.predicted.p50).toBeCloseTo((report.operations[0]?.took.p50 ?? 0) - 180, 6)
  })

  test('a loop whose rounds make several calls', () => {
    const round = (i: number): Call[] => [
      { ms: 10, attributes: http('GET', `https://api/users/${i}`) },
      { ms: 30, attributes: http('GET', `https://api/users/${i}/photo`) },
    ]
    const report = explained(request([0, 1, 2, 3, 4].flatMap(round)))
    expect(told(report)).toEqual(['loop likely 5 GET api/users/? | GET api/users/?/photo'])
  })

  test('different reads next to each other', () => {
    const report = explained(
      request([
        { ms: 40, attributes: http('GET', 'https://prices/quote') },
        { ms: 50, attributes: sql('SELECT * FROM stock') },
        { ms: 30, attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' } },
      ]),
    )
    expect(told(report)).toEqual(['consecutive likely 3 GET prices/quote | SELECT * FROM stock | chat m'])
    expect(report.findings[0]?.savingMs).toBeCloseTo(70.1, 6)
  })

  test('is proven by one trace in which the calls overlap', () => {
    const charge: Call = { ms: 40, attributes: http('POST', 'https://pay/charge') }
    const mail: Call = { ms: 50, attributes: http('POST', 'https://mail/send') }
    const [serial, parallel] = [request([charge, mail]), request([charge, { ...mail, together: true }], 't2')]
    expect(told(explained(serial))).toEqual(['consecutive info 2 POST pay/charge | POST mail/send'])
    const report = explained(serial, parallel)
    expect(told(report)).toEqual(['consecutive proven 2 POST pay/charge | POST mail/send'])
    expect([report.findings[0]?.proof, report.findings[0]?.question]).toEqual([
      [expect.stringContaining('in 1 place of these traces the same calls overlapped')],
      undefined,
    ])
    expect(told(explained(serial, request([mail, charge], 't3')))[0]).toMatch(/^consecutive proven/)
  })

  test.each<readonly [string, readonly Call[]]>([
    ['pages of a list', times(6, (i) => ({ ms: 20, attributes: http('GET', `https://api/list?page=${i}`) }))],
    ['second tries', times(4, () => ({ ms: 20, attributes: http('GET', 'https://api/flaky'), failed: true }))],
    ['polls with pauses', times(5, () => ({ ms: 2, after: 100, attributes: http('GET', 'https://api/job/1') }))],
    [
      'calls that run at once',
      times(8, (i) => ({ ms: 20, attributes: http('GET', `https://api/a${'bcdefghi'[i]}`), together: i > 0 })),
    ],
    ['one call', [{ ms: 100, attributes: http('GET', 'https://api/x') }]],
  ])('leaves alone: %s', (_, calls) => {
    expect(told(explained(request(calls))).filter((line) => !line.startsWith('gap'))).toEqual([])
  })

  test('leaves a loop’s source alone, and asks about transactions', () => {
    const items = times(5, (i): Call => ({ ms: 10, attributes: sql(`SELECT * FROM item WHERE id = ${i}`) }))
    const source: Call = { ms: 10, attributes: sql('SELECT * FROM orders') }
    expect(told(explained(request([source, ...items])))).toEqual(['loop likely 5 SELECT * FROM item WHERE id = ?'])
    const inside = explained(request([{ ms: 1, attributes: sql('BEGIN') }, ...items, { ms: 1, attributes: sql('COMMIT') }]))
    expect(inside.findings[0]).toMatchObject({
      remedy: 'one statement for all of them',
      question: expect.stringContaining('transaction'),
    })
  })

  test('says of writes and of what it does not know that it does not know', () => {
    const report = explained(request(times(6, (i) => ({ ms: 10, attributes: sql(`UPDATE item SET a = ${i}`) }))))
    expect(told(report)).toEqual(['loop info 6 UPDATE item SET a = ?'])
    expect(report.operations[0]).toMatchObject({ predicted: report.operations[0]?.took })
    expect(report.operations[0]?.atBest.p50).toBeLessThan(report.operations[0]?.took.p50 ?? 0)
  })

  test('names long own time in which nothing was under way', () => {
    const report = explained(
      request([
        { ms: 10, attributes: sql('SELECT 1') },
        { ms: 10, after: 300, attributes: sql('SELECT 2 FROM b') },
      ]),
    )
    expect(told(report)).toEqual([expect.stringMatching(/^gap info/)])
  })

  test('has one finding for all traces in which it happens, the costliest first', () => {
    const slow = (traceId: string): Drawn[] =>
      request(
        times(5, (i) => ({ ms: 20, attributes: sql(`SELECT a FROM b WHERE c = ${i}`) })),
        traceId,
      )
    const quick = (traceId: string): Drawn[] =>
      [
        ...request(
          [
            { ms: 5, attributes: http('GET', 'https://x/1a') },
            { ms: 5, attributes: http('GET', 'https://y/2b') },
          ],
          traceId,
        ),
      ].map((span) => (span.id === 'root' ? { ...span, name: 'GET /quick' } : span))
    const report = explained(slow('1'), quick('2'), slow('3'))
    expect(report.findings.map(({ operation, traces }) => [operation, traces])).toEqual([
      ['GET /page', 2],
      ['GET /quick', 1],
    ])
    expect(new Set(report.findings.map(({ id }) => id)).size).toBe(2)
  })
})

describe('what it would save', () => {
  test('runs at most ten at once', () => {
    const report = explained(
      request(times(100, (i) => ({ ms: 10, after: 0, attributes: sql(`SELECT a FROM b WHERE c = ${i}`) }))),
    )
    expect(report.findings[0]?.savingMs).toBeCloseTo(900, 6)
  })

  test('bounds a loop, not what stands beside it', () => {
    // Ten rounds fill the bound from the start; the slow call beside them waits for none of them.
    const loop = times(12, (i) => ({ ms: 10, attributes: sql(`SELECT * FROM items WHERE id = ${i}`) }))
    const report = explained(request([...loop, { ms: 60, attributes: http('GET', 'http://weather/now') }]))
    const [operation] = report.operations as [SpanReport['operations'][number]]
    expect(operation.predicted.p50).toBeGreaterThan(60)
    expect(operation.predicted.p50).toBeLessThan(65)
  })

  test('goes through every caller up to the root, as far as they waited', () => {
    const inner = request(times(4, (i) => ({ ms: 25, after: 0, attributes: sql(`SELECT a FROM b WHERE c = ${i}`) }))).map(
      (span) =>
        span.id === 'root'
          ? { ...span, id: 'inner', parentId: 'top', name: 'inner', start: 10 }
          : { ...span, parentId: 'inner', start: span.start + 10 },
    )
    const top: Drawn = { id: 'top', name: 'top', service: 'web', traceId: 't1', start: 0, ms: 200 }
    // Beside it goes something that takes 80 ms, so that no more than 102 - 80 ms can be saved.
    const beside: Drawn = { id: 'beside', parentId: 'top', traceId: 't1', name: 'beside', start: 10, ms: 80 }
    expect(explained([top, ...inner, beside]).findings[0]?.savingMs).toBeCloseTo(22, 6)
    expect(explained([top, ...inner]).findings[0]?.savingMs).toBeCloseTo(75, 6)
  })

  test('is never less than nothing, nor more than there is, and is exact where nothing changes', () => {
    const call = fc.record({
      ms: fc.integer({ min: 1, max: 50 }),
      after: fc.integer({ min: 0, max: 5 }),
      kind: fc.nat(3),
      together: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 20 }), (calls) => {
        const report = explained(
          request(calls.map(({ kind, ...rest }) => ({ ...rest, attributes: http('GET', `https://h/${'abcd'[kind]}`) }))),
        )
        const [operation] = report.operations
        const { took, predicted, atBest } = operation ?? { took: { p50: 0 }, predicted: { p50: 0 }, atBest: { p50: 0 } }
        const longest = Math.max(...calls.map(({ ms }) => ms))
        expect(predicted.p50).toBeLessThanOrEqual(took.p50 + 1e-9)
        expect(predicted.p50).toBeGreaterThanOrEqual(longest - 1e-9)
        expect(atBest.p50).toBeLessThanOrEqual(predicted.p50 + 1e-9)
      }),
    )
  })
})
