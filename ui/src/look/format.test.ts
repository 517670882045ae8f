import { expect, test } from 'vitest'
import { countOf, formatBytes, formatCount, formatFactor, formatMs, formatShare, formatShort } from './format.ts'

test.each([
  [0, '0 ms'],
  [0.0042, '4.2 µs'],
  [0.42, '420 µs'],
  [0.9999, '1.00 ms'],
  [4.2, '4.20 ms'],
  [42, '42.0 ms'],
  [420, '420 ms'],
  [999.7, '1.00 s'],
  [42_000, '42.0 s'],
  [59_980, '1 m 0 s'],
  [125_000, '2 m 5 s'],
  [3_780_000, '1 h 3 m'],
  [-2.5, '-2.50 ms'],
  [Number.NaN, '–'],
])('%d ms reads %s', (ms, text) => {
  expect(formatMs(ms)).toBe(text)
})

test('counts, shares, factors and bytes', () => {
  expect(formatCount(1_234_567)).toBe('1,234,567')
  expect([countOf(1, 'task'), countOf(2, 'task')]).toEqual(['1 task', '2 tasks'])
  expect([950, 12_400, 999_700, 1_200_000].map(formatShort)).toEqual(['950', '12.4k', '1.0M', '1.2M'])
  expect([0, 0.001, 0.314, 0.999, 1].map(formatShare)).toEqual(['0 %', '< 1 %', '31 %', '> 99 %', '100 %'])
  expect([0.312, 5.23, 12.4].map(formatFactor)).toEqual(['0.31×', '5.2×', '12×'])
  expect([512, 8_400_000, 999_700].map(formatBytes)).toEqual(['512 B', '8.4 MB', '1.0 MB'])
})
