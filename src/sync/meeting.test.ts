import { describe, expect, test } from 'vitest'
import { Cancelled, InvalidOption, TimedOut } from '../base/errors.ts'
import { Barrier, Latch } from './index.ts'

describe('Barrier', () => {
  test('lets all go when the last has come, round after round', async () => {
    const barrier = new Barrier(3)
    for (let round = 0; round < 3; round++) {
      const waits = [barrier.wait(), barrier.wait()]
      expect(barrier.waiting).toBe(2)
      const leaders = await Promise.all([...waits, barrier.wait()])
      expect(leaders).toEqual([false, false, true])
      expect(barrier.waiting).toBe(0)
    }
  })

  test('does not count those who stopped waiting', async () => {
    const barrier = new Barrier(2, { name: 'start' })
    await expect(barrier.wait({ timeout: 1 })).rejects.toThrow('Waited for barrier "start" longer than 1.00 ms')
    const controller = new AbortController()
    const aborted = barrier.wait({ signal: controller.signal })
    controller.abort()
    await expect(aborted).rejects.toBeInstanceOf(Cancelled)
    await expect(barrier.wait({ signal: controller.signal })).rejects.toBeInstanceOf(Cancelled)
    const first = barrier.wait()
    expect(await barrier.wait()).toBe(true)
    expect(await first).toBe(false)
  })

  test('refuses parties below 1', () => {
    for (const parties of [0, -2, 1.5, undefined]) expect(() => new Barrier(parties as number)).toThrow(InvalidOption)
  })
})

describe('Latch', () => {
  test('opens at zero, and stays open', async () => {
    const latch = new Latch(3)
    const waits = [latch.wait(), latch.wait()]
    latch.countDown()
    expect([latch.count, latch.waiting]).toEqual([2, 2])
    latch.countDown(5)
    await Promise.all(waits)
    expect(latch.count).toBe(0)
    latch.countDown()
    await latch.wait()
    await new Latch(0).wait()
  })

  test('can be waited for with a timeout', async () => {
    const latch = new Latch(1)
    await expect(latch.wait({ timeout: 1 })).rejects.toBeInstanceOf(TimedOut)
    expect(latch.waiting).toBe(0)
    expect(() => latch.countDown(0)).toThrow(InvalidOption)
    expect(() => new Latch(-1)).toThrow(InvalidOption)
  })
})
