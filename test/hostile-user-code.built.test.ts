/**
 * Hostile user code against every function that takes some: values whose getters throw, thenables that call back at once, twice or never, proxies,
 * errors that are none, iterables that misbehave at each of their methods. One invariant: what user code lets settle settles within a second, as a
 * plain loop would have it, and nothing is an unhandled rejection. `HEDDLE_CASES` says how many random cases there are.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { all, balance, batched, guard, graph, hedge, limiter, map, mapReduce, retryBudget, scatter, scope, stream } from 'heddle'
import { plain } from './fixtures/plain.ts'
import { revoked, thrower, thrown, traps } from './support/hostile-values.ts'
import { type Random, randomFrom } from './support/random.ts'

const cases = Number(process.env.HEDDLE_CASES ?? 3_000)

const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
beforeAll(() => void process.on('unhandledRejection', note))
afterAll(() => void process.off('unhandledRejection', note))

type Outcome = { readonly value: unknown } | { readonly error: unknown }
interface Given {
  /** What the function of the user does. */
  readonly act: () => unknown
  /** What `await` makes of it; undefined: it never settles. */
  readonly right: Outcome | undefined
}

/** What a function of the user may do; `kind` is how it throws. */
const returned: Readonly<Record<string, (random: Random) => Given>> = {
  'returns a value': () => ({ act: () => 5, right: { value: 5 } }),
  'is asynchronous': () => ({ act: async () => 5, right: { value: 5 } }),
  'throws at once': (random) => {
    const error = (thrown[random.pick(Object.keys(thrown))] as () => unknown)()
    return {
      act: () => {
        throw error
      },
      right: { error },
    }
  },
  'throws later': (random) => {
    const error = (thrown[random.pick(Object.keys(thrown))] as () => unknown)()
    return {
      act: async () => {
        await undefined
        throw error
      },
      right: { error },
    }
  },
  'gives a thenable that calls back at once': () => thenable((resolve) => resolve(5), { value: 5 }),
  'gives a thenable that calls back twice': () =>
    thenable((resolve, reject) => {
      resolve(5)
      resolve(6)
      reject(new Error('late'))
    }, { value: 5 }), // prettier-ignore
  'gives a thenable that calls back later and twice': () =>
    thenable((resolve, reject) => {
      setImmediate(() => {
        reject(undefined)
        resolve(6)
      })
    }, { error: undefined }), // prettier-ignore
  'gives a thenable that rejects and throws': () =>
    thenable((_, reject) => {
      reject(7)
      throw new Error('late')
    }, { error: 7 }), // prettier-ignore
  'gives a thenable that throws': () => {
    const error = new Error('then')
    return thenable(() => {
      throw error
    }, { error }) // prettier-ignore
  },
  'gives a thenable whose then throws when it is read': () => {
    const error = new Error('getter of then')
    const act = (): unknown =>
      Object.defineProperty({}, 'then', {
        get() {
          throw error
        },
      })
    return { act, right: { error } }
  },
  'gives a thenable that can be read once': () => {
    let reads = 0
    const act = (): unknown =>
      Object.defineProperty({}, 'then', {
        get: () => (reads++ === 0 ? (resolve: (value: unknown) => void) => resolve(5) : undefined),
      })
    return { act, right: undefined }
  },
  'gives a thenable that never calls back': () => thenable(() => {}, undefined),
  'gives a promise with a then of its own': () => {
    const act = (): unknown =>
      // oxlint-disable-next-line unicorn/no-thenable
      Object.assign(Promise.resolve(1), {
        then(resolve: (value: unknown) => void) {
          resolve(5)
          resolve(6)
        },
      })
    return { act, right: undefined }
  },
  'gives a promise whose constructor throws': () => ({
    act: () => Object.defineProperty(Promise.resolve(5), 'constructor', { get: thrower }),
    right: undefined,
  }),
  'gives an object made from the prototype of promises': () => ({
    act: () => Object.create(Promise.prototype) as unknown,
    right: undefined,
  }),
  'gives a proxy': () => ({ act: () => new Proxy({}, traps), right: undefined }),
  'gives a revoked proxy': () => ({ act: revoked, right: undefined }),
}

function thenable(
  then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void,
  right: Outcome | undefined,
): Given {
  // oxlint-disable-next-line unicorn/no-thenable
  return { act: () => ({ then }), right }
}

