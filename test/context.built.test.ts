/**
 * AsyncLocalStorage of a program: every function, stage, callback and source of heddle sees the stores of whoever made the call, never those of
 * another request that happened to wake it, nor none. Two callers at once, interleaved by a seed; `HEDDLE_SEEDS` says how many pairs.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import {
  all,
  balance,
  batched,
  context,
  graph,
  guard,
  hedge,
  limiter,
  map,
  mapReduce,
  retryBudget,
  scatter,
  scope,
  stream,
} from 'heddle'
import { Channel, Mutex, Semaphore } from 'heddle/sync'
import { plain } from './fixtures/plain.ts'
import { type Random, randomFrom } from './support/random.ts'

const pairs = Number(process.env.HEDDLE_SEEDS ?? 1_000)

const users = new AsyncLocalStorage<string>()

/** One request: knows who it is, and notes where it saw somebody else. */
class Request {
  readonly foreign: string[] = []
  readonly who: string
  readonly random: Random

  constructor(who: string, random: Random) {
    this.who = who
    this.random = random
  }

  see(where: string): void {
    const seen = users.getStore()
    if (seen !== this.who) this.foreign.push(`${where}: ${seen} instead of ${this.who}`)
  }

  /** Goes on after a moment that the seed chooses. */
  async pause(): Promise<void> {
    switch (this.random.below(4)) {
      case 0:
        return undefined
      case 1:
        return new Promise((resolve) => setImmediate(resolve))
      case 2:
        return new Promise((resolve) => queueMicrotask(resolve))
      default:
        return new Promise((resolve) => setTimeout(resolve, 0))
    }
  }

  /** A function that looks before and after a pause. */
  at<T, U>(where: string, fn: (value: T) => U): (value: T) => Promise<U> {
    return async (value) => {
      this.see(where)
      await this.pause()
      this.see(`${where}, later`)
      return fn(value)
    }
  }

  /** The same, without a pause. */
  now<T, U>(where: string, fn: (value: T) => U): (value: T) => U {
    return (value) => {
      this.see(where)
      return fn(value)
    }
  }

  async *later(where: string, count = 5): AsyncGenerator<number> {
    try {
      for (let n = 0; n < count; n++) {
        this.see(where)
        await this.pause()
        yield n
      }
    } finally {
      this.see(`${where}, closed`)
    }
  }

  *numbers(where: string, count = 5): Generator<number> {
    try {
      for (let n = 0; n < count; n++) {
        this.see(where)
        yield n
      }
    } finally {
      this.see(`${where}, closed`)
    }
  }
}

const same = <T>(value: T): T => value
const add = (a: number, b: number): number => a + b

// Shared by all requests, as in a server.
const shared = limiter({ concurrency: 2 })
const metered = limiter({ concurrency: 'auto', rate: 100_000, per: '1s', burst: 1_000 })
const budget = retryBudget({ ratio: Number.POSITIVE_INFINITY })
const mutex = new Mutex()
const semaphore = new Semaphore(2)
const nobody: string[] = []
const many = batched(
  async (items: number[]) => {
    if (users.getStore() !== undefined) nobody.push(`batched: ${users.getStore()}`)
    await new Promise((resolve) => setImmediate(resolve))
    return items
  },
  { size: 3 },
)

type Program = (request: Request) => Promise<unknown>

