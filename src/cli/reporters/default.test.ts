import { expect, test } from 'vitest'
import { displayWidth } from '../../base/display-width.ts'
import { paint } from '../terminal/paint.ts'
import type { GroupProgress } from '../terminal/progress.ts'
import { windowLines } from './default.ts'

const group = (label: string, total: number | undefined): GroupProgress => ({
  label,
  total,
  settled: 12_345,
  failed: 17,
  running: 64,
  perSecond: 1_234,
  leftMs: 95_000,
  active: true,
})
const groups = [
  group('map "fetch every page of the catalogue"', 99_999),
  group('stream', undefined),
  group('短い名前'.repeat(9), 20_000),
]

const linesIn = (columns: number): string[] =>
  windowLines(groups, {
    paint: paint({ isTTY: false } as NodeJS.WriteStream),
    rows: 24,
    columns,
    name: 'live.ts',
    elapsedMs: 61_000,
    busyWorkers: 2,
    cores: [1.9, 2],
  })

test.each([20, 30, 44, 60, 80, 120])('shows the counts in %d columns', (columns) => {
  const lines = linesIn(columns)
  expect(lines).toHaveLength(4)
  expect(lines[0]).toContain('12345/99999')
  expect(lines[1]).toContain('12345')
  expect(lines.at(-1)).toContain('1 m 1 s')
})

test.each([44, 60, 80, 120])('keeps within %d columns, with what failed', (columns) => {
  const lines = linesIn(columns)
  expect(Math.max(...lines.map(displayWidth))).toBeLessThan(columns)
  expect(lines[0]).toContain('17 failed')
})

test('shows the rest where there is room', () => {
  expect(linesIn(120)[0]).toMatch(/▕.+▏.*1 m 35 s left/)
})
