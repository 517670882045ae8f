/** A test framework that has replaced the timers stops nothing of heddle; fake-timers.matrix.test.ts asks the frameworks themselves. */
import { expect, test, vi } from 'vitest'
import { all, batched, graph, guard, hedge, limiter, map, mapReduce, scatter, scope, stream } from '../src/index.ts'
import { Channel, Mutex } from '../src/sync/index.ts'
import { plain } from './fixtures/plain.ts'

test('fake timers stop nothing', { timeout: 20_000 }, async () => {
  const real = setTimeout
  // The module loader of the test runner needs timers; fake-timers.matrix.test.ts starts cold.
  await plain.double(1)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'queueMicrotask', 'performance', 'Date'] }) // prettier-ignore
  try {
    const shared = limiter({ concurrency: 1, rate: 1_000, per: '1s' })
    let failures = 0
    const g = graph('g')
    const pending = new Set<string>()
    const named = <R extends Record<string, () => unknown>>(tasks: R): R =>
      Object.fromEntries(
        Object.entries(tasks).map(([name, run]) => [
          name,
          async () => {
            pending.add(name)
            const value = await run()
            pending.delete(name)
            return value
          },
        ]),
      ) as unknown as R
    const results = await Promise.race([
      all(
        named({
          map: () => map([1, 2, 3], async (n) => n, { limit: shared }),
          workers: () => map(Array.from({ length: 3_000 }, (_, n) => n), plain.doubleLater).then((list) => list.length), // prettier-ignore
          call: () => plain.double(2),
          mapReduce: () => mapReduce([1, 2, 3], (n) => n, (a, b) => a + b), // prettier-ignore
          stream: () => stream([1, 2, 3]).map(plain.double).map(async (n) => n).batch({ size: 3, within: '5s' }).toArray(), // prettier-ignore
          tee: () => stream([1, 2, 3]).tee({ a: (s) => s.toArray(), b: (s) => s.reduce((x, y) => x + y, 0) }),
          retry: () => guard(() => { if (failures++ < 1) throw new Error('x'); return 1 }, { retry: { retries: 1, base: 1 }, timeout: '5s' })(), // prettier-ignore
          timeout: () => guard(() => new Promise(() => {}), { timeout: 5, grace: 5 })().catch((error: Error) => error.name),
          hedge: () => hedge(async () => 1, { after: 1, extra: 1 })(),
          batched: () => batched(async (list: number[]) => list, { within: 2 })(1),
          scatter: () =>
            scatter([1, 2], (n) => (n === 1 ? 1 : new Promise(() => {})), { within: 5 }).then(({ values }) => values),
          graph: () => g.run(g.task('a', async () => 1)),
          scope: () => scope(async (s) => await s.fork(async () => 1)),
          deadline: () => scope(() => new Promise(() => {}), { deadline: 5, grace: 5 }).catch((error: Error) => error.name),
          locks: async () => {
            const mutex = new Mutex()
            const channel = new Channel<number>()
            const sent = channel.send(1)
            return [await mutex.runExclusive(async () => 1), await channel.receive(), await sent]
          },
          manyTurns: () => map(Array.from({ length: 200_000 }, (_, n) => n), (n) => n).then((list) => list.length), // prettier-ignore
        }),
      ),
      new Promise((_, reject) => real(() => reject(new Error(`stopped by fake timers: ${[...pending].join(', ')}`)), 10_000)),
    ])
    expect(results).toEqual({
      map: [1, 2, 3],
      workers: 3_000,
      call: 4,
      mapReduce: 6,
      stream: [[2, 4, 6]],
      tee: { a: [1, 2, 3], b: 6 },
      retry: 1,
      timeout: 'TimedOut',
      hedge: 1,
      batched: 1,
      scatter: [1],
      graph: 1,
      scope: 1,
      deadline: 'TimedOut',
      locks: [1, 1, undefined],
      manyTurns: 200_000,
    })
  } finally {
    vi.useRealTimers()
  }
})
