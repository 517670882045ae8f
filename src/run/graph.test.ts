import * as fc from 'fast-check'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest'
import { SimulatedClock } from '../base/clock.ts'
import { Cancelled, DeadlockDetected, DependencyFailed, InvalidGraph, InvalidOption, TimedOut } from '../base/errors.ts'
import { context, currentFrame, type Frame } from '../base/frame.ts'
import type { RunRecord, TaskRecord } from '../base/observer.ts'
import type { TaskRef } from '../graph/index.ts'
import { type Executor, type FunctionRef, functionRef } from './executor.ts'
import { Mutex } from '../sync/index.ts'
import { partialResults } from './failure.ts'
import { type Graph, graph } from './graph.ts'
import { turn } from '../../test/support/turn.ts'
import { runs } from '../../test/support/runs.ts'

/** What a promise rejects with. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  )

const labels = (frame: Frame | undefined): string[] => (frame ? [frame.label(), ...labels(frame.parent)] : [])

/** A task that never ends by itself, but stops when asked to. */
const untilAborted = ({ signal }: { signal: AbortSignal }): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))

describe('graph', () => {
  //  schema → api → ship
  //         ↘ ui  ↗
  test('runs tasks with the results that they need, typed', async () => {
    const g = graph('ship')
    const schema = g.task('schema', () => ({ tables: 3 }))
    const api = g.task('api', { schema }, async ({ schema }) => schema.tables * 2)
    const ui = g.task('ui', [schema, api], ([schema, api]) => `${schema.tables} of ${api}`)
    const ship = g.task('ship', { api, ui }, ({ api, ui }, ctx) => [api, ui, ctx.index] as const)
    expectTypeOf(api).toEqualTypeOf<TaskRef<number>>()
    expectTypeOf(ui).toEqualTypeOf<TaskRef<string>>()

    const one = await g.run(ship)
    expectTypeOf(one).toEqualTypeOf<readonly [number, string, number]>()
    expect(one).toEqual([6, '3 of 6', 3])

    const record = await g.run({ ui, schema })
    expectTypeOf(record).toEqualTypeOf<{ ui: string; schema: { tables: number } }>()
    expect(record).toEqual({ ui: '3 of 6', schema: { tables: 3 } })

    const list = await g.run([api, ui])
    expectTypeOf(list).toEqualTypeOf<[number, string]>()
    expect(list).toEqual([6, '3 of 6'])

    const [settledApi] = await g.run([api], { onFailure: 'settle' })
    expectTypeOf(settledApi).toEqualTypeOf<PromiseSettledResult<number>>()
    expect(settledApi).toEqual({ status: 'fulfilled', value: 6 })

    expect(await g.run()).toEqual({ ship: [6, '3 of 6', 3] })
    expect(await g.run({})).toEqual({})
    expect([g.name, g.size]).toEqual(['ship', 4])
  })

  test('runs only what the targets need, each task once', async () => {
    const ran: string[] = []
    const g = graph('g')
    const step = (name: string) => (): string => (ran.push(name), name)
    const a = g.task('a', step('a'))
    const b = g.task('b', { a }, step('b'))
    const c = g.task('c', { a }, step('c'))
    g.task('d', { b, c }, step('d'))
    await g.run({ c, again: c, a })
    expect(ran).toEqual(['a', 'c'])
  })

  test('can be run again, also while it runs, and grows meanwhile', async () => {
    const g = graph('g')
    let calls = 0
    const a = g.task('a', async () => (await turn(), ++calls))
    const both = Promise.all([g.run(a), g.run(a)])
    const b = g.task('b', { a }, ({ a }) => a * 10)
    expect(await both).toEqual([1, 2])
    expect(await g.run(b)).toBe(30)
  })

  test('gives a task its context, ambiently too, and a name in messages', async () => {
    const g = graph('g')
    g.task('unused', () => 0)
    const a = g.task('a', async (ctx) => {
      await turn()
      return [ctx === context(), ctx.index, ctx.attempt, currentFrame().label()]
    })
    expect(await g.run(a)).toEqual([true, 1, 1, 'task "a"'])
    const nested = g.task('nested', { a }, () => {
      const inner = graph('inner')
      return inner.run(inner.task('x', () => labels(currentFrame())))
    })
    expect(await g.run(nested)).toEqual(['task "x"', 'graph "inner"', 'task "nested"', 'graph "g"', 'the main program'])
  })

  test('runs deep and wide graphs', async () => {
    const size = 30_000
    const deep = graph('deep')
    let last = deep.task('0', () => 0)
    for (let i = 1; i < size; i++) last = deep.task(`${i}`, [last], ([before]) => before + 1)
    expect(await deep.run(last)).toBe(size - 1)

    const wide = graph('wide')
    const leaves = Array.from({ length: size }, (_, i) => wide.task(`${i}`, async () => i))
    const sum = wide.task('sum', leaves, (values) => values.reduce((a, b) => a + b, 0))
    expect(await wide.run(sum, { concurrency: 64 })).toBe((size * (size - 1)) / 2)
  })

  test('lets the event loop turn while tasks that never wait for it run', async () => {
    const g = graph('g')
    let last = g.task('0', () => 0)
    for (let i = 1; i < 2_000; i++) {
      last = g.task(`${i}`, [last], async ([before]) => {
        for (const until = performance.now() + 0.05; performance.now() < until;);
        return before + 1
      })
    }
    let turns = 0
    const count = (): void => void (turns++, (immediate = setImmediate(count)))
    let immediate = setImmediate(count)
    await g.run(last)
    clearImmediate(immediate)
    expect(turns).toBeGreaterThanOrEqual(4)
  })
})

