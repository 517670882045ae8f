/** All reductions: a new one is a file beside this, and a row in one or both tables. */
import { HeddleError } from '../../base/errors.ts'
import { cast, full, map, reduce } from '../expression/build.ts'
import type { DType } from '../expression/dtype.ts'
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

/** Extremes are elements; of f16 everything else stays f16 too. */
const resultOf = (name: ReduceName, input: DType, wide: DType): DType =>
  name === 'min' || name === 'max' || input === 'f16' ? input : wide

/** Words of 8 bytes that the states of all of them take. */
export const wordsOfAll = (measures: readonly Measure[]): number =>
  measures.reduce((sum, { kind }) => sum + accumulatorOf(kind).words, 0)

/** What shorter elements are reduced as; those of 64 bits without a sign as those with one, whose sums and products have the same bits. */
const widened: Partial<Record<DType, DType>> = { i8: 'i32', i16: 'i32', u16: 'i32', f16: 'f64', u64: 'i64' }
/** Turned so, whole numbers of 64 bits without a sign are in the order of those with one. */
const turn = (node: Node): Node => map('bitwiseXor', [node, full([], 'i64', -(2n ** 63n))])

/** The node of a reduction, or of what it is made of. Axes must be ascending. */
export function reduced(name: ReduceName, input: Node, axes: readonly number[], ddof?: number): Node {
  const reduction = reductions[name]
  const wide = widened[input.dtype]
  if (wide && !reduction.takes) {
    const float = name === 'mean' || name === 'var' || name === 'std'
    if (input.dtype === 'u64' && !float) {
      const ordered = name === 'min' || name === 'max' || name === 'argmin' || name === 'argmax'
      const signed = cast(input, 'i64')
      const result = reduced(name, ordered ? turn(signed) : signed, axes, ddof)
      return name === 'argmin' || name === 'argmax' ? result : cast(ordered ? turn(result) : result, 'u64')
    }
    const result = reduced(name, cast(input, input.dtype === 'u64' ? 'f64' : wide), axes, ddof)
    return name === 'argmin' || name === 'argmax' ? result : cast(result, resultOf(name, input.dtype, result.dtype))
  }
  return reduction.madeOf?.(input, axes) ?? reduce(reduction, input, axes, ddof)
}
