import { describe, expect, it } from 'vitest'
import { Cancellation } from '../base/abort.ts'
import { SimulatedClock } from '../base/clock.ts'
import { TimedOut } from '../base/errors.ts'
import type { CallScope } from './attempt.ts'
import { Policy, type PolicyOptions } from './policy.ts'

const half = (): number => 0.5

function simulated(options: PolicyOptions, random = half) {
  const clock = new SimulatedClock()
  const policy = new Policy(options, clock, random)
  const cancellation = new Cancellation()
  const call: CallScope = { cancellation }
  return { clock, policy, cancellation, call }
}

/** What became of a promise, to be looked at while the clock stands still. */
function watch<T>(promise: Promise<T>) {
  const seen: { value?: T; error?: unknown; state: 'pending' | 'done' | 'failed' } = { state: 'pending' }
  promise.then(
    (value) => Object.assign(seen, { value, state: 'done' }),
    (error: unknown) => Object.assign(seen, { error, state: 'failed' }),
  )
  return seen
}

describe('timeout', () => {
  it('aborts the attempt, waits for it to settle, and rejects with TimedOut', async () => {
    const { clock, policy, call } = simulated({ timeout: 100 })
    const seen = watch(
      policy.run(
        ({ signal }) =>
          new Promise((_, reject) =>
            signal.addEventListener('abort', () => clock.schedule(20, () => reject(signal.reason as Error))),
          ),
        call,
      ),
    )
    await clock.advance(110)
    expect(seen.state).toBe('pending')
    await clock.advance(20)
    expect(seen.error).toBeInstanceOf(TimedOut)
    expect(seen.error).toMatchObject({ clock: 'timeout', limitMs: 100 })
    expect(clock.pending).toBe(0)
  })
})
