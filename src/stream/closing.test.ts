/** Every kind of source, on every way to end: closed once, and before whoever ended it goes on. */
import { PassThrough, Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { expect, test } from 'vitest'
import { Cancelled, TimedOut } from '../base/errors.ts'
import { context } from '../base/frame.ts'
import { Planted } from './operators.fixture.ts'
import { range } from './stream.fixture.ts'
import { type Stream, stream } from './stream.ts'

interface Kind {
  readonly make: (seen: Seen) => Iterable<number> | AsyncIterable<number>
}

/** What a source tells about itself. */
interface Seen {
  /** Generators that were never asked for an item have nothing to close. */
  opened: number
  closed: number
}

const kinds: Readonly<Record<string, Kind['make']>> = {
  *generator(seen) {
    seen.opened++
    try {
      for (let i = 0; ; i++) yield i
    } finally {
      seen.closed++
    }
  },
  async *'async generator'(seen) {
    seen.opened++
    try {
      for (let i = 0; ; i++) {
        if (i % 2 === 1) await undefined
        yield i
      }
    } finally {
      await undefined
      seen.closed++
    }
  },
  'iterator of its own': (seen) => {
    let i = 0
    seen.opened++
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false as const, value: i++ }),
        return: () => {
          seen.closed++
          return Promise.resolve({ done: true as const, value: undefined })
        },
      }),
    }
  },
  'readable of Node': (seen) => {
    let i = 0
    seen.opened++
    return new Readable({
      objectMode: true,
      highWaterMark: 2,
      read() {
        this.push(i++)
      },
      destroy(_error, done) {
        seen.closed++
        done(null)
      },
    })
  },
  'readable of the web': (seen) => {
    let i = 0
    seen.opened++
    return new ReadableStream<number>(
      {
        pull(controller) {
          controller.enqueue(i++)
        },
        cancel() {
          seen.closed++
        },
      },
      { highWaterMark: 1 },
    )
  },
}

const slow = async (x: number): Promise<number> => {
  for (let turns = x % 4; turns > 0; turns--) await undefined
  return x
}

const ends: Readonly<Record<string, (s: Stream<number>, stop: AbortController) => Promise<unknown>>> = {
  take: (s) => s.take(3).toArray(),
  'take of nothing': (s) => s.take(0).toArray(),
  find: (s) => s.find((x) => x === 5),
  some: (s) => s.some((x) => x === 5),
  every: (s) => s.every((x) => x < 5),
  'a break': async (s) => {
    for await (const x of s) if (x === 5) break
  },
  'a throw in the loop': (s) =>
    expect(
      (async () => {
        for await (const x of s) if (x === 5) throw new Planted()
      })(),
    ).rejects.toThrow(Planted),
  'return while next waits': async (s) => {
    const iterator = s.filter((x) => x < 0)[Symbol.asyncIterator]()
    const next = iterator.next()
    await undefined
    await iterator.return?.()
    expect((await next).done).toBe(true)
  },
  'a failure in a stage': (s) =>
    expect(
      s.forEach((x) => {
        if (x === 9) throw new Planted()
      }),
    ).rejects.toThrow(Planted),
  'a rejection in a stage': (s) =>
    expect(
      s.forEach(async (x) => {
        await slow(x)
        if (x === 9) throw new Planted()
      }),
    ).rejects.toThrow(Planted),
  'a failure of a key': (s) =>
    expect(
      s
        .by((x) => {
          if (x === 9) throw new Planted()
          return x
        })
        .forEach(slow),
    ).rejects.toThrow(Planted),
  'a failure of a cost': (s) =>
    expect(
      s
        .batch({
          size: 3,
          cost: (x) => {
            if (x === 9) throw new Planted()
            return 1
          },
        })
        .forEach(() => {}),
    ).rejects.toThrow(Planted),
  'a failure in a merged stream': (s) =>
    expect(
      s
        .merge(
          stream([1]).map(() => {
            throw new Planted()
          }),
        )
        .forEach(() => {}),
    ).rejects.toThrow(Planted),
  'a failure in a flattened stream': (s) =>
    expect(
      s
        .flatMap(function* (x) {
          yield x
          if (x === 4) throw new Planted()
        })
        .forEach(() => {}),
    ).rejects.toThrow(Planted),
  'a failing consumer of a tee': (s) =>
    expect(
      s.tee([
        (a) => a.toArray(),
        async (b) => {
          await b.take(4).toArray()
          throw new Planted()
        },
      ]),
    ).rejects.toThrow(Planted),
  'consumers of a tee that have enough': (s) =>
    s.tee({ a: (a) => a.take(2).toArray(), b: (b) => b.take(9).toArray(), c: () => 1 }),
  'an abort': (s, stop) =>
    expect(
      s.forEach((x) => {
        if (x === 9) stop.abort(new Planted())
      }),
    ).rejects.toBeInstanceOf(Cancelled),
  'an abort while a reader does something else': async (s, stop) => {
    const iterator = s[Symbol.asyncIterator]()
    await iterator.next()
    stop.abort()
    await expect(iterator.next()).rejects.toBeInstanceOf(Cancelled)
    expect((await iterator.next()).done).toBe(true)
  },
  'the end of a readable of Node that was made of it': async (s) => {
    const readable = s.toNode()
    const closed = new Promise((resolve) => readable.once('close', resolve))
    for await (const x of readable) if (x === 5) break
    await closed
  },
  'the cancellation of a readable of the web that was made of it': async (s) => {
    const reader = s.toWeb().getReader()
    await reader.read()
    await reader.cancel()
  },
}

