/** Programs that everything passes through this thread for get that as their verdict, and what to do about it as their first advice. */
import { expect, test } from 'vitest'
import { map, mapReduce } from '../src/index.ts'
import { explain, record } from '../src/trace/index.ts'
import { large, type Row } from './fixtures/large.ts'

/** What is said of a program when its functions are known. */
async function said(program: () => Promise<unknown>) {
  await program()
  const { trace } = await record(program)
  return explain(trace)
}

const rows = (count: number): Row[] => Array.from({ length: count }, (_, i) => ({ id: i, name: `row ${i}`, price: i / 4 }))
const seeds = Array.from({ length: 60 }, (_, seed) => seed)

function merged(left: Map<string, number>, right: Map<string, number>): Map<string, number> {
  for (const [word, n] of right) left.set(word, (left.get(word) ?? 0) + n)
  return left
}

test('word counts that are merged on the caller’s side', async () => {
  const { verdict, advice } = await said(() => mapReduce(seeds, large.counts, merged))
  expect(verdict.join('\n')).toMatch(/this thread: .*(reading results|merging)/)
  expect(['merging-here', 'copying']).toContain(advice[0]?.pitfall)
  expect(advice[0]?.suggestion).toMatch(/merge (as )?a worker function/)
})

test('large results of a map', async () => {
  const { verdict, advice } = await said(() =>
    map(seeds, (seed) => seed).then((all) =>
      map(
        all.map((seed) => ({ seed, count: 3_000 })),
        large.rowsOf,
      ),
    ),
  )
  expect(verdict.join('\n')).toMatch(/reading results \d/)
  expect(advice.find(({ pitfall }) => pitfall === 'copying')?.evidence).toMatch(
    /results of about \d+ KB cost [\d.]+ (ms|s) each to read/,
  )
})

test('large arguments of a function that does little', async () => {
  const lists = seeds.map(() => rows(2_000))
  const { verdict, advice } = await said(() => map(lists, large.total))
  expect(verdict.join('\n')).toMatch(/writing arguments \d/)
  expect(advice[0]?.suggestion).toContain('inline: true')
})
