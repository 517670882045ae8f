/** Waiting for a module that never ends loading is bounded by exactly one limit: `queueTimeout` where it is given, else `timeout`. */
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Executor,
  guard,
  map,
  mapReduce,
  pipe,
  processes,
  scope,
  stream,
  threads,
  TimedOut,
  warmUp,
  workers,
} from '../src/index.ts'
import { plain } from './fixtures/plain.ts'

interface Slow {
  echo(value: number): Promise<number>
}

let folder = ''
let [never, slow]: Slow[] = []
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-loading-'))
  const module = (name: string, top: string): Slow => {
    const file = join(folder, `${name}.mjs`)
    writeFileSync(file, `await new Promise((resolve) => ${top})\nexport const echo = (value) => value\n`)
    return workers<Slow>(pathToFileURL(file)) as unknown as Slow
  }
  never = module('never', 'setInterval(() => {}, 1_000)')
  slow = module('slow', 'setTimeout(resolve, 700)')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const kinds: Record<string, () => Executor> = {
  threads: () => threads({ size: 1, grace: 100 }),
  processes: () => processes({ size: 1, grace: 100 }),
}

describe.each(Object.entries(kinds))('on %s', (_, open) => {
  let on: Executor
  beforeAll(() => void (on = open()))
  afterAll(() => on.close({ graceMs: 0 }))

  const ways: Record<string, (fn: Slow['echo'], limits: object) => Promise<unknown>> = {
    map: (fn, limits) => map([1, 2], fn, { on, ...limits }),
    stream: (fn, limits) =>
      stream([1, 2])
        .map(fn, { on, ...limits })
        .toArray(),
    scope: (fn, limits) => scope((s) => s.fork(() => map([1], fn, { on, ...limits }))),
  }

  test.each(Object.entries(ways))('%s: queueTimeout covers the loading', async (_way, run) => {
    await expect(run(never?.echo as Slow['echo'], { queueTimeout: 400 })).rejects.toMatchObject({
      name: 'TimedOut',
      clock: 'queueTimeout',
    })
    // The worker is free again.
    expect(await map([1], plain.double, { on })).toEqual([2])
  })

  test('timeout does, where that is all that was given', async () => {
    await expect(map([1], never?.echo as Slow['echo'], { on, timeout: 400 })).rejects.toMatchObject({ clock: 'timeout' })
    expect(await map([1], plain.double, { on })).toEqual([2])
  })

  test('with both, loading counts for queueTimeout alone', async () => {
    const run = map([1, 2], slow?.echo as Slow['echo'], { on, queueTimeout: '30s', timeout: 300 })
    expect(await run).toEqual([1, 2])
  })

  test('warmUp has a timeout and a signal', async () => {
    const fn = never?.echo as Slow['echo']
    await expect(warmUp(fn, { on, timeout: 300 })).rejects.toThrow(
      /warmUp timed out: not every worker had loaded the modules of "echo"/,
    )
    await expect(warmUp(fn, { on, timeout: 300 })).rejects.toBeInstanceOf(TimedOut)
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('enough')), 200)
    await expect(warmUp(fn, { on, signal: controller.signal })).rejects.toMatchObject({ name: 'Cancelled' })
    expect(await map([1], plain.double, { on })).toEqual([2])
  })
})

type Way = (
  fn: Slow['echo'],
  on: Executor,
  limits: { readonly deadline?: number; readonly signal?: AbortSignal },
) => Promise<unknown>
/** The module that never loads is not that of the first function: in a row, as what merges, as what folds. */
const later: Record<string, Way> = {
  'functions in a row': (fn, on, limits) => map([1], pipe(plain.double, fn), { on, ...limits }),
  'stages in a row': (fn, on, limits) => stream([1], limits).map(plain.double, { on }).map(fn, { on }).toArray(),
  'what merges': (fn, on, limits) => mapReduce([1, 2, 3], plain.double, fn, { empty: 0, on, ...limits }),
  'what folds keys': (fn, on, limits) =>
    stream([{ k: 1 }], limits)
      .by('k')
      .reduce(fn as never, 0, { on }),
}

test.each(Object.entries(later))('%s: a worker that never ends loading is ended when nobody waits for it', async (_, run) => {
  const on = threads({ size: 1, grace: 100 })
  await map([1], plain.double, { on })
  await expect(run(never?.echo as Slow['echo'], on, { deadline: 300 })).rejects.toBeInstanceOf(TimedOut)
  expect(await map([1], plain.double, { on })).toEqual([2])
  await on.close({ graceMs: 0 })
})

test('functions in a row: timeout covers the loading of each', async () => {
  const on = threads({ size: 1, grace: 100 })
  await expect(map([1], pipe(plain.double, never?.echo as Slow['echo']), { on, timeout: 300 })).rejects.toBeInstanceOf(TimedOut)
  expect(await map([1], plain.double, { on })).toEqual([2])
  await on.close({ graceMs: 0 })
})

test('cancelled while it begins to load, a worker is not left behind', async () => {
  const on = threads({ size: 1, grace: 50 })
  for (const ms of [0, 1, 5, 30]) {
    await map([1], plain.double, { on })
    const controller = new AbortController()
    setTimeout(() => controller.abort(), ms)
    await expect(map([1, 2, 3], never?.echo as Slow['echo'], { on, signal: controller.signal })).rejects.toThrow('cancelled')
  }
  expect(await map([1], plain.double, { on })).toEqual([2])
  await on.close({ graceMs: 0 })
})

test('guard: queueTimeout covers the loading', async () => {
  const guarded = guard(never?.echo as Slow['echo'], { queueTimeout: 300 })
  await expect(guarded(1)).rejects.toMatchObject({ clock: 'queueTimeout' })
})
