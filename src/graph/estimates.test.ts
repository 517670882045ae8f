import { describe, expect, test } from 'vitest'
import { InvalidOption } from '../base/errors.ts'
import { expectedMs } from './estimates.ts'
import { GraphModel } from './model.ts'

function model(...estimates: readonly (number | undefined)[]): GraphModel {
  const made = new GraphModel('g')
  for (const [i, estimate] of estimates.entries()) made.add(`t${i}`, undefined, estimate)
  return made
}

const expected = (graph: GraphModel, durations?: Parameters<typeof expectedMs>[2]): number[] => [
  ...expectedMs(
    graph,
    Uint32Array.from({ length: graph.size }, (_, i) => i),
    durations,
  ),
]

describe('expectedMs', () => {
  test('takes a given duration before an estimate, and an estimate before the mean', () => {
    expect(expected(model(10, undefined, 30))).toEqual([10, 20, 30])
    expect(expected(model(10, undefined, 30), { t0: '1s', unheardOf: 5 })).toEqual([1000, 515, 30])
    expect(expected(model(undefined, 4), new Map([['t1', 8]]))).toEqual([8, 8])
    expect(expected(model(undefined, undefined))).toEqual([1, 1])
    expect(expected(model())).toEqual([])
  })

  test('is not fooled by names that every object has', () => {
    const graph = new GraphModel('g')
    graph.add('constructor', undefined, 3)
    expect(expected(graph, {})).toEqual([3])
  })

  test('refuses what is no duration, or endless', () => {
    expect(() => expected(model(1), { t0: -1 })).toThrow(InvalidOption)
    expect(() => expected(model(1), { t0: Number.POSITIVE_INFINITY })).toThrow('Expected `durations["t0"]` to be finite')
  })
})
