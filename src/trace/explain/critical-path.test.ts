import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Job, schedule, type Scheduled } from '../../../test/support/schedules.ts'
import { makeTraceOf, type TraceSpec } from '../../../test/support/traces.ts'
import { criticalPath } from './critical-path.ts'
import { relate } from './relate.ts'
import { runs } from '../../../test/support/runs.ts'

const pathOf = (spec: TraceSpec) => {
  const trace = makeTraceOf(spec)
  const path = criticalPath(relate(trace))
  const named = path.segments.map(({ kind, task, from, to }) => ({
    kind,
    id: task < 0 ? 0 : (trace.tasks.id[task] as number),
    from,
    to,
  }))
  return { ...path, named, chain: [...new Set(named.filter(({ kind }) => kind === 'work').map(({ id }) => id))] }
}

const jobs = fc
  .array(fc.record({ ms: fc.integer({ min: 1, max: 50 }), limited: fc.boolean(), picks: fc.array(fc.nat(), { maxLength: 3 }) }), {
    minLength: 1,
    maxLength: 14,
  })
  .map((drafts): Job[] =>
    drafts.map(({ ms, limited, picks }, job) => ({
      ms,
      limited,
      needs: job === 0 ? [] : [...new Set(picks.map((pick) => (pick % job) + 1))],
    })),
  )

/**
 * Every chain of tasks of which each had to wait for the one before: for its result, or for its slot (it was ready earlier and
 * started at the very moment at which the other ended). The longest one, by trying them all.
 */
function longestChain(tasks: readonly Scheduled[]): number {
  const waitedFor = (task: Scheduled): Scheduled[] =>
    tasks.filter(
      (other) =>
        other.id !== task.id &&
        (task.needs?.includes(other.id) || (other.settledAt === task.startedAt && (task.readyAt as number) < task.startedAt)),
    )
  const longest = (task: Scheduled): number =>
    task.settledAt - task.startedAt + waitedFor(task).reduce((best, other) => Math.max(best, longest(other)), 0)
  return tasks.reduce((best, task) => Math.max(best, longest(task)), 0)
}

describe('the critical path of random graphs on random slots', () => {
  test('is the longest of all chains, and as long as the run', () => {
    fc.assert(
      fc.property(jobs, fc.integer({ min: 1, max: 5 }), (drafts, slots) => {
        const tasks = schedule(
          drafts.map((job) => ({ ...job, limited: false })),
          slots,
          0,
        )
        const { ms } = pathOf({ tasks })
        expect(ms.work).toBe(longestChain(tasks))
        expect(ms.work).toBe(Math.max(...tasks.map(({ settledAt }) => settledAt)))
      }),
      { numRuns: runs(300, 10_000) },
    )
  }, 60_000)

  test('goes through the limiter where that decided the start', () => {
    fc.assert(
      fc.property(jobs, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 }), (drafts, slots, everyMs) => {
        const tasks = schedule(drafts, slots, everyMs)
        const { named, ms } = pathOf({ tasks })
        const byId = new Map(tasks.map((task) => [task.id, task]))
        // Joined end to end over the whole run …
        let at = 0
        for (const segment of named) {
          expect(segment.from).toBe(at)
          at = segment.to
        }
        expect(at).toBe(Math.max(...tasks.map(({ settledAt }) => settledAt)))
        expect(ms.work + ms.limiter).toBe(at)
        // … and where a task did not wait for the limiter, the link before it ended exactly when it started.
        for (const [i, { kind, id, from }] of named.entries()) {
          if (kind !== 'work' || from === 0) continue
          const before = named[i - 1]
          const limited = before?.kind === 'limiter' && before.id === id
          expect(limited || byId.get(before?.id ?? 0)?.settledAt === byId.get(id)?.startedAt).toBe(true)
        }
      }),
      { numRuns: runs(300, 2_000) },
    )
  })
})

describe('the critical path', () => {
  test('follows the last need to arrive', () => {
    // 1 ─┬─▶ 2 (slow) ─┬─▶ 4
    //    └─▶ 3 (fast) ─┘
    const { chain, ms } = pathOf({
      tasks: [
        { id: 1, startedAt: 0, settledAt: 10 },
        { id: 2, needs: [1], queuedAt: 0, readyAt: 10, startedAt: 10, settledAt: 60 },
        { id: 3, needs: [1], queuedAt: 0, readyAt: 10, startedAt: 10, settledAt: 20 },
        { id: 4, needs: [2, 3], queuedAt: 0, readyAt: 60, startedAt: 60, settledAt: 70 },
      ],
    })
    expect(chain).toEqual([1, 2, 4])
    expect(ms.work).toBe(70)
  })

  test('goes through parents and the children that they waited for', () => {
    // parent: 0 ── child 2: 10–40 ── child 3: 45–90 ── 100
    const { named } = pathOf({
      runs: [
        { id: 1, kind: 'scope' },
        { id: 2, kind: 'scope', parentTask: 1 },
      ],
      tasks: [
        { id: 1, startedAt: 0, settledAt: 100 },
        { id: 2, run: 2, parent: 1, startedAt: 10, settledAt: 40 },
        { id: 3, run: 2, parent: 1, startedAt: 45, settledAt: 90 },
      ],
    })
    expect(named).toEqual([
      { kind: 'work', id: 1, from: 0, to: 10 },
      { kind: 'work', id: 2, from: 10, to: 40 },
      { kind: 'work', id: 1, from: 40, to: 45 },
      { kind: 'work', id: 3, from: 45, to: 90 },
      { kind: 'work', id: 1, from: 90, to: 100 },
    ])
  })

  test('follows the worker on which a task had to wait its turn', () => {
    const { chain } = pathOf({
      tasks: [
        { id: 1, row: 1, readyAt: 0, startedAt: 0, settledAt: 30 },
        { id: 2, row: 2, readyAt: 0, startedAt: 0, settledAt: 29.9 },
        { id: 3, row: 2, readyAt: 0, startedAt: 30.1, settledAt: 50 },
      ],
    })
    expect(chain).toEqual([2, 3])
  })

  test('calls the time between the items of a map handing out, and the program outside every run its own', () => {
    const { named } = pathOf({
      meta: { durationMs: 40 },
      runs: [{ id: 1, kind: 'map', startedAt: 10, settledAt: 32 }],
      tasks: [
        { id: 1, startedAt: 11, settledAt: 20 },
        { id: 2, startedAt: 21, settledAt: 32 },
      ],
    })
    expect(named).toEqual([
      { kind: 'outside', id: 0, from: 0, to: 10 },
      { kind: 'dispatch', id: 1, from: 10, to: 11 },
      { kind: 'work', id: 1, from: 11, to: 20 },
      { kind: 'dispatch', id: 2, from: 20, to: 21 },
      { kind: 'work', id: 2, from: 21, to: 32 },
      { kind: 'outside', id: 0, from: 32, to: 40 },
    ])
  })

  test('ends for tasks without length, all at the same time', () => {
    const { ms } = pathOf({ tasks: Array.from({ length: 50 }, () => ({ startedAt: 5, settledAt: 5 })), meta: { durationMs: 5 } })
    expect(ms.work).toBe(0)
    expect(ms.outside + ms.dispatch).toBe(5)
  })
})
