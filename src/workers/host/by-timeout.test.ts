import { expect, test } from 'vitest'
import { ByTimeout } from './by-timeout.ts'
import { Calls } from './calls.ts'

const open = (known: ByTimeout<Calls>, timeoutMs: number): { calls: Calls; result: Promise<unknown> } => {
  const calls = known.get(timeoutMs, (idle) => new Calls(timeoutMs, () => {}, idle))
  return { calls, result: calls.add([1], {}) }
}

const answer = async ({ calls, result }: { calls: Calls; result: Promise<unknown> }): Promise<void> => {
  calls.succeed(calls.take(1)?.first ?? -1, [1], 0)
  await result
}

test('a different timeout each time leaves nothing behind', async () => {
  const known = new ByTimeout<Calls>()
  for (let timeoutMs = 1; timeoutMs <= 1_000; timeoutMs++) await answer(open(known, timeoutMs))
  expect(known.size).toBeLessThan(20)
})

test('many at once with timeouts of their own are kept until they have settled', async () => {
  const known = new ByTimeout<Calls>()
  const all = Array.from({ length: 1_000 }, (_, i) => open(known, i + 1))
  expect(known.size).toBe(1_000)
  for (const one of all) await answer(one)
  expect(known.size).toBeLessThan(20)
})

test('the few timeouts of a program are made once', async () => {
  const known = new ByTimeout<Calls>()
  const made = new Set<Calls>()
  for (let i = 0; i < 100; i++) {
    const one = open(known, i % 10)
    made.add(one.calls)
    await answer(one)
  }
  expect(made.size).toBe(10)
})