describe('the order of a run', () => {
  test('is the one that the plan foretells', async () => {
    const task = fc.record({ needs: fc.array(fc.nat(), { maxLength: 3 }), ms: fc.integer({ min: 1, max: 4 }) })
    const tasks = fc.array(task, { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(tasks, fc.integer({ min: 1, max: 4 }), async (tasks, concurrency) => {
        const clock = new SimulatedClock()
        const g = graph('g')
        const refs: TaskRef<void>[] = []
        const starts: Record<string, number> = {}
        for (const [i, { needs, ms }] of tasks.entries()) {
          // No two sums of different tasks are equal, so that nothing ends at the same time.
          const estimate = ms + 2 ** -(i + 1)
          const work = (): Promise<void> => {
            starts[`t${i}`] = clock.now()
            return new Promise((resolve) => clock.schedule(estimate, resolve))
          }
          const wanted = i === 0 ? [] : needs.map((need) => refs[need % i] as TaskRef<void>)
          refs.push(g.task(`t${i}`, wanted, work, { estimate }))
        }
        const run = g.run(undefined, { concurrency })
        for (await turn(); clock.step(); await turn());
        await run
        const plan = g.plan({ concurrency })
        expect(starts).toEqual(Object.fromEntries(plan.tasks.map(({ name, startMs }) => [name, startMs])))
        expect(clock.now()).toBe(plan.makespanMs)
      }),
      { numRuns: runs(25, 60) },
    )
  })

  test('follows given durations before estimates', async () => {
    const ran: string[] = []
    const g = graph('g')
    for (const [name, estimate] of [
      ['a', 30],
      ['b', '20ms'],
      ['c', 10],
    ] as const)
      g.task(name, () => ran.push(name), { estimate })
    await g.run(undefined, { concurrency: 1 })
    await g.run(undefined, { concurrency: 1, durations: { c: '1s' } })
    expect(ran).toEqual(['a', 'b', 'c', 'c', 'a', 'b'])
  })

  test('keeps at most `concurrency` tasks under way, and that many when it can', async () => {
    for (const [concurrency, most] of [
      [1, 1],
      [7, 7],
      [Number.POSITIVE_INFINITY, 40],
      ['auto', 16],
    ] as const) {
      const g = graph('g')
      let [underWay, seen] = [0, 0]
      const tasks = Array.from({ length: 40 }, (_, i) =>
        g.task(`${i}`, async () => {
          seen = Math.max(seen, ++underWay)
          await turn()
          underWay--
        }),
      )
      // Ten at a time become ready, from one task.
      const gate = g.task('gate', tasks, turn)
      const after = Array.from({ length: 10 }, (_, i) => g.task(`after ${i}`, { gate }, turn))
      await g.run(after, { concurrency })
      expect(seen).toBe(most)
    }
  })
})

describe('a failure', () => {
  function failing(): { g: Graph; boom: Error; log: string[]; refs: Record<'a' | 'b' | 'bad' | 'slow' | 'end', TaskRef> } {
    //  a → b → bad → end
    //      slow    ↗
    const [g, boom, log] = [graph('g'), new TypeError('boom'), [] as string[]]
    const a = g.task('a', () => 'a')
    const b = g.task('b', { a }, () => 'b')
    const bad = g.task('bad', { b }, async () => {
      await turn()
      throw boom
    })
    const slow = g.task('slow', async (ctx) => {
      try {
        await untilAborted(ctx)
      } catch {
        await turn()
        log.push('slow has stopped')
      }
      return 'slow'
    })
    const end = g.task('end', { bad, slow }, () => log.push('end'))
    return { g, boom, log, refs: { a, b, bad, slow, end } }
  }

  test('cancels the rest, waits until it has settled, and is what run rejects with', async () => {
    const { g, boom, log, refs } = failing()
    const error = await failureOf(g.run(refs.end))
    expect(error).toBe(boom)
    expect(log).toEqual(['slow has stopped'])
    // `a` has been let go: only `b` needed it. `slow` gave a value after all.
    expect(partialResults(error)).toEqual({ results: { b: 'b', slow: 'slow' }, completed: 3, failed: 'bad' })
    const kept = await failureOf(g.run({ ...refs }))
    expect(partialResults(kept)?.results).toEqual({ a: 'a', b: 'b', slow: 'slow' })
  })

  test('thrown at once is like any other', async () => {
    const g = graph('g')
    const bad = g.task('bad', () => {
      throw 'text'
    })
    expect(await failureOf(g.run(bad))).toBe('text')
  })

  test("with 'settle' costs only what depends on it", async () => {
    const boom = new Error('boom')
    const ran: string[] = []
    const g = graph('g')
    const ok = g.task('ok', () => 1)
    const bad = g.task('bad', () => Promise.reject(boom))
    const near = g.task('near', { bad }, () => ran.push('near'))
    const far = g.task('far', { near, ok }, () => ran.push('far'))
    const other = g.task('other', { ok }, ({ ok }) => ok + 1)
    const settled = await g.run({ bad, far, other }, { onFailure: 'settle', concurrency: 1 })
    expectTypeOf(settled.other).toEqualTypeOf<PromiseSettledResult<number>>()
    expect(settled.bad).toEqual({ status: 'rejected', reason: boom })
    expect(settled.other).toEqual({ status: 'fulfilled', value: 2 })
    const reason = (settled.far as PromiseRejectedResult).reason as DependencyFailed
    expect(reason).toBeInstanceOf(DependencyFailed)
    expect(reason.cause).toBe(boom)
    expect(reason.message).toBe('Task "far" did not run because task "bad", which it needs, failed: boom')
    expect(ran).toEqual([])
    expect(await g.run(ok, { onFailure: 'settle' })).toEqual({ status: 'fulfilled', value: 1 })
  })

  test("with 'settle' passes through a long chain", async () => {
    const g = graph('g')
    const first = g.task('0', () => Promise.reject(new Error('boom')))
    let last: TaskRef<unknown> = first
    for (let i = 1; i < 20_000; i++) last = g.task(`${i}`, [last], () => 0)
    expect(await g.run(last, { onFailure: 'settle' })).toMatchObject({
      status: 'rejected',
      reason: { code: 'HEDDLE_DEPENDENCY_FAILED' },
    })
  })

  test('comes with the same outcomes for every concurrency', async () => {
    const tasks = fc.array(fc.record({ needs: fc.array(fc.nat(), { maxLength: 3 }), fails: fc.boolean(), turns: fc.nat(2) }), {
      minLength: 1,
      maxLength: 15,
    })
    await fc.assert(
      fc.asyncProperty(tasks, fc.integer({ min: 1, max: 5 }), async (tasks, concurrency) => {
        const g = graph('g')
        const refs: TaskRef<number>[] = []
        const expected: string[] = []
        for (const [i, { needs, fails, turns }] of tasks.entries()) {
          const wanted = i === 0 ? [] : needs.map((need) => need % i)
          const work = async (inputs: number[]): Promise<number> => {
            expect(inputs).toEqual(wanted)
            for (let t = 0; t < turns; t++) await turn()
            if (fails) throw new Error(`${i}`)
            return i
          }
          refs.push(
            g.task(
              `${i}`,
              wanted.map((need) => refs[need] as TaskRef<number>),
              work as never,
            ),
          )
          expected.push(wanted.some((need) => expected[need] !== 'ok') ? 'skipped' : fails ? 'failed' : 'ok')
        }
        const settled = await g.run(refs, { onFailure: 'settle', concurrency })
        const seen = settled.map((outcome) =>
          outcome.status === 'fulfilled' ? 'ok' : outcome.reason instanceof DependencyFailed ? 'skipped' : 'failed',
        )
        expect(seen).toEqual(expected)
      }),
      { numRuns: runs(40, 100) },
    )
  })
})

describe('cancelling a run', () => {
  test('by a signal stops what runs and starts nothing more', async () => {
    const controller = new AbortController()
    const ran: string[] = []
    const g = graph('g')
    const a = g.task('a', untilAborted)
    const b = g.task('b', { a }, () => ran.push('b'))
    const run = failureOf(g.run(b, { signal: controller.signal }))
    const settled = g.run({ a, b }, { signal: controller.signal, onFailure: 'settle' })
    await turn()
    controller.abort(new Error('enough'))
    expect(await run).toBeInstanceOf(Cancelled)
    expect(Object.values(await settled).map((outcome) => (outcome as PromiseRejectedResult).reason)).toEqual([
      new Error('enough'),
      expect.any(Cancelled),
    ])
    expect(await failureOf(g.run(b, { signal: controller.signal }))).toBeInstanceOf(Cancelled)
    expect(ran).toEqual([])
  })

  test('by a deadline, and tasks by their timeouts', async () => {
    const g = graph('g')
    const slow = g.task('slow', untilAborted, { timeout: 10 })
    const patient = g.task('patient', untilAborted, { timeout: '1h' })
    const plain = g.task('plain', untilAborted)
    expect(await failureOf(g.run(slow))).toMatchObject({
      clock: 'timeout',
      limitMs: 10,
      message: 'task "slow" timed out: an attempt took longer than the timeout of 10 ms',
    })
    expect(await failureOf(g.run(plain, { timeout: 12 }))).toMatchObject({ clock: 'timeout', limitMs: 12 })
    expect(await failureOf(g.run(patient, { deadline: 15 }))).toMatchObject({ clock: 'deadline', limitMs: 15 })
    expect(await failureOf(g.run(slow, { timeout: '1h' }))).toBeInstanceOf(TimedOut)
    expect(await failureOf(g.run(patient, { timeout: 5, deadline: 20 }))).toMatchObject({ clock: 'deadline' })
  })

  test('is not for tasks that succeed after a retry', async () => {
    const g = graph('g')
    const attempts: number[] = []
    const flaky = g.task(
      'flaky',
      ({ attempt }) => {
        attempts.push(attempt)
        if (attempt < 3) throw new Error('again')
        return 'ok'
      },
      { retry: { retries: 3, base: 1, retryIf: () => true } },
    )
    const after = g.task('after', { flaky }, ({ flaky }) => flaky)
    expect(await g.run(after)).toBe('ok')
    expect(attempts).toEqual([1, 2, 3])
  })
})

describe('an observed run', () => {
  const seen: { runs: RunRecord[]; tasks: TaskRecord[] } = { runs: [], tasks: [] }
  const onRun = (message: unknown): void => void seen.runs.push(message as RunRecord)
  const onTask = (message: unknown): void => void seen.tasks.push(message as TaskRecord)
  afterEach(() => {
    unsubscribe('heddle:run:settle', onRun)
    unsubscribe('heddle:task:settle', onTask)
    seen.runs = []
    seen.tasks = []
  })

  test('publishes tasks with their needs and times', async () => {
    subscribe('heddle:run:settle', onRun)
    subscribe('heddle:task:settle', onTask)
    const g = graph('ship')
    const a = g.task('a', turn)
    const b = g.task('b', { a, again: a }, () => Promise.reject(new Error('boom')))
    const c = g.task('c', { b, a }, turn)
    await g.run(c, { onFailure: 'settle' })
    expect(seen.runs).toMatchObject([{ kind: 'graph', name: 'ship', total: 3, concurrency: 16, state: 'done' }])
    const [ra, rb, rc] = seen.tasks as [TaskRecord, TaskRecord, TaskRecord]
    expect(seen.tasks.map(({ name, state, index }) => [name, state, index])).toEqual([
      ['a', 'done', 0],
      ['b', 'failed', 1],
      ['c', 'cancelled', 2],
    ])
    expect([ra.needs, rb.needs, rc.needs]).toEqual([[], [ra.id], [rb.id, ra.id]])
    expect(rc.error).toBeInstanceOf(DependencyFailed)
    expect(rb.readyAt).toBeGreaterThanOrEqual(ra.settledAt)
    expect(rb.queuedAt).toBeLessThanOrEqual(ra.startedAt)
    expect(rb.startedAt).toBeGreaterThanOrEqual(rb.readyAt)
  })
})

describe('a worker function as a task', () => {
  function fakeExecutor(name: string): { executor: Executor; calls: unknown[] } {
    const calls: unknown[] = []
    const call: Executor['call'] = (ref, args, options) => {
      calls.push([name, ref.name, args, options?.index])
      return Promise.resolve(`${name} did ${ref.name}`)
    }
    return { executor: { name, slots: 1, call, bulk: () => {}, close: () => Promise.resolve() }, calls }
  }

  test('gets the results alone, on its own executor or the one that is given', async () => {
    const [here, there] = [fakeExecutor('here'), fakeExecutor('there')]
    const ref: FunctionRef = {
      module: 'file:///m.js',
      name: 'count',
      local: undefined,
      setup: undefined,
      executor: here.executor,
    }
    const count = Object.assign((_results?: unknown): Promise<string> => Promise.reject(new Error('not this way')), {
      [functionRef]: ref,
    })
    const g = graph('g')
    const a = g.task('a', count as () => Promise<string>)
    const b = g.task('b', { a }, count)
    const c = g.task('c', [b], count, { on: there.executor })
    expect(await g.run({ a, b, c })).toEqual({ a: 'here did count', b: 'here did count', c: 'there did count' })
    expect(here.calls).toEqual([
      ['here', 'count', [], 0],
      ['here', 'count', [{ a: 'here did count' }], 1],
    ])
    expect(there.calls).toEqual([['there', 'count', [['here did count']], 2]])
  })
})

describe('plan', () => {
  test('plans for targets, on as many slots as the run would use', () => {
    const g = graph('g')
    const a = g.task('a', turn, { estimate: '2s' })
    const b = g.task('b', { a }, turn, { estimate: 1000 })
    g.task('c', { a, b }, turn)
    expect(g.plan({ targets: b })).toMatchObject({ concurrency: 16, makespanMs: 3000, criticalPath: ['a', 'b'] })
    expect(g.plan({ targets: { b }, durations: { a: 5 } })).toMatchObject({ makespanMs: 1005 })
    expect(`${g.plan({ concurrency: 2 })}`).toContain('on 2 slots: 4.50 s')
  })
})

describe('what is wrong', () => {
  const g = graph('g')
  const other = graph('other').task('x', turn)

  test('is said where it is written', () => {
    expect(() => g.task('a', 7 as never)).toThrow('Expected `fn` of task "a" to be a function, got undefined')
    expect(() => g.task('a', undefined as never, turn)).toThrow(
      'Expected the needs of task "a" to be a record or a list of tasks, got undefined',
    )
    expect(() => g.task('a', { other }, turn)).toThrow(InvalidGraph)
    expect(() => g.task('a', turn, { estimate: Number.POSITIVE_INFINITY })).toThrow('Expected `estimate` to be finite')
    expect(() => g.task('a', turn, { estimates: 5 } as never)).toThrow(InvalidOption)
    expect(() => g.task('a', turn, { on: {} as never })).toThrow('Expected `on` to be an executor')
    const on = { call() {}, bulk() {}, close() {} } as never
    expect(() => g.task('a', turn, { on })).toThrow('to be a worker function because `on` is given')
    expect(() => g.plan({ concurrency: 0 })).toThrow('Expected `concurrency` to be a whole number from 1 up')
    expect(() => graph('')).toThrow(InvalidOption)
    expect(g.size).toBe(0)
  })

  test('is said where it is run', async () => {
    expect(await failureOf(g.run(other))).toMatchObject({
      message: 'What run was asked for is task "x" of another graph, "other"',
    })
    expect(await failureOf(g.run({ other }))).toMatchObject({
      message: 'Target "other" of run is task "x" of another graph, "other"',
    })
    expect(await failureOf(g.run('x' as never))).toMatchObject({
      code: 'HEDDLE_INVALID_GRAPH',
      hint: expect.stringContaining('not its name'),
    })
    expect(await failureOf(g.run([], { concurrency: 1.5 }))).toBeInstanceOf(InvalidOption)
    expect(await failureOf(g.run([], { speed: 1 } as never))).toMatchObject({
      message: expect.stringContaining('Unknown option `speed` of run'),
    })
  })
})

describe('tasks that wait for one another by locks', () => {
  test('are told so, one of them', async () => {
    for (const timeout of [undefined, '1m'] as const) {
      const [left, right] = [new Mutex(), new Mutex()]
      const both = async (first: Mutex, second: Mutex): Promise<void> => {
        const hold = await first.acquire()
        try {
          await turn()
          const other = await second.acquire()
          other.release()
        } finally {
          hold.release()
        }
      }
      const g = graph('g')
      const before = g.task('before', turn)
      const a = g.task('a', { before }, () => both(left, right))
      const b = g.task('b', { before }, () => both(right, left))
      const error = await failureOf(g.run({ a, b }, timeout && { timeout }))
      expect(error).toBeInstanceOf(DeadlockDetected)
      expect((error as Error).message).toMatch(/task "a".*task "b"|task "b".*task "a"/s)
    }
  })
})
