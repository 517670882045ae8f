import { expect, test } from 'vitest'
import { simulate } from './support/checkpoint-simulation.ts'

test('100,000 seeds of a program with a checkpoint on a disk that crashes', async () => {
  let stories = 0
  for (let seed = 1_000_000; seed < 1_100_000; seed++) if ((await simulate(seed)).length > 0) stories++
  expect(stories).toBe(100_000)
})
