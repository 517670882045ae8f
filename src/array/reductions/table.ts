/** All reductions: a new one is a file beside this, and a row in one or both tables. */
import { HeddleError } from '../../base/errors.ts'
import { reduce } from '../expression/build.ts'
import type { Node } from '../expression/node.ts'
import { argmax, argmaxAccumulator, argmin, argminAccumulator } from './argument.ts'
import { max, maxAccumulator, min, minAccumulator } from './extreme.ts'
import { momentsAccumulator, std, variance } from './moments.ts'
import { prod, productAccumulator } from './product.ts'
import type { Accumulator, Measure, Reduction } from './reduction.ts'
import { mean, sum, sumAccumulator, wrapAccumulator } from './sum.ts'
import { all, allAccumulator, any, anyAccumulator } from './truth.ts'

const named = { sum, prod, min, max, any, all, mean, var: variance, std, argmin, argmax }

export type ReduceName = keyof typeof named
export const reductions: Readonly<Record<ReduceName, Reduction>> = named

const accumulators: ReadonlyMap<string, Accumulator> = new Map([
  ['sum', sumAccumulator],
  ['wrap', wrapAccumulator],
  ['prod', productAccumulator],
  ['min', minAccumulator],
  ['max', maxAccumulator],
  ['any', anyAccumulator],
  ['all', allAccumulator],
  ['moments', momentsAccumulator],
  ['argmin', argminAccumulator],
  ['argmax', argmaxAccumulator],
])

export function accumulatorOf(kind: string): Accumulator {
  const found = accumulators.get(kind)
  if (!found) throw new HeddleError(`There is no accumulator ${JSON.stringify(kind)}`)
  return found
}

/** Words of 8 bytes that the states of all of them take. */
export const wordsOfAll = (measures: readonly Measure[]): number =>
  measures.reduce((sum, { kind }) => sum + accumulatorOf(kind).words, 0)

/** The node of a reduction, or of what it is made of. Axes must be ascending. */
export function reduced(name: ReduceName, input: Node, axes: readonly number[], ddof?: number): Node {
  const reduction = reductions[name]
  return reduction.madeOf?.(input, axes) ?? reduce(reduction, input, axes, ddof)
}
