import { expect, test } from 'vitest'
import { ByTimeout } from './by-timeout.ts'
import { DirectCalls } from './direct-calls.ts'

const open = (known: ByTimeout<DirectCalls>, timeoutMs: number): { calls: DirectCalls; result: Promise<unknown> } => {
  const calls = known.get(timeoutMs, (idle) => new DirectCalls(timeoutMs, () => {}, idle))
  return { calls, result: calls.add([1], {}) }
}

const answer = async ({ calls, result }: { calls: DirectCalls; result: Promise<unknown> }): Promise<void> => {
  calls.succeed(calls.take(1)?.first ?? -1, [1], 0)
  await result
}

test('a different timeout each time leaves nothing behind', async () => {
  const known = new ByTimeout<DirectCalls>()
  for (let timeoutMs = 1; timeoutMs <= 1_000; timeoutMs++) await answer(open(known, timeoutMs))
  expect(known.size).toBeLessThan(20)
})

test('many at once with timeouts of their own are kept until they have settled', async () => {
  const known = new ByTimeout<DirectCalls>()
  const all = Array.from({ length: 1_000 }, (_, i) => open(known, i + 1))
  expect(known.size).toBe(1_000)
  for (const one of all) await answer(one)
  expect(known.size).toBeLessThan(20)
})

test('the few timeouts of a program are made once', async () => {
  const known = new ByTimeout<DirectCalls>()
  const made = new Set<DirectCalls>()
  for (let i = 0; i < 100; i++) {
    const one = open(known, i % 10)
    made.add(one.calls)
    await answer(one)
  }
  expect(made.size).toBe(10)
})
