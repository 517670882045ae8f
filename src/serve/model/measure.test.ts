import { expect, test } from 'vitest'
import type { Measured } from '../stats.ts'
import { choose } from './measure.ts'

// Times of MiniLM on two cores under load: a larger batch had seemed faster by chance, and held up everybody else.
test.each([
  ['as long as the longest text alone', 40, 128],
  ['longer, and not much faster', 71, 128],
  ['longer, and much faster, as on a GPU', 71, 256, 400],
])('a batch that takes %s', (_what, batchMs, tokens, itemsPerSecond = 180) => {
  const row = (limit: number, perSecond: number, ms: number): Measured => ({
    replicas: 2,
    threads: 1,
    batch: 8,
    tokens: limit,
    itemsPerSecond: perSecond,
    batchMs: ms,
    chosen: false,
  })
  const rows = [row(1, 126, 13), row(64, 161, 28), row(128, 175, 38), row(256, itemsPerSecond, batchMs)]
  expect(choose(rows, 42)?.tokens).toBe(tokens)
})
