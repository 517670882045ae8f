// oxlint-disable vitest/no-conditional-expect, vitest/expect-expect -- one suite for executors that differ
/**
 * What every {@link Executor} does: the suite that this thread, threads and processes pass.
 *
 * Long because it is one list of cases over one set-up: an executor passes all of it or is none.
 *
 * Functions come from `test/fixtures/plain.ts` and its neighbours, as TypeScript, so that loading is tested along the way.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inside, type KindName, kindFunctions, kinds } from '../../test/fixtures/kinds.ts'
import { plain } from '../../test/fixtures/plain.ts'
import { setUp } from '../../test/fixtures/set-up.ts'
import { unreachable } from '../../test/fixtures/set-up-fails.ts'
import { Cancellation } from '../base/abort.ts'
import { Cancelled, Closed, HeddleError, TimedOut, Unserializable, WorkerStartFailed } from '../base/errors.ts'
import { transfer } from '../workers/transfer.ts'
import { workers } from '../workers/define.ts'
import { type CallOptions, type Executor, type FunctionRef, reachOf, refOf } from './executor.ts'
import { partialResults } from './failure.ts'
import { map } from './map.ts'

export interface ConformanceOptions {
  readonly open: () => Executor | Promise<Executor>
  /** Functions run somewhere else, so that they can be ended and leave a stack of their own. */
  readonly remote: boolean
  /** Memory can be shared. */
  readonly shares: boolean
  /** Workers are programs of their own, which have loaded their modules before anything is called. @default false */
  readonly machines?: boolean
}

const ref = (fn: unknown): FunctionRef => refOf(fn) as FunctionRef
const fixture = (name: string): URL => new URL(`../../test/fixtures/${name}`, import.meta.url)
const range = (length: number): number[] => Array.from({ length }, (_, i) => i)

/** What the promise rejects with. */
async function failureOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise
  } catch (error) {
    return error as Error & Record<string, unknown>
  }
  throw new Error('expected a rejection')
}

/** A source of numbers that records how far it was read and how often it was closed. */
function counted(length: number, failAt = -1): { items: AsyncGenerator<number>; seen: { pulled: number; closed: number } } {
  const seen = { pulled: 0, closed: 0 }
  async function* generate(): AsyncGenerator<number> {
    try {
      for (let i = 0; i < length; i++) {
        if (i === failAt) throw new RangeError('the source failed')
        seen.pulled++
        yield i
      }
    } finally {
      seen.closed++
    }
  }
  return { items: generate(), seen }
}

