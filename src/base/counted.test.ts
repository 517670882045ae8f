import { expect, test } from 'vitest'
import { counted } from './counted.ts'

test.each([
  [0, '0 tasks'],
  [1, '1 task'],
  [2, '2 tasks'],
  [1_234_567, '1,234,567 tasks'],
])('%d', (count, text) => expect(counted(count, 'task')).toBe(text))

test('of words that do not take an s', () => {
  expect(counted(1, 'worker is', 'workers are')).toBe('1 worker is')
  expect(counted(2, 'worker is', 'workers are')).toBe('2 workers are')
})
