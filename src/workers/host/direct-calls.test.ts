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