type Program = (act: () => unknown) => Promise<unknown>
/** Every way by which a function of a user is called once; gives what that gave. */
const programs: Readonly<Record<string, Program>> = {
  map: async (act) => (await map([1], act))[0],
  'map of an async source': async (act) => (await map(later([1]), act))[0],
  'map with policies': async (act) =>
    (
      await map([1], act, { timeout: '5s', retry: { retries: 1, base: 0 }, breaker: {}, limit: limiter({ concurrency: 'auto' }) })
    )[0],
  'map, settled': async (act) => settled((await map([1], act, { onFailure: 'settle' })).results[0]),
  stream: async (act) => (await stream([1]).map(act).toArray())[0],
  'a stream with policies': async (act) =>
    (
      await stream([1])
        .map(act, { retry: { retries: 1, base: 0 }, timeout: '5s' })
        .toArray()
    )[0],
  'a stream, settled': async (act) => settled((await stream([1]).map(act, { onFailure: 'settle' }).toArray())[0]),
  'a stream, read': async (act) => {
    for await (const value of stream([1]).map(act)) return value
    return undefined
  },
  'a stream, grouped': async (act) =>
    (
      await stream([1])
        .by((n) => n)
        .map(act)
        .toArray()
    )[0],
  'a reduction': (act) => stream([1, 2]).reduce(act as (a: number, b: number) => number),
  tee: async (act) => (await stream([1]).tee([() => act()]))[0],
  all: async (act) => (await all([act]))[0],
  'all, named': async (act) => (await all({ a: act })).a,
  'all, settled': async (act) => settled((await all([act], { onFailure: 'settle' }))[0]),
  graph: (act) => {
    const g = graph('g')
    return g.run(g.task('a', act))
  },
  'a graph with policies': (act) => {
    const g = graph('g')
    return g.run(g.task('a', act), { timeout: '5s', retry: { retries: 1, base: 0 } })
  },
  scope: (act) => scope((s) => s.fork(act)),
  'the body of a scope': (act) => scope(() => act()),
  guard: (act) => guard(act)(),
  'guard with policies': (act) =>
    guard(act, { timeout: '5s', retry: { retries: 1, base: 0 }, breaker: {}, limit: limiter({ concurrency: 1 }) })(),
  hedge: (act) => hedge(act, { after: '5s' })(),
  balance: (act) => balance([act])(),
  batched: (act) => batched(async (items: number[]) => Promise.all(items.map(async () => await act())))(1),
  'a limiter': (act) => limiter({ concurrency: 'auto' }).run(act),
  mapReduce: (act) => mapReduce([1], act, (a) => a),
  'a merge': (act) => mapReduce([1, 2], (n) => n as unknown, act),
}

async function* later<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) {
    await undefined
    yield item
  }
}

function settled(outcome: PromiseSettledResult<unknown> | undefined): unknown {
  if (outcome?.status === 'rejected') throw outcome.reason
  return outcome?.value
}