const programs: Readonly<Record<string, Program>> = {
  map: (r) => map(r.numbers('source'), r.at('map', same), { concurrency: 2 }),
  'map of an async source': (r) => map(r.later('source'), r.at('map', same), { concurrency: 2 }),
  'map, stopped': (r) =>
    map(
      r.later('source', 50),
      r.at('map', (n) => {
        if (n === 3) throw new Error('stop')
      }),
      { concurrency: 2 },
    ).catch(() => r.see('failed')),
  'map with policies': (r) => {
    let failures = 0
    return map(
      r.numbers('source'),
      r.at('map', (n) => {
        if (n === 2 && failures++ < 2) throw new Error('again')
        return n
      }),
      {
        concurrency: 2,
        limit: [shared, metered],
        timeout: '5s',
        retry: { retries: 3, base: 0, budget, retryIf: r.now('retryIf', () => true) },
        breaker: { consecutive: 50, failIf: r.now('failIf', () => true) },
      },
    )
  },
  'map on workers': (r) => map(r.numbers('source', 20), plain.double as (n: number) => Promise<number>),
  'map of an async source on workers': (r) => map(r.later('source', 5), plain.double as (n: number) => Promise<number>),
  'mapReduce on workers': (r) =>
    mapReduce(r.numbers('source', 20), plain.double as (n: number) => Promise<number>, (a, b) => {
      r.see('merge')
      return a + b
    }),
  mapReduce: (r) => mapReduce([1, 2, 3, 4, 5], r.at('map', same), (a, b) => r.at('merge', () => a + b)(0)),
  all: (r) => all({ a: r.at('all a', same), b: r.at('all b', same) }),
  scope: (r) =>
    scope(async (s) => {
      s.defer(() => r.see('finalizer'))
      const task = s.fork(r.at('fork', same))
      await r.pause()
      s.fork(r.at('fork 2', same))
      await task
      r.see('body')
    }),
  'a signal': (r) =>
    scope(async (s) => {
      const task = s.fork(({ signal }) => {
        return new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            r.see('listener')
            resolve()
          })
        })
      })
      await r.pause()
      s.cancel()
      await task
    }).catch(() => r.see('cancelled')),
  graph: (r) => {
    const g = graph('g')
    const a = g.task('a', r.at('a', same))
    const b = g.task('b', r.at('b', same))
    const c = g.task('c', { a, b }, () => r.at('c', same)(0))
    return g.run(c, { concurrency: 2 })
  },
  guard: (r) => guard(r.at('guard', same), { timeout: '5s', limit: shared, deadline: '10s' })(1),
  'guard, again': (r) => {
    let tries = 0
    return guard(
      r.at('guard', () => {
        if (tries++ < 2) throw new Error('again')
      }),
      { retry: { retries: 2, base: 1 } },
    )(1)
  },
  'a limiter': (r) =>
    shared.run(async () => {
      r.see('limiter')
      await r.pause()
      r.see('limiter, later')
    }),
  hedge: (r) =>
    hedge((n: number) => new Promise((resolve) => (r.see('hedge'), setTimeout(() => resolve(n), 3))), { after: 1, extra: 1 })(1),
  balance: (r) => balance([r.at('replica 0', same<number>), r.at('replica 1', same<number>)])(1),
  scatter: (r) => scatter([1, 2, 3], r.at('scatter', same), { enough: 2, within: '5s' }),
  batched: async (r) => {
    await map([1, 2, 3, 4], async (n) => {
      r.see('before batched')
      await many(n)
      r.see('after batched')
    })
  },
  locks: async (r) => {
    await mutex.runExclusive(r.at('mutex', same) as () => Promise<unknown>)
    const lease = await semaphore.acquire()
    r.see('semaphore')
    await r.pause()
    lease.release()
    const channel = new Channel<number>({ capacity: 1 })
    await all([
      async () => {
        for (let n = 0; n < 3; n++) await channel.send(n)
        r.see('sent')
        channel.close()
      },
      async () => {
        for await (const _ of channel) r.see('received')
      },
    ])
  },
  stream: (r) =>
    stream(r.later('source'))
      .map(r.at('map', same), { concurrency: 2 })
      .filter(r.now('filter', () => true))
      .flatMap(() => r.later('inner', 2))
      .batch({ size: 2, within: 1, cost: r.now('cost', () => 1) })
      .forEach(r.at('forEach', same)),
  'a stream of functions that answer at once': (r) =>
    stream(r.numbers('source', 10))
      .map(r.now('map', same))
      .filter(r.now('filter', Boolean))
      .reduce((a, n) => (r.see('reduce'), add(a, n)), 0),
  'a stream of workers': (r) =>
    stream(r.numbers('source'))
      .map(plain.double as (n: number) => Promise<number>)
      .map(r.now('after workers', same))
      .map(r.at('after workers 2', same))
      .filter(r.now('filter', () => true))
      .toArray(),
  'a stream of workers, grouped': (r) =>
    stream(r.later('source'))
      .map(plain.doubleLater as (n: number) => Promise<number>)
      .by(r.now('key', (n: number) => n % 2))
      .map(r.at('by', same))
      .toArray(),
  'a stream, grouped and reduced': (r) =>
    stream(r.numbers('source'))
      .by(r.now('key', (n: number) => n % 2))
      .reduce(
        (a: number, n) => (r.see('reduce'), add(a, n)),
        r.now('initial', () => 0),
      ),
  windows: (r) => stream(r.later('source')).window({ every: 1 }).map(r.at('window', same)).toArray(),
  tee: (r) =>
    stream(r.later('source'))
      .map(r.now('above', same))
      .by(r.now('key', same))
      .map(r.at('above, by', same))
      .tee({
        a: (s) => users.run('somebody else', () => s.map((n) => n).toArray()),
        b: (s) => s.map(r.at('branch', same)).toArray(),
      }),
  merge: (r) =>
    stream(r.later('one'))
      .merge(r.later('two'), stream(r.numbers('three')).map(r.at('three, mapped', same)))
      .toArray(),
  'for await': async (r) => {
    for await (const n of stream(r.later('source')).map(r.at('map', same))) {
      r.see('loop')
      if (n === 2) break
    }
  },
  'a stream of node': async (r) => {
    const source = new Readable({ objectMode: true, read: () => {} })
    const feed = async (): Promise<void> => {
      for (let n = 0; n < 5; n++) {
        await r.pause()
        source.push(n)
      }
      source.push(null)
    }
    // What fills it runs elsewhere, as sockets do.
    users.run('the socket', () => void feed())
    await stream(source).map(r.now('map', same)).map(r.at('map 2', same)).toArray()
  },
  'read elsewhere': async (r) => {
    const readable = stream(r.later('source')).map(r.now('map', same)).map(r.at('map 2', same)).toNode()
    await users.run('the socket', () => readable.toArray())
    const web = stream(r.later('source')).map(r.at('map', same)).toWeb()
    await users.run('the socket', async () => {
      for await (const _ of web);
    })
  },
  'stopped elsewhere': async (r) => {
    const stop = new AbortController()
    const work = stream(r.later('source', 1_000), { signal: stop.signal }).map(r.at('map', same)).toArray()
    const mapped = map(r.later('source of map', 1_000), r.at('map 2', same), { signal: stop.signal })
    setTimeout(() => users.run('the operator', () => stop.abort()), 2)
    await Promise.allSettled([work, mapped])
    r.see('stopped')
  },
}

