// oxlint-disable vitest/expect-expect -- what is expected of every round stands in support/deaths.ts
/** Workers that die, run away, eat all memory or cannot start. The figures are those of the reliability programme. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { map, processes, scope, TimedOut, threads, WorkerCrashed, WorkerStartFailed, workers } from '../src/index.ts'
import { Cancellation } from '../src/base/abort.ts'
import type { Executor } from '../src/run/executor.ts'
import { deaths } from './fixtures/deaths.ts'
import { killOften, ref, settled } from './support/deaths.ts'

let opened: Executor[] = []
const open = (executor: Executor): Executor => {
  opened.push(executor)
  return executor
}
afterEach(async () => {
  await Promise.all(opened.map((executor) => executor.close({ graceMs: 0 })))
  opened = []
})

test('worker death: every call settles, with its own result or a named error', async () => {
  await killOften(open(threads({ size: 2 })), 12, 5_000)
})

test('worker death in a process, the same', async () => {
  await killOften(open(processes({ size: 2 })), 6, 5_000)
})

test('a map loses only what its dying workers had begun', async () => {
  const executor = open(threads({ size: 2 }))
  const { ok, failed } = await map(
    Array.from({ length: 200 }, (_, n) => n),
    deaths.doubleOrDie,
    { on: executor, onFailure: 'settle' },
  )
  expect(failed.map(({ index }) => index)).toContain(57)
  for (const { error } of failed) expect(error).toBeInstanceOf(WorkerCrashed)
  expect(ok.length + failed.length).toBe(200)
  expect(failed.length).toBeLessThanOrEqual(3)
})

test.each(['spin', 'spinLater', 'waitForEver'] as const)('a runaway is ended after its timeout: %s', async (fn) => {
  const executor = open(threads({ size: 2 }))
  await executor.warmUp?.(ref(deaths.double))
  const calls = Array.from({ length: 2 }, () => settled(executor.call(ref(deaths[fn]), [], { timeoutMs: 200 })))
  for (const { value } of await Promise.all(calls)) expect(value).toBeInstanceOf(TimedOut)
  expect(await executor.call(ref(deaths.double), [4])).toBe(8)
})

test('close ends runaways', async () => {
  const executor = threads({ size: 2 })
  await executor.warmUp?.(ref(deaths.double))
  const calls = (['spin', 'waitForEver'] as const).map((fn) => settled(executor.call(ref(deaths[fn]), [])))
  await executor.close({ graceMs: 50 })
  expect((await Promise.all(calls)).map(({ value }) => (value as Error).name)).toEqual(['Closed', 'Closed'])
})

test('cancelling a scope ends every runaway in it, also two of one turn', async () => {
  const executor = open(threads({ size: 1 }))
  await executor.call(ref(deaths.double), [1])
  const stopped = await settled(
    scope(async (s) => {
      const spins = [1, 2, 3].map(() =>
        s.fork(({ signal }) => executor.call(ref(deaths.spin), [], { cancellation: Cancellation.of(signal) })),
      )
      setTimeout(() => s.cancel('enough'), 30)
      await Promise.all(spins)
    }),
  )
  expect((stopped.value as Error).name).toBe('Cancelled')
  expect(await executor.call(ref(deaths.double), [4])).toBe(8)
})

test('a thread that runs out of memory is a named error', async () => {
  const executor = open(threads({ size: 1, memoryLimitMb: 16 }))
  for (let round = 0; round < 2; round++) {
    const { value } = await settled(executor.call(ref(deaths.eatSlowly), []))
    expect(value).toBeInstanceOf(WorkerCrashed)
    expect((value as Error).message).toContain('out of memory')
    expect(await executor.call(ref(deaths.double), [4])).toBe(8)
  }
})

test('a process may run out of memory without taking the program with it', async () => {
  const executor = open(processes({ size: 1, memoryLimitMb: 64 }))
  const { value } = await settled(executor.call(ref(deaths.eatAtOnce), []))
  expect(value).toBeInstanceOf(WorkerCrashed)
  expect((value as Error).message).toMatch(/signal SIG|exit code/)
  expect(await executor.call(ref(deaths.double), [4])).toBe(8)
})

test.each(['threads', 'processes'] as const)('a module that dies at load is given up: %s', async (kind) => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-'))
  process.env.HEDDLE_TEST_STARTS = join(folder, 'starts')
  try {
    const executor = open((kind === 'threads' ? threads : processes)({ size: 2 }))
    const { never } = workers<typeof import('./fixtures/dies-at-load.ts')>(new URL('fixtures/dies-at-load.ts', import.meta.url))
    const calls = await Promise.all(Array.from({ length: 6 }, () => settled(executor.call(ref(never), []))))
    for (const { value } of calls) {
      expect(value).toBeInstanceOf(WorkerStartFailed)
      expect((value as Error).message).toContain('exit code 5')
    }
    const starts = readFileSync(process.env.HEDDLE_TEST_STARTS, 'utf8').trim().split('\n').length
    expect(starts).toBeLessThanOrEqual(10)
    expect((await settled(executor.warmUp?.(ref(never)) as Promise<void>)).value).toBeInstanceOf(Error)
    expect(await executor.call(ref(deaths.double), [4])).toBe(8)
  } finally {
    delete process.env.HEDDLE_TEST_STARTS
    rmSync(folder, { recursive: true })
  }
})

test('workers that cannot start are given up', async () => {
  const { NODE_OPTIONS } = process.env
  process.env.NODE_OPTIONS = '--no-such-option'
  try {
    const { value } = await settled(open(processes({ size: 1 })).call(ref(deaths.double), [1]))
    expect(value).toBeInstanceOf(WorkerStartFailed)
    expect((value as Error).message).toContain('found no worker that could start (exit code 9)')
  } finally {
    if (NODE_OPTIONS === undefined) delete process.env.NODE_OPTIONS
    else process.env.NODE_OPTIONS = NODE_OPTIONS
  }
})
