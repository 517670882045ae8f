/** Large arguments and results cross as bytes: they are what a clone would be, and the event loop turns while they are read and written. */
import { threadId } from 'node:worker_threads'
import { afterAll, expect, test } from 'vitest'
import { map, processes, threads, Unserializable } from '../src/index.ts'
import { consenting } from './fixtures/consenting.ts'
import { large, type Row } from './fixtures/large.ts'

const on = threads({ size: 2 })
afterAll(() => on.close())

const rows = (seed: number, count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: seed + i, name: `row ${i}`, price: i / 4 }))
const seeds = Array.from({ length: 40 }, (_, seed) => ({ seed, count: 2_000 }))

test('results and arguments are what they were', async () => {
  expect(await map(seeds, large.rowsOf, { on })).toEqual(seeds.map(({ seed, count }) => rows(seed, count)))
  const lists = seeds.map(({ seed }) => rows(seed, 2_000))
  expect(await map(lists, large.priced, { on })).toEqual(
    lists.map((list) => list.map((row) => ({ ...row, price: row.price + 1 }))),
  )
  expect(await map(lists, large.total, { on })).toEqual(lists.map(() => 499_750))
  const totals = lists.map((list, i) => large.totals(list, i))
  expect(await Promise.all(totals)).toEqual(lists.map((_, i) => i * 499_750))
})

test('a process gives the same', async () => {
  const apart = processes({ size: 1 })
  expect(await map(seeds.slice(0, 4), large.rowsOf, { on: apart })).toEqual(
    seeds.slice(0, 4).map(({ seed }) => rows(seed, 2_000)),
  )
  await apart.close()
})

test('what cannot be written crosses as ever, and what cannot cross is named', async () => {
  const [value] = await map([2_000], large.withUrl, { on })
  expect(value).toEqual({ list: rows(0, 2_000), bytes: new Uint8Array(3), shared: new SharedArrayBuffer(8) })
  const settled = await map([2_000], large.withHandle, { on, onFailure: 'settle' })
  expect(settled.failed[0]?.error).toBeInstanceOf(Unserializable)
  expect(String(settled.failed[0]?.error)).toContain('result.call')
})

test('what has arrived is not lost with its worker', async () => {
  const own = threads({ size: 1 })
  const items = seeds.map(({ seed }, i) => ({ seed, count: 20_000, last: i === seeds.length - 1 }))
  const { ok, failed } = await map(items, large.rowsThenDie, { on: own, onFailure: 'settle' })
  expect(failed).toEqual([])
  expect(ok).toHaveLength(items.length)
  await own.close()
})

test('a cancelled map leaves what is unread, and close waits for what is read', async () => {
  const stop = new AbortController()
  const work = map(seeds, large.rowsOf, { on, signal: stop.signal })
  setTimeout(() => stop.abort(), 15)
  await expect(work).rejects.toThrow(/abort/i)
  const own = threads({ size: 2 })
  const all = map(seeds, large.rowsOf, { on: own })
  await Promise.all([own.close({ graceMs: 10_000 }), all])
  expect((await all)[39]).toEqual(rows(39, 2_000))
})

test('a call that consented runs here where copying its arguments would take longer', async () => {
  const list = rows(0, 20_000)
  const ran: number[] = []
  for (let i = 0; i < 60; i++) {
    const { total, at } = await consenting.totalOf(list)
    expect(total).toBe(49_997_500)
    ran.push(at)
  }
  expect(ran.filter((at) => at === threadId).length).toBeGreaterThan(0)
  await Promise.all(Array.from({ length: 40 }, () => consenting.totalOf(list)))
})
