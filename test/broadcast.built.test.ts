/** A broadcast value goes to each worker once, and is the same for threads, processes, forks and graphs. */
import { threadId } from 'node:worker_threads'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { broadcast, Closed, graph, map, processes, threads, Unserializable, WorkerCrashed } from '../src/index.ts'
import { broadcasts } from './fixtures/broadcasts.ts'
import { consenting } from './fixtures/broadcasts-consenting.ts'

const on = threads({ size: 2 })
const apart = processes({ size: 1 })
afterAll(() => Promise.all([on.close(), apart.close()]))

const texts = Array.from({ length: 300 }, (_, i) => `word ${i}`)
const dictionary = () => new Map(texts.map((text, i) => [text, i]))
const numbers = texts.map((_, i) => i)

test.each([
  ['threads', on],
  ['processes', apart],
])('%s look it up', async (_name, executor) => {
  const words = broadcast(dictionary())
  const items = texts.map((word) => ({ word, words }))
  expect(await map(items, broadcasts.lookUp, { on: executor })).toEqual(numbers)
  expect(await map([words, words], broadcasts.sizeOf, { on: executor })).toEqual([300, 300])
  words.dispose()
})

test('it is one object for all calls of a worker, and a copy of what was given', async () => {
  const given = dictionary()
  const words = broadcast(given)
  given.clear()
  const own = threads({ size: 1 })
  const seen = await map(
    Array.from({ length: 50 }, () => words),
    broadcasts.same,
    { on: own },
  )
  expect(new Set(seen).size).toBe(1)
  expect(seen[0]).toMatch(/: 1$/)
  expect(await map([words], broadcasts.change, { on: own })).toEqual([301])
  expect(words.bytes).toBeGreaterThan(3_000)
  // A worker that starts later has what was given.
  await map([words], broadcasts.die, { on: own, onFailure: 'settle' })
  expect(await map([words], broadcasts.sizeOf, { on: own })).toEqual([300])
  await own.close()
})

test('it crosses once: what follows weighs nothing', async () => {
  const data = broadcast(new Float64Array(2_000_000).fill(1))
  const own = threads({ size: 1 })
  expect(await map([data], broadcasts.bytes, { on: own })).toEqual([2_000_000])
  const before = process.memoryUsage().arrayBuffers
  await map(
    Array.from({ length: 40 }, () => data),
    broadcasts.bytes,
    { on: own },
  )
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16_000_000)
  await own.close()
})

test('direct calls, graphs, and maps and forks inside of workers take it', async () => {
  const words = broadcast(dictionary())
  expect(await Promise.all(texts.slice(0, 5).map((word) => broadcasts.lookUpTwo(words, word)))).toEqual([0, 1, 2, 3, 4])
  const sum = 300 * 299 * 0.5 + 6
  expect(await broadcasts.spread({ texts, words })).toBe(sum)
  expect(
    await map(
      [
        { texts, words },
        { texts, words },
        { texts, words },
      ],
      broadcasts.spread,
      { on },
    ),
  ).toEqual([sum, sum, sum])
  expect(await map([{ texts, words }], broadcasts.spread, { on: apart })).toEqual([sum])
  const g = graph('look up')
  const made = g.task('made', () => words)
  const size = g.task('size', { made }, ({ made: handle }) => broadcasts.sizeOf(handle))
  expect(await g.run(size)).toBe(300)
})

test('a consenting map may run here, with the value itself', async () => {
  const words = broadcast(dictionary())
  const items = Array.from({ length: 3_000 }, (_, n) => ({ n: n % 300, words }))
  let here = false
  for (let i = 0; i < 200 && !here; i++) here = new Set(await map(items, consenting.where, { on })).has(threadId)
  expect(here).toBe(true)
})

test('what is disposed of fails by name, and takes no other call with it', async () => {
  const words = broadcast(dictionary())
  const other = broadcast(dictionary())
  expect(await map([words, other], broadcasts.sizeOf, { on })).toEqual([300, 300])
  words.dispose()
  words.dispose()
  const { results, failed } = await map([other, words, other], broadcasts.sizeOf, { on, onFailure: 'settle' })
  expect(failed.map(({ index, error }) => [index, error instanceof Closed, String(error)])).toEqual([
    [1, true, expect.stringContaining('has been disposed of')],
  ])
  expect(results[2]).toEqual({ status: 'fulfilled', value: 300 })
  expect(() => words.value).toThrow('has been disposed of')
})

test('workers let go of it when it is disposed of, and when nobody has the handle', async () => {
  const own = threads({ size: 1 })
  const holds = async (make: () => Promise<void>) => {
    await make()
    await sleep(20)
  }
  await holds(async () => {
    using words = broadcast(dictionary())
    expect(await map([words], broadcasts.sizeOf, { on: own })).toEqual([300])
  })
  await holds(async () => {
    expect(await map([broadcast(dictionary())], broadcasts.sizeOf, { on: own })).toEqual([300])
  })
  await own.close()
})

test('what cannot cross is named, and so is a handle in the wrong place', async () => {
  expect(() => broadcast({ call: () => 1 })).toThrow(Unserializable)
  expect(() => broadcast({ call: () => 1 })).toThrow('value.call is a function')
  const words = broadcast(dictionary())
  await expect(broadcasts.deep({ a: { b: words } })).rejects.toThrow('argument 1.a.b is a broadcast value')
  await expect(map([words], broadcasts.deep, { on })).rejects.toThrow('result is a broadcast value')
  const shared = broadcast({ memory: new SharedArrayBuffer(8) })
  expect(await map([shared as never], broadcasts.sizeOf, { on, onFailure: 'settle' })).toMatchObject({ ok: [undefined] })
})

test('a worker that dies while it has it fails what had begun', async () => {
  const words = broadcast(dictionary())
  const { failed } = await map([words, words], broadcasts.die, { on, onFailure: 'settle' })
  expect(failed.every(({ error }) => error instanceof WorkerCrashed)).toBe(true)
  expect(await map([words, words], broadcasts.sizeOf, { on })).toEqual([300, 300])
})

test('values that throw when they are looked at are refused, and take no other call with them', async () => {
  const words = broadcast(dictionary())
  const trap = (): never => {
    throw new Error('do not look')
  }
  const hostile = new Proxy({}, { has: trap, ownKeys: trap, getPrototypeOf: trap, get: trap })
  const { failed, results } = await map([{ words }, hostile, { words }], broadcasts.keys, { on, onFailure: 'settle' })
  expect(failed.map(({ index }) => index)).toEqual([1])
  expect(results[2]).toEqual({ status: 'fulfilled', value: 'words' })
})
