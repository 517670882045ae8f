/** Rounds in which a worker function does what its caller must survive. */
import { expect } from 'vitest'
import { map, TimedOut, threads, WorkerCrashed } from '../../src/index.ts'
import { SharedMutex } from '../../src/sync/index.ts'
import { contained } from '../fixtures/misdeeds.ts'
import { callsHere, type Misdeed, type Order } from '../fixtures/misdeeds-functions.ts'
import { settled } from './deaths.ts'

type Outcome = string | undefined | (new (...args: never[]) => Error)

export const outcomes: Readonly<Record<Misdeed, Outcome>> = {
  loop: TimedOut,
  exit: WorkerCrashed,
  throwInTheBackground: WorkerCrashed,
  changeDirectory: TypeError,
  eatMemory: WorkerCrashed,
  stayInNativeCode: 'native',
  holdLock: 'locked',
}

export const callsOnThisThread = (): number => (globalThis as { [callsHere]?: number })[callsHere] ?? 0

/** Does it once, in a map, on workers that are cold or know the function to be cheap. */
export async function survive(misdeed: Misdeed, cold: boolean): Promise<void> {
  const on = threads({ size: 2, memoryLimitMb: 32 })
  const folder = process.cwd()
  const numbers = Array.from({ length: 3_000 }, (_, n) => n)
  if (!cold) for (let i = 0; i < 5; i++) await map(numbers, contained.work, { on })
  const lock = misdeed === 'holdLock' ? new SharedMutex().shared : undefined
  const order: Order = { misdeed, ...(lock && { lock }) }
  let ticks = 0
  const clock = setInterval(() => ticks++, 5)
  const { value } = await settled(map([1, order, 2], contained.work, { on, deadline: misdeed === 'loop' ? 300 : '30s' }))
  clearInterval(clock)
  const expected = outcomes[misdeed]
  if (typeof expected === 'function') expect(value).toBeInstanceOf(expected)
  else expect(value).toEqual([2, expected, 3])
  if (misdeed === 'loop' || misdeed === 'stayInNativeCode') expect(ticks).toBeGreaterThan(3)
  expect(process.cwd()).toBe(folder)
  expect(callsOnThisThread()).toBe(0)
  const after = await settled(map([5], contained.work, { on, retry: 2 }))
  expect(after.value).toEqual([6])
  await on.close({ graceMs: 0 })
}
