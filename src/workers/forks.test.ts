/** Forks inside worker functions: where they run, that nothing depends on it, and that everything settles whatever happens. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fork, map, processes, threads } from '../index.ts'
import { forks, type Node } from '../../test/fixtures/forks.ts'
import { runs } from '../../test/support/runs.ts'
import { Cancellation } from '../base/abort.ts'
import { type Executor, type FunctionRef, refOf } from '../run/executor.ts'

const call = <T>(executor: Executor, fn: unknown, ...args: unknown[]): Promise<T> =>
  executor.call(refOf(fn) as FunctionRef, args) as Promise<T>

const opened: Executor[] = []
const open = (executor: Executor): Executor => {
  opened.push(executor)
  return executor
}
afterAll(async () => void (await Promise.all(opened.map((executor) => executor.close({ graceMs: 0 })))))

/** Reproducible. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const ways = ['map', 'fork', 'reduce', 'direct', 'guard'] as const

function treeOf(next: () => number, ends: Node['ends'] | undefined, depth = 4): Node {
  let id = 0
  const node = (depth: number): Node => {
    const count = depth === 0 ? 0 : Math.floor(next() * 4)
    const own = ++id
    const kids = Array.from({ length: count }, () => node(depth - 1))
    const ms = next() < 0.3 ? next() * 3 : next() * 0.1
    return { id: own, ms, way: ways[Math.floor(next() * ways.length)] ?? 'map', kids, ...(ends && next() < 0.1 && { ends }) }
  }
  return { ...node(depth), ms: 1 }
}

const sumOf = (node: Node): number => node.kids.reduce((sum, kid) => sum + sumOf(kid), node.id)
const has = (node: Node, ends: Node['ends']): boolean => node.ends === ends || node.kids.some((kid) => has(kid, ends))
/** The value, or class and first word of the error. */
const outcomeOf = (result: Promise<number>): Promise<number | string> =>
  result.catch(({ name, message }: Error) => `${name}: ${message.split(' ')[0]}`)
const plainNode = { id: 1, ms: 1, way: 'map', kids: [] } as const

describe.each(
  [
    ['1 thread', () => threads({ size: 1 })],
    ['2 processes', () => processes({ size: 2 })],
    ['3 threads', () => threads({ size: 3 })],
    ['2 threads', () => threads({ size: 2 })],
    ['8 threads', () => threads({ size: 8 })],
  ].slice(0, runs(3, 5)) as [string, () => Executor][],
)('trees of forks on %s', (name, make) => {
  const trees = name.endsWith('threads') ? runs(4, 25) : runs(2, 8)
  const deadly = Math.min(trees, runs(2, 10))
  // To start workers costs more than all that they do here.
  let executor: Executor
  beforeAll(() => {
    executor = open(make())
  })

  test('give what plain recursion gives', async () => {
    for (let seed = 1; seed <= trees; seed++) {
      const tree = treeOf(random(seed), undefined)
      expect(await call<number>(executor, forks.tree, tree)).toBe(sumOf(tree))
    }
    const several = Array.from({ length: 10 }, (_, i) => treeOf(random(100 + i), undefined, 3))
    expect(await map(several, forks.tree, { on: executor })).toEqual(several.map(sumOf))
  })

  test('fail as it would, with an error that crossed', async () => {
    for (let seed = 1; seed <= trees; seed++) {
      const tree = treeOf(random(seed), 'fails')
      const outcome = await outcomeOf(call<number>(executor, forks.tree, tree))
      expect(outcome).toEqual(has(tree, 'fails') ? 'RangeError: node' : sumOf(tree))
    }
    expect(await call(executor, forks.tree, plainNode)).toBe(1)
  })

  test('settle when a worker dies, and the pool goes on', async () => {
    for (let seed = 1; seed <= deadly; seed++) {
      const tree = treeOf(random(seed), 'dies', 3)
      const outcome = await outcomeOf(call<number>(executor, forks.tree, tree))
      expect(outcome).toEqual(has(tree, 'dies') ? 'WorkerCrashed: The' : sumOf(tree))
    }
    expect(await call(executor, forks.tree, plainNode)).toBe(1)
  })

  test('stop everywhere when the call is cancelled', async () => {
    for (let seed = 1; seed <= deadly; seed++) {
      const tree: Node = { ...treeOf(random(seed), 'never'), way: 'fork' }
      const never: Node = { id: 0, ms: 0, way: 'fork', kids: [tree, { ...tree, ends: 'never' }, tree] }
      const cancellation = new Cancellation()
      const result = executor.call(refOf(forks.tree) as FunctionRef, [never], { cancellation })
      setTimeout(() => cancellation.abort(new Error('enough')), 5 + seed)
      await expect(result).rejects.toMatchObject({ name: 'Cancelled' })
    }
    expect(await call(executor, forks.tree, plainNode)).toBe(1)
  })

  test('settle when the pool is closed under way', async () => {
    const closing = make()
    const endless = Array.from({ length: 6 }, (_, i) => treeOf(random(i), 'never'))
    const results = endless.map((tree) => call<number>(closing, forks.tree, { ...tree, ends: 'never' }))
    await new Promise((resolve) => setTimeout(resolve, 20))
    const settled = Promise.allSettled(results)
    await closing.close({ graceMs: 20 })
    for (const { status } of await settled) expect(status).toBe('rejected')
  })
})

