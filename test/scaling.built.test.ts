/** Nothing that holds n things takes time that grows with the square of n. Operations are counted; `npm run bench -- scaling` measures time. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SimulatedClock } from '../src/base/clock.ts'
import { findCircles } from '../src/base/deadlock.ts'
import { type Frame, rootFrame } from '../src/base/frame.ts'
import { Heap } from '../src/base/heap.ts'
import { openFrame, Wait, Waitable } from '../src/base/wait-graph.ts'
import { Cancellation } from '../src/base/abort.ts'
import { openJournal } from '../src/checkpoint/index.ts'
import { circuitBreaker } from '../src/limits/breaker.ts'
import { limiter } from '../src/limits/limiter.ts'
import { batched } from '../src/patterns/batched.ts'
import { BatchQueue } from '../src/patterns/batch-queue.ts'
import { all } from '../src/run/all.ts'
import { graph } from '../src/run/graph.ts'
import { map } from '../src/run/map.ts'
import { mapReduce } from '../src/run/map-reduce.ts'
import { scope } from '../src/run/scope.ts'
import { stream } from '../src/stream/index.ts'
import { Barrier, Channel, Latch, Mutex, ReadWriteLock, select, Semaphore } from '../src/sync/index.ts'
import { budget } from '../src/ai/pool/budget.ts'
import { plain } from './fixtures/plain.ts'
import { exponentOf } from './support/operations.ts'
import { turn } from './support/turn.ts'

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const quiet = (promise: Promise<unknown>): Promise<unknown> => promise.catch(() => undefined)

/** Everything that can hold n things, filled with n of them and emptied. */
const holders: Record<string, (n: number) => unknown> = {
  'a mutex with n waiters': async (n) => {
    const mutex = new Mutex()
    await Promise.all(range(n).map(() => mutex.runExclusive(() => undefined)))
  },
  'a semaphore with n leases and n waiters': async (n) => {
    const semaphore = new Semaphore(n)
    const leases = await Promise.all(range(n).map(() => semaphore.acquire()))
    const waiting = Promise.all(range(n).map(() => semaphore.acquire()))
    for (const lease of leases) lease.release()
    await waiting
  },
  'a read-write lock with n readers behind a writer': async (n) => {
    const lock = new ReadWriteLock()
    const writing = lock.runWrite(turn)
    await Promise.all(range(n).map(() => lock.runRead(() => undefined)))
    await writing
  },
  'n waits that are aborted, the oldest first': async (n) => {
    const mutex = new Mutex()
    await mutex.acquire()
    const controllers = range(n).map(() => new AbortController())
    const waits = controllers.map(({ signal }) => quiet(mutex.acquire({ signal })))
    for (const controller of controllers) controller.abort()
    await Promise.all(waits)
  },
  'a channel with n items': async (n) => {
    const channel = new Channel<number>({ capacity: n })
    for (let i = 0; i < n; i++) channel.trySend(i)
    for (let i = 0; i < n; i++) channel.tryReceive()
    await turn()
  },
  'a channel with n receivers': async (n) => {
    const channel = new Channel<number>()
    const received = range(n).map(() => channel.receive())
    for (let i = 0; i < n; i++) channel.trySend(i)
    await Promise.all(received)
  },
  'n selects over two channels': async (n) => {
    const [a, b] = [new Channel<number>(), new Channel<number>()]
    const chosen = range(n).map(() => select([a.receiveCase(), b.receiveCase()]))
    await turn()
    for (let i = 0; i < n; i++) (i % 2 ? a : b).trySend(i)
    await Promise.all(chosen)
  },
  'a barrier and a latch of n': async (n) => {
    const [barrier, latch] = [new Barrier(n), new Latch(n)]
    const waits = range(n).flatMap(() => [barrier.wait(), latch.wait()])
    for (let i = 0; i < n; i++) latch.countDown()
    await Promise.all(waits)
  },
  'a limiter with n waiters of n priorities': async (n) => {
    const shared = limiter({ concurrency: 1 })
    const first = await shared.acquire()
    const runs = range(n).map((i) => shared.run(() => undefined, { priority: (i * 7_919) % n }))
    first.release()
    await Promise.all(runs)
  },
  'a limiter whose n waiters are aborted': async (n) => {
    const shared = limiter({ concurrency: 1 })
    await shared.acquire()
    const controllers = range(n).map(() => new AbortController())
    const waits = controllers.map(({ signal }) => quiet(shared.acquire({ signal })))
    for (const controller of controllers) controller.abort()
    await Promise.all(waits)
  },
  'a breaker with n probes': (n) => {
    const breaker = circuitBreaker({ consecutive: 1, reset: 0, probes: n + 1 })
    breaker.settle(breaker.enter(), 'failure')
    const passes = range(n).map(() => breaker.enter())
    for (const pass of passes) breaker.settle(pass, 'unknown')
  },
  'a line in front of a batched function': (n) => {
    const queue = new BatchQueue(10, 5)
    for (let i = 0; i < n; i++) queue.add({ cost: 1, at: i })
    for (let i = 0; i < n; i += 10) {
      queue.dueInMs(i)
      queue.take()
    }
  },
  'batched with n calls': async (n) => {
    const double = batched((items: number[]) => items.map((item) => 2 * item), { size: 8, maxQueue: n })
    await Promise.all(range(n).map((i) => double(i)))
  },
  'a heap': (n) => {
    const heap = new Heap<number>((a, b) => a < b)
    for (let i = 0; i < n; i++) heap.push((i * 7_919) % n)
    while (heap.size > 0) heap.pop()
  },
  'a simulated clock with n timers': (n) => {
    const clock = new SimulatedClock()
    const timers = range(n).map((i) => clock.schedule((i * 7_919) % n, () => {}))
    for (const timer of timers.filter((_, i) => i % 2)) clock.cancel(timer)
    while (clock.step());
  },
  'n scopes under one signal': async (n) => {
    const { signal } = new AbortController()
    await Promise.all(range(n).map(() => scope(turn, { signal })))
  },
  'a scope with n tasks and n finalizers': (n) =>
    scope(async (s) => {
      for (let i = 0; i < n; i++) s.defer(() => {})
      await Promise.all(range(n).map(() => s.fork(turn)))
    }),
  'all of n': (n) => all(range(n).map((i) => () => i)),
  'all of n that settle': (n) => all(Object.fromEntries(range(n).map((i) => [`t${i}`, () => i])), { onFailure: 'settle' }),
  'all of n of which the last fails': (n) =>
    quiet(
      all(
        Object.fromEntries(
          range(n).map((i) => [`t${i}`, (): unknown => (i === n - 1 ? turn().then(() => Promise.reject(new Error('last'))) : i)]),
        ),
      ),
    ),
  'map with n under way': (n) => map(range(n), turn, { concurrency: n }),
  'map of an asynchronous source with n under way': (n) => map(stream(range(n)), turn, { concurrency: n }),
  'map of n that settle': (n) => map(range(n), (i) => (i % 2 ? Promise.reject(new Error('odd')) : i), { onFailure: 'settle' }),
  'mapReduce of n': (n) =>
    mapReduce(
      range(n),
      (i) => i,
      async (a, b) => a + b,
      { concurrency: 64 },
    ),
  'n maps over a worker function at once': (n) => Promise.all(range(n).map((i) => map([i], plain.double))),
  'a budget with n waiters, of which every other gives up': async (n) => {
    const shared = budget({ tokens: n })
    const first = await shared.reserve({ usd: 0, tokens: n, calls: 1 })
    const controllers = range(n).map(() => new AbortController())
    const waits = controllers.map(({ signal }) => quiet(Promise.resolve(shared.reserve({ usd: 0, tokens: 1, calls: 1 }, signal))))
    for (const controller of controllers.filter((_, i) => i % 2)) controller.abort()
    first.settle({ usd: 0, tokens: 0, calls: 1 })
    await Promise.all(waits)
  },
  'a graph of n tasks': async (n) => {
    const g = graph('wide')
    const tasks = range(n).map((i) => g.task(`t${i}`, () => i))
    const sum = g.task('sum', tasks, (values) => values.length)
    g.plan()
    await g.run(sum)
  },
  'a stage with a buffer of n': (n) =>
    stream(range(n))
      .map(async (i) => i, { concurrency: n, buffer: n })
      .toArray(),
  'a stage whose first item is the last': (n) =>
    stream(range(n))
      .map((i) => (i === 0 ? turn() : Promise.resolve()), { concurrency: n })
      .toArray(),
  'a tee with a buffer of n': (n) =>
    stream(range(n)).tee([(s) => s.toArray(), (s) => s.batch({ size: 10 }).map(turn, { concurrency: 1 }).toArray()], {
      buffer: n,
    }),
  'keys with n items of one': (n) =>
    stream(range(n))
      .by(() => 1)
      .map(async (i) => i, { buffer: n })
      .toArray(),
  'keys with n keys': (n) =>
    stream(range(n))
      .by((i) => i)
      .map(async (i) => i, { buffer: n, concurrency: n })
      .toArray(),
  'n streams merged': (n) =>
    stream(range(1))
      .merge(...range(n).map(() => [1, 2]))
      .toArray(),
  'n streams flattened at once': (n) =>
    stream(range(n))
      .flatMap(() => [1, 2], { ordered: false, concurrency: n })
      .toArray(),
  'n requests to an iterator': async (n) => {
    const iterator = stream(range(n))[Symbol.asyncIterator]()
    await Promise.all(range(n).map(() => iterator.next()))
    await iterator.return?.()
  },
  'windows without overlap, and batches of batches': (n) =>
    stream(range(n))
      .window({ size: 10 })
      .batch({ size: Math.ceil(n / 10) })
      .toArray(),
  'a deadlock detector that looks at a chain of n locks, and at n waiters of one': (n) => {
    const locks = range(n).map((i) => new Held(`l${i}`))
    const frames = locks.map((lock) => frameOf(lock))
    const waits = [
      ...frames.slice(1).map((frame, i) => new Wait<void>(locks[i] as Held, frame)),
      new Wait<void>(locks[0] as Held, frames[0]),
    ]
    for (let i = 0; i < n; i++) waits.push(new Wait<void>(locks[0] as Held, frameOf()))
    expect(findCircles(locks, { counts: () => true, showsAwaits: true })).toHaveLength(1)
    for (const wait of waits) wait.abandon()
  },
}

