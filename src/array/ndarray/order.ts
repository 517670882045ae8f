/** NumPy's functions of the order of elements: sorting, selection, quantiles. NaN comes last. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import { type DType, isBig } from '../expression/dtype.ts'
import type { Node } from '../expression/node.ts'
import { axesRule, axisRule, normalizeAxes, normalizeAxis } from '../expression/axes.ts'
import { showShape } from '../expression/shape.ts'
import { transposeView } from '../expression/view.ts'
import { type QuantileMethod, quantileMethods } from '../jobs/select.ts'
import { checkKnown } from '../selection/positions.ts'
import { checkArray, NDArray, type Rank } from './array.ts'
import { flip } from './shapes.ts'

/** With an axis moved to the end, computed there, and moved back. */
export function alongLast(x: Node, axis: number, compute: (rows: Node) => Node): Node {
  const order = [...x.shape.keys()].filter((a) => a !== axis)
  order.push(axis)
  const moved = build.view(x, transposeView(x.shape, order))
  const result = compute(moved)
  return build.view(
    result,
    transposeView(
      result.shape,
      x.shape.map((_, a) => order.indexOf(a)),
    ),
  )
}

/** Options of {@link sort} and {@link argsort}. */
export interface SortOptions {
  /** From the end when negative. @default -1 */
  readonly axis?: number
  /** Largest first; NaN comes first then. @default false */
  readonly descending?: boolean
}
const sortRules = { axis: axisRule, descending: rules.boolean }

/** Elements in a dtype that rows are sorted in. */
const sortable = (dtype: DType): DType => (dtype === 'f16' ? 'f32' : dtype)

/**
 * The elements in ascending order along an axis; NaN comes last. Equal elements cannot be told apart, so every sort is stable.
 *
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 * @example
 * sort(x, { axis: 0, descending: true })
 */
export function sort<D extends DType>(x: NDArray<D, Rank>, options: SortOptions = {}): NDArray<D, 'array'> {
  checkArray(x, 'sort')
  checkOptions<SortOptions>(options, sortRules, 'sort')
  const axis = normalizeAxis(options.axis ?? -1, x.ndim)
  const dtype = sortable(x.dtype)
  const sorted = alongLast(build.cast(x.node, dtype), axis, (rows) => build.algorithm('sort', [rows], dtype, rows.shape))
  const result: NDArray<D, 'array'> = new NDArray(build.cast(sorted, x.dtype))
  return options.descending === true ? flip(result, axis) : result
}

/**
 * The indices that sort the elements along an axis, f64. Stable: those of equal elements keep their order.
 *
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 * @example
 * const order = argsort(price)
 * take(amount, order)
 */
export function argsort(x: NDArray<DType, Rank>, options: SortOptions = {}): NDArray<'f64', 'array'> {
  checkArray(x, 'argsort')
  checkOptions<SortOptions>(options, sortRules, 'argsort')
  const axis = normalizeAxis(options.axis ?? -1, x.ndim)
  const indices = (node: Node): NDArray<'f64', 'array'> =>
    new NDArray(
      alongLast(build.cast(node, sortable(x.dtype)), axis, (rows) => build.algorithm('argsort', [rows], 'f64', rows.shape)),
    )
  if (options.descending !== true) return indices(x.node)
  // Sorted backwards and read backwards, equal elements keep their order.
  const backwards = flip(indices(flip(x, axis).node), axis)
  return backwards.multiply(-1).add((x.shape[axis] as number) - 1) as NDArray<'f64', 'array'>
}

/**
 * The elements, of which that at place `k` along the axis is where sorting would put it, with none larger before and none smaller behind it.
 *
 * @param k a place or a list of them, from the end when negative
 * @param options.axis from the end when negative. @default -1
 * @throws {InvalidOption} when `x` is not an array, has no such axis, or no such place
 * @example
 * partition(from([5, 3, 1, 4]), 1)   // 1 3, then 5 and 4 in any order
 */
