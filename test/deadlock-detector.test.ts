/**
 * Planted deadlocks must be found within a second and named; programs without a circle must never be accused, however long
 * they hold what others wait for.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { DeadlockDetected } from '../src/base/errors.ts'
import { all, guard, limiter, map, scope } from '../src/index.ts'
import { Channel, Mutex, ReadWriteLock, Semaphore } from '../src/sync/index.ts'
import { randomFrom, type Random } from './support/random.ts'
import { runs } from './support/runs.ts'

/** How late timers fired in all, which is the machine's fault and not the detector's, whose scans are several timers in a row. */
function watchStalls(): { end(): number } {
  let lateMs = 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    lateMs += Math.max(0, now - last - 20)
    last = now
  }, 20)
  return {
    end: () => {
      clearInterval(timer)
      return lateMs
    },
  }
}

interface Planted {
  /** Resolves to the message of the deadlock, and how long after the circle closed it came. */
  readonly found: Promise<{ message: string; afterMs: number }>
  /** What the message has to name. */
  readonly names: readonly string[]
}

/** Runs `program`, which calls `closed` when the last task of the circle begins to wait. */
function plant(names: readonly string[], program: (closed: () => void) => Promise<unknown>): Planted {
  let closedAt = 0
  const found = program(() => (closedAt = performance.now())).then(
    () => {
      throw new Error(`no deadlock was found among ${names.join(', ')}`)
    },
    (error: unknown) => {
      if (!(error instanceof DeadlockDetected)) throw error
      return { message: error.message, afterMs: performance.now() - closedAt }
    },
  )
  return { found, names }
}

/** Task i holds lock i and waits for lock i + 1. */
function ring(id: number, size: number, lockOf: (name: string) => { acquire(): Promise<Disposable> }): Planted {
  const locks = Array.from({ length: size }, (_, i) => ({ name: `lock-${id}-${i}`, ...wrap(lockOf(`lock-${id}-${i}`)) }))
  const tasks = locks.map((_, i) => `task-${id}-${i}`)
  let waiting = 0
  return plant([...locks.map((lock) => lock.name), ...tasks], (closed) =>
    scope(async (s) => {
      for (const [i, name] of tasks.entries()) {
        const task = async (): Promise<void> => {
          using _own = await (locks[i] as (typeof locks)[0]).acquire()
          await pause(5)
          if (++waiting === size) closed()
          using _next = await (locks[(i + 1) % size] as (typeof locks)[0]).acquire()
        }
        s.fork(task, { name })
      }
    }),
  )
}

function wrap(lock: { acquire(): Promise<Disposable> }): { acquire(): Promise<Disposable> } {
  return { acquire: () => lock.acquire() }
}

