import { expect, test } from 'vitest'
import { makeTraceOf } from '../../../test/support/traces.ts'
import { explain } from '../verdict/explain.ts'

const cancelledAt = (at: number) => ({ startedAt: 0, settledAt: at, state: 'cancelled' as const })
const spec = {
  tasks: [
    cancelledAt(10),
    cancelledAt(20),
    { startedAt: 0, settledAt: 60 },
    cancelledAt(51),
    cancelledAt(52),
    { startedAt: 0, settledAt: 53, state: 'failed' as const, error: { name: 'Error', message: 'no' } },
  ],
}

test('counts as cancelled by a signal only what was cancelled after it', () => {
  const { failures } = explain(
    makeTraceOf({ ...spec, notes: [{ at: 50, kind: 'signal', text: 'SIGTERM: the program was asked to end' }] }),
  )
  expect(failures).toMatchObject({ cancelled: 4, cancelledBySignal: 2, failed: 1 })
})

test('takes the first of several signals', () => {
  const notes = [15, 51.5].map((at) => ({ at, kind: 'signal', text: 'SIGINT' }))
  expect(explain(makeTraceOf({ ...spec, notes })).failures.cancelledBySignal).toBe(3)
})

test('counts none without a signal', () => {
  expect(explain(makeTraceOf(spec)).failures).toMatchObject({ cancelled: 4, cancelledBySignal: 0 })
})