export function partition<D extends DType>(
  x: NDArray<D, Rank>,
  k: number | readonly number[],
  options: { readonly axis?: number } = {},
): NDArray<D, 'array'> {
  checkArray(x, 'partition')
  checkOptions<{ readonly axis?: number }>(options, { axis: axisRule }, 'partition')
  const axis = normalizeAxis(options.axis ?? -1, x.ndim)
  const length = x.shape[axis] as number
  checkKnown([length], 'partitioned')
  const places = (Array.isArray(k) ? [...(k as readonly unknown[])] : [k]).map((place) => {
    if (Number.isInteger(place) && (place as number) >= -length && (place as number) < length)
      return (place as number) < 0 ? (place as number) + length : (place as number)
    throw new InvalidOption(`Expected \`k\` of partition to be a place from ${-length} to ${length - 1}, got ${describe(place)}`)
  })
  const dtype = sortable(x.dtype)
  const parted = alongLast(build.cast(x.node, dtype), axis, (rows) =>
    build.algorithm('partition', [rows], dtype, rows.shape, { places }),
  )
  return new NDArray(build.cast(parted, x.dtype))
}

/** Options of {@link topk}. */
export interface TopkOptions {
  /** From the end when negative. @default all elements in C order */
  readonly axis?: number
}

/**
 * The `k` largest elements, largest first; for a negative `k` the smallest, smallest first. NaN counts as larger than all.
 *
 * @throws {InvalidOption} when `x` is not an array, has no such axis, or `k` is not a whole number, or more than there are elements
 * @example
 * topk(latencies, 10)
 * topk(scores, 3, { axis: 1 })   // of each row
 */
export function topk<D extends DType>(x: NDArray<D, Rank>, k: number, options: TopkOptions = {}): NDArray<D, 'array'> {
  checkArray(x, 'topk')
  checkOptions<TopkOptions>(options, { axis: axisRule }, 'topk')
  if (options.axis === undefined || (x.ndim === 1 && normalizeAxis(options.axis, 1) === 0)) {
    // Doubles hold the elements of every other dtype exactly.
    const dtype = isBig(x.dtype) ? x.dtype : 'f64'
    return new NDArray(build.cast(build.topk(build.cast(x.node, dtype), k), x.dtype))
  }
  const axis = normalizeAxis(options.axis, x.ndim)
  const length = x.shape[axis] as number
  if (!Number.isInteger(k) || !(Math.abs(k) <= length))
    throw new InvalidOption(
      `Expected \`k\` to be a whole number of at most ${length}, the length of the axis, got ${describe(k)}`,
    )
  const sorted = sort(x, { axis, descending: k > 0 })
  return sorted.get(...sorted.shape.map((_, a) => (a === axis ? { stop: Math.abs(k) } : {})))
}

/**
 * The places of the `k` largest elements along an axis, that of the largest first; for a negative `k` of the smallest.
 * @throws {InvalidOption} as {@link topk} does
 * @example
 * take(names, argtopk(scores, 3))
 */
export function argtopk(x: NDArray<DType, Rank>, k: number, options: TopkOptions = {}): NDArray<'f64', 'array'> {
  checkArray(x, 'argtopk')
  checkOptions<TopkOptions>(options, { axis: axisRule }, 'argtopk')
  const array = options.axis === undefined ? x.reshape(-1) : x
  const axis = normalizeAxis(options.axis ?? -1, array.ndim)
  const length = array.shape[axis] as number
  if (!Number.isInteger(k) || !(Math.abs(k) <= length))
    throw new InvalidOption(
      `Expected \`k\` to be a whole number of at most ${length}, the length of the axis, got ${describe(k)}`,
    )
  const order = argsort(array, { axis, descending: k > 0 })
  return order.get(...order.shape.map((_, a) => (a === axis ? { stop: Math.abs(k) } : {})))
}