async function request(program: Program, who: string, random: Random): Promise<string[]> {
  const one = new Request(who, random)
  await users.run(who, async () => {
    await program(one)
    one.see('after')
    expect(context().index).toBe(0)
  })
  return one.foreign
}

test('two callers at once see their own stores only', { timeout: 300_000 }, async () => {
  const names = Object.keys(programs)
  const wrong = new Map<string, number>()
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  const pair = async (seed: number): Promise<void> => {
    const random = randomFrom(seed)
    const chosen = [names[seed % names.length] as string, random.pick(names)]
    const seen = await Promise.all(
      chosen.map((name, i) => request(programs[name] as Program, `${seed}.${i}`, randomFrom(seed * 2 + i))),
    )
    for (const [i, list] of seen.entries()) {
      for (const line of list) {
        const kind = `${chosen[i]}: ${line.replaceAll(/\d+\.\d/g, 'a user')}`
        wrong.set(kind, (wrong.get(kind) ?? 0) + 1)
      }
    }
  }
  // Eight pairs share the thread, the workers and the limiters at any time.
  let seed = 0
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (seed < pairs) await pair(seed++)
    }),
  )
  process.off('unhandledRejection', onUnhandled)
  expect([...wrong]).toEqual([])
  expect(nobody).toEqual([])
  expect(unhandled).toEqual([])
})

test('a stream over the body of a request keeps what its handler has', async () => {
  const lost: string[] = []
  const server = createServer((message: IncomingMessage, response) => {
    const user = message.url as string
    users.run(user, () => {
      const check = <T>(value: T): T => {
        if (users.getStore() !== user) lost.push(`${users.getStore()} instead of ${user}`)
        return value
      }
      stream<Buffer>(message)
        .map(check)
        .map((chunk) => plain.sizeOf(new Uint8Array(chunk).buffer))
        .map(check)
        .toArray()
        .then((sizes) => response.end(String(sizes.reduce(add, 0))))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const body = 'x'.repeat(300_000)
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => (await fetch(`http://127.0.0.1:${port}/${i}`, { method: 'POST', body })).text()),
  )
  server.close()
  server.closeAllConnections()
  expect(answers).toEqual(Array.from({ length: 20 }, () => '300000'))
  expect(lost).toEqual([])
})
