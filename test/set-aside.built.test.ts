/** A worker that has loaded a native addon is not ended while it is busy: it is set aside. (Calls of real addons: native-addons.matrix.test.ts.) */
import { expect, test } from 'vitest'
import { map, threads, TimedOut, WorkerStartFailed } from '../src/index.ts'
import { aside } from './fixtures/set-aside.ts'
import { settled } from './support/deaths.ts'

test('its task settles in time, another takes its place, and at a bound of them calls reject by name', async () => {
  const on = threads({ size: 1 })
  for (let round = 0; round < 4; round++) {
    // The addon is loaded, and the worker is known to be well.
    expect(await map([0], aside.hold, { on })).toEqual(['held'])
    const { value } = await settled(map([30_000], aside.hold, { on, timeout: 100 }))
    expect(value).toBeInstanceOf(TimedOut)
    expect((value as TimedOut).hint).toContain("isolation: 'process'")
  }
  const { value } = await settled(map([4], aside.double, { on }))
  expect(value).toBeInstanceOf(WorkerStartFailed)
  expect((value as Error).cause).toHaveProperty(
    'message',
    '4 workers are inside native calls that were given up, and cannot be ended',
  )
  await on.close({ graceMs: 0 })
})

test('what had not begun goes to another worker, and the one that was set aside ends when it answers', async () => {
  const on = threads({ size: 1 })
  await map([0], aside.hold, { on })
  const held = settled(map([2_000], aside.hold, { on, timeout: 100 }))
  const others = Promise.all([1, 2, 3].map((n) => map([n], aside.double, { on })))
  expect((await held).value).toBeInstanceOf(TimedOut)
  expect(await others).toEqual([[2], [4], [6]])
  await on.close()
})
