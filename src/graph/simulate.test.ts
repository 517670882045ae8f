import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bounds } from './bounds.ts'
import { dagFromRows, dependentsOf, needsOf, randomGraph } from './dag.arbitrary.ts'
import type { Dag } from './dag.ts'
import { remainingPaths, span, work } from './paths.ts'
import { type Simulation, simulate } from './simulate.ts'
import { runs } from '../../test/support/runs.ts'

const run = (dag: Dag, durations: Float64Array, slots: number): Simulation =>
  simulate(dag, durations, remainingPaths(dag, durations), slots)

const slotCount = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(Number.POSITIVE_INFINITY))

/** The policy as it is written down, with everything counted afresh at every step. */
function reference(dag: Dag, durations: Float64Array, slots: number): { order: number[]; starts: number[] } {
  const all = Array.from({ length: dag.size }, (_, t) => t)
  const remaining = remainingPaths(dag, durations)
  const starts: number[] = []
  const order: number[] = []
  const done = new Set<number>()
  const left = (t: number): number => dependentsOf(dag, t).filter((d) => !done.has(d)).length
  const frees = (t: number): number => needsOf(dag, t).filter((need) => left(need) === 1).length
  const isSource = (t: number): boolean => needsOf(dag, t).length === 0
  const before = (a: number, b: number): number =>
    (remaining[b] as number) - (remaining[a] as number) || frees(b) - frees(a) || a - b
  const pick = (): number | undefined => {
    const ready = all.filter((t) => !order.includes(t) && needsOf(dag, t).every((need) => done.has(need))).sort(before)
    const source = ready.find(isSource)
    const other = ready.find((t) => !isSource(t))
    if (source === undefined || other === undefined) return source ?? other
    const workLeft = all.filter((t) => !order.includes(t)).reduce((sum, t) => sum + (durations[t] as number), 0)
    return workLeft / slots > (remaining[source] as number) ? other : ready[0]
  }
  for (let now = 0; done.size < dag.size;) {
    const running = (): number[] => order.filter((t) => !done.has(t))
    for (let task = pick(); task !== undefined && running().length < slots; task = pick()) {
      order.push(task)
      starts[task] = now
    }
    const end = (t: number): number => (starts[t] as number) + (durations[t] as number)
    now = Math.min(...running().map(end))
    for (const task of running()) if (end(task) === now) done.add(task)
  }
  return { order, starts }
}

/** The shortest schedule there is: the best of all list schedules, one per order of the tasks. */
function optimum(dag: Dag, durations: Float64Array, slots: number): number {
  let best = Number.POSITIVE_INFINITY
  const ends = new Float64Array(dag.size)
  const place = (scheduled: number, free: readonly number[], longest: number): void => {
    if (longest >= best) return
    if (scheduled === 2 ** dag.size - 1) {
      best = longest
      return
    }
    for (let t = 0; t < dag.size; t++) {
      if (scheduled & (1 << t) || needsOf(dag, t).some((need) => !(scheduled & (1 << need)))) continue
      const [slot = 0, ...others] = free
      const end = Math.max(slot, ...needsOf(dag, t).map((need) => ends[need] as number)) + (durations[t] as number)
      const kept = ends[t] as number
      ends[t] = end
      place(
        scheduled | (1 << t),
        [...others, end].sort((a, b) => a - b),
        Math.max(longest, end),
      )
      ends[t] = kept
    }
  }
  place(
    0,
    Array.from({ length: slots }, () => 0),
    0,
  )
  return best
}

