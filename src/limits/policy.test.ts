import { assert, describe, expect, test } from 'vitest'
import { Cancellation } from '../base/abort.ts'
import { SimulatedClock } from '../base/clock.ts'
import { Cancelled, CircuitOpen, InvalidOption, Overflow, TimedOut } from '../base/errors.ts'
import type { TaskContext } from '../base/frame.ts'
import { newTask, openRun } from '../base/observer.ts'
import type { CallScope } from './attempt.ts'
import { combine } from './combine.ts'
import { Limiter } from './limiter.ts'
import { simulatePolicy } from './simulation.fixture.ts'
import { compilePolicy, needsTask, Policy, type PolicyOptions, timeoutOnlyMs } from './policy.ts'

function simulated(options: PolicyOptions, random = () => 0.5) {
  const clock = new SimulatedClock()
  const policy = new Policy(options, { clock, random })
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

const failure = (fields: object = {}): Error => Object.assign(new Error('no'), fields)
const never = (): Promise<never> => new Promise(() => {})

/** Fails so many times, then gives the number of the attempt. */
function failing(times: number, error: () => Error = failure) {
  const attempts: number[] = []
  const fn = ({ attempt }: TaskContext): number => {
    attempts.push(attempt)
    if (attempts.length <= times) throw error()
    return attempt
  }
  return { fn, attempts }
}

describe('timeout', () => {
  /** Takes 20 ms to stop after it is told to. */
  const tidy =
    (clock: SimulatedClock) =>
    ({ signal }: TaskContext): Promise<never> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => clock.schedule(20, () => reject(signal.reason as Error)))
      })

  test('aborts the attempt, waits for it to settle, and rejects with TimedOut', async () => {
    const { clock, policy, call } = simulated({ timeout: 100 })
    const seen = watch(policy.run(tidy(clock), { ...call, name: '"ask"' }))
    await clock.advance(110)
    expect(seen.state).toBe('pending')
    await clock.advance(20)
    expect(seen.error).toBeInstanceOf(TimedOut)
    expect(seen.error).toMatchObject({ clock: 'timeout', limitMs: 100 })
    expect((seen.error as Error).message).toBe('"ask" timed out: an attempt took longer than the timeout of 100 ms')
    expect(clock.pending).toBe(0)
  })

  test('is the outcome, whatever the function still gives', async () => {
    const { clock, policy, call } = simulated({ timeout: 100 })
    const late = watch(
      policy.run(({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(1))), call),
    )
    await clock.advance(100)
    expect(late.error).toBeInstanceOf(TimedOut)
  })

  test('abandons a function that ignores its signal after `grace`', async () => {
    const { clock, policy, call } = simulated({ timeout: 100, grace: 50 })
    const seen = watch(policy.run(never, call))
    await clock.advance(149)
    expect(seen.state).toBe('pending')
    await clock.advance(1)
    expect(seen.error).toBeInstanceOf(TimedOut)
    expect(clock.pending).toBe(0)
  })

  test('stays the outcome when the call is cancelled while the function still cleans up', async () => {
    const { clock, policy, call, cancellation } = simulated({ timeout: 100, grace: 50 })
    const seen = watch(policy.run(never, call))
    await clock.advance(120)
    cancellation.abort(new Error('too late'))
    // Nor does it begin a second grace.
    await clock.advance(31)
    expect(seen.error).toBeInstanceOf(TimedOut)
  })

  test('runs for each attempt anew', async () => {
    const { clock, policy, call } = simulated({ timeout: 100, retry: { retries: 2, base: 10 } }, () => 0)
    const attempts: number[] = []
    const seen = watch(
      policy.run((context) => {
        attempts.push(context.attempt)
        return tidy(clock)(context)
      }, call),
    )
    await clock.advance(3 * 120)
    expect(attempts).toEqual([1, 2, 3])
    expect(seen.error).toMatchObject({ clock: 'timeout' })
  })

  test('costs nothing when the function is in time', async () => {
    const { clock, policy, call, cancellation } = simulated({ timeout: 100 })
    expect(await policy.run(() => 'in time', call)).toBe('in time')
    expect(clock.pending).toBe(0)
    expect(cancellation.listenerCount).toBe(0)
  })

  test('is left to the executor for remote calls', async () => {
    const { clock, call } = simulated({})
    const seen = watch(new Policy({ timeout: 100 }, { clock, remote: true }).run(never, call))
    await clock.advance(10_000)
    expect(seen.state).toBe('pending')
  })
})

