import { describe, expect, expectTypeOf, test } from 'vitest'
import { SimulatedClock } from '../base/clock.ts'
import { CircuitOpen, DeadlockDetected, InvalidOption, TimedOut, WorkerCrashed } from '../base/errors.ts'
import { context, type TaskContext } from '../base/frame.ts'
import { channels, type RunRecord, type TaskRecord } from '../base/observer.ts'
import { Limiter, limiter } from '../limits/limiter.ts'
import { type CallOptions, type Executor, functionRef } from './executor.ts'
import { all } from './all.ts'
import { guard, type GuardOptions, guardWith } from './guard.ts'
import { map } from './map.ts'

describe('the signature', () => {
  test('stays: arguments, result, name, `this`', async () => {
    async function area(this: { unit: string }, width: number, height: number): Promise<string> {
      return `${width * height} ${this.unit}`
    }
    const guarded = guard(area, { timeout: '1s', retry: 2 })
    expectTypeOf(guarded).parameters.toEqualTypeOf<[number, number]>()
    expectTypeOf(guarded).returns.toEqualTypeOf<Promise<string>>()
    expect(guarded.name).toBe('area')
    expect(guarded).toHaveLength(2)
    expect(await guarded.call({ unit: 'm²' }, 2, 3)).toBe('6 m²')
  })

  test('of a synchronous function becomes asynchronous', async () => {
    const guarded = guard((x: number) => x + 1)
    expectTypeOf(guarded).returns.toEqualTypeOf<Promise<number>>()
    expect(await guarded(1)).toBe(2)
    await expect(
      guard(() => {
        throw new Error('at once')
      })(),
    ).rejects.toThrow('at once')
  })
})

describe('the context', () => {
  test('need not be passed by the caller of a function that wants it', async () => {
    const guarded = guard((id: string, ctx: TaskContext) => `${id} ${ctx.attempt}`)
    expectTypeOf(guarded).parameters.toEqualTypeOf<[string, TaskContext?]>()
    expect(await guarded('a')).toBe('a 1')
  })

  test('does not take the place of what has a default', async () => {
    const guarded = guard((x: number, factor = 2) => x * factor)
    expectTypeOf(guarded).parameters.toEqualTypeOf<[number, number | undefined]>()
    expect(await guarded(3, undefined)).toBe(6)
    expect(await (guarded as (x: number) => Promise<number>)(3)).toBe(6)
    expect(await guard((...all: number[]) => all.length)(1, 2)).toBe(2)
  })

  test('of the attempt comes after the arguments', async () => {
    const seen: unknown[] = []
    const guarded = guard(
      (item: string, ctx?: TaskContext) => {
        seen.push([item, ctx?.attempt])
        if (seen.length < 3) throw new Error('no')
      },
      { retry: { retries: 5, base: 1 } },
    )
    await guarded('x')
    expect(seen).toEqual([
      ['x', 1],
      ['x', 2],
      ['x', 3],
    ])
  })

  test('replaces the one that the caller passes', async () => {
    const attempts: string[] = []
    const ask = guard(
      (item: string, task: TaskContext) => {
        attempts.push(`${item} ${task.index}.${task.attempt}`)
        if (task.attempt === 1) throw new Error('no')
        return item
      },
      { retry: { retries: 1, base: 0 } },
    )
    expect(await map(['a', 'b'], ask, { concurrency: 1 })).toEqual(['a', 'b'])
    expect(attempts).toEqual(['a 0.1', 'a 0.2', 'b 1.1', 'b 1.2'])
  })

  test('is ambient too, and nested runs are cancelled with the attempt', async () => {
    const ended: string[] = []
    const guarded = guard(
      async () => {
        expect(context().attempt).toBe(1)
        await all({
          inner: ({ signal }) =>
            new Promise((_, reject) => {
              signal.addEventListener('abort', () => {
                ended.push('inner')
                reject(signal.reason as Error)
              })
            }),
        })
      },
      { timeout: 20 },
    )
    await expect(guarded()).rejects.toBeInstanceOf(TimedOut)
    expect(ended).toEqual(['inner'])
  })

  test('makes no signal for a function that does not ask for one', async () => {
    const made: boolean[] = []
    const guarded = guard((task: TaskContext) => made.push('signal' in task), { timeout: '1s' })
    await (guarded as unknown as () => Promise<unknown>)()
    expect(made).toEqual([true])
  })
})

