import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dagFromRows, dependentsOf, needsOf, randomGraph } from './dag.arbitrary.ts'
import type { Dag } from './dag.ts'
import { criticalPath, earliestStarts, levels, remainingPaths, span, work } from './paths.ts'

/** Every path from a task to the end of the graph. */
function pathsFrom(dag: Dag, task: number): number[][] {
  const dependents = [...new Set(dependentsOf(dag, task))]
  return dependents.length === 0 ? [[task]] : dependents.flatMap((next) => pathsFrom(dag, next).map((path) => [task, ...path]))
}

const length = (path: readonly number[], durations: Float64Array): number =>
  path.reduce((sum, t) => sum + (durations[t] as number), 0)

describe('longest paths', () => {
  //  0 (2) → 1 (3) → 3 (1)
  //        ↘ 2 (1) ↗
  const dag = dagFromRows([[], [0], [0], [1, 2]])
  const durations = Float64Array.of(2, 3, 1, 1)

  test('are those of the drawing', () => {
    const remaining = remainingPaths(dag, durations)
    expect([...remaining]).toEqual([6, 4, 2, 1])
    expect([...earliestStarts(dag, durations)]).toEqual([0, 2, 2, 5])
    expect([...levels(dag)]).toEqual([0, 1, 1, 2])
    expect(criticalPath(dag, remaining)).toEqual([0, 1, 3])
    expect([span(remaining), work(durations)]).toEqual([6, 7])
  })

  test('agree with all paths, listed one by one', () => {
    fc.assert(
      fc.property(randomGraph(9), ({ dag, durations }) => {
        const remaining = remainingPaths(dag, durations)
        const paths = Array.from({ length: dag.size }, (_, t) => pathsFrom(dag, t))
        for (let t = 0; t < dag.size; t++) {
          expect(remaining[t]).toBe(Math.max(...(paths[t] as number[][]).map((path) => length(path, durations))))
        }
        const all = paths.flat()
        const through = (t: number): number[][] => all.filter((path) => path.at(-1) === t || path.includes(t))
        const before = (t: number): number =>
          Math.max(...through(t).map((path) => length(path.slice(0, path.indexOf(t)), durations)))
        const hops = (t: number): number => Math.max(...through(t).map((path) => path.indexOf(t)))
        const starts = earliestStarts(dag, durations)
        const level = levels(dag)
        for (let t = 0; t < dag.size; t++) {
          expect(starts[t]).toBe(before(t))
          expect(level[t]).toBe(hops(t))
        }
      }),
    )
  })

  test('make a critical path that is a chain of needs as long as the span', () => {
    fc.assert(
      fc.property(randomGraph(30), ({ dag, durations }) => {
        const remaining = remainingPaths(dag, durations)
        const path = criticalPath(dag, remaining)
        expect(length(path, durations)).toBe(span(remaining))
        for (let i = 1; i < path.length; i++) expect(needsOf(dag, path[i] as number)).toContain(path[i - 1])
        expect(needsOf(dag, path[0] as number)).toEqual([])
        expect(dependentsOf(dag, path.at(-1) as number)).toEqual([])
      }),
    )
  })

  test('leave a slack by which a task may grow, and not more', () => {
    fc.assert(
      fc.property(randomGraph(30), fc.nat(), ({ dag, durations }, pick) => {
        const task = pick % dag.size
        const remaining = remainingPaths(dag, durations)
        const slack = span(remaining) - (earliestStarts(dag, durations)[task] as number) - (remaining[task] as number)
        const grown = (by: number): number =>
          span(
            remainingPaths(
              dag,
              durations.map((ms, t) => (t === task ? ms + by : ms)),
            ),
          )
        expect(slack).toBeGreaterThanOrEqual(0)
        expect(grown(slack)).toBe(span(remaining))
        expect(grown(slack + 1)).toBe(span(remaining) + 1)
      }),
    )
  })

  test('of an empty graph are nothing', () => {
    const empty = dagFromRows([])
    const remaining = remainingPaths(empty, new Float64Array(0))
    expect([span(remaining), criticalPath(empty, remaining)]).toEqual([0, []])
  })
})
