import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { GrowingGraph } from './growing.ts'

/** Runs what is ready at once, and writes down what happens. */
function grow(failing: ReadonlySet<string> = new Set()) {
  const done = new Set<string>()
  const order: string[] = []
  const skipped: string[] = []
  const ready: string[] = []
  const graph = new GrowingGraph<Error>({
    has: (id) => done.has(id),
    ready: (task) => void ready.push(task),
    skipped(task, need, cause) {
      skipped.push(`${task} of ${need}`)
      return cause
    },
  })
  const run = (): void => {
    for (let task = ready.shift(); task !== undefined; task = ready.shift()) {
      order.push(task)
      if (failing.has(task)) graph.fail(task, new Error(task))
      else {
        done.add(task)
        graph.finish(task)
      }
    }
  }
  const add = (task: string, ...needs: readonly string[]): void => {
    graph.add(task)
    for (const need of needs) graph.need(task, need)
    graph.release(task)
  }
  return { graph, add, run, order, skipped }
}

/** `c → b → a`, written from its end. */
test('starts a task that came before what it needs', () => {
  const { add, run, order } = grow()
  add('c', 'b')
  add('b', 'a')
  run()
  expect(order).toEqual([])
  add('a')
  run()
  expect(order).toEqual(['a', 'b', 'c'])
})

test('waits for the last reason to hold a task', () => {
  const { graph, add, run, order } = grow()
  add('a')
  graph.add('b')
  graph.hold('b')
  graph.release('b')
  run()
  expect(order).toEqual(['a'])
  graph.need('b', 'a')
  graph.release('b')
  run()
  expect(order).toEqual(['a', 'b'])
})

test('skips what needs a failure, also what comes later', () => {
  const { graph, add, run, order, skipped } = grow(new Set(['a']))
  add('b', 'a')
  add('c', 'b', 'x')
  add('a')
  run()
  add('d', 'c')
  expect(order).toEqual(['a'])
  expect(skipped).toEqual(['b of a', 'c of b', 'd of c'])
  expect([...graph.waiting]).toEqual([])
})

test('names a circle', () => {
  const { graph, add } = grow()
  add('a', 'b')
  add('b', 'c')
  expect(graph.circle()).toBeUndefined()
  add('c', 'a')
  expect(graph.circle()).toEqual(['a', 'b', 'c', 'a'])
})

test('runs every task once, after what it needs, in whatever order the tasks come', () => {
  const edges = fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 40 })
  fc.assert(
    fc.property(edges, fc.shuffledSubarray([...Array(12).keys()], { minLength: 12 }), (pairs, arrival) => {
      const needs = (task: number): string[] => pairs.flatMap(([a, b]) => (a === task && b < task ? [`${b}`] : []))
      const { add, run, order } = grow()
      for (const task of arrival) {
        add(`${task}`, ...needs(task))
        run()
      }
      expect(order.toSorted()).toEqual(arrival.map(String).toSorted())
      for (const [at, task] of order.entries()) expect(order.slice(0, at)).toEqual(expect.arrayContaining(needs(Number(task))))
    }),
  )
})