describe('simulate', () => {
  test('follows the policy as it is written down', () => {
    fc.assert(
      fc.property(randomGraph(12), slotCount, ({ dag, durations }, slots) => {
        const { order, starts } = run(dag, durations, slots)
        const expected = reference(dag, durations, slots)
        expect([...order]).toEqual(expected.order)
        expect([...starts]).toEqual(expected.starts)
      }),
      { numRuns: runs(80, 300) },
    )
  })

  test('makes a schedule: needs first, one task per slot, no slot idle while a task is ready', () => {
    fc.assert(
      fc.property(randomGraph(40), slotCount, ({ dag, durations }, slots) => {
        const { starts, ends, slots: slotOf, order, makespanMs } = run(dag, durations, slots)
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: dag.size }, (_, t) => t))
        const readyAt = (t: number): number => Math.max(0, ...needsOf(dag, t).map((need) => ends[need] as number))
        for (let t = 0; t < dag.size; t++) {
          expect(ends[t]).toBe((starts[t] as number) + (durations[t] as number))
          expect(starts[t]).toBeGreaterThanOrEqual(readyAt(t))
          expect(slotOf[t]).toBeLessThan(slots)
          for (let other = 0; other < t; other++) {
            if (slotOf[t] !== slotOf[other] || durations[t] === 0 || durations[other] === 0) continue
            const [first, second] = (starts[t] as number) < (starts[other] as number) ? [t, other] : [other, t]
            expect(ends[first]).toBeLessThanOrEqual(starts[second] as number)
          }
          // While it waited, all slots were busy.
          for (let at = readyAt(t); at < (starts[t] as number); at++) {
            expect(order.filter((o) => (starts[o] as number) <= at && at < (ends[o] as number)).length).toBe(slots)
          }
        }
        const limit = bounds(work(durations), span(remainingPaths(dag, durations)), slots)
        expect(makespanMs).toBeGreaterThanOrEqual(limit.lowerMs - 1e-9)
        expect(makespanMs).toBeLessThanOrEqual(limit.upperMs + 1e-9)
      }),
    )
  })

  test("stays within Graham's bound of the shortest schedule", () => {
    fc.assert(
      fc.property(randomGraph(6), fc.integer({ min: 1, max: 3 }), ({ dag, durations }, slots) => {
        const best = optimum(dag, durations, slots)
        const { makespanMs } = run(dag, durations, slots)
        expect(makespanMs).toBeGreaterThanOrEqual(best)
        expect(makespanMs).toBeLessThanOrEqual(best * bounds(0, 0, slots).graham + 1e-9)
      }),
      { numRuns: runs(60, 200) },
    )
  })

  test('counts the results that are held', () => {
    fc.assert(
      fc.property(randomGraph(25), slotCount, ({ dag, durations }, slots) => {
        const { ends, heldMax } = run(dag, durations, slots)
        const releasedAt = (t: number): number => {
          const dependents = dependentsOf(dag, t)
          return dependents.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...dependents.map((d) => ends[d] as number))
        }
        const all = Array.from({ length: dag.size }, (_, t) => t)
        // Between two moments; at a moment itself some are held that are about to go.
        const heldAfter = (at: number): number => all.filter((t) => (ends[t] as number) <= at && releasedAt(t) > at).length
        const least = Math.max(...all.map((t) => heldAfter(ends[t] as number)))
        expect(heldMax).toBeGreaterThanOrEqual(least)
        expect(heldMax).toBeLessThanOrEqual(dag.size)
      }),
    )
  })

  test('withholds sources while their results would only wait: many chains are run a few at a time', () => {
    //  load → parse → write, a thousand times, created row by row
    const chains = 1000
    const rows = [
      ...Array.from({ length: chains }, () => []),
      ...Array.from({ length: chains }, (_, i) => [i]),
      ...Array.from({ length: chains }, (_, i) => [chains + i]),
      Array.from({ length: chains }, (_, i) => 2 * chains + i),
    ]
    const dag = dagFromRows(rows)
    const { heldMax, makespanMs } = run(dag, new Float64Array(dag.size).fill(1), 4)
    expect(makespanMs).toBe((3 * chains) / 4 + 1)
    expect(heldMax).toBeLessThanOrEqual(chains + 8)
    const loads = run(dagFromRows(rows.slice(0, 3 * chains)), new Float64Array(3 * chains).fill(1), 4)
    expect(loads.starts[chains + 3]).toBeLessThan(3)
  })

  test('starts a source that is urgent before other work', () => {
    //  0 → 1, 0 → 2     3 → 4 (10): the long chain goes first as soon as there is a choice
    const dag = dagFromRows([[], [0], [0], [], [3]])
    const { order } = run(dag, Float64Array.of(1, 1, 1, 1, 10), 1)
    expect([...order].slice(0, 2)).toEqual([3, 4])
  })

  test('prefers, of equal paths, the task that frees a result', () => {
    //  a0 a1 a2 → b0 b1 b2 (each needs its a) and c0 c1 c2 (the same): after b0, c0 frees a0
    const dag = dagFromRows([[], [], [], [0], [1], [2], [0], [1], [2]])
    const { order } = run(dag, new Float64Array(9).fill(1), 1)
    const at = (task: number): number => [...order].indexOf(task)
    expect(at(6)).toBe(at(3) + 1)
    expect(at(7)).toBe(at(4) + 1)
  })

  test('is practical for a hundred thousand tasks', () => {
    const size = 100_000
    const rows = Array.from({ length: size }, (_, t) => (t < 100 ? [] : [t - 100, t - 1 - ((t * 7919) % 100)]))
    const dag = dagFromRows(rows)
    const { makespanMs } = run(dag, new Float64Array(size).fill(1), 8)
    expect(makespanMs).toBeGreaterThanOrEqual(size / 8)
  })
})