/** Options of {@link quantile} and its like. */
export interface QuantileOptions {
  /** Axis or axes, from the end when negative. @default all of them */
  readonly axis?: number | readonly number[]
  /** Leaves the reduced axes in the shape, with length 1. @default false */
  readonly keepdims?: boolean
  /** What lies between two elements, with NumPy's names. @default 'linear' */
  readonly method?: QuantileMethod
}
const quantileRules = { axis: axesRule, keepdims: rules.boolean, method: rules.oneOf(...quantileMethods) }

type OneOf<O> = O extends { readonly axis: number | readonly number[] } | { readonly keepdims: true } ? 'array' : 'scalar'

/**
 * Exact quantiles, over all elements or along axes; NaN when there is a NaN or no element. Those of a list of fractions stand along a first axis.
 *
 * @param q a number from 0 to 1, or a list of them
 * @param options axes, whether they stay, and how to interpolate
 * @throws {InvalidOption} when `x` is not an array, has no such axis, or `q` is outside 0 to 1
 * @example
 * const [p50, p99] = (await quantile(latencies, [0.5, 0.99]).compute()).data
 * quantile(table, 0.9, { axis: 0 })   // of each column
 */
export function quantile<const O extends QuantileOptions = object>(
  x: NDArray<DType, Rank>,
  q: number,
  options?: O,
): NDArray<'f64', OneOf<O>>
export function quantile(x: NDArray<DType, Rank>, q: readonly number[], options?: QuantileOptions): NDArray<'f64', 'array'>
export function quantile(
  x: NDArray<DType, Rank>,
  q: number | readonly number[],
  options: QuantileOptions = {},
): NDArray<'f64', Rank> {
  return quantilesOf(x, q, options, false, 'quantile')
}

/**
 * {@link quantile} of the elements that are not NaN.
 *
 * @param q a number from 0 to 1, or a list of them
 * @param options as those of {@link quantile}
 * @throws {InvalidOption} as {@link quantile} does
 * @example
 * nanquantile(latencies, 0.99)
 */
export function nanquantile<const O extends QuantileOptions = object>(
  x: NDArray<DType, Rank>,
  q: number,
  options?: O,
): NDArray<'f64', OneOf<O>>
export function nanquantile(x: NDArray<DType, Rank>, q: readonly number[], options?: QuantileOptions): NDArray<'f64', 'array'>
export function nanquantile(
  x: NDArray<DType, Rank>,
  q: number | readonly number[],
  options: QuantileOptions = {},
): NDArray<'f64', Rank> {
  return quantilesOf(x, q, options, true, 'nanquantile')
}

/**
 * {@link quantile} with fractions from 0 to 100.
 *
 * @param q a number from 0 to 100, or a list of them
 * @param options as those of {@link quantile}
 * @throws {InvalidOption} as {@link quantile} does
 * @example
 * percentile(latencies, 99)
 */
export function percentile<const O extends QuantileOptions = object>(
  x: NDArray<DType, Rank>,
  q: number,
  options?: O,
): NDArray<'f64', OneOf<O>>
export function percentile(x: NDArray<DType, Rank>, q: readonly number[], options?: QuantileOptions): NDArray<'f64', 'array'>
export function percentile(
  x: NDArray<DType, Rank>,
  q: number | readonly number[],
  options: QuantileOptions = {},
): NDArray<'f64', Rank> {
  return quantilesOf(x, hundredths(q), options, false, 'percentile')
}

/**
 * {@link percentile} of the elements that are not NaN.
 *
 * @param q a number from 0 to 100, or a list of them
 * @param options as those of {@link quantile}
 * @throws {InvalidOption} as {@link quantile} does
 * @example
 * nanpercentile(latencies, 99)
 */
export function nanpercentile<const O extends QuantileOptions = object>(
  x: NDArray<DType, Rank>,
  q: number,
  options?: O,
): NDArray<'f64', OneOf<O>>
export function nanpercentile(x: NDArray<DType, Rank>, q: readonly number[], options?: QuantileOptions): NDArray<'f64', 'array'>
export function nanpercentile(
  x: NDArray<DType, Rank>,
  q: number | readonly number[],
  options: QuantileOptions = {},
): NDArray<'f64', Rank> {
  return quantilesOf(x, hundredths(q), options, true, 'nanpercentile')
}

