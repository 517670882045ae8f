import { expect, test } from 'vitest'
import { checkCuts, checkFlips, every, sampleJournal } from './damage.fixture.ts'

test('every bit flip and every cut of a journal of 64 KB', () => {
  const sample = sampleJournal()
  const { length } = sample.bytes
  expect(checkFlips(sample, every(1, sample), [0, 1, 2, 3, 4, 5, 6, 7])).toBe(length * 8)
  expect(checkCuts(sample, every(1, sample, 1))).toBe(length - 1)
})