/** How a promise ends, without looking at what it ends with; undefined when it does not within `ms`. */
async function ending(promise: Promise<unknown>, ms: number): Promise<Outcome | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([
      promise.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}

/** The same ending: the same value, or the very same thing thrown. Never looks inside. */
function same(a: Outcome | undefined, b: Outcome | undefined): boolean {
  if (!a || !b) return a === b
  if ('error' in a) return 'error' in b && Object.is(a.error, b.error)
  return 'value' in b && Object.is(a.value, b.value)
}

const never = 'gives a thenable that never calls back'

describe('a function of a user', () => {
  test.each(Object.keys(programs))('%s', async (name) => {
    const wrong: string[] = []
    const program = programs[name] as Program
    for (const [how, make] of Object.entries(returned)) {
      const list = how.startsWith('throws')
        ? Object.values(thrown).map((one) => throwing(one(), how === 'throws later'))
        : [make(randomFrom(1))]
      for (const [at, given] of list.entries()) {
        const end = await ending(program(given.act), how === never ? 20 : 1_000)
        const label = `${how}${list.length > 1 ? ` (${Object.keys(thrown)[at]})` : ''}`
        if (how === never ? end !== undefined : end === undefined) wrong.push(`${label}: ${end ? 'settles' : 'never settles'}`)
        else if (given.right && name !== 'batched' && !same(end, given.right)) wrong.push(`${label}: another outcome`)
      }
    }
    expect(wrong).toEqual([])
    await turns()
    expect(unhandled.splice(0)).toEqual([])
  })
})

function throwing(error: unknown, late: boolean): Given {
  const act = late
    ? async () => {
        await undefined
        throw error
      }
    : () => {
        throw error
      }
  return { act, right: { error } }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

// --- Sources ----------------------------------------------------------------------------------------------------------

const boom = new Error('of the source')
const fail = (): never => {
  throw boom
}

type Next = (n: number) => unknown
/** An iterator by what its methods do. `next` is told how often it was called. */
function iterator(next: Next, more: object = {}): { next(): unknown } {
  let calls = 0
  return { next: () => next(calls++), ...more }
}

const upTo3: Next = (n) => (n < 3 ? { done: false, value: n } : { done: true, value: undefined })
const throwsWhenRead =
  (field: string): Next =>
  (n) =>
    n < 2 ? upTo3(n) : Object.defineProperty({ done: false, value: 2 }, field, { get: fail })

/** Iterators; `fails`: a plain `for` loop over it throws. */
const iterators: Readonly<Record<string, { readonly make: () => unknown; readonly fails: boolean | TypeErrorConstructor }>> = {
  plain: { make: () => iterator(upTo3), fails: false },
  'next throws at once': { make: () => iterator(fail), fails: true },
  'next throws later': { make: () => iterator((n) => (n === 2 ? fail() : upTo3(n))), fails: true },
  'next gives a number': { make: () => iterator((n) => (n === 2 ? 5 : upTo3(n))), fails: TypeError },
  'next gives undefined': { make: () => iterator(() => undefined), fails: TypeError },
  'next gives null': { make: () => iterator(() => null), fails: TypeError },
  'next is no function': { make: () => ({ next: 5 }), fails: TypeError },
  'next is missing': { make: () => ({}), fails: TypeError },
  'next throws when it is read': { make: () => Object.defineProperty({}, 'next', { get: fail }), fails: true },
  'done throws when it is read': { make: () => iterator(throwsWhenRead('done')), fails: true },
  'value throws when it is read': { make: () => iterator(throwsWhenRead('value')), fails: true },
  'return throws': { make: () => iterator(upTo3, { return: fail }), fails: false },
  'return throws when it is read': { make: () => Object.defineProperty(iterator(upTo3), 'return', { get: fail }), fails: false },
  'return gives a number': { make: () => iterator(upTo3, { return: () => 5 }), fails: false },
  'return gives a thenable that throws': { make: () => iterator(upTo3, { return: () => ({ then: fail }) }), fails: false }, // oxlint-disable-line unicorn/no-thenable
  'return never settles': { make: () => iterator(upTo3, { return: () => new Promise(() => {}) }), fails: false },
  'the iterator is a number': { make: () => 5, fails: TypeError },
  'the iterator is undefined': { make: () => undefined, fails: TypeError },
  'the iterator throws': { make: fail, fails: true },
}

const readers: Readonly<
  Record<string, (input: Iterable<unknown> & AsyncIterable<unknown>, fn: (value: unknown) => unknown) => Promise<unknown>>
> = {
  map: (input, fn) => map(input, fn, { concurrency: 2, grace: 100 }),
  'map, settled': (input, fn) => map(input, fn, { concurrency: 2, grace: 100, onFailure: 'settle' }),
  mapReduce: (input, fn) => mapReduce(input, fn, (a) => a, { concurrency: 2, grace: 100 }),
  stream: (input, fn) => stream(input, { grace: 100 }).map(fn, { concurrency: 2 }).toArray(),
  'a stream, read': async (input, fn) => {
    for await (const _ of stream(input, { grace: 100 }).map(fn, { concurrency: 2 }));
  },
  flatMap: (input, fn) => stream([1], { grace: 100 }).flatMap(() => input).map(fn).toArray(), // prettier-ignore
  merge: (input, fn) => stream([1], { grace: 100 }).merge(input).map(fn).toArray(),
  take: (input, fn) => stream(input, { grace: 100 }).map(fn).take(10).toArray(),
}

describe('a source', () => {
  const kinds = [
    ['iterable', Symbol.iterator, false],
    ['async iterable', Symbol.asyncIterator, true],
  ] as const
  const combinations = kinds.flatMap((kind) => Object.keys(readers).map((reader) => [...kind, reader] as const))
  test.each(combinations)('%s', async (_, symbol, asynchronous, reader) => {
    const wrong: string[] = []
    for (const [how, { make, fails }] of Object.entries(iterators)) {
      for (const stops of [false, true]) {
        const input = { [symbol]: make } as unknown as Iterable<unknown> & AsyncIterable<unknown>
        const stop = new Error('stop')
        const fn = (value: unknown): unknown => {
          if (stops && value === 1) throw stop
          return value
        }
        const end = await ending((readers[reader] as (typeof readers)[string])(input, fn), 1_000)
        const label = `${how}${stops ? ', stopped' : ''}`
        if (!end) wrong.push(`${label}: never settles`)
        else if (!stops && !fails && 'error' in end) wrong.push(`${label}: fails: ${String(end.error)}`)
        else if (!stops && fails && !('error' in end && (fails === true ? end.error === boom : end.error instanceof TypeError)))
          wrong.push(`${label}: another outcome`)
        else if (stops && !fails && reader !== 'map, settled' && !('error' in end && end.error === stop))
          wrong.push(`${label}: not stopped`)
      }
    }
    expect(wrong).toEqual([])
    await turns()
    expect(unhandled.splice(0)).toEqual([])
    expect(asynchronous).toBe(symbol === Symbol.asyncIterator)
  })

  test.each(['map', 'stream', 'map on workers', 'a stream of workers'])(
    'elements that throw when they are read: %s',
    async (how) => {
      const input = Object.defineProperty([1, 2, 3], 1, { get: fail })
      const work =
      how === 'map'
        ? map(input, async (n) => n)
        : how === 'stream'
          ? stream(input).map((n) => n).toArray() // prettier-ignore
          : how === 'map on workers'
            ? map(input, plain.double as (n: number) => Promise<number>)
            : stream(input).map(plain.double as (n: number) => Promise<number>).toArray() // prettier-ignore
      expect(await ending(work, 5_000)).toEqual({ error: boom })
    },
  )
})

// --- Functions that judge ---------------------------------------------------------------------------------------------

describe('a judging function that throws', () => {
  const judged = new Error('judge')
  const judge = (): never => {
    throw judged
  }
  const bad = (): never => {
    throw new Error('call')
  }

  test('is the outcome, and gives back what the call held', async () => {
    const places = limiter({ concurrency: 1 })
    const adaptive = limiter({ concurrency: 'auto', adaptive: { isOverload: judge, max: 1, initial: 1 } })
    const counted = limiter({ concurrency: 1, tokens: 1_000_000, per: '1s', actualCost: judge })
    const throwing = {
      retryIf: guard(bad, { limit: places, retry: { retryIf: judge } }),
      failIf: guard(bad, { limit: places, breaker: { failIf: judge } }),
      isOverload: guard(bad, { limit: [places, adaptive] }),
      actualCost: guard(() => 1, { limit: [places, counted] }),
    }
    for (let round = 0; round < 3; round++) {
      for (const [name, call] of Object.entries(throwing))
        expect([name, await ending(call(), 1_000)]).toEqual([name, { error: judged }])
      await expect(adaptive.run(bad)).rejects.toBe(judged)
      await expect(counted.run(() => 1)).rejects.toBe(judged)
    }
    expect([places, adaptive, counted].map(({ stats }) => stats.running)).toEqual([0, 0, 0])
  })

  test('frees the probe of a half-open breaker', async () => {
    let now = 0
    const call = guard(bad, { breaker: { consecutive: 1, reset: 1, failIf: () => (now++ === 0 ? true : judge()) } })
    await expect(call()).rejects.toThrow('call')
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 3))
      await expect(call()).rejects.toBe(judged)
    }
  })
})