describe('remote attempts', () => {
  test('are bounded by `queueTimeout` until the executor takes them', async () => {
    const clock = new SimulatedClock()
    const policy = new Policy({ queueTimeout: 100 }, { clock, remote: true })
    const waits = watch(
      policy.run(
        ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('taken out')))),
        {
          cancellation: new Cancellation(),
        },
      ),
    )
    const runs = watch(
      policy.run(
        ({ onWaiting }) => {
          clock.schedule(99, () => onWaiting?.(false))
          return new Promise((resolve) => clock.schedule(5_000, () => resolve('long')))
        },
        { cancellation: new Cancellation() },
      ),
    )
    await clock.advance(100)
    expect(waits.error).toMatchObject({ clock: 'queueTimeout', limitMs: 100 })
    await clock.advance(5_000)
    expect(runs.value).toBe('long')
  })

  test('are bounded again, by what is left, when the worker that had taken them is gone', async () => {
    const clock = new SimulatedClock()
    const policy = new Policy({ queueTimeout: 100 }, { clock, remote: true })
    const waits = watch(
      policy.run(
        ({ signal, onWaiting }) => {
          clock.schedule(60, () => onWaiting?.(false))
          clock.schedule(500, () => onWaiting?.(true))
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('taken out'))))
        },
        { cancellation: new Cancellation() },
      ),
    )
    await clock.advance(539)
    expect(waits.state).toBe('pending')
    await clock.advance(1)
    expect(waits.error).toMatchObject({ clock: 'queueTimeout', limitMs: 100 })
  })
})

describe('retry', () => {
  test('tries again after a jittered pause, with the number of the attempt in the context', async () => {
    const { clock, policy, call } = simulated({ retry: { retries: 3, base: 100 } })
    const { fn, attempts } = failing(2)
    const seen = watch(policy.run(fn, call))
    await clock.advance(49)
    expect(attempts).toEqual([1])
    await clock.advance(1)
    expect(attempts).toEqual([1, 2])
    await clock.advance(100)
    expect(seen.value).toBe(3)
  })

  test('gives up with the last error', async () => {
    const { clock, policy, call } = simulated({ retry: 2 })
    let count = 0
    const seen = watch(policy.run(() => Promise.reject(new Error(`attempt ${++count}`)), call))
    await clock.advance(60_000)
    expect(seen.error).toMatchObject({ message: 'attempt 3' })
  })

  test('waits as long as the server asks', async () => {
    const { clock, policy, call } = simulated({ retry: { retries: 1, base: 100 } })
    const { fn, attempts } = failing(1, () => failure({ status: 429, headers: { 'retry-after': '7' } }))
    const seen = watch(policy.run(fn, call))
    await clock.advance(7_049)
    expect(attempts).toEqual([1])
    await clock.advance(1)
    expect(seen.value).toBe(2)
  })

  test('does not try again what cannot succeed', async () => {
    const { policy, call } = simulated({ retry: 5 })
    const { fn, attempts } = failing(9, () => new TypeError('x is not a function'))
    await expect(policy.run(fn, call)).rejects.toBeInstanceOf(TypeError)
    expect(attempts).toEqual([1])
  })

  test('stops when the call is cancelled during the pause, at once', async () => {
    const { clock, policy, call, cancellation } = simulated({ retry: { retries: 5, base: 10_000 } })
    const seen = watch(policy.run(failing(9).fn, call))
    await clock.advance(10)
    cancellation.abort(new Error('enough'))
    await clock.advance(0)
    expect(seen.error).toBeInstanceOf(Cancelled)
    expect(clock.pending).toBe(0)
    expect(cancellation.listenerCount).toBe(0)
  })

  test('is filled into the record', async () => {
    const { clock, policy, call } = simulated({ retry: { retries: 3, base: 100 } })
    const record = newTask(openRun('call', 'ask', { task: 0, run: 0 }, 1, 1), 0, 0, 0)
    watch(policy.run(failing(2).fn, { ...call, record }))
    await clock.advance(1_000)
    expect(record).toMatchObject({ attempts: 3, retryMs: 50 + 100 })
  })
})

