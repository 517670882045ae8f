/** NumPy's functions with an algorithm of their own. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { checkArray, NDArray, type Rank } from './array.ts'
import * as build from '../expression/build.ts'
import { type DType, isBig } from '../expression/dtype.ts'
import type { Node } from '../expression/node.ts'
import { normalizeAxis } from '../expression/shape.ts'
import { transposeView } from '../expression/view.ts'

type Total<D extends DType> = D extends 'i64' | 'u64' | 'f32' | 'f16' ? D : 'f64'

/**
 * Running sums, over all elements in C order or along the `axis` of `options`. Whole numbers below 64 bits give f64. Within a chunk a sum is plain;
 * each chunk starts from a compensated one.
 *
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 * @example
 * await cumsum(from([1, 2, 3])).compute()   // 1 3 6
 */
export function cumsum<D extends DType>(
  x: NDArray<D, Rank>,
  options: { readonly axis?: number } = {},
): NDArray<Total<D>, 'array'> {
  checkArray(x, 'cumsum')
  checkOptions<{ readonly axis?: number }>(options, { axis: rules.any }, 'cumsum')
  const dtype = x.dtype === 'i64' || x.dtype === 'u64' ? 'i64' : x.dtype === 'f32' ? 'f32' : 'f64'
  const kept = x.dtype === 'u64' || x.dtype === 'f16' ? x.dtype : dtype
  const summed = (node: Node): Node => build.cast(build.algorithm('cumsum', [build.cast(node, dtype)], dtype, node.shape), kept)
  if (options.axis === undefined) return new NDArray(summed(build.reshape(x.node, [-1])))
  const axis = normalizeAxis(options.axis, x.ndim)
  const order = [...x.shape.keys()].filter((a) => a !== axis)
  order.push(axis)
  const moved = build.view(x.node, transposeView(x.shape, order))
  const back = x.shape.map((_, a) => order.indexOf(a))
  return new NDArray(build.view(summed(moved), transposeView(moved.shape, back)))
}

/**
 * Exact quantiles over all elements, with linear interpolation as in NumPy; NaN when there is a NaN or no element.
 *
 * @param q a number from 0 to 1, or a list of them
 * @throws {InvalidOption} when `x` is not an array, or `q` is outside 0 to 1
 * @example
 * const [p50, p99] = (await quantile(latencies, [0.5, 0.99]).compute()).data
 */
export function quantile(x: NDArray<DType, Rank>, q: number): NDArray<'f64', 'scalar'>
export function quantile(x: NDArray<DType, Rank>, q: readonly number[]): NDArray<'f64', 'array'>
export function quantile(x: NDArray<DType, Rank>, q: number | readonly number[]): NDArray<'f64', Rank> {
  checkArray(x, 'quantile')
  const list = typeof q === 'number' ? [q] : q
  if (!Array.isArray(list) || !list.every((each) => typeof each === 'number' && each >= 0 && each <= 1)) {
    throw new InvalidOption(`Expected \`q\` to be a number from 0 to 1 or a list of them, got ${describe(q)}`)
  }
  return new NDArray(
    build.algorithm('quantile', [build.cast(x.node, 'f64')], 'f64', typeof q === 'number' ? [] : [list.length], { q: list }),
  )
}

/**
 * The `k` largest elements, largest first; for a negative `k` the smallest, smallest first. NaN counts as larger than all.
 *
 * @throws {InvalidOption} when `x` is not an array, or `k` is not a whole number, or more than there are elements
 */
export function topk<D extends DType>(x: NDArray<D, Rank>, k: number): NDArray<D, 'array'> {
  checkArray(x, 'topk')
  // Doubles hold the elements of every other dtype exactly.
  const dtype = isBig(x.dtype) ? x.dtype : 'f64'
  return new NDArray(build.cast(build.topk(build.cast(x.node, dtype), k), x.dtype))
}

/** The distinct elements in ascending order; all NaN are one. The length is known only after the computation. @throws {InvalidOption} when `x` is not an array */
export function unique<D extends DType>(x: NDArray<D, Rank>): NDArray<D, 'array'> {
  checkArray(x, 'unique')
  const dtype = x.dtype === 'f16' ? 'f32' : x.dtype
  return new NDArray(build.cast(build.algorithm('unique', [build.cast(x.node, dtype)], dtype, [Number.NaN]), x.dtype))
}
