/** NumPy's statistics: averages, correlations, counts, and reductions that leave out NaN. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import { type DType, isFloat } from '../expression/dtype.ts'
import { normalizeAxis } from '../expression/axes.ts'
import { showShape } from '../expression/shape.ts'
import { reduced } from '../reductions/table.ts'
import {
  type ArgumentOptions,
  checkArray,
  ddofRule,
  NDArray,
  operandNode,
  type Rank,
  type ReduceOptions,
  reduceRules,
  type VarianceOptions,
} from './array.ts'
import { where } from './functions.ts'
import { placeAmong } from './selection.ts'
import { expandDims } from './shapes.ts'
import { withoutNaN } from './running.ts'

type Any = NDArray<DType, Rank>
type Floats = NDArray<'f64' | 'f32' | 'f16', Rank>

/** How many elements are not NaN. */
function counted(x: Any, options: ReduceOptions): NDArray<'f64', Rank> {
  return new NDArray<'bool', Rank>(build.map('equal', [x.node, x.node])).count(options)
}

/**
 * The sum of the elements that are not NaN.
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 * @example
 * nansum(rain, { axis: 0 })
 */
export function nansum(x: Any, options: ReduceOptions = {}): Any {
  return withoutNaN(checkArray(x, 'nansum'), 0).sum(options)
}

/**
 * The product of the elements that are not NaN.
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 * @example
 * nanprod(growth)
 */
export function nanprod(x: Any, options: ReduceOptions = {}): Any {
  return withoutNaN(checkArray(x, 'nanprod'), 1).prod(options)
}

/**
 * The mean of the elements that are not NaN; NaN when there is none.
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 * @example
 * nanmean(temperatures, { axis: 1 })
 */
export function nanmean(x: Any, options: ReduceOptions = {}): Floats {
  checkArray(x, 'nanmean')
  if (!isFloat(x.dtype)) return x.mean(options) as Floats
  const sum = withoutNaN(x, 0).astype('f64').sum(options)
  return sum.divide(counted(x, options)).astype(x.dtype) as Floats
}

/**
 * The variance of the elements that are not NaN; NaN when there are too few.
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 * @example
 * nanvar(temperatures, { ddof: 1 })
 */
export function nanvar(x: Any, options: VarianceOptions = {}): Floats {
  checkArray(x, 'nanvar')
  if (!isFloat(x.dtype)) return x.var(options) as Floats
  checkOptions<VarianceOptions>(options, { ...reduceRules, ddof: ddofRule }, 'nanvar')
  const { ddof = 0, ...axes } = options
  const wide = x.astype('f64')
  const count = counted(x, { ...axes, keepdims: true })
  const mean = withoutNaN(wide, 0)
    .sum({ ...axes, keepdims: true })
    .divide(count)
  // Infinities make NaN of their own, which stay.
  const there = wide.equal(wide) as NDArray<'bool', Rank>
  const squares = where(there, wide.subtract(mean).square(), 0).sum(axes)
  const divisor = counted(x, axes).subtract(ddof)
  return where(divisor.greater(0) as NDArray<'bool', Rank>, squares.divide(divisor), Number.NaN).astype(x.dtype) as Floats
}

/**
 * The standard deviation of the elements that are not NaN.
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 * @example
 * nanstd(temperatures, { ddof: 1 })
 */
export function nanstd(x: Any, options: VarianceOptions = {}): Floats {
  checkArray(x, 'nanstd')
  return nanvar(x, options).sqrt() as Floats
}

function nanextreme<D extends DType>(x: NDArray<D, Rank>, options: ReduceOptions, side: 'min' | 'max'): NDArray<D, Rank> {
  checkArray(x, `nan${side}`)
  if (!isFloat(x.dtype)) return x[side](options) as NDArray<D, Rank>
  const beyond = side === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
  const found = withoutNaN(x, beyond)[side](options)
  return where(counted(x, options).equal(0) as NDArray<'bool', Rank>, Number.NaN, found).astype(x.dtype) as NDArray<D, Rank>
}

