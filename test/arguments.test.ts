/** Options and arguments in the wrong place: the error says where they belong. */
import { expect, test } from 'vitest'
import { all, graph, graphFrom, guard, limiter, map, mapReduce, readPart, scope, stream, threads } from '../src/index.ts'
import { Channel, Semaphore } from '../src/sync/index.ts'
import { record } from '../src/trace/index.ts'

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const fn = async (n: unknown): Promise<unknown> => n
const options = { concurrency: 2 }
// Written as a program in JavaScript would.
const loose = (call: unknown): ((...args: unknown[]) => unknown) => call as never

const cases: Record<string, readonly [() => unknown, RegExp]> = {
  'graph.run, options alone': [
    () => {
      const g = graph('g')
      g.task('x', () => 1)
      return loose((given: never) => g.run(given))(options)
    },
    /Options are the second argument: g\.run\(task, /,
  ],
  'map, options before the function': [() => loose(map)([1], options, fn), /Options come after `fn`/],
  'map, function before the items': [() => loose(map)(fn, [1]), /The items come first, then the function/],
  'map, a promise of items': [() => loose(map)(Promise.resolve([1]), fn), /It is a promise: await it first/],
  'map, a bare number': [() => loose(map)([1], fn, 4), /Did you mean \{ concurrency: 4 \}\?/],
  'mapReduce, options before merge': [() => loose(mapReduce)([1], fn, options, fn), /Options come after `merge`/],
  'stream.map, options first': [
    () => loose((a: never, b: never) => stream([1]).map(a, b))(options, fn),
    /Options come after `fn`/,
  ],
  'stream.map, a bare number': [() => loose((a: never, b: never) => stream([1]).map(a, b))(fn, 4), /\{ concurrency: 4 \}/],
  'all, options among the tasks': [() => loose(all)({ a: fn, timeout: 5 }), /all\(\{ … \}, \{ timeout: … \}\)/],
  'guard, options first': [() => loose(guard)({ timeout: 5 }, fn), /Options come after `fn`/],
  'scope, options first': [() => loose(scope)({ timeout: 5 }, fn), /Options come after `body`/],
  'record, options first': [() => loose(record)({ name: 'x' }, fn), /Options come after `fn`/],
  'limiter, a bare number': [() => loose(limiter)(2), /\{ concurrency: 2 \}/],
  'threads, a bare number': [() => loose(threads)(2), /\{ size: 2 \}/],
  'Channel, a bare number': [() => Reflect.construct(Channel, [5]), /\{ capacity: 5 \}/],
}

test.each(Object.entries(cases))('%s', async (_, [run, hint]) => {
  const error = await (async () => run())().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect((error as { hint?: string } | undefined)?.hint).toMatch(hint)
})

const refused: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
  'map, a signal': [
    () => loose(map)([1], fn, AbortSignal.abort()),
    /options of map to be an object, got an object \(AbortSignal\)/,
  ],
  'guard, a Map': [() => loose(guard)(fn, new Map([['timeout', 5]])), /options of guard to be an object, got an object \(Map\)/],
  'scope, a promise': [() => loose(scope)(fn, Promise.resolve({ timeout: 5 })), /options of scope to be an object/],
  'map, a proxy that has been revoked': [() => loose(map)([1], revoked()), /Expected `fn` of map to be a function/],
  'readPart, no part': [() => loose(readPart)('data.csv'), /Expected readPart to get a part that splitFile gave/],
  'graphFrom, a task of null': [
    () => loose(graphFrom)('g', { a: null }),
    /Expected task "a" to be an object with a function `run`, got null/,
  ],
}

test.each(Object.entries(refused))('%s is refused in words', async (_, [run, message]) => {
  await expect((async () => run())()).rejects.toThrow(message)
})

test('a graph whose tasks are called as options are is run', async () => {
  const g = graph('g')
  const concurrency = g.task('a', () => 1)
  expect(await g.run({ concurrency })).toEqual({ concurrency: 1 })
})

test('a semaphore takes a number', () => {
  expect(new Semaphore(2)).toBeInstanceOf(Semaphore)
})
