import { expect, test } from 'vitest'
import { graphFrom } from '../index.ts'

test('runs tasks of a table in any order, with their needs by name', async () => {
  // test → compile → generate
  const seen: string[] = []
  const { graph, tasks } = graphFrom('build', {
    test: { needs: ['compile'], run: ({ compile }) => (seen.push('test'), `tested ${String(compile)}`) },
    compile: {
      needs: ['generate'],
      run: ({ generate }) => (seen.push('compile'), `compiled ${String(generate)}`),
      estimate: '1s',
    },
    generate: { run: (_, { index }) => (seen.push('generate'), `generated ${index}`) },
  })
  expect(await graph.run(tasks.test)).toBe('tested compiled generated 0')
  expect(seen).toEqual(['generate', 'compile', 'test'])
  expect(await graph.run()).toEqual({ test: 'tested compiled generated 0' })
})

test('prints a circle, and names what is missing', () => {
  const run = (): number => 1
  const needs = (...names: string[]): { needs: string[]; run: () => number } => ({ needs: names, run })
  expect(() => graphFrom('g', { a: needs('d', 'b'), b: needs('c'), c: needs('b'), d: { run } })).toThrow(
    'Tasks need one another in a circle: "b" → "c" → "b"',
  )
  expect(() => graphFrom('g', { a: needs('a') })).toThrow('"a" → "a"')
  expect(() => graphFrom('g', { compile: { run }, test: needs('compyle') })).toThrow(
    'Task "test" needs "compyle" (string), which is not in the table',
  )
  expect(() => graphFrom('g', { a: {} as never })).toThrow('Expected task "a" to have a function `run`, got undefined')
})

test('a long chain is no recursion', async () => {
  const count = 50_000
  const table = Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`t${n}`, { needs: n + 1 < count ? [`t${n + 1}`] : [], run: () => n }]),
  )
  expect(graphFrom('chain', table).graph.size).toBe(count)
})
