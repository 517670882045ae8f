/** A map sends many items and results at once: each result belongs to its item, whatever the ones beside it did. */
import { expect, test } from 'vitest'
import { map } from '../src/index.ts'
import { mixed } from './fixtures/mixed.ts'

const count = 5_000

function expected(item: number): unknown {
  if (item % 7 === 3) return `no ${item}`
  if (item % 11 === 5) return { item }
  if (item % 13 === 6) return `text ${item}`
  if (item === 4_324) return `late ${item}`
  return item % 17 === 4 ? undefined : item / 2
}

test('results, failures and promises of one batch stay apart', async () => {
  const items = Array.from({ length: count }, (_, i) => i)
  for (let round = 0; round < 3; round++) {
    const { results } = await map(items, mixed, { onFailure: 'settle' })
    const told = results.map((result) => (result.status === 'rejected' ? (result.reason as Error).message : result.value))
    expect(told).toEqual(items.map(expected))
  }
})