class Held extends Waitable {
  readonly exclusive = true
  readonly #name: string
  readonly held: { frame: Frame; inside: boolean }[] = []

  constructor(name: string) {
    super()
    this.#name = name
  }

  label(): string {
    return this.#name
  }

  holds(): Iterable<{ frame: Frame; inside: boolean }> {
    return this.held
  }

  passable(live: (hold: { frame: Frame; inside: boolean }) => boolean): boolean {
    return this.held.some(live)
  }

  withdraw(): void {}
}

function frameOf(holds?: Held): Frame {
  const frame: Frame = { ...rootFrame, parent: rootFrame, run: 1, cancellation: new Cancellation(), children: 0, waits: 0 }
  openFrame(frame)
  holds?.held.push({ frame, inside: true })
  return frame
}

test.each(Object.entries(holders))('%s', { timeout: 60_000 }, async (_name, fill) => {
  expect(await exponentOf(fill)).toBeLessThanOrEqual(1.2)
})

test('a journal with n records', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-'))
  try {
    const exponent = await exponentOf(async (n) => {
      const path = join(folder, `${n}-${Math.random()}.jsonl`)
      await map(range(n), (i) => i, { checkpoint: { path, durability: 'flush', program: 'x' }, concurrency: 64 })
      await (await openJournal(path, { program: 'x' })).close()
    })
    expect(exponent).toBeLessThanOrEqual(1.2)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('counting sees a queue in an array, and a set that is taken from the front', async () => {
  const shifting = (n: number): void => {
    const queue = range(n)
    while (queue.length > 0) queue.shift()
  }
  const front = (n: number): void => {
    const set = new Set(range(n))
    while (set.size > 0) for (const first of set) if (set.delete(first)) break
  }
  expect(await exponentOf(shifting)).toBeGreaterThan(1.9)
  expect(await exponentOf(front)).toBeGreaterThan(1.9)
})
