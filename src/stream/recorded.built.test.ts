import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { plain } from '../../test/fixtures/plain.ts'
import { InvalidOption, JournalRefused } from '../base/errors.ts'
import { openJournal } from '../checkpoint/index.ts'
import { range } from './stream.fixture.ts'
import { record } from '../trace/index.ts'
import { stream } from './stream.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-stream-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let count = 0
let path = ''
beforeEach(() => {
  path = join(folder, `${++count}.jsonl`)
})

const records = (): number => readFileSync(path, 'utf8').trimEnd().split('\n').length - 1
const never = (): never => {
  throw new Error('called though recorded')
}

test('a stage goes on where it was, in order, with what is new in between', async () => {
  const ran: number[] = []
  const work = async (n: number): Promise<number> => {
    if (n === 7 && ran.length < 100) throw new Error('not yet')
    ran.push(n)
    return n * 2
  }
  const options = { checkpoint: path, key: String, concurrency: 3, name: 'double' }
  await expect(stream(range(20)).map(work, options).toArray()).rejects.toThrow('not yet')
  const first = records()
  expect(first).toBeGreaterThan(4)
  expect(existsSync(`${path}.lock`)).toBe(false)
  ran.length = 0
  const again = await stream(range(20))
    .map((n) => ran.push(n) && n * 2, options)
    .map((n) => n + 1)
    .toArray()
  expect(again).toEqual(range(20).map((n) => n * 2 + 1))
  expect(ran).toHaveLength(20 - first)
  expect(await stream(range(20)).map(never, options).toArray()).toEqual(range(20).map((n) => n * 2))
})

test('also filters, effects, worker functions, policies and outcomes', async () => {
  await using journal = await openJournal(path, { program: 'p' })
  for (const fresh of [true, false]) {
    const isEven = (n: number): boolean => (fresh ? n % 2 === 0 : never())
    expect(
      await stream(range(6))
        .filter(isEven, { checkpoint: journal.at('filter'), name: 'f' })
        .toArray(),
    ).toEqual([0, 2, 4])
    const seen: number[] = []
    await stream(range(3)).forEach((n) => seen.push(n), { checkpoint: journal.at('forEach'), name: 'f' })
    expect(seen).toEqual(fresh ? range(3) : [])
    const workers = stream(range(50)).map(plain.double, { checkpoint: journal.at('workers'), retry: 1, timeout: '10s' })
    expect(await workers.toArray()).toEqual(range(50).map((n) => n * 2))
    const settled = await stream(range(3))
      .map((n) => (n === 1 ? [() => n] : n), { checkpoint: journal.at('settled'), onFailure: 'settle', name: 'f' })
      .toArray()
    expect(settled).toMatchObject([{ value: 0 }, { status: 'rejected', reason: { code: 'HEDDLE_UNSERIALIZABLE' } }, { value: 2 }])
  }
  expect(records()).toBe(6 + 3 + 50 + 2)
})

test('takes no more than is wanted, and lets go of the journal', async () => {
  const some = await stream(range(1_000))
    .map(async (n) => n, { checkpoint: path, concurrency: 4, name: 'f' })
    .take(5)
    .toArray()
  expect(some).toEqual(range(5))
  for await (const n of stream(range(10)).map((x) => x, { checkpoint: path, name: 'f' })) if (n === 3) break
  expect(
    await stream(range(10))
      .map((n) => n, { checkpoint: path, name: 'f' })
      .toArray(),
  ).toEqual(range(10))
})

test('refuses what is wrong', async () => {
  const two = stream(range(3))
    .map((n) => n, { checkpoint: path, name: 'f' })
    .map((n) => n, { checkpoint: path, name: 'f' })
  await expect(two.toArray()).rejects.toBeInstanceOf(JournalRefused)
  const settles = { checkpoint: `${path}2`, key: () => 'same', onFailure: 'settle', name: 'f' } as const
  await expect(
    stream(range(3))
      .map((n) => n, settles)
      .toArray(),
  ).rejects.toThrow('Items 0 and 1 have the same key "same"')
  expect(() => stream(range(3)).map((n) => n, { key: String })).toThrow(InvalidOption)
  await expect(
    stream(range(3))
      .map((n) => n, { checkpoint: join(folder, 'no', 'x') })
      .toArray(),
  ).rejects.toMatchObject({
    code: 'HEDDLE_JOURNAL_FAILED',
  })
})

test('a stage that keeps the order inside a key goes on where it was, and still keeps it', async () => {
  const items = range(60).map((n) => ({ id: n, account: n % 7 }))
  const options = { checkpoint: path, key: ({ id }: { id: number }) => `item ${id}`, concurrency: 4, name: 'book' }
  let calls = 0
  const failing = stream(items)
    .by((item) => item.account)
    .map(async ({ id }) => {
      if (++calls === 31) throw new Error('not yet')
      await new Promise((resolve) => setTimeout(resolve, id % 3))
      return id
    }, options)
  await expect(failing.toArray()).rejects.toThrow('not yet')
  const first = records()
  expect(first).toBeGreaterThan(20)
  const ran = new Map<number, number[]>()
  const again = stream(items)
    .by((item) => item.account)
    .map(async ({ id, account }) => {
      ran.set(account, [...(ran.get(account) ?? []), id])
      await new Promise((resolve) => setTimeout(resolve, (60 - id) % 3))
      return id
    }, options)
  expect(await again.toArray()).toEqual(range(60))
  expect([...ran.values()].flat()).toHaveLength(60 - first)
  for (const ids of ran.values()) expect(ids).toEqual([...ids].sort((a, b) => a - b))
  const seen = stream(items).by((item) => item.account)
  await seen.forEach(never, options)
  const reduce = seen.reduce.bind(seen) as (...args: unknown[]) => Promise<unknown>
  await expect(reduce(never, never, options)).rejects.toThrow('Unknown option `checkpoint` of reduce')
})

test('attempts below a journal are seen by whoever records', async () => {
  const { value, trace } = await record(() =>
    stream(range(4))
      .map((n, { attempt }) => (attempt <= n ? Promise.reject(new Error('again')) : n), {
        checkpoint: path,
        name: 'f',
        retry: { retries: 5, base: 1, cap: 1 },
      })
      .toArray(),
  )
  expect(value).toEqual(range(4))
  expect([...trace.tasks.attempts].sort()).toEqual([1, 2, 3, 4])
})