let shared: Executor | undefined
const two = (): Executor => (shared ??= open(threads({ size: 2 })))

test('what is forked runs elsewhere while somebody is idle', async () => {
  const executor = two()
  await executor.warmUp?.(refOf(forks.apart) as FunctionRef)
  const { home, forked, mapped } = await call<{ home: number; forked: number[]; mapped: number[] }>(executor, forks.apart, 80)
  expect(forked[0]).not.toBe(home)
  expect(new Set(mapped).size).toBe(2)
})

test('processes take forks of one another', async () => {
  const executor = open(processes({ size: 2 }))
  await executor.warmUp?.(refOf(forks.apart) as FunctionRef)
  const { mapped } = await call<{ mapped: number[] }>(executor, forks.apart, 150)
  expect(new Set(mapped).size).toBe(2)
})

test('a busy main thread holds up nobody', async () => {
  const executor = two()
  await call(executor, forks.where, 0)
  const done = new Int32Array(new SharedArrayBuffer(4))
  const result = call(executor, forks.apartThenWake, 5, done)
  await Promise.resolve()
  // The worker forks meanwhile, and takes back what nobody takes.
  expect(Atomics.wait(done, 0, 0, 30_000)).not.toBe('timed-out')
  await result
})

test('a map of functions that wait has many of them under way', async () => {
  const executor = open(threads({ size: 1 }))
  await call(executor, forks.where, 0)
  expect(await call(executor, forks.manyPauses, 120)).toBeGreaterThan(20)
})

test('a fork sees the context of its task, an item its own index', async () => {
  const executor = two()
  const seen = await executor.call(refOf(forks.contexts) as FunctionRef, [], { index: 4, attempt: 2 })
  expect(seen).toEqual([{ index: 4, attempt: 2 }, [0, 1, 2].map((index) => ({ index, attempt: 1 }))])
})

test.each([1, 2])('what crosses does not show where it ran (%d threads)', async (size) => {
  const executor = open(threads({ size }))
  const seen = await call<string[]>(executor, forks.crossing, 3)
  expect(seen).toEqual(['Object', 'Object', 'Object', 'Object', 'Object', 'Object', 'Unserializable', 'Unserializable'])
})

test('forks share memory', async () => {
  const executor = two()
  const cells = new Int32Array(new SharedArrayBuffer(4 * 100_000))
  await call(executor, forks.cells, cells, 0, cells.length)
  expect(cells.every((value, i) => value === i)).toBe(true)
})

test('forks that are awaited together go depth first, so that a recursion holds as many as it is deep', async () => {
  const executor = open(threads({ size: 1 }))
  // All at once there would be 750; the end of a call shows a few turns later.
  expect(await call(executor, forks.open, 4, 5)).toBeLessThan(15)
})

test('recursion to trivial leaves', async () => {
  const executor = two()
  expect(await call(executor, forks.fib, 18)).toBe(2_584)
})

test('whoever fails before he awaits his fork takes no worker with him', async () => {
  const executor = two()
  await call(executor, forks.where, 0)
  for (const ms of [0, 1, 30]) await expect(call(executor, forks.leaves, ms)).rejects.toThrow('left')
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(await call(executor, forks.tree, plainNode)).toBe(1)
})

test('outside of a worker a fork is the call itself', async () => {
  expect(await fork(forks.fork, 3)).toBe(3)
  expect(() => fork(async () => 1)).toThrow('Expected fork to get a worker function, got')
  expect(await forks.forkOfPlain()).toContain('Expected fork to get a worker function')
})
