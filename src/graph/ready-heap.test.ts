import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReadyHeap } from './ready-heap.ts'

const tasks = 50
const all = Array.from({ length: tasks }, (_, task) => task)

type Step = { readonly push: number } | { readonly raise: number } | { readonly pop: true }
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ push: fc.nat(tasks - 1) }) },
  { weight: 2, arbitrary: fc.record({ raise: fc.nat(tasks - 1) }) },
  { weight: 2, arbitrary: fc.constant<Step>({ pop: true }) },
)

describe('ReadyHeap', () => {
  test('gives what a sorted list gives, also when tasks become more urgent while they wait', () => {
    const paths = fc.array(fc.nat(4), { minLength: tasks, maxLength: tasks })
    fc.assert(
      fc.property(paths, fc.array(step, { maxLength: 150 }), (remaining, steps) => {
        const frees = new Uint32Array(tasks)
        const heap = new ReadyHeap(Float64Array.from(remaining), frees)
        const waiting = new Set<number>()
        const first = (): number | undefined =>
          [...waiting].sort(
            (a, b) => (remaining[b] as number) - (remaining[a] as number) || (frees[b] as number) - (frees[a] as number) || a - b,
          )[0]
        for (const step of steps) {
          if ('push' in step && !waiting.has(step.push)) {
            heap.push(step.push)
            waiting.add(step.push)
          }
          if ('raise' in step) {
            frees[step.raise] = (frees[step.raise] as number) + 1
            if (heap.has(step.raise)) heap.raise(step.raise)
          }
          expect(heap.size === 0 ? undefined : heap.top).toBe(first())
          if ('pop' in step && heap.size > 0) waiting.delete(heap.pop())
          expect(all.filter((task) => heap.has(task))).toEqual(all.filter((task) => waiting.has(task)))
          expect(heap.size).toBe(waiting.size)
        }
      }),
    )
  })
})