describe('policies', () => {
  function simulated<F extends (...args: never[]) => unknown>(fn: F, options: GuardOptions) {
    const clock = new SimulatedClock()
    return { clock, guarded: guardWith(fn, options, { clock, random: () => 0.5 }) }
  }

  test('are shared by all calls of the guarded function', async () => {
    const { guarded } = simulated(() => Promise.reject(new Error('down')), { breaker: { consecutive: 3 } })
    for (let i = 0; i < 3; i++) await expect(guarded()).rejects.toThrow('down')
    await expect(guarded()).rejects.toBeInstanceOf(CircuitOpen)
  })

  test('name the function in messages', async () => {
    const { clock, guarded } = simulated(
      function ask() {
        return new Promise(() => {})
      },
      { deadline: '5s', grace: 0 },
    )
    const error = guarded().catch((thrown: unknown) => thrown)
    await clock.advance(5_001)
    expect(await error).toMatchObject({
      message: '"ask" timed out: it took longer than the deadline of 5.00 s',
      clock: 'deadline',
    })
  })

  test('are checked when they are given', () => {
    expect(() => guard(() => 1, { timout: 5 } as never)).toThrow('Unknown option `timout` of guard')
    expect(() => guard(() => 1, { limit: {} as never })).toThrow(
      'Expected `limit` to be a limiter, a list of limiters, or a function',
    )
    expect(() => guard(() => 1, { breaker: { probes: 0 } })).toThrow(InvalidOption)
    expect(() => guard(() => 1, { retry: -1 })).toThrow(InvalidOption)
    expect(() => guard('x' as never)).toThrow('Expected `fn` of guard to be a function')
  })

  test('reserve what the arguments cost', async () => {
    const limit = limiter({ tokens: 100, per: '1m', cost: (text: string) => text.length, metering: 'bucket' })
    await guard((text: string) => text, { limit })('hello')
    expect(Math.round(limit.levels().tokens)).toBe(95)
    await map(['abc', 'defg'], (text) => text, { limit })
    expect(Math.round(limit.levels().tokens)).toBe(88)
  })
})

describe('worker functions', () => {
  function workerFunction(run: (args: readonly unknown[], options: CallOptions) => Promise<unknown>) {
    const calls: { args: readonly unknown[]; options: CallOptions }[] = []
    const executor = {
      name: 'test',
      slots: 1,
      call(_ref: unknown, args: readonly unknown[], options: CallOptions = {}) {
        calls.push({ args: [...args], options })
        return run(args, options)
      },
    } as unknown as Executor
    const fn = (x: number): Promise<unknown> => Promise.resolve(x)
    const ref = { module: 'm', name: 'square', local: undefined, setup: undefined, executor }
    return { calls, fn: Object.assign(fn, { [functionRef]: ref }) }
  }

  test('stay on their executor, which keeps the timeout; contexts do not travel', async () => {
    const { calls, fn } = workerFunction((args) => Promise.resolve((args[0] as number) ** 2))
    const square = guard(fn, { timeout: '2s' })
    expect(square.name).toBe('square')
    expect(await map([2, 3], square)).toEqual([4, 9])
    expect(calls.map((call) => call.args)).toEqual([[2], [3]])
    expect(calls[1]?.options).toMatchObject({ timeoutMs: 2_000, index: 1, attempt: 1 })
  })

  test('are run again after a crash only when a retry policy says so', async () => {
    let crashes = 1
    const crashing = () =>
      workerFunction(() => (crashes-- > 0 ? Promise.reject(new WorkerCrashed('exit code 1')) : Promise.resolve('fine')))
    await expect(guard(crashing().fn, { timeout: 50 })(1)).rejects.toBeInstanceOf(WorkerCrashed)
    crashes = 1
    const { fn, calls } = crashing()
    expect(await guard(fn, { retry: { retries: 1, base: 0 } })(1)).toBe('fine')
    expect(calls.map((call) => call.options.attempt)).toEqual([1, 2])
  })

  test('are waited for when they are cancelled, because an executor always settles', async () => {
    const { fn, calls } = workerFunction(
      (_, { cancellation }) =>
        new Promise((_resolve, reject) => cancellation?.subscribe((reason) => setTimeout(() => reject(reason as Error), 30))),
    )
    await expect(guard(fn, { deadline: 10, grace: 0 })(1)).rejects.toMatchObject({ clock: 'deadline' })
    expect(calls).toHaveLength(1)
  })
})

