import { describe, expect, test } from 'vitest'
import { stream } from '../src/stream/index.ts'
import { ReadAhead } from '../src/run/read-ahead.ts'
import type { Batch, BulkWork, Executor, FunctionRef } from '../src/run/executor.ts'
import { functionRef } from '../src/run/executor.ts'
import { map } from '../src/run/map.ts'
import { mapReduce } from '../src/run/map-reduce.ts'
import { batched } from '../src/patterns/batched.ts'
import { DirectCalls } from '../src/workers/host/direct-calls.ts'
import { heldBytes, Sizes, within } from '../src/run/sizes.ts'
import { turn } from './support/turn.ts'

const large = 5_000_000

/** An executor on this thread with two slots, which takes up to 64 items at a time and answers a turn later. Notes how many items each message had. */
function fakeWorkers(fn: (item: unknown) => unknown): { readonly fn: (item: number) => unknown; readonly messages: number[] } {
  const messages: number[] = []
  let calls: Promise<unknown> = Promise.resolve()
  const executor: Executor = {
    name: 'fake',
    slots: 2,
    // One call after the other, as if they waited for two workers.
    call: (_ref, args) => (calls = calls.then(turn).then(() => fn(args[0]))),
    bulk(_ref: FunctionRef, work: BulkWork) {
      let [busy, over] = [0, false]
      const send = async (batch: Batch): Promise<void> => {
        busy++
        messages.push(batch.items.length)
        await turn()
        work.succeed(batch.first, Array.from(batch.items as unknown[], fn), 1)
        busy--
        feed()
      }
      const feed = (): void => {
        for (let batch = busy < 2 ? work.take(64) : undefined; batch; batch = busy < 2 ? work.take(64) : undefined)
          void send(batch)
        if (busy > 0 || over || !work.exhausted()) return
        over = true
        work.finished()
      }
      work.onMore(() => queueMicrotask(feed))
      feed()
    },
    close: async () => {},
  }
  const ref: FunctionRef = {
    module: 'fake:',
    name: 'fake',
    local: undefined,
    setup: undefined,
    executor,
  } as unknown as FunctionRef
  return { fn: Object.assign((item: number): unknown => item, { [functionRef]: ref }), messages }
}

async function* each(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i
}

describe('what an asynchronous source has at hand', () => {
  test('travels together in a map', async () => {
    const { fn, messages } = fakeWorkers((item) => item)
    expect(await map(each(2_000), fn)).toHaveLength(2_000)
    expect(messages.length).toBeLessThan(2_000 / 20)
  })

  test('travels together in a stream', async () => {
    const { fn, messages } = fakeWorkers((item) => item)
    expect(await stream(each(2_000)).map(fn).toArray()).toHaveLength(2_000)
    expect(messages.length).toBeLessThan(2_000 / 20)
  })

  test.each(['map', 'stream'])('does not wait for more: %s', async (kind) => {
    let answered = 0
    const { fn } = fakeWorkers((item) => {
      answered++
      return item
    })
    // Each item comes only when the one before has been worked on.
    const waiting = (async function* () {
      for (let i = 0; i < 20; i++) {
        for (const before = (): boolean => answered < i; before();) await turn()
        yield i
      }
    })()
    expect(await (kind === 'map' ? map(waiting, fn) : stream(waiting).map(fn).toArray())).toHaveLength(20)
  })

  test('is offered once when the event loop turns, or when there is as much as is wanted', async () => {
    const offers: number[] = []
    const ahead: ReadAhead<number> = new ReadAhead(() => offers.push(ahead.size))
    ahead.want(3)
    ahead.push(1)
    ahead.push(2)
    expect(offers).toEqual([])
    ahead.push(3)
    expect(offers).toEqual([3])
    ahead.shift()
    await turn()
    expect(offers).toEqual([3, 2])
  })
})

