/** How the time of everything that holds n things grows: the exponent between n and 4 n, in processor time. test/scaling.test.ts counts operations. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { all, batched, circuitBreaker, graph, limiter, map, mapReduce, openJournal, scope, stream } from 'heddle'
import { Channel, Mutex, ReadWriteLock, select, Semaphore } from 'heddle/sync'

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
    20_000,
    (n) => {
      const lock = new Mutex()
      return Promise.all(range(n).map(() => lock.runExclusive(() => 1)))
    },
  ],
  semaphore: [
    20_000,
    async (n) => {
      const semaphore = new Semaphore(n)
      const leases = await Promise.all(range(n).map(() => semaphore.acquire()))
      const waits = range(n).map(() => semaphore.acquire())
      for (const lease of leases) lease.release()
      await Promise.all(waits)
    },
  ],
  'read-write lock': [
    20_000,
    async (n) => {
      const lock = new ReadWriteLock()
      await Promise.all([lock.runWrite(turn), ...range(n).map(() => lock.runRead(() => 1))])
    },
  ],
  'aborted waits': [
    10_000,
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
    200_000,
    (n) => {
      const channel = new Channel({ capacity: n })
      for (let i = 0; i < n; i++) channel.trySend(i)
      for (let i = 0; i < n; i++) channel.tryReceive()
    },
  ],
  select: [
    10_000,
    async (n) => {
      const [a, b] = [new Channel(), new Channel()]
      const chosen = range(n).map(() => select([a.receiveCase(), b.receiveCase()]))
      await turn()
      for (let i = 0; i < n; i++) (i % 2 ? a : b).trySend(i)
      await Promise.all(chosen)
    },
  ],
  'limiter, n priorities': [
    10_000,
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
    20_000,
    (n) => {
      const double = batched((/** @type {number[]} */ items) => items, { size: 64, maxQueue: n })
      return Promise.all(range(n).map((i) => double(i)))
    },
  ],
  scopes: [
    10_000,
    (n) => {
      const { signal } = new AbortController()
      return Promise.all(range(n).map(() => scope(turn, { signal })))
    },
  ],
  forks: [10_000, (n) => scope((s) => Promise.all(range(n).map(() => s.fork(turn))))],
  'all, one fails': [
    20_000,
    (n) =>
      quiet(
        all(
          Object.fromEntries(
            range(n).map((i) => [`t${i}`, () => (i ? i : turn().then(() => Promise.reject(new Error('first'))))]),
          ),
        ),
      ),
  ],
  map: [50_000, (n) => map(range(n), async (i) => i, { concurrency: n })],
  'map, asynchronous source': [20_000, (n) => map(stream(range(n)), async (i) => i, { concurrency: n })],
  mapReduce: [
    50_000,
    (n) =>
      mapReduce(
        range(n),
        (i) => i,
        (a, b) => a + b,
      ),
  ],
  graph: [
    20_000,
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
    50_000,
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
  'keys, one': [
    20_000,
    (n) =>
      stream(range(n))
        .by(() => 1)
        .map(async (i) => i, { buffer: n })
        .toArray(),
  ],
  'keys, n': [
    20_000,
    (n) =>
      stream(range(n))
        .by((i) => i)
        .map(async (i) => i, { buffer: n, concurrency: n })
        .toArray(),
  ],
  merge: [
    5_000,
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
  journal: [
    20_000,
    async (n) => {
      const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-'))
      const path = join(folder, 'run.jsonl')
      await map(range(n), (i) => i, { checkpoint: { path, durability: 'flush', program: 'x' }, concurrency: 256 })
      await (await openJournal(path, { program: 'x' })).close()
      rmSync(folder, { recursive: true })
    },
  ],
}

/** The least processor time of three runs, in milliseconds. @param {(n: number) => unknown} fill @param {number} n */
async function cpuMs(fill, n) {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < 3; run++) {
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
          await fill(n)
          const [small, large] = [await cpuMs(fill, n), await cpuMs(fill, 4 * n)]
          return { figure: Math.log(large / small) / Math.log(4), 'ms at n': small, 'ms at 4 n': large }
        },
      }),
    ]),
  ),
  targets: (results) =>
    Object.keys(holders).map((name) => ({ what: `exponent of ${name}`, got: results.median(name), atMost: 1.2 })),
}