const stages: Readonly<Record<string, (s: Stream<number>) => Stream<number>>> = {
  'as it is': (s) => s,
  'behind stages that work ahead': (s) =>
    s
      .map(slow, { concurrency: 4 })
      .filter(() => true)
      .drop(0),
}

for (const [kind, make] of Object.entries(kinds)) {
  test.each(Object.entries(ends))(`${kind}: closed by %s`, async (_, end) => {
    for (const through of Object.values(stages)) {
      const seen: Seen = { opened: 0, closed: 0 }
      const stop = new AbortController()
      await end(through(stream(make(seen), { signal: stop.signal })), stop)
      expect(seen.closed).toBe(seen.opened)
    }
  })
}

test.each(Object.entries(kinds))('%s: a deadline closes it', async (_, make) => {
  const seen: Seen = { opened: 0, closed: 0 }
  const endless = stream(make(seen), { deadline: 20 }).forEach(slow)
  await expect(endless).rejects.toBeInstanceOf(TimedOut)
  expect(seen.closed).toBe(1)
})

test('merged and flattened sources are all closed', async () => {
  const seen = range(4).map(() => ({ opened: 0, closed: 0 }))
  const of = (at: number): AsyncIterable<number> => kinds['async generator']?.(seen[at] as Seen) as AsyncIterable<number>
  await stream(of(0))
    .merge(of(1), stream(of(2)).map(slow))
    .flatMap((x) => (x === 0 ? of(3) : [x]), { ordered: false })
    .take(50)
    .toArray()
  // Three sources gave a 0.
  expect(seen.map(({ closed }) => closed)).toEqual([1, 1, 1, 3])
})

test('functions under way are told to stop, and have settled, when a stream has ended', async () => {
  let underWay = 0
  let stopped = 0
  const hang = (): Promise<void> => {
    underWay++
    const { signal } = context()
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        stopped++
        underWay--
        reject(signal.reason)
      })
    })
  }
  const first = await stream(range(5))
    .map((x): unknown => (x === 0 ? 'first' : hang()), { concurrency: 5 })
    .take(1)
    .toArray()
  expect(first).toEqual(['first'])
  expect(underWay).toBe(0)
  await expect(
    stream(range(5)).forEach(
      async (x) => {
        await undefined
        if (x === 4) throw new Planted()
        await hang()
      },
      { concurrency: 5 },
    ),
  ).rejects.toThrow(Planted)
  expect([underWay, stopped > 3]).toEqual([0, true])
})

test('a source and a function that ignore everything are abandoned after the grace', async () => {
  const never: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), return: () => new Promise(() => {}) }),
  }
  const stop = new AbortController()
  const waiting = stream(never, { signal: stop.signal, grace: 5 }).toArray()
  stop.abort()
  await expect(waiting).rejects.toBeInstanceOf(Cancelled)
  const first = stream([0, 1], { grace: 5 })
    .map((x) => (x === 0 ? x : new Promise<number>(() => {})))
    .take(1)
    .toArray()
  expect(await first).toEqual([0])
})

test('a source that waits is told to stop by its context', async () => {
  let told = false
  const waiting = (async function* () {
    const { signal } = context()
    yield 1
    await new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        told = true
        reject(signal.reason)
      })
    })
  })()
  expect(
    await stream(waiting)
      .map(async (x) => x)
      .take(1)
      .toArray(),
  ).toEqual([1])
  expect(told).toBe(true)
})

test('what a source throws when it is closed is not lost', async () => {
  const failing = (async function* () {
    try {
      yield 1
      yield 2
    } finally {
      // oxlint-disable-next-line no-unsafe-finally -- the case that is tested
      throw new Planted('closing')
    }
  })()
  await expect(stream(failing).take(1).toArray()).rejects.toThrow('closing')
})

test('a readable that fails or is destroyed fails the stream', async () => {
  const failing = new PassThrough({ objectMode: true })
  const result = stream<number>(failing).toArray()
  failing.write(1)
  setImmediate(() => failing.destroy(new Planted('cable')))
  await expect(result).rejects.toThrow('cable')
  const destroyed = new PassThrough({ objectMode: true })
  setImmediate(() => destroyed.destroy())
  await expect(stream(destroyed).toArray()).rejects.toThrow('Premature close')
  const gone = new PassThrough({ objectMode: true })
  gone.destroy()
  await expect(stream(gone).toArray()).rejects.toThrow('Premature close')
  const ended = Readable.from([1, 2, 3])
  expect(await stream(ended).toArray()).toEqual([1, 2, 3])
  expect(await stream(Readable.from([])).toArray()).toEqual([])
})