describe('deadline', () => {
  test('is over all attempts, and aborts the one under way', async () => {
    const { clock, policy, call } = simulated({ retry: { retries: 9, base: 10 } }, () => 0)
    const aborted: unknown[] = []
    const slow = ({ signal, deadline }: TaskContext): Promise<never> => {
      expect(deadline).toBe(100)
      return new Promise((_, reject) => {
        clock.schedule(30, () => reject(failure()))
        signal.addEventListener('abort', () => {
          aborted.push(signal.reason)
          reject(signal.reason as Error)
        })
      })
    }
    const seen = watch(policy.run(slow, { ...call, deadlineMs: 100 }))
    await clock.advance(99)
    expect(seen.state).toBe('pending')
    await clock.advance(1)
    expect(seen.error).toMatchObject({ clock: 'deadline', limitMs: 100 })
    expect(aborted).toEqual([seen.error])
  })

  test('ends the call at once when it would pass during a pause; the cause is kept', async () => {
    const { clock, policy, call } = simulated({ retry: { retries: 9, base: 1_000 } })
    const seen = watch(policy.run(failing(9).fn, { ...call, deadlineMs: 100 }))
    await clock.advance(0)
    expect(seen.error).toBeInstanceOf(TimedOut)
    expect(seen.error).toMatchObject({ clock: 'deadline', cause: { message: 'no' } })
    expect(clock.pending).toBe(0)
  })

  test('counts the wait for a limiter', async () => {
    const clock = new SimulatedClock()
    const limit = new Limiter({ concurrency: 1 }, clock)
    const policy = new Policy({ limit }, { clock })
    limit.tryAcquire()
    const seen = watch(policy.run(() => 1, { cancellation: new Cancellation(), deadlineMs: 100 }))
    await clock.advance(100)
    expect(seen.error).toMatchObject({ clock: 'deadline' })
    expect(limit.stats).toMatchObject({ waiting: 0, running: 1 })
  })

  test('is the earlier one of the call and of what it belongs to', async () => {
    const { policy, call } = simulated({ retry: 1 })
    const shown = (deadlineMs: number): Promise<number> =>
      policy.run((context) => context.deadline, { ...call, deadline: 500, deadlineMs })
    expect(await shown(100)).toBe(100)
    expect(await shown(900)).toBe(500)
  })
})

describe('cancellation', () => {
  test('aborts the attempt, and is the outcome when it has settled', async () => {
    const { clock, policy, call, cancellation } = simulated({ timeout: 1_000 })
    const seen = watch(
      policy.run(
        ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
        call,
      ),
    )
    await clock.advance(10)
    cancellation.abort('the user left')
    await clock.advance(0)
    expect(seen.error).toBeInstanceOf(Cancelled)
    expect(seen.error).toMatchObject({ cause: 'the user left' })
    expect(clock.pending).toBe(0)
  })

  test('starts nothing once it has happened', async () => {
    const { policy, call, cancellation } = simulated({ timeout: 1_000 })
    cancellation.abort('too late')
    let started = false
    await expect(policy.run(() => (started = true), call)).rejects.toBeInstanceOf(Cancelled)
    expect(started).toBe(false)
  })
})

