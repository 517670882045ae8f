/** Rounds of worker deaths, for short and long tests. */
import { expect } from 'vitest'
import { WorkerCrashed } from '../../src/index.ts'
import { type Executor, type FunctionRef, refOf } from '../../src/run/executor.ts'
import { deaths, type Way } from '../fixtures/deaths.ts'

export const ref = (fn: unknown): FunctionRef => refOf(fn) as FunctionRef
const ways: readonly Way[] = ['exit', 'throw', 'rejection']

export interface Settled {
  readonly outcome: 'value' | 'error'
  readonly value: unknown
  readonly ms: number
}

export async function settled(promise: Promise<unknown>): Promise<Settled> {
  const began = performance.now()
  const seen = (outcome: Settled['outcome']) => (value: unknown) => ({ outcome, value, ms: performance.now() - began })
  return promise.then(seen('value'), seen('error'))
}

/** Each round: one call that kills, and others beside it that must come back right. */
export async function killOften(executor: Executor, rounds: number, slowestMs: number): Promise<void> {
  const call = (fn: unknown, args: readonly unknown[]): Promise<unknown> => executor.call(ref(fn), args)
  await executor.warmUp?.(ref(deaths.double))
  for (let round = 0; round < rounds; round++) {
    const way = ways[round % ways.length] as Way
    const moment = (['before', 'mid', 'after', 'idle'] as const)[Math.floor(round / ways.length) % 4] as 'before'
    const others = Array.from({ length: 8 }, (_, n) => settled(call(deaths.double, [n])))
    const killer = await settled(call(deaths[moment], [way]))
    for (const { outcome, value, ms } of [killer, ...(await Promise.all(others))]) {
      expect(ms).toBeLessThan(slowestMs)
      if (outcome === 'error') expect(value).toBeInstanceOf(WorkerCrashed)
    }
    if (moment === 'before' || moment === 'mid') expect(killer.value).toBeInstanceOf(WorkerCrashed)
    else expect(killer.value).toBe('done')
    for (const [n, other] of (await Promise.all(others)).entries()) {
      if (other.outcome === 'value') expect(other.value).toBe(n * 2)
    }
    // The pool is as good as new, whenever the dying worker is noticed.
    const after = await Promise.all([3, 4, 5].map((n) => settled(call(deaths.double, [n]))))
    for (const [i, { outcome, value }] of after.entries()) {
      expect(outcome === 'value' ? value : (value as Error).name).toSatisfy((v) => v === (i + 3) * 2 || v === 'WorkerCrashed')
    }
  }
  expect(await Promise.all([1, 2, 3].map((n) => retried(() => call(deaths.double, [n]))))).toEqual([2, 4, 6])
}

/** A worker that is about to die takes what it has begun with it. */
async function retried(call: () => Promise<unknown>): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      if (attempt === 5) throw error
    }
  }
}
