import { expect, test } from 'vitest'
import { map } from '../run/map.ts'
import { functionRef } from '../run/executor.ts'
import { PoolAtFirstUse } from './first-use.ts'
import type { Pool } from './host/pool.ts'
import { threadReach } from './reach.ts'

/** A pool that writes down what it is asked, opened when the test says so. */
function late() {
  const asked: string[] = []
  const pool = {
    call: async (_: unknown, args: readonly unknown[]) => asked.push(`call ${args.join()}`),
    warmUp: async () => void asked.push('warmUp'),
    close: async () => void asked.push('close'),
  } as unknown as Pool
  let opened = 0
  let open = (): void => {}
  const ready = new Promise<void>((resolve) => (open = resolve))
  const executor = new PoolAtFirstUse('threads', 2, threadReach, async () => {
    opened++
    await ready
    return pool
  })
  return { executor, asked, open, opened: () => opened }
}

const ref = {} as never

test('nothing is loaded before the first work, and then once', async () => {
  const { executor, open, opened } = late()
  expect([executor.name, executor.slots, opened()]).toEqual(['threads', 2, 0])
  const calls = [executor.call(ref, [1]), executor.call(ref, [2])]
  expect(opened()).toBe(1)
  open()
  await Promise.all(calls)
  await executor.call(ref, [3])
  expect(opened()).toBe(1)
})

test('what came while it was loaded reaches the pool in its order', async () => {
  const { executor, asked, open } = late()
  const all = [executor.call(ref, [1]), executor.warmUp(ref), executor.call(ref, [2]), executor.close()]
  open()
  await Promise.all(all)
  expect(asked).toEqual(['call 1', 'warmUp', 'call 2', 'close'])
})

test('code that cannot be loaded fails calls and whole maps, and is no unhandled rejection', async () => {
  const executor = new PoolAtFirstUse('threads', 2, threadReach, () => Promise.reject(new Error('Cannot find module pool.js')))
  const says = {
    name: 'WorkerStartFailed',
    message: 'The code of the executor "threads" could not be loaded',
    cause: expect.objectContaining({ message: 'Cannot find module pool.js' }),
  }
  await expect(executor.call(ref, [])).rejects.toMatchObject(says)
  await expect(executor.warmUp(ref)).rejects.toMatchObject(says)
  const fn = Object.assign(async (n: number) => n, {
    [functionRef]: { module: 'file:///none.js', name: 'fn', local: undefined, setup: undefined, executor },
  })
  await expect(map([1, 2, 3], fn)).rejects.toMatchObject(says)
  async function* endless() {
    for (let i = 0; ; i++) yield i
  }
  await expect(map(endless(), fn)).rejects.toMatchObject(says)
})
