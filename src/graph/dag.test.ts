import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dagFromRows, dependentsOf, needsOf, randomGraph } from './dag.arbitrary.ts'
import { cull, type Dag } from './dag.ts'

describe('dagOf', () => {
  test('finds who depends on whom', () => {
    fc.assert(
      fc.property(randomGraph(20), ({ dag }) => {
        for (let t = 0; t < dag.size; t++) {
          const expected: number[] = []
          for (let d = 0; d < dag.size; d++)
            expected.push(
              ...needsOf(dag, d)
                .filter((need) => need === t)
                .map(() => d),
            )
          expect(dependentsOf(dag, t)).toEqual(expected)
        }
      }),
    )
  })
})

describe('cull', () => {
  //  0 → 1 → 3     4 needs 2 alone
  //    ↘ 2 ↗ ↘ 4
  const diamond = dagFromRows([[], [0], [0], [1, 2], [2]])

  test('keeps what a target needs, and nothing else', () => {
    const { dag, tasks, targets } = cull(diamond.needStart, diamond.needs, [4])
    expect([...tasks]).toEqual([0, 2, 4])
    expect([...targets]).toEqual([2])
    expect([0, 1, 2].map((t) => needsOf(dag, t))).toEqual([[], [0], [1]])
  })

  test('agrees with a search from the targets', () => {
    fc.assert(
      fc.property(randomGraph(20), fc.array(fc.nat(), { maxLength: 3 }), ({ dag }, picks) => {
        const targets = picks.map((pick) => pick % dag.size)
        const selection = cull(dag.needStart, dag.needs, targets)
        const { tasks } = selection
        expect([...tasks]).toEqual([...reached(dag, targets)].sort((a, b) => a - b))
        expect(Array.from(selection.targets, (t) => tasks[t])).toEqual(targets)
        for (let t = 0; t < tasks.length; t++) {
          expect(needsOf(selection.dag, t).map((need) => tasks[need])).toEqual(needsOf(dag, tasks[t] as number))
        }
      }),
    )
  })
})

function reached(dag: Dag, from: readonly number[], seen = new Set<number>()): Set<number> {
  for (const task of from) {
    if (seen.has(task)) continue
    seen.add(task)
    reached(dag, needsOf(dag, task), seen)
  }
  return seen
}