describe('nested use of one limiter', () => {
  test('is a deadlock that is found and named', async () => {
    const limit = limiter({ concurrency: 2, name: 'api' })
    const inner = guard(async () => 'inner', { limit })
    const outer = guard(
      async function outer() {
        return await inner()
      },
      { limit },
    )
    const keepAlive = setInterval(() => {}, 1_000)
    const results = await Promise.allSettled([outer(), outer()])
    clearInterval(keepAlive)
    // One of the two had to go; the other went on.
    const failed = results.filter((result) => result.status === 'rejected')
    expect(failed).toHaveLength(1)
    const reason: unknown = failed[0]?.reason
    expect(reason).toBeInstanceOf(DeadlockDetected)
    expect(String(reason)).toContain('the call of "outer" holds a slot of limiter "api" and waits for')
    expect(limit.stats).toMatchObject({ running: 0, waiting: 0 })
  })

  test('is found in a map too', async () => {
    const limit = limiter({ concurrency: 1, name: 'api' })
    const keepAlive = setInterval(() => {}, 1_000)
    const nested = map([1], async (x) => await limit.run(() => x), { limit })
    await expect(nested).rejects.toBeInstanceOf(DeadlockDetected)
    clearInterval(keepAlive)
  })

  test('is none while somebody else holds a slot', async () => {
    const limit = limiter({ concurrency: 2, name: 'api' })
    const other = await limit.acquire()
    const nested = limit.run(async () => await limit.run(() => 'fine'))
    setTimeout(() => other.release(), 800)
    expect(await nested).toBe('fine')
  })
})

test('publishes its calls with attempts, waits and pauses', async () => {
  const tasks: TaskRecord[] = []
  const runs: RunRecord[] = []
  const onTask = (message: unknown): void => void tasks.push(message as TaskRecord)
  const onRun = (message: unknown): void => void runs.push(message as RunRecord)
  channels.taskSettle.subscribe(onTask)
  channels.runSettle.subscribe(onRun)
  try {
    const clock = new SimulatedClock()
    const limit = new Limiter({ concurrency: 1 }, clock)
    let failures = 1
    const ask = guardWith(
      async () => {
        if (failures-- > 0) throw new Error('no')
        await new Promise<void>((resolve) => clock.schedule(40, resolve))
      },
      { name: 'ask', limit, retry: { retries: 1, base: 100 } },
      { clock, random: () => 0.5 },
    )
    const both = Promise.all([ask(), ask()])
    await clock.advance(1_000)
    await both
  } finally {
    channels.taskSettle.unsubscribe(onTask)
    channels.runSettle.unsubscribe(onRun)
  }
  expect(runs).toMatchObject([{ kind: 'call', name: 'ask', state: 'done' }])
  expect(tasks).toHaveLength(2)
  const retried = tasks.find((task) => task.attempts === 2)
  expect(retried).toMatchObject({ state: 'done', retryMs: 50, run: runs[0] })
})