/**
 * The median, over all elements or along axes; NaN when there is a NaN or no element.
 *
 * @param options axes, and whether they stay with length 1
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 * @example
 * median(table, { axis: 0 })
 */
export function median<const O extends Omit<QuantileOptions, 'method'> = object>(
  x: NDArray<DType, Rank>,
  options?: O,
): NDArray<'f64', OneOf<O>> {
  return quantilesOf(x, 0.5, options, false, 'median') as NDArray<'f64', OneOf<O>>
}

/**
 * The median of the elements that are not NaN.
 *
 * @param options axes, and whether they stay with length 1
 * @throws {InvalidOption} as {@link median} does
 * @example
 * nanmedian(table, { axis: 0 })
 */
export function nanmedian<const O extends Omit<QuantileOptions, 'method'> = object>(
  x: NDArray<DType, Rank>,
  options?: O,
): NDArray<'f64', OneOf<O>> {
  return quantilesOf(x, 0.5, options, true, 'nanmedian') as NDArray<'f64', OneOf<O>>
}

/** Fractions of what percentages should be; what is no number is refused where fractions are checked. */
const hundredths = (q: number | readonly number[]): number | readonly number[] => {
  const fraction = (each: number): number => (typeof each === 'number' ? each / 100 : each)
  return Array.isArray(q) ? [...(q as readonly number[])].map(fraction) : fraction(q as number)
}

function quantilesOf(
  x: NDArray<DType, Rank>,
  q: number | readonly number[],
  options: QuantileOptions | undefined,
  leaveOut: boolean,
  where: string,
): NDArray<'f64', Rank> {
  checkArray(x, where)
  const given = options === undefined ? {} : options
  checkOptions<QuantileOptions>(given, quantileRules, where)
  const fractions = Array.isArray(q) ? [...(q as readonly number[])] : [q as number]
  if (!fractions.every((each) => typeof each === 'number' && each >= 0 && each <= 1)) {
    const most = where.includes('percentile') ? 100 : 1
    throw new InvalidOption(`Expected \`q\` to be a number from 0 to ${most} or a list of them, got ${describe(q)}`)
  }
  const { axis, keepdims = false, method = 'linear' } = given
  const values = build.cast(x.node, 'f64')
  const axes = normalizeAxes(axis, x.ndim)
  const whole = axes.length === x.ndim
  const left = x.shape.flatMap((n, a) => (axes.includes(a) ? (keepdims ? [1] : []) : [n]))
  const found =
    whole && method === 'linear' && !leaveOut
      ? build.algorithm('quantile', [values], 'f64', [fractions.length], { q: fractions })
      : rowQuantiles(values, axes, fractions, method, leaveOut)
  if (typeof q === 'number' && left.length === 0) return new NDArray(build.reshape(found, []))
  return new NDArray(
    build.reshape(found, [...(typeof q === 'number' ? [] : [fractions.length]), ...left.map((n) => (Number.isNaN(n) ? -1 : n))]),
  )
}

function rowQuantiles(
  values: Node,
  axes: readonly number[],
  q: readonly number[],
  method: QuantileMethod,
  leaveOut: boolean,
): Node {
  const outer = [...values.shape.keys()].filter((a) => !axes.includes(a))
  const shape = outer.map((a) => values.shape[a] as number)
  const moved = build.view(values, transposeView(values.shape, [...outer, ...axes]))
  // Of a length that the others do not leave to chance.
  const length = axes.reduce((n, a) => n * (values.shape[a] as number), 1)
  if (axes.length !== 1) checkKnown(values.shape, `reduced together with others: ${showShape(values.shape)}`)
  const rows = axes.length === 1 ? moved : build.reshape(moved, [...shape, length])
  return build.algorithm('rowQuantile', [rows], 'f64', [q.length, ...shape], {
    q,
    method: quantileMethods.indexOf(method),
    leaveOut: leaveOut ? 1 : 0,
  })
}
