import { expect, test } from 'vitest'
import { Cost } from './cost.ts'

test('calls are told apart by their depth, and the deepest ones are together', () => {
  const cost = new Cost()
  expect(cost.ms(1)).toBeUndefined()
  cost.note(100, 1)
  cost.note(1, 2)
  cost.note(2, 40)
  cost.note(7, 90)
  expect([cost.ms(1), cost.ms(2), cost.ms(3)]).toEqual([100, 1, undefined])
  expect(cost.ms(40)).toBe(3)
})

test('the first calls of each depth are timed, and then a few', () => {
  const cost = new Cost()
  const due = Array.from({ length: 100 }, () => cost.due(1))
  expect(due.filter(Boolean)).toHaveLength(8 + 3)
  expect(cost.due(2)).toBe(true)
})
