/** Programs that everything passes through this thread for get that as their verdict, and what to do about it as their first advice. */
import { expect, test } from 'vitest'
import { graph, map, mapReduce, stream, type TaskRef } from '../src/index.ts'
import { explain, record } from '../src/trace/index.ts'
import { type Board, large, type Row } from './fixtures/large.ts'

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

/** Where other programs take the cores, what is written for a microsecond may take a tenth of a second: then it is tried again. */
const onBusyMachines = { retry: 3 }

/** What would have people change a program for a fault that it does not have. */
const misleading = ['merging-here', 'copying', 'contained', 'not-worth-threads', 'stragglers', 'small-tasks', 'too-few-tasks']

test('word counts that are merged on the workers: nothing of it is blamed', onBusyMachines, async () => {
  const { verdict, advice } = await said(() => mapReduce(seeds, large.counts, large.added))
  expect(verdict.join('\n')).not.toMatch(/this thread: .*(reading results|merging)/)
  expect(misleading).not.toContain(advice[0]?.pitfall)
})

test('word counts of many seeds per call', onBusyMachines, async () => {
  const chunks = Array.from({ length: 16 }, (_, at) => seeds.slice(4 * at, 4 * at + 4)).filter(({ length }) => length > 0)
  const { advice } = await said(() => mapReduce(chunks, large.countsOf, merged))
  // What is merged here, once per chunk, is all that there is to say.
  expect(['merging-here', 'copying', undefined]).toContain(advice[0]?.pitfall)
})

test('worker functions in a row of a stream: nothing crosses between them', onBusyMachines, async () => {
  const asked = seeds.map((seed) => ({ seed, count: 2_000 }))
  const { verdict, advice } = await said(() => stream(asked).map(large.rowsOf).map(large.total).toArray())
  expect(verdict.join('\n')).not.toMatch(/this thread: .*reading results/)
  expect(misleading).not.toContain(advice[0]?.pitfall)
})

test('texts that are parsed on workers, and come back as objects', onBusyMachines, async () => {
  const texts = seeds.map((seed) => JSON.stringify(rows(2_000).map((row) => ({ ...row, id: row.id + seed, tags: [row.name] }))))
  const { advice } = await said(() => map(texts, large.parse))
  expect(advice[0]?.pitfall).toBe('copying')
  expect(advice[0]?.suggestion).toMatch(/let the workers go on with the results/)
})

test('a merge sort whose tasks call worker functions, instead of being some', onBusyMachines, async () => {
  const leaves = Array.from({ length: 8 }, (_, leaf) =>
    Array.from({ length: 40_000 }, (_item, i) => (i * 7_919 + leaf) % 100_003),
  )
  /** A tree of tasks above the leaves. */
  const sortedBy = (
    merge: (g: ReturnType<typeof graph>, name: string, left: TaskRef<number[]>, right: TaskRef<number[]>) => TaskRef<number[]>,
  ) => {
    const g = graph('merge sort')
    let level = leaves.map((leaf, i) => g.task(`sort ${i}`, () => large.sorted(leaf)))
    for (let depth = 1; level.length > 1; depth++)
      level = Array.from({ length: level.length / 2 }, (_, i) =>
        merge(g, `merge ${depth}.${i}`, level[2 * i] as TaskRef<number[]>, level[2 * i + 1] as TaskRef<number[]>),
      )
    return () => g.run(level[0] as TaskRef<number[]>)
  }
  const { advice } = await said(
    sortedBy((g, name, left, right) => g.task(name, { left, right }, (both) => large.mergedLists(both))),
  )
  expect(advice[0]?.pitfall).toBe('copying')
  expect(advice[0]?.suggestion).toMatch(
    /give the worker function itself to the graph: g\.task\('name', \{ left, right \}, (mergedLists|sorted)\)/,
  )
})

test('n queens by forks of a worker function: nothing of it is blamed', onBusyMachines, async () => {
  const board: Board = { n: 10, row: 0, columns: 0, left: 0, right: 0 }
  const { advice } = await said(() => large.place(board))
  expect(misleading).not.toContain(advice[0]?.pitfall)
})
