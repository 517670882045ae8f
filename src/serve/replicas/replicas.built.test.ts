import { afterAll, expect, test } from 'vitest'
import { Cancelled, Closed, InvalidOption, Overflow, TimedOut, WorkerCrashed } from '../../base/errors.ts'
import { map } from '../../run/map.ts'
import { byProcess, byThread, measured, retried, talking, timed } from './models.fixture.ts'
import { isServed } from '../served.ts'
import { replicas } from './replicas.ts'

const all = { ...byProcess, ...byThread, ...retried, ...timed, ...measured, ...talking }
afterAll(() => Promise.all(Object.values(all).map((model) => model.close({ grace: 0 }))))

test.each([
  ['process', byProcess.doubler],
  ['thread', byThread.threaded],
])('a model answers from a %s, and batches what waits', async (_isolation, model) => {
  const texts = Array.from({ length: 40 }, (_text, i) => `text ${i}`)
  expect(await Promise.all(texts.map((text) => model(text)))).toEqual(texts.map((text) => text + text))
  const { answered, batches, replicas: all, queue, underWay } = model.stats()
  expect(answered).toBe(40)
  expect(batches.count).toBeLessThan(40)
  expect(all.length).toBe(2)
  expect(all.every(({ items }) => items > 0)).toBe(true)
  expect([queue.items, queue.tokens, underWay]).toEqual([0, 0, 0])
})

test('answers say what they took', async () => {
  const answer = await byProcess.doubler.ask('twelve chars')
  expect(answer).toMatchObject({ value: 'twelve charstwelve chars', tokens: 3, batch: 1 })
  expect(answer.servedMs).toBeGreaterThan(0)
})

test('a served model is a function like any other, for map too', async () => {
  expect(await map(['a', 'b'], byProcess.doubler)).toEqual(['aa', 'bb'])
  expect(isServed(byProcess.doubler)).toBe(true)
  expect(isServed(() => {})).toBe(false)
  expect(byProcess.doubler.name).toBe('doubler')
})

test('errors stay with their items, of a batch that throws too', async () => {
  const texts = ['a', 'error', 'b', 'c', 'throw', 'd', 'e', 'f']
  const settled = await Promise.allSettled(texts.map((text) => byProcess.doubler(text)))
  expect(settled.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
    'aa',
    'TypeError: this one alone',
    'bb',
    'cc',
    'RangeError: it was told to throw',
    'dd',
    'ee',
    'ff',
  ])
})

test.each([['crash'], ['exit']])(
  'a replica that ends by %s takes its own batch along and no other, and comes back',
  async (how) => {
    const before = byProcess.doubler.stats().refused.crashed
    const others = byProcess.doubler('innocent')
    const crashed = byProcess.doubler(how)
    await expect(crashed).rejects.toThrow(WorkerCrashed)
    expect(await others).toBe('innocentinnocent')
    const after = await Promise.all(Array.from({ length: 20 }, () => byProcess.doubler('after')))
    expect(after).toEqual(Array.from({ length: 20 }, () => 'afterafter'))
    expect(byProcess.doubler.stats().refused.crashed - before).toBe(1)
  },
)

test('with retry, what was in the batch of a crash is computed again, each alone', async () => {
  const texts = ['crash', ...Array.from({ length: 15 }, (_text, i) => `t${i}`)]
  const settled = await Promise.allSettled(texts.map((text) => retried.retried(text)))
  expect(settled.slice(1).map((one) => one.status === 'fulfilled' && one.value)).toEqual(
    texts.slice(1).map((text) => text + text),
  )
  expect(settled[0]).toMatchObject({ status: 'rejected', reason: expect.any(WorkerCrashed) })
  expect(retried.retried.stats().retried).toBeGreaterThan(0)
})

test('a caller that leaves frees its place; one that is late is dropped', async () => {
  const slow = [byProcess.doubler('slow'), byProcess.doubler('slow')]
  // Both replicas are busy now, so that these wait.
  const controller = new AbortController()
  const left = byProcess.doubler('left', { signal: controller.signal })
  const late = byProcess.doubler('late', { deadline: 30 })
  const waiting = byProcess.doubler('waits')
  expect(byProcess.doubler.stats().queue.items).toBe(3)
  controller.abort()
  await expect(left).rejects.toThrow(Cancelled)
  await expect(late).rejects.toThrow(TimedOut)
  await expect(late).rejects.toThrow('the model "doubler" did not answer within 30 ms: the deadline passed in the queue')
  expect(byProcess.doubler.stats().queue.items).toBe(1)
  expect(await Promise.all(slow)).toEqual(['slowslow', 'slowslow'])
  expect(await waiting).toBe('waitswaits')
})

test('the 513th that waits is refused at once, and is told when to come back', async () => {
  const calls = Array.from({ length: 520 }, () => byThread.threaded('x'))
  const settled = await Promise.allSettled(calls)
  const refused = settled.filter((one) => one.status === 'rejected')
  expect(refused.length).toBeGreaterThan(0)
  expect(refused.length).toBeLessThanOrEqual(8)
  for (const one of refused) {
    expect(one.reason).toBeInstanceOf(Overflow)
    expect((one.reason as Overflow).retryAfterMs).toBeGreaterThan(0)
  }
})