describe('breaker', () => {
  test('fails fast while open, also between the attempts of one call', async () => {
    const { clock, policy, call } = simulated({ breaker: { consecutive: 2, reset: '1m' }, retry: { retries: 5, base: 10 } })
    const { fn, attempts } = failing(99)
    const seen = watch(policy.run(fn, call))
    await clock.advance(1_000)
    expect(attempts).toEqual([1, 2])
    expect(seen.error).toBeInstanceOf(CircuitOpen)
    await expect(policy.run(fn, call)).rejects.toBeInstanceOf(CircuitOpen)
    expect(attempts).toHaveLength(2)
  })

  test('counts timeouts, and forgives what says nothing about the dependency', async () => {
    const { clock, policy, call } = simulated({ breaker: { consecutive: 2 }, timeout: 10, grace: 0 })
    for (let i = 0; i < 3; i++) {
      await expect(policy.run(() => Promise.reject(new TypeError('mistake')), call)).rejects.toBeInstanceOf(TypeError)
    }
    expect(policy.breaker?.state).toBe('closed')
    for (let i = 0; i < 2; i++) {
      const seen = watch(policy.run(never, call))
      await clock.advance(11)
      expect(seen.error).toBeInstanceOf(TimedOut)
    }
    expect(policy.breaker?.state).toBe('open')
  })

  test('lets nobody queue for a limiter who would be refused, and gives the lease back when it opens meanwhile', async () => {
    const clock = new SimulatedClock()
    const limit = new Limiter({ concurrency: 1 }, clock)
    const policy = new Policy({ limit, breaker: { consecutive: 1 } }, { clock })
    const cancellation = new Cancellation()
    const { fn } = failing(99)
    const [first, queued] = [watch(policy.run(fn, { cancellation })), watch(policy.run(fn, { cancellation }))]
    await clock.advance(0)
    expect(first.error).toMatchObject({ message: 'no' })
    expect(queued.error).toBeInstanceOf(CircuitOpen)
    expect(limit.stats).toMatchObject({ running: 0, waiting: 0, started: 1 })
  })
})

describe('limit', () => {
  test('is held by each attempt, and not in the pauses', async () => {
    const clock = new SimulatedClock()
    const limit = new Limiter({ concurrency: 1 }, clock)
    const policy = new Policy({ limit, retry: { retries: 1, base: 100 } }, { clock, random: () => 0.5 })
    const cancellation = new Cancellation()
    const held: number[] = []
    const { fn } = failing(1)
    const seen = watch(
      policy.run(
        (context) => {
          held.push(limit.stats.running)
          return fn(context)
        },
        { cancellation },
      ),
    )
    await clock.advance(10)
    expect(limit.stats.running).toBe(0)
    await clock.advance(100)
    expect(seen.value).toBe(2)
    expect(held).toEqual([1, 1])
    expect(limit.stats.running).toBe(0)
  })

  test('bounds the wait by `queueTimeout`, which counts before the start only', async () => {
    const clock = new SimulatedClock()
    const limit = new Limiter({ concurrency: 1 }, clock)
    const policy = new Policy({ limit, queueTimeout: 50, retry: 3 }, { clock })
    const cancellation = new Cancellation()
    const long = watch(policy.run(() => new Promise((resolve) => clock.schedule(500, () => resolve('long'))), { cancellation }))
    const short = watch(policy.run(() => 'short', { cancellation }))
    await clock.advance(50)
    expect(short.error).toMatchObject({ clock: 'queueTimeout', limitMs: 50 })
    await clock.advance(500)
    expect(long.value).toBe('long')
  })

  test('takes the cost from the arguments, and the real one from the result', async () => {
    const clock = new SimulatedClock()
    const limit = new Limiter(
      { tokens: 100, per: '1s', metering: 'bucket', cost: (text: string) => text.length, actualCost: (used: number) => used },
      clock,
    )
    const policy = new Policy({ limit }, { clock })
    await policy.run(() => 3, { cancellation: new Cancellation(), args: ['x'.repeat(90)] })
    expect(limit.levels().tokens).toBe(97)
  })

  test('refuses when the queue is full', async () => {
    const clock = new SimulatedClock()
    const limit = new Limiter({ concurrency: 1, maxQueue: 0 }, clock)
    const policy = new Policy({ limit, retry: 3 }, { clock })
    watch(policy.run(never, { cancellation: new Cancellation() }))
    await expect(policy.run(never, { cancellation: new Cancellation() })).rejects.toBeInstanceOf(Overflow)
  })
})