/**
 * The smallest element that is not NaN; NaN when there is none.
 * @throws {InvalidOption} when `x` is not an array, or has no such axis, or no element
 * @example
 * nanmin(temperatures, { axis: 1 })
 */
export function nanmin<D extends DType>(x: NDArray<D, Rank>, options: ReduceOptions = {}): NDArray<D, Rank> {
  return nanextreme(x, options, 'min')
}

/**
 * The largest element that is not NaN; NaN when there is none.
 * @throws {InvalidOption} when `x` is not an array, or has no such axis, or no element
 * @example
 * nanmax(temperatures, { axis: 1 })
 */
export function nanmax<D extends DType>(x: NDArray<D, Rank>, options: ReduceOptions = {}): NDArray<D, Rank> {
  return nanextreme(x, options, 'max')
}

/**
 * The index of the first smallest element that is not NaN; 0 when there is none.
 * @throws {InvalidOption} when `x` is not an array, or has no such axis, or no element
 * @example
 * nanargmin(temperatures, { axis: 1 })
 */
export function nanargmin(x: Any, options: ArgumentOptions = {}): NDArray<'f64', Rank> {
  return withoutNaN(checkArray(x, 'nanargmin'), Number.POSITIVE_INFINITY).argmin(options)
}

/**
 * The index of the first largest element that is not NaN; 0 when there is none.
 * @throws {InvalidOption} when `x` is not an array, or has no such axis, or no element
 * @example
 * nanargmax(temperatures, { axis: 1 })
 */
export function nanargmax(x: Any, options: ArgumentOptions = {}): NDArray<'f64', Rank> {
  return withoutNaN(checkArray(x, 'nanargmax'), Number.NEGATIVE_INFINITY).argmax(options)
}

/**
 * The largest minus the smallest element.
 * @throws {InvalidOption} when `x` is not an array, or has no such axis, or no element
 * @example
 * ptp(temperatures, { axis: 0 })
 */
export function ptp<D extends DType>(x: NDArray<D, Rank>, options: ReduceOptions = {}): NDArray<D, Rank> {
  checkArray(x, 'ptp')
  return x.max(options).subtract(x.min(options)) as NDArray<D, Rank>
}

/**
 * How many elements are not 0, over all axes or those of `axis`.
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 * @example
 * countNonzero(x, { axis: 0 })
 */
export function countNonzero(x: Any, options: ReduceOptions = {}): NDArray<'f64', Rank> {
  return checkArray(x, 'countNonzero').count(options)
}

/** Options of {@link average}. */
export interface AverageOptions extends ReduceOptions {
  /** How much each element counts: of the shape of the array, or of one axis along the `axis`. @default all the same */
  readonly weights?: NDArray<DType, Rank> | readonly number[]
}

/**
 * The weighted average: the sum of elements times weights, divided by the sum of weights.
 *
 * @throws {InvalidOption} when `x` is not an array, has no such axis, or the weights do not fit
 * @example
 * average(grades, { weights: [1, 2, 1], axis: 1 })
 */
export function average(x: Any, options: AverageOptions = {}): Floats {
  checkArray(x, 'average')
  checkOptions<AverageOptions>(options, { ...reduceRules, weights: rules.any }, 'average')
  const { weights, ...rest } = options
  if (weights === undefined) return x.mean(rest) as Floats
  const given: Any = new NDArray(operandNode(weights, 'average'))
  const own = String(given.shape) !== String(x.shape)
  if (
    own &&
    (given.ndim !== 1 || typeof options.axis !== 'number' || given.shape[0] !== x.shape[normalizeAxis(options.axis, x.ndim)])
  ) {
    throw new InvalidOption(`Weights of shape ${showShape(given.shape)} do not fit an array of shape ${showShape(x.shape)}`, {
      hint: 'Give weights of the shape of the array, or of one axis together with `axis`.',
    })
  }
  const axis = own ? normalizeAxis(options.axis as number, x.ndim) : 0
  const placed = own
    ? expandDims(
        given,
        [...x.shape.keys()].filter((a) => a !== axis),
      )
    : given
  const total = own ? placed.multiply(new NDArray(build.full(x.shape, 'f64', 1))).sum(rest) : placed.sum(rest)
  return x.multiply(placed).sum(rest).divide(total) as Floats
}

