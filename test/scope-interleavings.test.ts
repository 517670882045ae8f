/** 10,000 interleavings of fork, cancel, fail and timeout: nobody outlives the scope, and every finalizer runs once. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scope, type Scope } from '../src/index.ts'
import { runs } from './support/runs.ts'

const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
beforeAll(() => void process.on('unhandledRejection', note))
afterAll(() => void process.off('unhandledRejection', note))

type Ending = 'done' | 'fails' | 'throwsAtOnce' | 'cancels' | 'timesOut'

interface Child {
  readonly ending: Ending
  readonly obeys: boolean
  readonly children: readonly Child[]
  readonly awaited: boolean
}

function childOf(depth: number): fc.Arbitrary<Child> {
  return fc.record({
    ending: fc.constantFrom<Ending[]>('done', 'done', 'fails', 'throwsAtOnce', 'cancels', 'timesOut'),
    obeys: fc.boolean(),
    awaited: fc.boolean(),
    children: depth === 0 ? fc.constant([]) : fc.array(childOf(depth - 1), { maxLength: 2 }),
  })
}

interface Seen {
  running: number
  finalized: number
  deferred: number
}

async function run(s: Scope, plan: Child, scheduler: fc.Scheduler, seen: Seen): Promise<void> {
  const task = s.fork(
    async ({ signal }) => {
      seen.running++
      try {
        if (plan.ending === 'throwsAtOnce') throw new Error('at once')
        seen.deferred++
        s.defer(() => void seen.finalized++)
        for (const next of plan.children) void run(s, next, scheduler, seen)
        await scheduler.schedule(Promise.resolve(), 'first step')
        if (plan.obeys) signal.throwIfAborted()
        if (plan.ending === 'cancels') s.cancel('a task says so')
        if (plan.ending === 'fails') throw new Error('fails')
        await scheduler.schedule(Promise.resolve(), 'second step')
      } finally {
        seen.running--
      }
    },
    plan.ending === 'timesOut' ? { timeout: 0, grace: '10s' } : {},
  )
  if (plan.awaited) await task.catch(() => {})
}

test('children that outlive their scope 0, finalizers exactly once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(childOf(2), { minLength: 1, maxLength: 3 }),
      fc.constantFrom('stop' as const, 'settle' as const),
      fc.option(fc.constantFrom('abort', 'throw'), { nil: undefined }),
      async (scheduler, plans, onFailure, body) => {
        const seen: Seen = { running: 0, finalized: 0, deferred: 0 }
        const stop = new AbortController()
        const whole = scope(
          async (s) => {
            for (const plan of plans) void run(s, plan, scheduler, seen)
            if (body === 'abort') void scheduler.schedule(Promise.resolve(), 'abort').then(() => stop.abort())
            if (body === 'throw') throw new Error('the body throws')
          },
          { onFailure, signal: stop.signal },
        )
        const settled = whole.then(
          () => ({ ...seen }),
          () => ({ ...seen }),
        )
        await scheduler.waitFor(settled)
        const atEnd = await settled
        expect(atEnd.running).toBe(0)
        expect(atEnd.finalized).toBe(atEnd.deferred)
        await scheduler.waitIdle()
        expect(seen).toEqual(atEnd)
      },
    ),
    { numRuns: runs(500, 10_000), interruptAfterTimeLimit: 40_000, markInterruptAsFailure: false },
  )
  await new Promise((resolve) => setImmediate(resolve))
  expect(unhandled).toEqual([])
})

test('a second failure after the first is no unhandled rejection', async () => {
  const { all, map, mapReduce, graph } = await import('../src/index.ts')
  const late = async (name: string): Promise<never> => {
    await new Promise((resolve) => setTimeout(resolve, name === 'first' ? 1 : 5))
    throw new Error(name)
  }
  const g = graph('two')
  const [a, b] = [g.task('a', () => late('first')), g.task('b', () => late('second'))]
  const both = g.task('both', { a, b }, () => 0)
  const runs = [
    all({ one: () => late('first'), two: () => late('second') }),
    map(['first', 'second', 'second'], late),
    mapReduce(['first', 'second', 'second'], late, () => late('second')),
    g.run(both),
    scope(async (s) => {
      void s.fork(() => late('first'))
      void s.fork(() => late('second'))
      await s.fork(() => late('second'))
    }),
  ]
  for (const outcome of await Promise.allSettled(runs))
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'first' } })
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(unhandled).toEqual([])
})
