/** NumPy's functions with an algorithm of their own. */
import { describe, InvalidOption } from '../base/errors.ts'
import { checkOptions, checkValue, rules } from '../base/options.ts'
import { NDArray, type Rank } from './array.ts'
import * as build from './build.ts'
import { arange } from './create.ts'
import { type DType, promote } from './dtype.ts'
import { where } from './functions.ts'
import type { Node } from './node.ts'
import { normalizeAxis, showShape, sizeOf } from './shape.ts'
import { transposeView } from './view.ts'

type Total<D extends DType> = D extends 'i64' | 'f32' ? D : 'f64'

/**
 * Running sums, over all elements in C order or along one axis. Whole numbers below 64 bits give f64. Within a chunk a sum is plain;
 * each chunk starts from a compensated one.
 */
export function cumsum<D extends DType>(
  x: NDArray<D, Rank>,
  options: { readonly axis?: number } = {},
): NDArray<Total<D>, 'array'> {
  checkOptions<{ readonly axis?: number }>(options, { axis: rules.any }, 'cumsum')
  const dtype = x.dtype === 'i64' || x.dtype === 'f32' ? x.dtype : 'f64'
  const summed = (node: Node): Node => build.algorithm('cumsum', [build.cast(node, dtype)], dtype, node.shape)
  if (options.axis === undefined) return new NDArray(summed(build.reshape(x.node, [-1])))
  const axis = normalizeAxis(options.axis, x.ndim)
  const order = [...x.shape.keys()].filter((a) => a !== axis)
  order.push(axis)
  const moved = build.view(x.node, transposeView(x.shape, order))
  const back = x.shape.map((_, a) => order.indexOf(a))
  return new NDArray(build.view(summed(moved), transposeView(moved.shape, back)))
}

export interface HistogramOptions {
  /** How many, of equal width. @default 10 */
  readonly bins?: number
  /** From and to, both included; what lies outside is not counted. @default the least and the largest element */
  readonly range?: readonly [number, number]
}

/** How many elements fall into each bin; NaN into none. With NumPy's edges: a bin holds its left one, the last one both. */
export function histogram(
  x: NDArray<DType, Rank>,
  options: HistogramOptions = {},
): { readonly counts: NDArray<'f64', 'array'>; readonly edges: NDArray<'f64', 'array'> } {
  checkOptions<HistogramOptions>(options, { bins: rules.whole(1), range: rules.any }, 'histogram')
  const { bins = 10, range } = options
  if (
    range !== undefined &&
    !(
      Array.isArray(range) &&
      Number.isFinite(range[0]) &&
      Number.isFinite(range[1]) &&
      (range[0] as number) <= (range[1] as number)
    )
  ) {
    throw new InvalidOption(`Expected \`range\` to be two numbers in order, got ${describe(range)}`)
  }
  const values = x.astype('f64') as NDArray<'f64', Rank>
  const given = (value: number): NDArray<'f64', 'scalar'> => new NDArray(build.full([], 'f64', value))
  const [low, high] = range ? [given(range[0]), given(range[1])] : [values.min(), values.max()]
  // As in NumPy, a range of one point is widened.
  const point = low.equal(high)
  const from = where(point, low.subtract(0.5), low) as NDArray<'f64', 'scalar'>
  const to = where(point, high.add(0.5), high) as NDArray<'f64', 'scalar'>
  const width = to.subtract(from).divide(bins)
  const edge = (index: NDArray<DType, Rank>): NDArray<'f64', Rank> => index.multiply(width).add(from) as NDArray<'f64', Rank>
  const guess = values
    .subtract(from)
    .divide(to.subtract(from))
    .multiply(bins)
    .floor()
    .minimum(bins - 1) as NDArray<'f64', Rank>
  // Rounding may have put an element into the neighbouring bin.
  const down = guess.subtract(values.less(edge(guess)).astype('f64'))
  const up = values.greaterEqual(edge(down.add(1))).multiply(down.notEqual(bins - 1))
  const inside = values.greaterEqual(from).multiply(values.lessEqual(to))
  const index = where(inside as NDArray<'bool', Rank>, down.add(up.astype('f64')), -1).astype('i32')
  const last = arange(bins + 1).equal(bins)
  return {
    counts: new NDArray(build.algorithm('histogram', [index.node], 'f64', [bins], { bins })),
    edges: where(last, to, edge(arange(bins + 1))) as NDArray<'f64', 'array'>,
  }
}

