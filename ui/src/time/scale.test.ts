import { expect, test } from 'vitest'
import { around, pan, tickBase, ticks, toTime, toX, within, zoom } from './scale.ts'

const whole = { from: 0, to: 1_000 }

test('time and place are each other’s inverse', () => {
  const view = { from: 12.5, to: 400 }
  expect(toTime(view, 640, toX(view, 640, 77))).toBeCloseTo(77)
})

test('zooming keeps the moment under the pointer where it is', () => {
  const view = { from: 200, to: 600 }
  const closer = zoom(view, whole, 300, 0.5)
  expect(closer).toEqual({ from: 250, to: 450 })
  expect(toX(closer, 100, 300)).toBeCloseTo(toX(view, 100, 300))
})

test('zooming and panning stop at the ends', () => {
  expect(zoom({ from: 0, to: 400 }, whole, 400, 10)).toEqual(whole)
  expect(pan({ from: 700, to: 900 }, whole, 500)).toEqual({ from: 800, to: 1_000 })
  expect(pan({ from: 100, to: 300 }, whole, -500)).toEqual({ from: 0, to: 200 })
  expect(within({ from: -10, to: 2_000 }, whole)).toEqual(whole)
  expect(around({ from: 0, to: 100 }, whole)).toEqual({ from: 0, to: 110 })
})

test('zooming in ends where numbers would blur', () => {
  let view: { from: number; to: number } = whole
  for (let i = 0; i < 200; i++) view = zoom(view, whole, 500, 0.5)
  expect(view.to - view.from).toBeGreaterThan(1e-5)
  expect(zoom({ from: 3, to: 3 }, { from: 3, to: 3 }, 3, 2)).toEqual({ from: 3, to: 3 })
})

test.each([
  [{ from: 0, to: 1_000 }, ['0', '0.2 s', '0.4 s', '0.6 s', '0.8 s', '1.0 s']],
  [{ from: 0, to: 5 }, ['0', '1 ms', '2 ms', '3 ms', '4 ms', '5 ms']],
  [{ from: 0.001, to: 0.005 }, ['1 µs', '2 µs', '3 µs', '4 µs', '5 µs']],
  [{ from: 60e3, to: 100e3 }, ['1:00', '1:10', '1:20', '1:30', '1:40']],
  [{ from: 0, to: 3_600e3 }, ['0', '10 m', '20 m', '30 m', '40 m', '50 m', '1 h']],
])('marks of %j', (view, labels) => {
  expect(ticks(view, 600).map(({ label }) => label)).toEqual(labels)
})

test.each([
  [{ from: 18_940_580.8, to: 18_940_580.8004 }, '5:15:40.5808', ['+0', '+0.1 µs', '+0.2 µs', '+0.3 µs', '+0.4 µs']],
  [{ from: 18_940.2, to: 18_940.6 }, '18.94 s', ['+0.2 ms', '+0.3 ms', '+0.4 ms', '+0.5 ms', '+0.6 ms']],
])('marks deep in a long recording count from a round time: %j', (view, base, labels) => {
  expect(tickBase(view, 480)).toBe(base)
  expect(ticks(view, 480).map(({ label }) => label)).toEqual(labels)
})

test('no mark has more digits than a person reads, at any zoom and place', () => {
  for (const at of [0, 3, 999, 61e3, 3_599e3, 18_940_580.8, 2.4e8]) {
    for (let length = 1e-3; length < 1e6; length *= 3.7) {
      for (const { label } of ticks({ from: at, to: at + length }, 1_000)) expect(label.length).toBeLessThanOrEqual(10)
    }
  }
})

test('no marks where there is no time or no room', () => {
  expect(ticks({ from: 5, to: 5 }, 600)).toEqual([])
  expect(ticks(whole, 0)).toEqual([])
})
