import { expect, test } from 'vitest'
import { ranWithin } from './watchdog.ts'

test('stops what never returns', () => {
  expect(
    ranWithin(20, () => {
      for (;;);
    }),
  ).toBe(false)
})

test('gives on what is thrown', () => {
  expect(() =>
    ranWithin(1_000, () => {
      throw new RangeError('its own')
    }),
  ).toThrow('its own')
})

test('what comes to its end just when its time is over does not throw', () => {
  // The time is over while it is in native code, after which nothing is left that could be stopped.
  const numbers = Float64Array.from({ length: 1_000_000 }, () => Math.random())
  expect(() => ranWithin(5, numbers.sort.bind(numbers, undefined) as () => void)).not.toThrow()
})
