import { expect, test } from 'vitest'
import { context } from '../base/frame.ts'
import { DeadlockDetected } from '../base/errors.ts'
import { limiter } from '../limits/limiter.ts'
import { guard } from '../run/guard.ts'
import { scope } from '../run/scope.ts'
import { Mutex } from '../sync/mutex.ts'
import { range } from './stream.fixture.ts'
import { stream } from './stream.ts'

/** Keeps the process busy meanwhile, so that it is the detector that speaks, not the end of the program. */
async function whileBusy<T>(body: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 50)
  try {
    return await body()
  } finally {
    clearInterval(timer)
  }
}

const one = (): ((x: number) => Promise<number>) => {
  const limit = limiter({ concurrency: 1, name: 'api' })
  const inner = guard(async (x: number) => x, { limit })
  return guard((x: number) => inner(x), { limit })
}

test.each([
  ['a function without a name', () => stream([1, 2]).map((x) => one()(x))],
  ['an asynchronous one without a name', () => stream([1, 2]).map(async (x) => await one()(x))],
  ['a stage with a policy', () => stream([1, 2]).map((x) => one()(x), { retry: 2 })],
  [
    'keys',
    () =>
      stream([1, 2])
        .by((x) => x)
        .map((x) => one()(x)),
  ],
] as const)('nested use of one limiter is found: %s', async (_, make) => {
  await whileBusy(() => expect(make().toArray()).rejects.toBeInstanceOf(DeadlockDetected))
})

test('a stage that waits for a lock of whoever awaits the stream is found', async () => {
  const orders = new Mutex({ name: 'orders' })
  const locked = (x: number): Promise<number> => orders.runExclusive(() => x)
  const awaiting = (): Promise<number[]> => orders.runExclusive(() => stream([1, 2]).map(locked).toArray())
  const reading = (): Promise<void> =>
    orders.runExclusive(async () => {
      for await (const _ of stream([1, 2]).map(locked));
    })
  const consuming = (): Promise<unknown> => orders.runExclusive(() => stream([1, 2]).tee([(s) => s.forEach(locked)]))
  for (const hang of [awaiting, reading, consuming]) {
    await whileBusy(() => expect(scope((s) => s.fork(hang))).rejects.toThrow(/holds "orders" and waits for/))
  }
})

test('a reader that will give its lock back is not accused', async () => {
  const orders = new Mutex({ name: 'orders' })
  const read: number[] = []
  await scope((s) =>
    s.fork(async () => {
      const lease = await orders.acquire()
      for await (const x of stream([1, 2, 3]).map((x) => (x < 2 ? x : orders.runExclusive(() => x)))) {
        read.push(x)
        if (x > 1) continue
        await new Promise((resolve) => setTimeout(resolve, 700))
        lease.release()
      }
    }),
  )
  expect(read).toEqual([1, 2, 3])
})

test('context() is that of the item, also after an await, and in the source', async () => {
  const seen = await stream(
    (function* () {
      for (const x of range(6)) yield { x, source: context().index }
    })(),
  )
    .map(
      async ({ x }, own) => {
        for (let turns = x % 3; turns >= 0; turns--) await undefined
        return [x, context().index, own.index, context().attempt]
      },
      { concurrency: 3 },
    )
    .toArray()
  expect(seen).toEqual(range(6).map((x) => [x, x, x, 1]))
})
