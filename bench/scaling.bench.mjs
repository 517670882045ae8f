/** How the time of everything that holds n things grows: the exponent between n and 4 n, in processor time. test/scaling.built.test.ts counts operations. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { all, batched, circuitBreaker, graph, limiter, map, mapReduce, openJournal, scope, stream } from 'heddle'
import { budget } from 'heddle/ai'
import { Channel, Mutex, ReadWriteLock, select, Semaphore } from 'heddle/sync'
import { same } from './scaling.worker.mjs'

/** @param {number} n */
const range = (n) => Array.from({ length: n }, (_, i) => i)
/** @returns {Promise<void>} */
const turn = () => new Promise((resolve) => setImmediate(resolve))
/** @param {Promise<unknown>} promise */
const quiet = (promise) => promise.catch(() => undefined)

/**
 * By name: the first n, and what fills a structure with n and empties it again.
 * @type {Record<string, [number, (n: number) => unknown]>}
 */
const holders = {
  mutex: [
    3_000,
    (n) => {
      const lock = new Mutex()
      return Promise.all(range(n).map(() => lock.runExclusive(() => 1)))
    },
  ],
  semaphore: [
    5_000,
    async (n) => {
      const semaphore = new Semaphore(n)
      const leases = await Promise.all(range(n).map(() => semaphore.acquire()))
      const waits = range(n).map(() => semaphore.acquire())
      for (const lease of leases) lease.release()
      await Promise.all(waits)
    },
  ],
  'read-write lock': [
    3_000,
    async (n) => {
      const lock = new ReadWriteLock()
      await Promise.all([lock.runWrite(turn), ...range(n).map(() => lock.runRead(() => 1))])
    },
  ],
  'aborted waits': [
    2_000,
    async (n) => {
      const lock = new Mutex()
      await lock.acquire()
      const controllers = range(n).map(() => new AbortController())
      const waits = controllers.map(({ signal }) => quiet(lock.acquire({ signal })))
      for (const controller of controllers) controller.abort()
      await Promise.all(waits)
    },
  ],
  channel: [
    100_000,
    (n) => {
      const channel = new Channel({ capacity: n })
      for (let i = 0; i < n; i++) channel.trySend(i)
      for (let i = 0; i < n; i++) channel.tryReceive()
    },
  ],
  select: [
    2_500,
    async (n) => {
      const [a, b] = [new Channel(), new Channel()]
      const chosen = range(n).map(() => select([a.receiveCase(), b.receiveCase()]))
      await turn()
      for (let i = 0; i < n; i++) (i % 2 ? a : b).trySend(i)
      await Promise.all(chosen)
    },
  ],
  'limiter with priorities': [
    3_000,
    async (n) => {
      const shared = limiter({ concurrency: 1 })
      const first = await shared.acquire()
      const runs = range(n).map((i) => shared.run(() => 1, { priority: (i * 7_919) % n }))
      first.release()
      await Promise.all(runs)
    },
  ],
  breaker: [
    50_000,
    (n) => {
      const breaker = circuitBreaker({ consecutive: 1, reset: 0, probes: n + 1 })
      breaker.settle(breaker.enter(), 'failure')
      for (const pass of range(n).map(() => breaker.enter())) breaker.settle(pass, 'unknown')
    },
  ],
  batched: [
    5_000,
    (n) => {
      const double = batched((/** @type {number[]} */ items) => items, { size: 64, maxQueue: n })
      return Promise.all(range(n).map((i) => double(i)))
    },
  ],
  scopes: [
    2_500,
    (n) => {
      const { signal } = new AbortController()
      return Promise.all(range(n).map(() => scope(turn, { signal })))
    },
  ],
  forks: [5_000, (n) => scope((s) => Promise.all(range(n).map(() => s.fork(turn))))],
  'all of which one fails': [
    5_000,
    (n) =>
      quiet(
        all(
          Object.fromEntries(
            range(n).map((i) => [`t${i}`, () => (i ? i : turn().then(() => Promise.reject(new Error('first'))))]),
          ),
        ),
      ),
  ],
  map: [10_000, (n) => map(range(n), async (i) => i, { concurrency: n })],
  'map of an asynchronous source': [4_000, (n) => map(stream(range(n)), async (i) => i, { concurrency: n })],
  mapReduce: [
    100_000,
    (n) =>
      mapReduce(
        range(n),
        (i) => i,
        (a, b) => a + b,
      ),
  ],
  graph: [
    10_000,
    async (n) => {
      const g = graph('wide')
      await g.run(
        g.task(
          'sum',
          range(n).map((i) => g.task(`t${i}`, () => i)),
          (values) => values.length,
        ),
      )
    },
  ],
  'stage with a buffer': [
    20_000,
    (n) =>
      stream(range(n))
        .map(async (i) => i, { concurrency: n, buffer: n })
        .toArray(),
  ],
  tee: [
    50_000,
    (n) =>
      stream(range(n)).tee([(s) => s.toArray(), (s) => s.batch({ size: 100 }).map(turn, { concurrency: 1 }).toArray()], {
        buffer: n,
      }),
  ],
  'items of one key': [
    20_000,
    (n) =>
      stream(range(n))
        .by(() => 1)
        .map(async (i) => i, { buffer: n })
        .toArray(),
  ],
  'items of many keys': [
    20_000,
    (n) =>
      stream(range(n))
        .by((i) => i)
        .map(async (i) => i, { buffer: n, concurrency: n })
        .toArray(),
  ],
  merge: [
    10_000,
    (n) =>
      stream([0])
        .merge(...range(n).map(() => [1, 2]))
        .toArray(),
  ],
  flatMap: [
    10_000,
    (n) =>
      stream(range(n))
        .flatMap(() => [1, 2], { ordered: false, concurrency: n })
        .toArray(),
  ],
  iterator: [
    20_000,
    async (n) => {
      const iterator = stream(range(n))[Symbol.asyncIterator]()
      await Promise.all(range(n).map(() => iterator.next()))
      await iterator.return?.()
    },
  ],
  windows: [
    100_000,
    (n) =>
      stream(range(n))
        .window({ size: 10 })
        .batch({ size: n / 10 })
        .toArray(),
  ],
  'maps over workers': [1_000, (n) => Promise.all(range(n).map((i) => map([i], same)))],
  'aborted worker calls': [
    1_000,
    async (n) => {
      const controllers = range(n).map(() => new AbortController())
      const calls = controllers.map(({ signal }, i) => quiet(map([i], same, { signal, retry: 1 })))
      await Promise.resolve()
      for (const controller of controllers) controller.abort()
      await Promise.all(calls)
    },
  ],
  budget: [
    20_000,
    async (n) => {
      const shared = budget({ tokens: 1e9 })
      const first = await shared.reserve({ usd: 0, tokens: 1e9, calls: 1 })
      const waits = range(n).map(() => shared.reserve({ usd: 0, tokens: 1, calls: 1 }))
      first.settle({ usd: 0, tokens: 1, calls: 1 })
      await Promise.all(waits)
    },
  ],
  journal: [
    5_000,
    async (n) => {
      const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-'))
      const path = join(folder, 'run.jsonl')
      await map(range(n), (i) => i, { checkpoint: { path, durability: 'flush', program: 'x' }, concurrency: 256 })
      await (await openJournal(path, { program: 'x' })).close()
      rmSync(folder, { recursive: true })
    },
  ],
}

/** The least processor time of two runs, in milliseconds. @param {(n: number) => unknown} fill @param {number} n */
async function cpuMs(fill, n) {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < 2; run++) {
    const before = process.cpuUsage()
    await fill(n)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1e3)
  }
  return least
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'exponent of the processor time between n and 4 n, for everything that holds n things',
  unit: 'exponent',
  rounds: 1,
  warmups: 0,
  reference: 'map',
  contenders: Object.fromEntries(
    Object.entries(holders).map(([name, [n, fill]]) => [
      name,
      () => ({
        async measure() {
          // At the larger n, so that the heap has grown before the smaller one is timed.
          await fill(4 * n)
          const [small, large] = [await cpuMs(fill, n), await cpuMs(fill, 4 * n)]
          return { figure: Math.log(large / small) / Math.log(4), 'ms at n': small, 'ms at 4 n': large }
        },
      }),
    ]),
  ),
  targets: (results) =>
    Object.keys(holders).map((name) => ({ what: `exponent of ${name}`, got: results.median(name), atMost: 1.2 })),
}