/** Options of {@link bincount}. */
export interface BincountOptions {
  /** What is added up for each number instead of 1, in the shape of the numbers. @default 1 each */
  readonly weights?: NDArray<DType, Rank>
  /** The least length of the result. @default 0 */
  readonly minlength?: number
}

/**
 * How often each whole number from 0 up to the largest one is there, or the sum of the weights beside it.
 *
 * @throws {InvalidOption} when `x` is not an array of whole numbers; in `compute` when one is below 0 or above 2^27
 * @example
 * bincount(from([0, 2, 2], { dtype: 'i32' }))   // 1 0 2
 */
export function bincount(x: Any, options: BincountOptions = {}): NDArray<'f64', 'array'> {
  checkArray(x, 'bincount')
  checkOptions<BincountOptions>(options, { weights: rules.any, minlength: rules.whole(0) }, 'bincount')
  if (isFloat(x.dtype)) {
    throw new InvalidOption(`Expected whole numbers for bincount, got an array of ${x.dtype}`, {
      hint: "Convert with `.astype('i32')`.",
    })
  }
  const { weights, minlength = 0 } = options
  const flat = build.cast(build.reshape(x.node, [-1]), 'i64')
  if (x.size === 0) return new NDArray(build.full([minlength], 'f64', 0))
  const ends = [reduced('min', flat, [0]), reduced('max', flat, [0])].map((node) => build.cast(node, 'f64'))
  const beside = weights === undefined ? [] : [build.cast(build.reshape(checkArray(weights, 'bincount').node, [-1]), 'f64')]
  if (weights && weights.size !== x.size)
    throw new InvalidOption(`Weights of shape ${showShape(weights.shape)} do not fit numbers of shape ${showShape(x.shape)}`)
  return new NDArray(build.algorithm('bincount', [flat, ...ends, ...beside], 'f64', [Number.NaN], { minlength }))
}

/**
 * In which of the ranges between `bins` each element lies: 0 before the first one, up to their number behind the last one.
 *
 * @param bins ascending or descending, of one axis
 * @param options.right whether a range holds its right end instead of its left one. @default false
 * @throws {InvalidOption} when `x` is not an array, or `bins` are not in order
 * @example
 * digitize(ages, [18, 65])   // 0, 1 or 2
 */
export function digitize<R extends Rank>(
  x: NDArray<DType, R>,
  bins: readonly number[] | NDArray<DType, 'array'>,
  options: { readonly right?: boolean } = {},
): NDArray<'f64', R> {
  checkArray(x, 'digitize')
  checkOptions<{ readonly right?: boolean }>(options, { right: rules.boolean }, 'digitize')
  const { right = false } = options
  if (!Array.isArray(bins)) return new NDArray(placeAmong(checkArray(bins, 'digitize').node, x.node, !right))
  const list: readonly number[] = bins
  const rising = list.every((bin, i) => i === 0 || bin >= (list[i - 1] as number))
  if (!rising && !list.every((bin, i) => i === 0 || bin <= (list[i - 1] as number)))
    throw new InvalidOption(`Expected \`bins\` of digitize to ascend or descend, got ${describe(bins)}`)
  if (rising) return new NDArray(placeAmong(operandNode(list, 'digitize'), x.node, !right))
  const place = new NDArray<'f64', R>(placeAmong(operandNode(list.toReversed(), 'digitize'), x.node, !right))
  return place.multiply(-1).add(list.length) as NDArray<'f64', R>
}
