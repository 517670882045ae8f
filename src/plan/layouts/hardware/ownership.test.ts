import { expect, test } from 'vitest'
import { ownership } from './ownership.ts'

const h100 = { tokensPerSecond: 10_000, gpus: 8, busy: 0.5, rent: 2.69, buy: 40_600, watts: 700 }

test('rented GPUs cost what they cost while busy, bought ones all the time', () => {
  const { rented, bought, breakEven } = ownership(h100)
  expect(rented).toBeCloseTo((8 * 2.69) / 36)
  expect(ownership({ ...h100, busy: 1 }).bought).toBeCloseTo(bought / 2)
  expect(ownership({ ...h100, busy: breakEven }).bought).toBeCloseTo(rented)
})

test('buying pays sooner the longer the hardware is kept', () => {
  expect(ownership({ ...h100, years: 5 }).breakEven).toBeLessThan(ownership(h100).breakEven)
})
