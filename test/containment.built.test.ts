// oxlint-disable vitest/expect-expect -- what is expected of every round stands in support/containment.ts
/** Where worker functions run: never on the caller's thread, unless their module consents. The figures are those of the reliability programme. */
import { threadId } from 'node:worker_threads'
import { afterAll, expect, test } from 'vitest'
import { all, graph, InvalidOption, map, mapReduce, stream, threads, TimedOut, workers } from '../src/index.ts'
import { listen, type Note } from '../src/base/observer.ts'
import { consenting } from './fixtures/consenting.ts'
import { holding } from './fixtures/holding-here.ts'
import { contained } from './fixtures/misdeeds.ts'
import type { Misdeed } from './fixtures/misdeeds-functions.ts'
import { callsOnThisThread, outcomes, survive } from './support/containment.ts'
import { settled } from './support/deaths.ts'

const numbers = Array.from({ length: 3_000 }, (_, n) => n)
const on = threads({ size: 2 })
afterAll(() => on.close({ graceMs: 0 }))

const cases = (Object.keys(outcomes) as Misdeed[]).flatMap((misdeed) => [true, false].map((cold) => ({ misdeed, cold })))

test.each(cases)('the caller survives $misdeed, workers cold: $cold', async ({ misdeed, cold }) => {
  await survive(misdeed, cold)
})

test('without consent nothing runs on this thread, whatever calls it', async () => {
  for (let i = 0; i < 6; i++) {
    await map(numbers, contained.work)
    await mapReduce(numbers, contained.work as (n: number) => Promise<number>, contained.add, { empty: 0 })
    await stream(numbers)
      .map((n) => contained.work(n))
      .toArray()
    await stream(numbers).map(contained.work).toArray()
    await all([() => contained.work(1), () => contained.work(2)])
    const tasks = graph('cheap')
    const one = tasks.task('one', () => contained.work(1))
    await tasks.run(tasks.task('two', { one }, (needs) => contained.work(needs.one as number)))
  }
  expect(callsOnThisThread()).toBe(0)
})

test('what consent would save is noted, and only without it', async () => {
  const notes: Note[] = []
  const stop = listen({
    runStarted() {},
    runSettled() {},
    taskSettled() {},
    plainTaskSettled() {},
    noted: (note) => void notes.push(note),
  })
  try {
    // How cheap an item is has to be measured first, which a busy machine delays.
    const said = (): Note[] => notes.filter(({ kind }) => kind === 'contained' || kind === 'inline')
    for (let i = 0; i < 200 && said().length === 0; i++) await map(numbers, contained.work, { on })
    expect(said().at(-1)).toMatchObject({ kind: 'contained', data: { items: 3_000, name: 'work', ms: expect.any(Number) } })
    notes.length = 0
    for (let i = 0; i < 200 && said().length === 0; i++) await map(numbers, consenting.where, { on })
    expect(notes.some(({ kind }) => kind === 'contained')).toBe(false)
    expect(notes.some(({ kind }) => kind === 'inline')).toBe(true)
  } finally {
    stop()
  }
})

test('with consent a map of tiny items ends on this thread, with the objects themselves, but never an argument as its own result', async () => {
  let here = false
  for (let i = 0; i < 200 && !here; i++) here = new Set(await map(numbers, consenting.where, { on })).has(threadId)
  expect(here).toBe(true)
  const items = numbers.map((n) => ({ n }))
  for (let i = 0; i < 4; i++) await map(items, consenting.identity, { on })
  const results = await map(items, consenting.identity, { on })
  expect(results.map(({ value }) => value)).toEqual(items)
  const same = await map(items, consenting.same, { on })
  expect(same).toEqual(items)
  expect(same.some((value, i) => value === items[i])).toBe(false)
})

test('where it ran does not show in what a consenting function gets', async () => {
  const values = [
    Buffer.from('x'),
    new Date(0),
    new Map([[1, 2]]),
    new (class Own {
      a = 1
    })(),
    [1],
    { a: 1 },
    new Uint8Array(2),
    null,
    /x/,
  ]
  const many = numbers.map((n) => values[n % values.length])
  const first = await map(many, consenting.kindOf, { on })
  for (let i = 0; i < 4; i++) expect(await map(many, consenting.kindOf, { on })).toEqual(first)
  const { failed } = await map([...many, () => 1], consenting.kindOf, { on, onFailure: 'settle' })
  expect(failed.map(({ error }) => (error as Error).name)).toEqual(['Unserializable'])
})

test('what copying takes does not count against a consenting function', { timeout: 120_000 }, async () => {
  const tiny = Array.from({ length: 2_000 }, (_, i) => i)
  await map(tiny, consenting.sizeOf)
  await map(tiny.fill(0), consenting.slowToCopy)
  // Longer to copy than a call may hold this thread.
  const large = Array.from({ length: 1_200_000 }, (_, n) => ({ n, by: 'copying' }))
  expect(await map([large], consenting.sizeOf)).toEqual([1_200_000])
  expect(await map([1_100], consenting.slowToCopy)).toEqual([{ part: threadId }])
  expect(await map([[1, 2]], consenting.sizeOf)).toEqual([2])
})

test('a consenting function that is stopped while it starts maps of others leaves the pool whole', async () => {
  for (let i = 0; i < 5; i++) await map(numbers, holding.startMaps, { on })
  const few = numbers.slice(0, 50)
  const two = [map([...few, -1, ...few], holding.startMaps, { on, onFailure: 'settle' }), map(numbers, consenting.sizeOf, { on })]
  const [stopped, beside] = await Promise.all(two)
  const { ok, failed } = stopped as unknown as { ok: unknown[]; failed: { index: number; error: Error }[] }
  expect(failed.map(({ index, error }) => `${index} ${error.name}`)).toEqual(['50 TimedOut'])
  expect(ok.length).toBe(2 * few.length)
  expect(beside).toEqual(numbers)
  expect(await map(numbers, consenting.sizeOf, { on })).toEqual(numbers)
})

test('a consenting function that holds this thread is stopped, and its module runs here no more', async () => {
  for (let i = 0; i < 5; i++) await map(numbers, consenting.work, { on })
  const before = callsOnThisThread()
  expect(before).toBeGreaterThan(0)
  // So little work that it surely runs here.
  const few = numbers.slice(0, 50)
  const items = [...few, { misdeed: 'loop' } as const, ...few]
  const { value } = await settled(map(items, consenting.work, { on, onFailure: 'settle', deadline: '20s' }))
  const { ok, failed } = value as { ok: unknown[]; failed: { index: number; error: Error }[] }
  expect(failed.map(({ index, error }) => `${index} ${error.name} ${error.message}`)).toEqual([
    expect.stringContaining(`${few.length} TimedOut`),
  ])
  expect(failed[0]?.error).toBeInstanceOf(TimedOut)
  expect(failed[0]?.error.message).toContain("held the caller's thread for 1.00 s")
  expect(ok.length).toBe(2 * few.length)
  const afterwards = callsOnThisThread()
  for (let i = 0; i < 3; i++) await map(numbers, consenting.work, { on })
  expect(callsOnThisThread()).toBe(afterwards)
})

test('consent that cannot mean anything is refused', () => {
  const url = 'file:///some/module.js'
  expect(() => workers(url, { a: () => 1 }, { inline: true, isolation: 'process' })).toThrow(InvalidOption)
  expect(() => workers(new URL(url), { inline: true })).toThrow(/only where the functions are defined/)
  expect(() => workers(url, { a: () => 1 }, { inline: 1 as never })).toThrow(InvalidOption)
})