describe('what is held is bounded in bytes', () => {
  test('by sizes that are noticed at once, and believed smaller slowly', () => {
    const sizes = new Sizes()
    for (let i = 0; i < 100; i++) sizes.note('x'.repeat(100))
    expect(within(heldBytes, sizes)).toBeGreaterThan(100_000)
    for (let i = 0; i < 16; i++) sizes.note(new Uint8Array(large))
    expect(within(heldBytes, sizes)).toBeLessThan(8)
    for (let i = 0; i < 100; i++) sizes.note(1)
    expect(within(heldBytes, sizes)).toBeGreaterThan(1_000)
    expect(within(heldBytes, new Sizes())).toBe(Number.POSITIVE_INFINITY)
  })

  // Counted as five megabytes, and held once.
  const text = 'x'.repeat(large)
  const made = { count: 0 }
  const make = (): string => (made.count++, text)
  const later = async (): Promise<string> => (await turn(), make())
  const source = async function* (): AsyncGenerator<string> {
    for (let i = 0; i < 20; i++) yield await later()
  }
  const items = Array.from({ length: 200 }, (_, i) => i)
  const send = (): ((item: unknown) => Promise<unknown>) => fakeWorkers((item) => item).fn as never
  const batches = batched(async (list: number[]) => (await turn(), list.map(make)))

  /** What runs ahead of a slow consumer: how far at first, when no size is known, and from then on. */
  const stages: Record<string, { readonly open: () => AsyncIterable<unknown>; readonly atFirst: number; readonly then: number }> =
    {
      'a stage of calls': { open: () => stream(items).map(later, { buffer: 1_000 }), atFirst: 16, then: 5 },
      'many calls at once': { open: () => stream(items).map(later, { concurrency: 64 }), atFirst: 64, then: 5 },
      'calls as they settle': { open: () => stream(items).map(later, { ordered: false }), atFirst: 16, then: 5 },
      'two stages of calls': {
        open: () =>
          stream(items)
            .map(later)
            .filter(async () => (await turn(), true)),
        atFirst: 48,
        then: 8,
      },
      'a batched function': { open: () => stream(items).map((i) => batches(i)), atFirst: 16, then: 8 },
      batches: {
        open: () =>
          stream(items)
            .map(later)
            .batch({ size: 4 })
            .flatMap((batch) => batch),
        atFirst: 48,
        then: 16,
      },
      'a stage of workers': { open: () => stream(items).map(fakeWorkers(make).fn), atFirst: 10, then: 5 },
      'stages of workers in a row': {
        open: () => stream(items).map(fakeWorkers(make).fn).map(send()).map(send()),
        atFirst: 12,
        then: 10,
      },
      'workers behind calls': { open: () => stream(items).map(later).map(send()), atFirst: 20, then: 8 },
      'workers called one by one': { open: () => stream(items).map(fakeWorkers(make).fn, { retry: 2 }), atFirst: 10, then: 5 },
      keys: {
        open: () =>
          stream(items)
            .by((i) => i % 50)
            .map(later, { ordered: false, concurrency: 40 }),
        atFirst: 40,
        then: 5,
      },
      'keys of workers': {
        open: () =>
          stream(items)
            .by((i) => i)
            .map(fakeWorkers(make).fn),
        atFirst: 10,
        then: 5,
      },
      'merged streams': { open: () => stream(source()).merge(...Array.from({ length: 59 }, source)), atFirst: 60, then: 5 },
      'lists that are taken apart': {
        open: () => stream(items).flatMap(async () => [await later()], { ordered: false, concurrency: 60 }),
        atFirst: 60,
        then: 8,
      },
    }

  test.each(Object.entries(stages))('by %s', async (_, { open, atFirst, then }) => {
    made.count = 0
    let [taken, first, rest] = [0, 0, 0]
    for await (const _item of open()) {
      taken++
      const ahead = made.count - taken
      if (taken <= 70) first = Math.max(first, ahead)
      else rest = Math.max(rest, ahead)
      for (let i = 0; i < 6; i++) await turn()
    }
    expect(taken).toBeGreaterThanOrEqual(items.length)
    expect(first).toBeLessThanOrEqual(atFirst)
    expect(rest).toBeLessThanOrEqual(then)
  })

  test('but not the number of calls, where the consumer keeps up', async () => {
    let [underWay, most] = [0, 0]
    const call = async (): Promise<string> => {
      most = Math.max(most, ++underWay)
      for (let i = 0; i < 5; i++) await turn()
      underWay--
      return text
    }
    let taken = 0
    for await (const _item of stream(items).map(call, { concurrency: 50, ordered: false })) {
      // Slow for a while, then quick again.
      const turns = taken < 60 ? 20 : 0
      for (let i = 0; i < turns; i++) await turn()
      if (++taken === 100) most = 0
    }
    expect(most).toBeGreaterThan(30)
  })

  const mappers: Record<string, { readonly fn: (item: number) => unknown; readonly options?: object; readonly atFirst: number }> =
    {
      lanes: { fn: later, options: { concurrency: 64 }, atFirst: 80 },
      'lanes that adapt': { fn: later, atFirst: 40 },
      workers: { fn: fakeWorkers(make).fn, atFirst: 20 },
      'workers called one by one': { fn: fakeWorkers(make).fn, options: { retry: 1 }, atFirst: 20 },
    }

  test.each(Object.entries(mappers))('by mapReduce over %s when merging is slow', async (_, { fn, options, atFirst }) => {
    made.count = 0
    let [merged, first, rest] = [0, 0, 0]
    const merge = async (left: unknown): Promise<unknown> => {
      for (let i = 0; i < 20; i++) await turn()
      merged++
      if (merged < 100) first = Math.max(first, made.count - merged)
      else rest = Math.max(rest, made.count - merged)
      return left
    }
    await mapReduce(items, fn, merge, options)
    expect(first).toBeLessThanOrEqual(atFirst)
    expect(rest).toBeLessThanOrEqual(20)
  })

  test('in a message of direct calls', async () => {
    const calls = new DirectCalls(undefined, () => {})
    for (let i = 0; i < 100; i++) void calls.add([text], {})
    expect(calls.take(1_000)?.items.length).toBeLessThanOrEqual(2)
  })

  test.each(['array', 'iterable', 'async iterable'])('in a message of items that grow: %s', async (kind) => {
    const list = [...Array.from({ length: 3_000 }, () => 'small'), ...Array.from({ length: 60 }, () => text)]
    const { fn, messages } = fakeWorkers(() => 1)
    const input = { array: list, iterable: list.values(), 'async iterable': stream(list) }[kind] as string[]
    expect(await map(input, fn as never)).toHaveLength(list.length)
    // 3,000 small ones in messages of 64, then few at a time.
    expect(messages.length).toBeGreaterThan(3_000 / 64 + 20)
  })

  test('by a tee, whatever its buffer', async () => {
    let [fast, slow, ahead] = [0, 0, 0]
    const items = Array.from({ length: 40 }, () => new Uint8Array(large))
    await stream(items).tee(
      [
        (s) => s.forEach(() => void fast++),
        async (s) => {
          for await (const _ of s) {
            slow++
            ahead = Math.max(ahead, fast - slow)
            await turn()
          }
        },
      ],
      { buffer: 1_000 },
    )
    expect([fast, slow]).toEqual([40, 40])
    expect(ahead).toBeLessThanOrEqual(6)
  })
})