test('a replica that hangs is ended after the timeout, and another takes its place', async () => {
  await expect(timed.timed('hang')).rejects.toThrow('took longer than 300 ms; it was ended and is started again')
  expect(await timed.timed('ok')).toBe('okok')
})

test('what cannot cross fails alone', async () => {
  const texts = ['a', (() => {}) as unknown as string, 'b']
  const settled = await Promise.allSettled(texts.map((text) => byProcess.doubler(text)))
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(String((settled[1] as PromiseRejectedResult).reason)).toContain('Cannot be sent to Replica')
})

test('warm-up measures replicas, threads and batches, and keeps what it found', async () => {
  await measured.measured.ready()
  const rows = measured.measured.stats().measured
  expect(rows.filter(({ chosen }) => chosen).length).toBe(1)
  expect(new Set(rows.map(({ batch }) => batch)).size).toBeGreaterThan(1)
  // A millisecond for each item, and one batch at a time: whatever is chosen, all of it is measured.
  expect(rows.every(({ itemsPerSecond, batchMs }) => itemsPerSecond > 0 && batchMs > 0)).toBe(true)
})

test('a model writes its answer part by part, several at once in one replica', async () => {
  const read = async (upTo: number): Promise<number[]> => {
    const parts: number[] = []
    for await (const part of talking.counter.stream(upTo)) parts.push(part)
    return parts
  }
  const [first, second] = await Promise.all([read(300), read(200)])
  expect(first).toEqual(Array.from({ length: 300 }, (_part, i) => i))
  expect(second.length).toBe(200)
  const streamed = talking.counter.stream(5)
  const { value } = await streamed.answer
  expect(value).toEqual({ last: 4, most: 1 })
  expect(await talking.counter(3)).toEqual({ last: 2, most: 1 })
})

test('three streams at a time in one replica; the fourth waits', async () => {
  const answers = await Promise.all([150, 150, 150, 150].map((upTo) => talking.counter.stream(upTo).answer))
  expect(Math.max(...answers.map(({ value }) => value.most))).toBeLessThanOrEqual(3)
  expect(Math.max(...answers.map(({ value }) => value.most))).toBeGreaterThan(1)
})

test('a reader that leaves ends the generator there; a slow one holds it up', async () => {
  const streamed = talking.counter.stream(1_000_000)
  const parts: number[] = []
  for await (const part of streamed) {
    parts.push(part)
    if (parts.length === 5) break
  }
  await expect(streamed.answer).rejects.toThrow(Cancelled)
  // Its place is free again: with one of three held for ever, a few of these would do it.
  for (let i = 0; i < 4; i++) {
    for await (const part of talking.counter.stream(1_000_000)) if (part > 3) break
  }
  await expect.poll(async () => (await talking.counter.stream(1).answer).value.most, { timeout: 10_000 }).toBe(1)
})

test('what a stream throws ends the loop', async () => {
  const parts: number[] = []
  await expect(
    (async () => {
      for await (const part of talking.counter.stream(14)) parts.push(part)
    })(),
  ).rejects.toThrow('fourteen')
  expect(parts.length).toBe(14)
})

test('a model that cannot be opened says so to all who wait, and to those who come soon after', async () => {
  await expect(talking.failing.ready()).rejects.toThrow('no such file')
  await expect(talking.failing('x')).rejects.toThrow('no such file')
  expect(talking.failing.stats().state).toBe('unloaded')
})

test('wrong uses are named', async () => {
  expect(() => replicas(import.meta.url, { a: {} } as never)).toThrow(
    'Expected `open` of the model "a" to be a function, got undefined',
  )
  expect(() => replicas(import.meta.url, { a: { open: () => 1 } } as never)).toThrow('to have `run` or `stream`, got neither')
  expect(() => replicas(import.meta.url, {})).toThrow('Expected replicas(import.meta.url, …) to get a record of models')
  const one = { a: { open: () => 1, run: (_model: number, batch: number[]) => batch } }
  expect(() => replicas(import.meta.url, one, { size: 0 })).toThrow(
    "Expected `size` to be a whole number from 1 up or 'auto', got 0 (number)",
  )
  expect(() => replicas(import.meta.url, one, { queue: { wait: -1 } })).toThrow(InvalidOption)
  expect(() => replicas(import.meta.url, one, { weights: { a: 0 } })).toThrow('a record of numbers above 0')
  expect(() => replicas(import.meta.url, one, { breaker: { consecutive: 0 } })).toThrow('consecutive')
  expect(() => byProcess.doubler.stream('x')).toThrow('gives its answers whole')
  await expect(byProcess.doubler('x', { tennant: 'a' } as never)).rejects.toMatchObject({ hint: 'Did you mean `tenant`?' })
})

test('closing refuses what comes, finishes what waits, and gives up after the grace', async () => {
  const { twice } = replicas(
    new URL('./closing.fixture.ts', import.meta.url).href,
    { twice: { open: () => 1, run: (_model: number, batch: string[]) => batch } },
    { size: 1, threads: 1, isolation: 'thread', batch: { items: 1 } },
  )
  const answered = twice('a')
  const closing = twice.close({ grace: '5s' })
  await expect(twice('b')).rejects.toThrow(Closed)
  expect(await answered).toBe('aa')
  await closing
  await twice.close()
  expect(twice.stats()).toMatchObject({ state: 'closed', answered: 1, replicas: [] })
})
