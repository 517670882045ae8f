/** What a worker module may be: one that never loads, one with two lists of functions, one that resolves by the program's own flags. */
import { afterAll, expect, test } from 'vitest'
import { map, processes, scope, TimedOut, threads, transfer, workers } from '../src/index.ts'
import { inheritedFlags } from '../src/workers/host/exec-argv.ts'
import { packError, unpackError } from '../src/encoding/errors.js'
import { plain } from './fixtures/plain.ts'
import { unreachable } from './fixtures/set-up-never-ends.ts'
import { settled } from './support/deaths.ts'
import { both, first, second } from './fixtures/twice.ts'

const { never } = workers<typeof import('./fixtures/never-loads.ts')>(new URL('./fixtures/never-loads.ts', import.meta.url))
const { squared } = workers<typeof import('./fixtures/paths/module.ts')>(new URL('./fixtures/paths/module.ts', import.meta.url))
const on = threads({ size: 2 })
const apart = processes({ size: 1 })
afterAll(() => Promise.all([on.close({ graceMs: 0 }), apart.close({ graceMs: 0 })]))

test.each([
  ['threads', on],
  ['processes', apart],
] as const)('a module that never loads: timeout, abort, and the workers go on: %s', async (_, executor) => {
  const { value } = await settled(map([1], never as never, { on: executor, timeout: 300 }))
  expect(value).toBeInstanceOf(TimedOut)
  expect((value as Error).message).toContain('was not loaded within the timeout of 300 ms')
  const aborted = [1, 2].map(() => settled(map([1], never as never, { on: executor, signal: AbortSignal.timeout(1_500) })))
  for (const { value: reason } of await Promise.all(aborted)) expect((reason as Error).name).toBe('Cancelled')
  expect(await map([1, 2, 3], plain.double, { on: executor })).toEqual([2, 4, 6])
})

test.each([
  ['threads', on],
  ['processes', apart],
] as const)(
  // A machine that pauses for two seconds is not the fault that is looked for, which fails each time.
  'a setup that never ends: the timeout runs once, one call can be cancelled, and the workers go on: %s',
  { retry: 2 },
  async (_, executor) => {
    const before = performance.now()
    const { value } = await settled(map([1], unreachable, { on: executor, timeout: '2s' }))
    expect((value as Error).message).toContain('was not loaded within the timeout of 2.00 s')
    expect(performance.now() - before).toBeLessThan(3_800)
    const cancelled = await settled(scope((s) => s.fork(() => unreachable(1)), { signal: AbortSignal.timeout(300) }))
    expect(cancelled.value).toMatchObject({ name: 'Cancelled' })
    expect(await map([1, 2, 3], plain.double, { on: executor })).toEqual([2, 4, 6])
  },
)

// Where Node strips types by itself it resolves by itself too, and knows no tsconfig.
test('paths of a tsconfig work in workers that load TypeScript through jiti', async () => {
  expect(await map([3], squared, { on })).toEqual([9])
})

test('Bun: worker processes are refused by name', () => {
  const versions = Object.getOwnPropertyDescriptor(process, 'versions') as PropertyDescriptor
  Object.defineProperty(process, 'versions', { ...versions, value: { ...process.versions, bun: '1.3.0' } })
  try {
    expect(() => processes({ size: 1 })).toThrow('Worker processes do not run on Bun')
  } finally {
    Object.defineProperty(process, 'versions', versions)
  }
})

test('two calls of workers in one module: both are found, and both setups run', async () => {
  expect(
    await Promise.all([map([0], first as never, { on }), map([0], second as never, { on }), map([0], both as never, { on })]),
  ).toEqual([['first'], ['second'], [11]])
})

test('a short Buffer that is marked to be moved is copied, and keeps its neighbours', async () => {
  const [hi, neighbour] = [Buffer.from('hi'), Buffer.from('neighbour')]
  const result = (await map([transfer(hi)], plain.echo, { on }))[0] as Uint8Array
  expect(Buffer.from(result).toString()).toBe('hi')
  expect((await map([transfer(hi, [hi.buffer as ArrayBuffer])], plain.echo, { on }))[0]).toHaveLength(2)
  expect(neighbour.toString()).toBe('neighbour')
})

test('a buffer that was moved before is refused, here and by the worker, instead of a message that nobody can read', async () => {
  const own = threads({ size: 1 })
  const buffer = new Uint8Array(100_000)
  expect((await map([transfer(buffer)], plain.echo, { on: own }))[0]).toHaveLength(100_000)
  for (const value of [transfer(buffer), transfer([buffer], [buffer.buffer]), buffer])
    await expect(map([value], plain.echo as (value: unknown) => unknown, { on: own })).rejects.toThrow(/was moved before/)
  expect((await map([1], plain.sameBufferAgain, { on: own }))[0]).toHaveLength(100_000)
  await expect(map([1], plain.sameBufferAgain, { on: own })).rejects.toThrow(/was moved before/)
  expect(await map([1], plain.double, { on: own })).toEqual([2])
  await own.close({ graceMs: 0 })
})

test('a DOMException keeps name, code, cause and fields', () => {
  const error = Object.assign(new DOMException('gone', { name: 'AbortError', cause: new RangeError('why') } as never), {
    extra: 1,
  })
  const back = unpackError(packError(error), () => undefined) as DOMException & { cause: Error; extra: number }
  expect(back).toBeInstanceOf(DOMException)
  expect([back.name, back.code, back.extra, back.cause.message]).toEqual(['AbortError', 20, 1, 'why'])
  expect(back.cause).toBeInstanceOf(RangeError)
})

test('workers inherit the flags that decide how modules resolve, but no loaders of TypeScript', () => {
  const resolving = ['-C', 'dev', '--conditions=other', '--preserve-symlinks', '--experimental-strip-types', '--no-strip-types']
  const hooks = ['--import', './hooks.mjs', '--loader', 'file:///a/tsx-like.mjs', '-r', 'dotenv/config']
  const left = [
    '--inspect',
    '--max-old-space-size=100',
    '--import',
    'tsx',
    '--import=tsx/esm',
    '--loader=ts-node/esm',
    '-r',
    'ts-node/register',
    '-r',
    '@swc-node/register',
    '--require',
    '/p/node_modules/tsx/dist/preflight.cjs',
    '--import',
    'file:///p/node_modules/tsx/dist/loader.mjs',
    '--import',
    'C:\\p\\node_modules\\jiti\\register.mjs',
    '--import=@oxc-node/core/register',
  ]
  expect(inheritedFlags([...resolving, ...left, ...hooks])).toEqual([...resolving, ...hooks])
  expect(inheritedFlags(['--import=./hooks.mjs'])).toEqual(['--import', './hooks.mjs'])
})
