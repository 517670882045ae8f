import { expect, test } from 'vitest'
import { Cancellation } from '../../base/abort.ts'
import { DirectCalls } from './direct-calls.ts'

test('a cancellation reaches every waiting call, however many there are', async () => {
  const calls = new DirectCalls(undefined, () => {})
  const cancellation = new Cancellation()
  const results = Array.from({ length: 10_000 }, () => calls.add([1], { cancellation }))
  const other = calls.add([2], {})
  cancellation.abort(new Error('enough'))
  const outcomes = await Promise.allSettled(results)
  expect(outcomes.filter(({ status }) => status === 'rejected').length).toBe(10_000)
  expect(calls.remaining()).toBe(1)
  const batch = calls.take(10)
  expect(batch?.items).toEqual([[2]])
  calls.succeed(batch?.first ?? -1, [4], 1)
  expect(await other).toBe(4)
})

test('calls of one turn travel together, as many as a message may have', () => {
  const calls = new DirectCalls(undefined, () => {})
  for (let i = 0; i < 5_000; i++) void calls.add([i], {})
  // As long as nobody knows how large results are, a few.
  const first = calls.take(10_000)
  expect(first?.items.length).toBeLessThanOrEqual(8)
  calls.succeed(0, Array.from({ length: first?.items.length ?? 0 }), 1)
  expect(calls.take(10_000)?.items.length).toBe(5_000 - (first?.items.length ?? 0))
})

test('large arguments do not travel together', () => {
  const calls = new DirectCalls(undefined, () => {})
  for (let i = 0; i < 20; i++) void calls.add([new Uint8Array(5 * 2 ** 20)], {})
  const first = calls.take(20)
  expect(first?.items).toHaveLength(1)
  calls.succeed(0, [1], 1)
  expect(calls.take(20)?.items).toHaveLength(1)
})