export function testExecutor(name: string, { open, remote, shares, machines = false }: ConformanceOptions): void {
  describe(`executor ${name}`, () => {
    let executor: Executor
    const call = (fn: unknown, args: readonly unknown[], options?: CallOptions): Promise<unknown> =>
      executor.call(ref(fn), args, options)

    beforeAll(async () => {
      executor = await open()
    })
    afterAll(() => executor.close({ graceMs: 0 }))

    test('says how it lies to its caller', () => {
      const { sharesMemory, remote: elsewhere, roundTripMs } = reachOf(executor)
      expect({ sharesMemory, elsewhere }).toEqual({ sharesMemory: shares, elsewhere: machines })
      expect(roundTripMs > 0).toBe(remote)
    })

    describe('a call', () => {
      test('gives what the function gives', async () => {
        expect(await call(plain.sum, [1, 2, 3])).toBe(6)
        expect(await call(plain.doubleLater, [21])).toBe(42)
        expect(await call(plain.nothing, [])).toBeUndefined()
        expect(await call(plain.usesThis, [4])).toBe(8)
        expect(await call(plain.echo, [{ a: [1, new Map([['b', new Date(5)]])] }])).toEqual({
          a: [1, new Map([['b', new Date(5)]])],
        })
      })

      test('gives each of many calls its own result', async () => {
        const results = await Promise.all(range(500).map((n) => call(n % 3 === 0 ? plain.doubleLater : plain.double, [n])))
        expect(results).toEqual(range(500).map((n) => n * 2))
      })

      test('copies arguments', async () => {
        const value = { list: [1] }
        const back = (await call(plain.echo, [value])) as typeof value
        expect(back).not.toBe(value)
        expect(back.list).not.toBe(value.list)
      })

      test('gives long texts as they were, packed or not', async () => {
        const text = `’${'of one text, \ud83d\ude00 '.repeat(10_000)}`
        // Some begin or end in the middle of a pair.
        const texts = range(40).map((i) => text.slice(i * 4_001, (i + 1) * 4_001))
        expect(await map(texts, plain.echo, { on: executor })).toEqual(texts)
        expect(await Promise.all(texts.map((piece) => call(plain.echo, [piece])))).toEqual(texts)
        expect(await call(plain.echo, [text])).toBe(text)
      })

      test('shows the context', async () => {
        const seen = await call(plain.seen, ['x'], { index: 7, attempt: 3 })
        expect(seen).toEqual({ index: 7, attempt: 3, aborted: false, leftMs: Number.POSITIVE_INFINITY })
        expect(await call(plain.seen, ['x'])).toMatchObject({ index: 0, attempt: 1 })
      })

      test('has an idempotency key: its own, or the one that it is given', async () => {
        const given = await Promise.all(['a', 'b'].map((idempotencyKey) => call(plain.key, [0], { idempotencyKey })))
        expect(given).toEqual(['a', 'b'])
        const own = await Promise.all(range(20).map((n) => call(n % 2 ? plain.key : plain.keyLater, [n])))
        expect(new Set(own).size).toBe(20)
        const items = [
          ...(await map(range(200), plain.key, { on: executor })),
          ...(await map(range(200), plain.keyLater, { on: executor })),
        ]
        expect(new Set(items).size).toBe(400)
      })

      test('keeps its idempotency key when it is tried again', async () => {
        const before: string[] = []
        const retryIf = (error: unknown): boolean => before.push((error as Error).message) > 0
        const keys = await map(range(3), plain.keyAtThirdAttempt, { on: executor, retry: { retries: 2, base: 1, retryIf } })
        expect(new Set(keys).size).toBe(3)
        expect(before.toSorted()).toEqual([...keys, ...keys].toSorted())
      })

      test('leaves defaults and rest parameters what they are in a plain call', async () => {
        expect(await call(plain.scale, [3])).toBe(6)
        expect(await call(plain.scale, [3, 5])).toBe(15)
        expect(await call(plain.count, [1, 2])).toBe(2)
      })
    })

    describe('an error', () => {
      test.each(['refuse', 'refuseLater'] as const)('keeps class, fields and causes (%s)', async (way) => {
        const error = await failureOf(call(plain[way], ['it must']))
        expect(error).toBeInstanceOf(Error)
        expect(error.constructor.name).toBe('Refused')
        expect(error.name).toBe('Refused')
        expect(error.message).toBe('refused because it must')
        expect(error).toMatchObject({ why: 'it must', detail: { left: 3 } })
        expect(error.cause).toBeInstanceOf(RangeError)
        expect((error.cause as Error).cause).toBe('the root')
      })

      test('has the stack of where it was thrown', async () => {
        const error = await failureOf(call(plain.refuse, ['x']))
        expect(error.stack).toMatch(/refused because x[^]*at .*refuse .*plain\.ts/)
      })

      test('keeps built-in classes and their contents', async () => {
        const many = await failureOf(call(plain.throwMany, []))
        expect(many).toBeInstanceOf(AggregateError)
        expect((many as unknown as AggregateError).errors.map((e: Error) => [e.name, e.message])).toEqual([
          ['TypeError', 'one'],
          ['Refused', 'two'],
        ])
        const aborted = await failureOf(call(plain.throwAborted, []))
        expect(aborted).toBeInstanceOf(DOMException)
        expect(aborted).toMatchObject({ name: 'AbortError', message: 'gone', code: 20 })
      })

      test.each([undefined, null, 0, 'text', { a: 1 }, [1]])('may be any value: %j', async (value) => {
        expect(await failureOf(call(plain.throwValue, [value]))).toEqual(value)
      })
    })

    describe('cancellation', () => {
      test('before the call', async () => {
        const cancellation = new Cancellation()
        cancellation.abort('too late')
        const error = await failureOf(call(plain.double, [1], { cancellation }))
        expect(error).toBeInstanceOf(Cancelled)
        expect(error.cause).toBe('too late')
      })

      // What holds this very thread cannot be cancelled from it.
      test.each(remote ? (['sleep', 'spin'] as const) : (['sleep'] as const))('while it runs (%s)', async (fn) => {
        await call(plain.double, [1])
        const cancellation = new Cancellation()
        const settled = failureOf(call(plain[fn], [60_000], { cancellation }))
        setTimeout(() => cancellation.abort(new Error('enough')), 20)
        const error = await settled
        expect(error).toBeInstanceOf(Cancelled)
        expect((error.cause as Error).message).toBe('enough')
        expect(await call(plain.double, [2])).toBe(4)
      })

      test('does not wait for ever for a function that ignores it', async () => {
        const cancellation = new Cancellation()
        const settled = failureOf(call(plain.sleepDeaf, [10_000], { cancellation }))
        setTimeout(() => cancellation.abort('now'), 10)
        expect(await settled).toBeInstanceOf(Cancelled)
        expect(await call(plain.double, [2])).toBe(4)
      })

      test('of one call leaves the others of the same turn alone', async () => {
        const cancellation = new Cancellation()
        const others = range(20).map((n) => call(plain.doubleLater, [n]))
        const settled = failureOf(call(plain.sleep, [60_000], { cancellation }))
        const more = range(20).map((n) => call(plain.doubleLater, [n]))
        setTimeout(() => cancellation.abort('only this'), 20)
        expect(await settled).toBeInstanceOf(Cancelled)
        expect(await Promise.all([...others, ...more])).toEqual([...range(20), ...range(20)].map((n) => n * 2))
      })

      test('after the call changes nothing, and leaves no subscription', async () => {
        const cancellation = new Cancellation()
        expect(await call(plain.double, [1], { cancellation })).toBe(2)
        expect(cancellation.listenerCount).toBe(0)
        cancellation.abort('late')
        expect(await call(plain.double, [3])).toBe(6)
      })
    })

    describe('a timeout', () => {
      test.each(remote ? ['sleep', 'sleepDeaf', 'spin'] : ['sleep', 'sleepDeaf'])('ends %s', async (fn) => {
        const error = await failureOf(call(plain[fn as 'sleep'], [60_000], { timeoutMs: 30 }))
        expect(error).toBeInstanceOf(TimedOut)
        expect(error).toMatchObject({ clock: 'timeout', limitMs: 30, code: 'HEDDLE_TIMED_OUT' })
        expect(await call(plain.double, [2])).toBe(4)
      })

      test('that is long enough does nothing, also beyond what a timer can hold', async () => {
        for (const timeoutMs of [10_000, 2 ** 31, Number.POSITIVE_INFINITY]) {
          expect(await call(plain.doubleLater, [2], { timeoutMs })).toBe(4)
        }
      })

      test('runs from the start of each item, not from the start of waiting', async () => {
        const results = await map(range(12), plain.sleep, { on: executor, timeout: 2_000, concurrency: 2 })
        expect(results).toEqual(range(12))
      })
    })

    describe('a map', () => {
      const sources = {
        array: range,
        'typed array': (n: number) => Int32Array.from(range(n)),
        set: (n: number) => new Set(range(n)),
        generator: (n: number) => range(n).values(),
        'async generator': (n: number) => counted(n).items,
      }

      test.each(Object.keys(sources) as (keyof typeof sources)[])('takes every kind of source: %s', async (kind) => {
        const size = kind === 'async generator' ? 50 : 1_000
        expect(await map(sources[kind](size) as number[], plain.double, { on: executor })).toEqual(range(size).map((n) => n * 2))
        expect(await map(sources[kind](0) as number[], plain.double, { on: executor })).toEqual([])
      })

      test('of a Buffer leaves it alone', async () => {
        const bytes = Buffer.from([1, 2, 3, 250])
        expect(await map(bytes, plain.double, { on: executor })).toEqual([2, 4, 6, 500])
        expect([...bytes]).toEqual([1, 2, 3, 250])
      })

      test('shows each item its index and the deadline', async () => {
        const seen = await map(['a', 'b', 'c'], plain.seen, { on: executor, deadline: '1m' })
        expect(seen.map(({ index }) => index)).toEqual([0, 1, 2])
        for (const { leftMs } of seen) expect(leftMs).toSatisfy((ms: number) => ms > 10_000 && ms <= 60_000)
      })

      test('never reads far ahead, and closes the source once', async () => {
        const { items, seen } = counted(1_000)
        const stop = new AbortController()
        const settled = failureOf(map(items, plain.sleep as never, { on: executor, concurrency: 3, signal: stop.signal }))
        const slow = counted(1_000)
        const sleepers = (async function* () {
          for await (const _ of slow.items) yield 60_000
        })()
        const sleeping = failureOf(map(sleepers, plain.sleep, { on: executor, concurrency: 3, signal: stop.signal }))
        await new Promise((resolve) => setTimeout(resolve, 60))
        // Three under way, and one that waits at the door.
        expect(slow.seen.pulled).toBeLessThanOrEqual(4)
        stop.abort()
        await Promise.all([settled, sleeping])
        expect([seen.closed, slow.seen.closed]).toEqual([1, 1])
      })

      test('that fails stops, closes the source once, and tells what had completed', async () => {
        const { items, seen } = counted(100_000)
        const pairs = (async function* () {
          for await (const item of items) yield item
        })()
        const error = await failureOf(map(pairs, plain.oddFails, { on: executor, concurrency: 4 }))
        const failed = partialResults(error)?.failed as number
        expect(failed % 2).toBe(1)
        expect(error.message).toBe(`refused because ${failed}`)
        expect(seen.closed).toBe(1)
        expect(seen.pulled).toBeLessThan(100)
      })

      test('fails with its source', async () => {
        const { items, seen } = counted(50, 20)
        const error = await failureOf(map(items, plain.double, { on: executor }))
        expect(error).toBeInstanceOf(RangeError)
        expect(error.message).toBe('the source failed')
        expect(seen.closed).toBe(1)
      })

      test('settles every item when asked to', async () => {
        const { results, ok, failed } = await map(range(40), plain.oddFails, { on: executor, onFailure: 'settle' })
        expect(results.map(({ status }) => status)).toEqual(range(40).map((n) => (n % 2 ? 'rejected' : 'fulfilled')))
        expect(ok).toEqual(range(40).filter((n) => n % 2 === 0))
        expect(failed.map(({ index, item, error }) => [index, item, (error as Error).message])).toEqual(
          range(40)
            .filter((n) => n % 2)
            .map((n) => [n, n, `refused because ${n}`]),
        )
      })

      test('that is cancelled settles soon, whether its items had started or not', async () => {
        for (const afterMs of [0, 30]) {
          const stop = new AbortController()
          const settled = failureOf(map(range(50), plain.sleep, { on: executor, signal: stop.signal, concurrency: 50 }))
          const waiting = failureOf(map(range(5_000), () => new Promise<void>(() => {}), { signal: stop.signal, grace: 0 }))
          setTimeout(() => stop.abort('stop'), afterMs)
          const [error] = await Promise.all([settled, waiting])
          if (error.message !== 'expected a rejection') expect(error).toBeInstanceOf(Cancelled)
        }
      })

      test('that is cancelled before anything started finishes at once', async () => {
        const fresh = await open()
        const stop = new AbortController()
        const settled = failureOf(map([1], plain.double, { on: fresh, signal: stop.signal, grace: '5s' }))
        stop.abort('at once')
        const began = performance.now()
        expect(await settled).toBeInstanceOf(Cancelled)
        // The wait for a module to load is far less than the grace.
        expect(performance.now() - began).toBeLessThan(4_000)
        await fresh.close({ graceMs: 0 })
      })

      test.runIf(shares)('keeps to its concurrency', async () => {
        for (const concurrency of [1, 3]) {
          const cells = new Int32Array(new SharedArrayBuffer(8))
          const items = Array.from({ length: 30 }, () => cells)
          expect(await map(items, plain.together, { on: executor, concurrency })).toEqual(range(30))
          expect(cells[1]).toBeLessThanOrEqual(concurrency)
          expect(cells[1]).toBeGreaterThan(0)
        }
      })
    })

    describe('buffers', () => {
      test('are moved both ways by transfer', async () => {
        const bytes = new Uint8Array(1_000)
        const filled = (await call(plain.fill, [transfer(bytes)])) as Uint8Array
        expect(bytes.byteLength).toBe(0)
        expect(filled.length).toBe(1_000)
        expect(filled.every((byte) => byte === 7)).toBe(true)
      })

      test('are moved as items of a map', async () => {
        const buffers = range(10).map((n) => new ArrayBuffer(n + 1))
        const sizes = await map(
          buffers.map((buffer) => transfer(buffer)),
          plain.sizeOf,
          { on: executor },
        )
        expect(sizes).toEqual(range(10).map((n) => n + 1))
        expect(buffers.map(({ byteLength }) => byteLength)).toEqual(range(10).map(() => 0))
      })

      test('that were not marked are copied', async () => {
        const bytes = new ArrayBuffer(8)
        expect(await call(plain.sizeOf, [bytes])).toBe(8)
        expect(bytes.byteLength).toBe(8)
      })

      test.runIf(shares)('that are shared are one memory', async () => {
        const cells = new Int32Array(new SharedArrayBuffer(4))
        await Promise.all(range(100).map(() => call(plain.increment, [cells])))
        expect(cells[0]).toBe(100)
      })
    })

    describe('a value that cannot cross', () => {
      const all = Object.keys(kinds) as KindName[]
      const arrives = (kind: KindName): boolean =>
        kinds[kind].arrives === 'everywhere' || (kinds[kind].arrives === 'threads' && shares)

      test('there are forty kinds and more', () => expect(all.length).toBeGreaterThanOrEqual(40))

      test.each(all)('as argument, result and error: %s', async (kind) => {
        const [accepted, given, thrown, field] = await Promise.allSettled([
          call(kindFunctions.accept, [inside(kinds[kind].make())]),
          call(kindFunctions.give, [kind]),
          call(kindFunctions.throwInside, [kind]),
          call(kindFunctions.throwField, [kind]),
        ])
        if (arrives(kind)) {
          expect(accepted).toEqual({ status: 'fulfilled', value: 'accepted' })
          expect(given).toMatchObject({ status: 'fulfilled', value: { rows: [0, {}] } })
          expect(thrown).toMatchObject({ status: 'rejected', reason: { rows: [0, {}] } })
        } else {
          expect((accepted as PromiseRejectedResult).reason).toBeInstanceOf(Unserializable)
          expect((accepted as PromiseRejectedResult).reason.message).toContain('argument 1.rows[1].cell')
          expect((given as PromiseRejectedResult).reason).toBeInstanceOf(Unserializable)
          // Bytes of a module can be written that nobody can read: then only the reader knows.
          expect((given as PromiseRejectedResult).reason.message).toContain(
            kind === 'wasmModule' ? 'result' : 'result.rows[1].cell',
          )
        }
        if (!arrives(kind) && remote) {
          expect((thrown as PromiseRejectedResult).reason).toBeInstanceOf(Unserializable)
          expect((thrown as PromiseRejectedResult).reason.message).toContain('error.rows[1].cell')
          expect((field as PromiseRejectedResult).reason).toMatchObject({
            message: 'with a field',
            field: expect.stringContaining('error.field.rows[1].cell'),
          })
        }
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
      })

      test('costs its neighbours nothing', async () => {
        const items = [1, () => 2, 3, Symbol('4'), 5]
        const { ok, failed } = await map(items, plain.echo, { on: executor, onFailure: 'settle' })
        expect(ok).toEqual([1, 3, 5])
        expect(failed.map(({ index }) => index)).toEqual([1, 3])
        const calls = await Promise.allSettled(items.map((item) => call(plain.echo, [item])))
        expect(calls.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'])
      })

      test('stops a map like any failure', async () => {
        const error = await failureOf(map([1, 2, () => 3, 4], plain.echo, { on: executor }))
        expect(error).toBeInstanceOf(Unserializable)
      })
    })

    describe('a module', () => {
      test('is set up once in each worker', async () => {
        const setups = await Promise.all(range(30).map(() => call(setUp.setups, [])))
        expect(new Set(setups)).toEqual(new Set([1]))
        expect(await call(setUp.nested, [])).toBe(1)
      })

      // A machine that cannot load a module does not become a worker for it.
      const atLoad: readonly (readonly [string, () => unknown, string])[] = [
        ['whose setup fails', () => unreachable, 'the setup failed'],
        ['that throws at load', () => workers<{ never(): void }>(fixture('throws-at-load.ts')).never, 'thrown at load'],
        ['that does not exist', () => workers<{ never(): void }>(fixture('missing.ts')).never, 'missing.ts'],
      ]
      test.each([
        ...(machines ? [] : atLoad),
        ['without that function', () => workers<{ never(): void }>(fixture('exports.ts')).never, 'no function "never"'],
        [
          'with a value of that name',
          () => workers<{ notFunction(): void }>(fixture('exports.ts')).notFunction,
          'no function "notFunction"',
        ],
      ] as const)('%s is a named error, for a call and for a map', async (_, fn, message) => {
        for (const error of [await failureOf(call(fn(), [])), await failureOf(map([1], fn() as never, { on: executor }))]) {
          expect(error).toBeInstanceOf(WorkerStartFailed)
          expect(error.message).toContain(message)
          expect(error.cause).toBeInstanceOf(Error)
        }
        expect(await call(plain.double, [2])).toBe(4)
      })

      test('of somebody else needs nothing of heddle', async () => {
        const theirs = workers<typeof import('../../test/fixtures/exports.ts')>(fixture('exports.ts'))
        expect(await call(theirs.shout, ['hello'])).toBe('HELLO')
        expect(await map([1, 2], theirs.colour, { on: executor })).toEqual(['blue', 'red'])
      })

      test('can be loaded ahead', async () => {
        await executor.warmUp?.(ref(plain.double))
        const failing = executor.warmUp?.(ref(workers<{ never(): void }>(fixture('throws-at-load.ts')).never))
        if (failing) expect((await failureOf(failing)).name).toBe(machines ? 'NoWorkers' : 'WorkerStartFailed')
      })
    })

    describe.runIf(remote)('close', () => {
      test('waits for what is under way', async () => {
        const own = await open()
        const calls = range(6).map((n) => own.call(ref(plain.sleep), [n]))
        await Promise.all([own.close({ graceMs: 20_000 }), own.close()])
        expect(await Promise.all(calls)).toEqual(range(6))
      })

      test('refuses what remains after the grace, and what comes later', async () => {
        const own = await open()
        const calls = range(8).map((n) => failureOf(own.call(ref(n % 2 ? plain.sleep : plain.spin), [60_000])))
        const mapped = failureOf(map(range(100), plain.sleepDeaf, { on: own, concurrency: 1 }))
        await own.close({ graceMs: 10 })
        for (const error of await Promise.all([...calls, mapped])) {
          // Map items that happened to be done before are not a failure of the map; it fails with the first that was not.
          expect(error).toBeInstanceOf(Closed)
        }
        expect(await failureOf(own.call(ref(plain.double), [1]))).toBeInstanceOf(Closed)
        expect(await failureOf(map([1, 2], plain.double, { on: own }))).toBeInstanceOf(Closed)
        const late = counted(3)
        expect(await failureOf(map(late.items, plain.double, { on: own }))).toBeInstanceOf(Closed)
        if (own.warmUp) expect(await failureOf(own.warmUp(ref(plain.double)))).toBeInstanceOf(Closed)
        await own.close()
      })

      test('of an executor that was never used is nothing', async () => {
        await (await open()).close()
      })
    })

    test('every error of heddle is one', async () => {
      const error = await failureOf(call(plain.echo, [() => {}]))
      expect(error).toBeInstanceOf(HeddleError)
      expect(error.code).toBe('HEDDLE_UNSERIALIZABLE')
    })
  })
}
