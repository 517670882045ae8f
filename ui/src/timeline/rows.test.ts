import { expect, test } from 'vitest'
import { laneAt, layRows } from './rows.ts'

const lanesOf = (...counts: readonly number[]) =>
  counts.flatMap((count, executor) =>
    Array.from({ length: count }, (_, line) => ({ key: `${executor}.${line}`, executor, label: `worker ${executor}` })),
  )

test('few rows are tall, and none lies on another', () => {
  const { rows, blocks, height } = layRows(lanesOf(1, 1, 1), 300)
  expect(rows.map((row) => row.height)).toEqual([34, 34, 34])
  expect(blocks.map(({ first, count }) => [first, count])).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
  ])
  expect(height).toBeLessThanOrEqual(300)
})

test.each([
  [[40, 1, 1], 260],
  [[16, 1, 1, 1, 1, 1, 1, 1, 1], 260],
  [[1, 1], 60],
  [[2], 60],
])('lines %j fit %d pixels', (counts, room) => {
  const { rows, height } = layRows(lanesOf(...counts), room)
  const gaps = rows.slice(1).map(({ top }, i) => top - ((rows[i]?.top ?? 0) + (rows[i]?.height ?? 0)))
  expect(Math.min(1, ...gaps)).toBe(1)
  expect(height).toBeLessThanOrEqual(room)
})

test('too many rows keep a height that can be seen, and go beyond the room', () => {
  const { rows, height } = layRows(lanesOf(...Array.from({ length: 100 }, () => 1)), 200)
  expect(rows[0]?.height).toBe(9)
  expect(height).toBeGreaterThan(1_000)
})

test('a height finds its lane', () => {
  const laid = layRows(lanesOf(3, 1), 200)
  for (const [i, { top, height }] of laid.rows.entries()) {
    expect(laneAt(laid, top)).toBe(i)
    expect(laneAt(laid, top + height - 1)).toBe(i)
  }
  expect(laneAt(laid, 0)).toBe(-1)
  expect(laneAt(laid, laid.height + 50)).toBe(-1)
})

test('no lanes, no rows', () => {
  expect(layRows([], 200).rows).toEqual([])
})