// --- At random ----------------------------------------------------------------------------------------------------------

test('many at once, at random: all settle', { timeout: 120_000 }, async () => {
  const wrong: string[] = []
  const shared = { limit: limiter({ concurrency: 8 }), retry: { retries: 2, base: 0, budget: retryBudget() } }
  const ways = Object.keys(returned).filter((how) => how !== never)
  const one = async (seed: number): Promise<void> => {
    const random = randomFrom(seed)
    const givens = Array.from({ length: 1 + random.below(6) }, () =>
      (returned[random.pick(ways)] as (random: Random) => Given)(random),
    )
    const fn = (n: number): unknown => (givens[n] as Given).act()
    const items = givens.map((_, n) => n)
    const options = random.below(2) === 0 ? {} : shared
    const concurrency = 1 + random.below(3)
    const source = random.below(2) === 0 ? items : later(items)
    const work = [
      () => map(source, fn, { ...options, concurrency }),
      () => map(source, fn, { ...options, concurrency, onFailure: 'settle' as const }),
      () => stream<number>(source).map(fn, { ...options, concurrency, ordered: random.below(2) === 0 }).filter(() => true).toArray(), // prettier-ignore
      () => stream<number>(source).by((n) => n % 2).map(fn, { concurrency }).toArray(), // prettier-ignore
      () => all(items.map((n) => () => fn(n)), options), // prettier-ignore
      () => scatter(items, fn, { enough: 1 }),
      () => scope(async (s) => void (await Promise.all(items.map((n) => s.fork(() => fn(n)))))),
      () => mapReduce(source, fn, () => fn(0), { concurrency }),
    ][random.below(8)] as () => Promise<unknown>
    if (!(await ending(work(), 1_000))) wrong.push(`seed ${seed} never settles`)
  }
  let seed = 0
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (seed < cases) await one(seed++)
    }),
  )
  expect(wrong).toEqual([])
  await turns()
  expect(unhandled.splice(0)).toEqual([])
  expect(shared.limit.stats.running).toBe(0)
})