const shapes: ((id: number, random: Random) => Planted)[] = [
  (id, random) => ring(id, 2 + random.below(4), (name) => new Mutex({ name })),
  (id, random) => ring(id, 2 + random.below(2), (name) => new Semaphore(1, { name })),
  (id) =>
    ring(id, 2, (name) => {
      const lock = new ReadWriteLock({ name })
      return { acquire: () => lock.write() }
    }),
  // a lock inside itself
  (id) => {
    const mutex = new Mutex({ name: `self-${id}` })
    return plant([`self-${id}`, `outer-${id}`], (closed) =>
      scope((s) =>
        s.fork(() => mutex.runExclusive(() => (closed(), mutex.runExclusive(() => 'never'))), { name: `outer-${id}` }),
      ),
    )
  },
  // N parents hold all N slots of one limiter, and their children wait for it
  (id, random) => {
    const slots = 1 + random.below(4)
    const limit = limiter({ concurrency: slots, name: `api-${id}` })
    let parents = 0
    const child = guard(async (n: number) => n, { limit })
    const parent = guard(
      async () => {
        await pause(5)
        if (++parents === slots) closedBy()
        return await map([1, 2, 3], child)
      },
      { limit },
    )
    let closedBy = (): void => {}
    return plant([`api-${id}`], (closed) => {
      closedBy = closed
      return map(Array.from({ length: slots + random.below(3) }), () => parent(), { concurrency: 8 })
    })
  },
  // the same with a semaphore, leases taken by hand, and `all`
  (id) => {
    const slots = new Semaphore(2, { name: `slots-${id}` })
    let parents = 0
    return plant([`slots-${id}`], (closed) => {
      const parent = async (): Promise<void> => {
        using _slot = await slots.acquire()
        await pause(5)
        if (++parents === 2) closed()
        await all({ one: () => slots.run(() => 1) })
      }
      return all({ left: parent, right: parent })
    })
  },
  // a reader of one lock, a writer of another
  (id) => {
    const [a, b] = [new ReadWriteLock({ name: `a-${id}` }), new ReadWriteLock({ name: `b-${id}` })]
    return plant([`a-${id}`, `b-${id}`], (closed) =>
      scope(async (s) => {
        s.fork(() => a.runRead(async () => (await pause(5), await b.runWrite(() => {}))))
        s.fork(() => b.runRead(async () => (await pause(5), closed(), await a.runWrite(() => {}))))
      }),
    )
  },
  // one waits for room in a channel with the lock in its hand that the only receiver wants
  (id) => {
    const lock = new Mutex({ name: `lock-${id}` })
    const channel = new Channel<number>({ capacity: 1, name: `channel-${id}` })
    return plant([`lock-${id}`, `channel-${id}`, `sender-${id}`, `receiver-${id}`], (closed) =>
      scope(async (s) => {
        s.fork(
          () =>
            lock.runExclusive(async () => {
              for (let i = 0; i < 9; i++) await channel.send(i)
            }),
          { name: `sender-${id}` },
        )
        s.fork(
          async () => {
            await channel.receive()
            await pause(5)
            closed()
            await lock.runExclusive(() => channel.receive())
          },
          { name: `receiver-${id}` },
        )
      }),
    )
  },
]

describe('planted deadlocks', () => {
  // The detector looks less often where looking takes long: the figure, a second, is asked of a machine that has nothing else to do.
  const withinMs = runs(10_000, 1_000)
  test('are found soon, and named', async () => {
    const count = runs(40, 200)
    const stalls = watchStalls()
    const random = randomFrom(1)
    const found: { message: string; afterMs: number; names: readonly string[] }[] = []
    // Twenty at a time: a graph of hundreds that stand still is looked at less often, so that looking stays cheap.
    for (let first = 0; first < count; first += 20) {
      const ids = Array.from({ length: 20 }, (_, i) => first + i)
      const planted = ids.map((id) => (shapes[id % shapes.length] as (typeof shapes)[0])(id, random))
      found.push(...(await Promise.all(planted.map(async (one) => ({ ...(await one.found), names: one.names })))))
    }
    const stalledMs = stalls.end()
    expect(found).toHaveLength(count)
    for (const { message, afterMs, names } of found) {
      for (const name of names) expect(message).toContain(name)
      expect(afterMs).toBeLessThan(withinMs + stalledMs)
    }
  })

  test('are told in words', async () => {
    const [orders, stock] = [new Mutex({ name: 'orders' }), new Mutex({ name: 'stock' })]
    const both = async (first: Mutex, second: Mutex): Promise<void> => {
      using _first = await first.acquire()
      await pause(1)
      using _second = await second.acquire()
    }
    const run = all({ a: () => both(orders, stock), b: () => both(stock, orders) })
    await expect(run).rejects.toThrow(
      /task "b" holds "stock" and waits for "orders"; task "a" holds "orders" and waits for "stock"|task "a" holds "orders" and waits for "stock"; task "b" holds "stock" and waits for "orders"/,
    )
  })
})

type Program = (random: Random) => Promise<unknown>

/** How long a task holds what it has: often nothing, sometimes much longer than a deadlock takes to be found. */
function work(random: Random): Promise<void> {
  const kind = random.below(10)
  if (kind < 4) return Promise.resolve()
  return pause(kind < 8 ? random.below(5) : random.below(1_000)).then(() => {})
}