describe('several limiters', () => {
  test('are taken in one order, however they are listed, so that nobody waits in a circle', async () => {
    const clock = new SimulatedClock()
    const [a, b] = [new Limiter({ concurrency: 1 }, clock), new Limiter({ concurrency: 1 }, clock)]
    const work = (): Promise<void> => new Promise((resolve) => clock.schedule(1, () => resolve()))
    const cancellation = new Cancellation()
    const policies = [
      { limit: [a, b], weight: 1 },
      { limit: [b, a], weight: 1 },
      { limit: combine(b, a), weight: 1 },
    ].map((options) => new Policy(options, { clock }))
    const runs = Array.from({ length: 30 }, (_, i) => watch((policies[i % 3] as Policy).run(work, { cancellation })))
    await clock.advance(100)
    expect(runs.every((run) => run.state === 'done')).toBe(true)
    expect([a.stats.running, b.stats.running]).toEqual([0, 0])
  })

  test('are given back when the wait for a later one ends', async () => {
    const clock = new SimulatedClock()
    const places = new Limiter({ concurrency: 1 }, clock)
    const slow = new Limiter({ rate: 1, per: '1m' }, clock)
    slow.tryAcquire()
    const policy = new Policy({ limit: [slow, places], queueTimeout: 100 }, { clock })
    const seen = watch(policy.run(() => 1, { cancellation: new Cancellation() }))
    await clock.advance(50)
    expect([places.stats.running, slow.stats.waiting]).toEqual([1, 1])
    await clock.advance(50)
    expect(seen.error).toMatchObject({ clock: 'queueTimeout' })
    expect([places.stats.running, slow.stats.waiting]).toEqual([0, 0])
  })

  test('can be acquired by hand', async () => {
    const [a, b] = [new Limiter({ concurrency: 2 }), new Limiter({ concurrency: 1 })]
    const both = combine(b, a)
    const lease = await both.acquire()
    expect([a.stats.running, b.stats.running]).toEqual([1, 1])
    lease.release()
    expect(await both.run(() => [a.stats.running, b.stats.running])).toEqual([1, 1])
    expect([a.stats.running, b.stats.running]).toEqual([0, 0])
    expect(() => combine({} as Limiter)).toThrow(InvalidOption)
  })
})

describe('compiling', () => {
  test('gives nothing when nothing is asked for', () => {
    expect(compilePolicy({})).toBeUndefined()
    expect(compilePolicy({ grace: 5, priority: 1 })).toBeUndefined()
    expect(compilePolicy({ timeout: 5 })).toBeInstanceOf(Policy)
  })

  test('knows what an executor can do by itself', () => {
    expect(needsTask({ timeout: 5, grace: 1 })).toBe(false)
    expect(needsTask({ timeout: 5, retry: 1 })).toBe(true)
    expect(timeoutOnlyMs({ timeout: '2s' })).toBe(2_000)
    expect(timeoutOnlyMs({})).toBeUndefined()
  })
})

describe('simulation', () => {
  test('settles every call and leaves nothing behind, in 200 seeded histories', async () => {
    for (let seed = 1; seed <= 200; seed++) assert.notEqual(await simulatePolicy(seed), '')
  })

  test('does the same for the same seed', async () => {
    for (let seed = 1; seed <= 30; seed++) assert.equal(await simulatePolicy(seed), await simulatePolicy(seed), `seed ${seed}`)
  })
})
