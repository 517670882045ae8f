/** A reduction is one file: this one is a descriptor that no table knows, over accumulators that are there. */
import { expect, test } from 'vitest'
import { map, reduce } from '../expression/build.ts'
import * as da from '../index.ts'
import { NDArray } from '../ndarray/array.ts'
import type { Reduction } from './reduction.ts'
import { carrySum, floating, sumOfRows, total } from './sum.ts'
import { roundedSum } from './states.ts'

const sumOfSquares: Reduction = {
  name: 'sumOfSquares',
  resultType: floating,
  overRows: (kernel, value) => {
    const { program } = kernel
    return sumOfRows(kernel, program.operation('square', 'f64', 'f64', [program.cast(value, 'f64')]))
  },
  sideBySide: (carrying, value) => carrySum(carrying, carrying.program.operation('square', 'f64', 'f64', [value])),
  finish: (words) => total(words),
}

test.each([
  ['all of it', [0, 1]],
  ['rows', [1]],
  ['columns', [0]],
])('a reduction of one descriptor: %s', async (_, axes) => {
  const x = da.arange(60_000).reshape(300, 200)
  const mine = new NDArray<'f64', 'array'>(reduce(sumOfSquares, x.node, axes))
  const theirs = new NDArray<'f64', 'array'>(map('square', [x.node])).sum({ axis: axes })
  const [got, goal] = await da.compute([mine, theirs], { threads: 2 })
  const elements = (found: unknown): unknown => (typeof found === 'number' ? found : [...(found as da.Dense).data])
  expect(elements(got)).toEqual(elements(goal))
})

test('an error of rounding that overflowed says nothing', () => {
  expect([roundedSum(1, 0.5), roundedSum(Number.POSITIVE_INFINITY, Number.NaN)]).toEqual([1.5, Number.POSITIVE_INFINITY])
})
