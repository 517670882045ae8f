import { describe, expect, it } from 'vitest'
import { stream } from '../src/stream/index.ts'
import { Ahead } from '../src/run/ahead.ts'
import type { Batch, BulkWork, Executor, FunctionRef } from '../src/run/executor.ts'
import { functionRef } from '../src/run/executor.ts'
import { map } from '../src/run/map.ts'
import { heldBytes, Sizes, within } from '../src/run/sizes.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const large = 5_000_000

/** An executor on this thread with two slots, which takes up to 64 items at a time and answers a turn later. Notes how many items each message had. */
function fakeWorkers(fn: (item: unknown) => unknown): { readonly fn: (item: number) => unknown; readonly messages: number[] } {
  const messages: number[] = []
  const executor: Executor = {
    name: 'fake',
    slots: 2,
    call: async (_ref, args) => fn(args[0]),
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
  it('travels together in a map', async () => {
    const { fn, messages } = fakeWorkers((item) => item)
    expect(await map(each(2_000), fn)).toHaveLength(2_000)
    expect(messages.length).toBeLessThan(2_000 / 20)
  })

  it('travels together in a stream', async () => {
    const { fn, messages } = fakeWorkers((item) => item)
    expect(await stream(each(2_000)).map(fn).toArray()).toHaveLength(2_000)
    expect(messages.length).toBeLessThan(2_000 / 20)
  })

  it.each(['map', 'stream'])('does not wait for more: %s', async (kind) => {
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

  it('is offered once when the event loop turns, or when there is as much as is wanted', async () => {
    const offers: number[] = []
    const ahead: Ahead<number> = new Ahead(() => offers.push(ahead.size))
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
  it('by sizes that are noticed at once, and believed smaller slowly', () => {
    const sizes = new Sizes()
    for (let i = 0; i < 100; i++) sizes.note('x'.repeat(100))
    expect(within(heldBytes, sizes)).toBeGreaterThan(100_000)
    for (let i = 0; i < 16; i++) sizes.note(new Uint8Array(large))
    expect(within(heldBytes, sizes)).toBeLessThan(8)
    for (let i = 0; i < 100; i++) sizes.note(1)
    expect(within(heldBytes, sizes)).toBeGreaterThan(1_000)
    expect(within(heldBytes, new Sizes())).toBe(Number.POSITIVE_INFINITY)
  })

  const stages: Record<string, (source: Iterable<number>) => AsyncIterable<unknown>> = {
    'a stage of workers': (source) => stream(source).map(fakeWorkers(() => new Uint8Array(large)).fn),
    'a stage of calls': (source) =>
      stream(source).map(async () => (await turn(), new Uint8Array(large)), { concurrency: 4, buffer: 1_000 }),
    keys: (source) =>
      stream(source)
        .by((i) => i % 3)
        .map(async () => (await turn(), new Uint8Array(large)), { ordered: false, concurrency: 4 }),
  }

  it.each(Object.entries(stages))('by %s', async (name, open) => {
    let [made, taken, ahead] = [0, 0, 0]
    const source = (function* () {
      for (let i = 0; i < 60; i++) {
        yield i
        made++
      }
    })()
    for await (const item of open(source)) {
      taken++
      ahead = Math.max(ahead, item instanceof Uint8Array ? made - taken : 0)
      for (let i = 0; i < 6; i++) await turn()
    }
    expect(taken).toBe(60)
    // Keys take their items, which are small, before they call the function for them.
    expect(ahead).toBeLessThanOrEqual(name === 'keys' ? 60 : 10)
  })

  it('by a tee, whatever its buffer', async () => {
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
