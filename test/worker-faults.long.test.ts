// oxlint-disable vitest/expect-expect -- what is expected of every round stands in support/deaths.ts
/** The full figures of the reliability programme for workers; `worker-faults.built.test.ts` has the short ones. */
import { expect, test } from 'vitest'
import { processes, TimedOut, threads, WorkerCrashed } from '../src/index.ts'
import { deaths } from './fixtures/deaths.ts'
import { killOften, ref, settled } from './support/deaths.ts'

test('worker death: 200 rounds', async () => {
  const executor = threads({ size: 2 })
  await killOften(executor, 200, 1_000)
  await executor.close({ graceMs: 0 })
}, 600_000)

test.each(['spin', 'spinLater', 'waitForEver'] as const)(
  'runaways: 100 of 100 end within a second (%s)',
  async (fn) => {
    const executor = threads({ size: 2 })
    for (let round = 0; round < 50; round++) {
      await executor.warmUp?.(ref(deaths.double))
      const calls = [1, 2].map(() => settled(executor.call(ref(deaths[fn]), [], { timeoutMs: 200 })))
      for (const { value, ms } of await Promise.all(calls)) {
        expect(value).toBeInstanceOf(TimedOut)
        expect(ms).toBeLessThan(1_000)
      }
    }
    await executor.close({ graceMs: 0 })
  },
  600_000,
)

test('memory: a named error 20 of 20 in threads', async () => {
  const executor = threads({ size: 1, memoryLimitMb: 16 })
  for (let round = 0; round < 20; round++) {
    const { value } = await settled(executor.call(ref(deaths.eatSlowly), []))
    expect(value).toBeInstanceOf(WorkerCrashed)
    expect((value as Error).message).toContain('out of memory')
  }
  await executor.close({ graceMs: 0 })
}, 300_000)

test('memory: processes survive one huge array 20 of 20', async () => {
  const executor = processes({ size: 1, memoryLimitMb: 256 })
  for (let round = 0; round < 20; round++) {
    const { value } = await settled(executor.call(ref(deaths.eatAtOnce), []))
    expect(value).toBeInstanceOf(WorkerCrashed)
    expect(await executor.call(ref(deaths.double), [round])).toBe(round * 2)
  }
  await executor.close({ graceMs: 0 })
}, 600_000)
