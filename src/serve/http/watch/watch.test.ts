import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { AccessLog } from './access-log.ts'
import { PrometheusText } from './prometheus.ts'
import { Second, Seconds, secondsKept } from './seconds.ts'
import { Tally } from './tally.ts'

test('percentiles are right within three of a hundred, over any stretch of the last minute', () => {
  const seconds = new Seconds()
  for (let i = 1; i <= 1_000; i++) {
    seconds.began(5_000 + i)
    seconds.ended('answered', i, 5_000 + i)
  }
  seconds.ended('refused', 1, 6_500)
  const found = seconds.last(3, 8_000)
  expect([found.requests, found.answered, found.refused]).toEqual([1_000, 1_000, 1])
  const { p50, p95, p99 } = found.percentiles()
  for (const [value, exact] of [
    [p50, 500],
    [p95, 950],
    [p99, 990],
  ] as const)
    expect(Math.abs(value / exact - 1)).toBeLessThan(0.03)
  // A second is forgotten when its place in the ring is taken.
  expect(seconds.last(3, 8_000 + secondsKept * 1_000).answered).toBe(0)
  seconds.began(5_000 + secondsKept * 1_000)
  expect(seconds.between(5, 1).requests).toBe(0)
  expect(new Second().percentiles()).toEqual({ p50: 0, p95: 0, p99: 0 })
})

test('labels cannot end a line of the metrics, or another label', () => {
  const text = new PrometheusText()
  text.counter('a_total', 'A.', [[{ model: 'x"y\\z\nw' }, 1]])
  text.histogram('b_seconds', 'B.', [{ labels: {}, bounds: [1, 2], counts: [3, 4, 5], sum: 9 }])
  expect(text.toString().split('\n')).toEqual([
    '# HELP a_total A.',
    '# TYPE a_total counter',
    'a_total{model="x\\"y\\\\z\\nw"} 1',
    '# HELP b_seconds B.',
    '# TYPE b_seconds histogram',
    'b_seconds_bucket{le="1"} 3',
    'b_seconds_bucket{le="2"} 7',
    'b_seconds_bucket{le="+Inf"} 12',
    'b_seconds_sum 9',
    'b_seconds_count 12',
    '',
  ])
})

test('what became of requests adds up', () => {
  const tally = new Tally()
  const end = { route: '/v1/embeddings', model: 'm', key: 'k', tookMs: 3, tokensIn: 5, tokensOut: 0 }
  for (const status of [200, 429, 500, 499]) {
    tally.began(0)
    tally.ended({ ...end, status, ...(status === 429 && { cause: 'queue_full' as const }) }, 10)
  }
  expect(tally.underWay).toBe(0)
  expect(tally.keys.get('k')).toEqual({ requests: 4, answered: 1, refused: 2, failed: 1, tokensIn: 20, tokensOut: 0 })
  expect([...tally.causes]).toEqual([['queue_full', 1]])
})

test('the log is written in order, and a reader that has stopped costs lines and no memory', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-'))
  try {
    const file = openSync(join(folder, 'log'), 'a')
    const log = new AccessLog(file)
    for (let i = 0; i < 1_000; i++) log.add({ i })
    const first = log.flush(5_000)
    for (let i = 1_000; i < 2_000; i++) log.add({ i })
    await first
    await log.flush(5_000)
    closeSync(file)
    const lines = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { i: number }).i)).toEqual(Array.from({ length: 2_000 }, (_, i) => i))
    const full = new AccessLog(openSync('/dev/full', 'a'))
    for (let i = 0; i < 100_000; i++) full.add({ text: 'x'.repeat(100) })
    await full.flush(5_000)
    expect(full.lost).toBe(100_000)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