/**
 * Exact quantiles over all elements, with linear interpolation as in NumPy; NaN when there is a NaN or no element.
 * @param q a number from 0 to 1, or a list of them
 */
export function quantile(x: NDArray<DType, Rank>, q: number): NDArray<'f64', 'scalar'>
export function quantile(x: NDArray<DType, Rank>, q: readonly number[]): NDArray<'f64', 'array'>
export function quantile(x: NDArray<DType, Rank>, q: number | readonly number[]): NDArray<'f64', Rank> {
  const list = typeof q === 'number' ? [q] : q
  for (const each of list) checkValue(each, rules.number(0, 1), 'q')
  return new NDArray(
    build.algorithm('quantile', [build.cast(x.node, 'f64')], 'f64', typeof q === 'number' ? [] : [list.length], { q: list }),
  )
}

/** The k largest elements, largest first; for a negative k the smallest, smallest first. NaN counts as larger than all. */
export function topk<D extends DType>(x: NDArray<D, Rank>, k: number): NDArray<D, 'array'> {
  const size = sizeOf(x.shape)
  if (!Number.isInteger(k) || Math.abs(k) > size) {
    throw new InvalidOption(`Expected \`k\` to be a whole number of at most ${size}, the number of elements, got ${describe(k)}`)
  }
  // Doubles hold the elements of every other dtype exactly.
  const dtype = x.dtype === 'i64' ? 'i64' : 'f64'
  const found = build.algorithm('topk', [build.cast(x.node, dtype)], dtype, [Math.abs(k)], { k })
  return new NDArray(build.cast(found, x.dtype))
}

/** The distinct elements in ascending order; all NaN are one. The length is known only after the computation. */
export function unique<D extends DType>(x: NDArray<D, Rank>): NDArray<D, 'array'> {
  return new NDArray(build.algorithm('unique', [x.node], x.dtype, [Number.NaN]))
}

/** The inner product of two arrays of one axis, or the matrix product. */
export function dot(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>): NDArray<DType, Rank> {
  if (a.ndim === 1 && b.ndim === 1) {
    if (a.size !== b.size) throw productError(a, b)
    const dtype = promote(a.dtype, b.dtype)
    return wide(a, dtype).multiply(wide(b, dtype)).sum() as NDArray<DType, Rank>
  }
  return matmul(a, b)
}

/**
 * The matrix product of two arrays of two axes (or of one, which counts as a row on the left, a column on the right), tile by tile on all
 * cores. Computed in doubles, also for f32; whole numbers below 64 bits give f64, those of i64 wrap around and stay.
 */
export function matmul(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>): NDArray<DType, 'array'> {
  const left = a.ndim === 1 ? a.reshape(1, -1) : a
  const right = b.ndim === 1 ? b.reshape(-1, 1) : b
  if (left.ndim !== 2 || right.ndim !== 2 || left.shape[1] !== right.shape[0]) throw productError(a, b)
  const shape = [...(a.ndim === 1 ? [] : [left.shape[0] as number]), ...(b.ndim === 1 ? [] : [right.shape[1] as number])]
  const dtype = promote(a.dtype, b.dtype)
  if (dtype !== 'i64' && left.shape[0] !== 1 && right.shape[1] !== 1) {
    const product = build.algorithm('product', [left.node, right.node], 'f64', shape)
    return new NDArray(dtype === 'f32' ? build.cast(product, dtype) : product)
  }
  // Where one side is a vector, nothing is read twice: a fused pass is as fast, and adds with compensation.
  if (right.shape[1] === 1) {
    const sums = wide(left, dtype).multiply(wide(right.T, dtype)).sum({ axis: 1 })
    return sums.reshape(shape) as NDArray<DType, 'array'>
  }
  const product = wide(left.T, dtype)
    .get(':', ':', null)
    .multiply(wide(right, dtype).get(':', null, ':'))
    .sum({ axis: 0 })
  return product.reshape(shape) as NDArray<DType, 'array'>
}

/** Products of whole numbers below 64 bits would wrap around before they are added. */
function wide(x: NDArray, dtype: DType): NDArray<DType, 'array'> {
  return x.astype(dtype === 'i64' || dtype === 'f32' ? dtype : 'f64') as NDArray<DType, 'array'>
}

function productError(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>): InvalidOption {
  return new InvalidOption(`Shapes ${showShape(a.shape)} and ${showShape(b.shape)} cannot be multiplied as matrices`, {
    hint: 'The last length of the left one must be the first of the right one.',
  })
}