/** Takes the locks in order, one inside the other: by lease or by `runExclusive`. */
async function nest(locks: readonly Mutex[], random: Random): Promise<void> {
  const [first, ...rest] = locks
  if (!first) return void (await work(random))
  await work(random)
  if (random.below(2) === 0) return await first.runExclusive(() => nest(rest, random))
  using _lease = await first.acquire()
  await nest(rest, random)
}

const acyclic: Program[] = [
  // ordered locks
  (random) => {
    const locks = Array.from({ length: 4 }, () => new Mutex())
    return map([1, 2, 3], () =>
      nest(
        locks.filter(() => random.below(2) === 0),
        random,
      ),
    )
  },
  // a task whose own promises share a semaphore
  (random) =>
    scope(async () => {
      const slots = new Semaphore(2)
      await Promise.all(
        [1, 2, 3, 4].map(async () => {
          await work(random)
          using _slot = await slots.acquire()
          await work(random)
        }),
      )
    }),
  // a task that schedules more of its kind without waiting for them, and goes on working
  async (random) => {
    const slots = new Semaphore(2)
    const pending: Promise<unknown>[] = []
    const crawl = async (depth: number): Promise<void> =>
      await slots.run(async () => {
        if (depth < 2) pending.push(crawl(depth + 1), crawl(depth + 1))
        await work(random)
      })
    await scope(async () => {
      await crawl(0)
      while (pending.length > 0) await pending.pop()
    })
  },
  // two tasks that take two locks in opposite order, but never both at once in one flow
  (random) => {
    const [a, b] = [new Mutex(), new Mutex()]
    const one = (lock: Mutex) => async (): Promise<void> => {
      using _lease = await lock.acquire()
      await work(random)
    }
    return all([() => Promise.all([one(a)(), one(b)()]), () => Promise.all([one(b)(), one(a)()])])
  },
  // a gate: tasks wait for a lock that the body of the scope gives back later
  (random) => {
    const gate = new Mutex()
    return scope(async (s) => {
      const lease = await gate.acquire()
      s.fork(() => gate.runExclusive(() => work(random)))
      const run = map([1, 2], () => gate.runExclusive(() => {}))
      await work(random)
      lease.release()
      await run
    })
  },
  // parents and children with limiters of their own
  (random) => {
    const [outer, inner] = [limiter({ concurrency: 2 }), limiter({ concurrency: 1 })]
    const child = guard(() => work(random), { limit: inner })
    return map(
      [1, 2, 3],
      guard(() => map([1, 2], () => child()), { limit: outer }),
    )
  },
  // idle partners: each waits for a message, until somebody outside sends one
  async (random) => {
    const [a, b] = [new Channel<string>(), new Channel<string>()]
    const lock = new Mutex()
    const ended = scope(async (s) => {
      const partner = (own: Channel<string>, other: Channel<string>) => async (): Promise<void> => {
        other.trySend('hello')
        for await (const message of own) if (message === 'end') return await lock.runExclusive(() => work(random))
      }
      s.fork(partner(a, b))
      s.fork(partner(b, a))
    })
    await work(random)
    await Promise.all([a.send('end'), b.send('end')])
    return ended
  },
  // readers and writers
  (random) => {
    const lock = new ReadWriteLock()
    return map([1, 2, 3, 4], (i) => (i % 2 === 0 ? lock.runRead(() => work(random)) : lock.runWrite(() => work(random))))
  },
]

describe('programs without a circle', () => {
  test('are never accused', async () => {
    const random = randomFrom(2)
    const programs = Array.from({ length: runs(300, 10_000) }, (_, i) => acyclic[i % acyclic.length] as Program)
    const outcomes = await Promise.allSettled(programs.map((program) => program(random)))
    expect(outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome) => String(outcome.reason))).toEqual([])
  })
})
