/** NumPy's functions along a line of elements: running sums and products, differences, moving windows. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import { checkDType, type DType, dtypeRule } from '../expression/dtype.ts'
import type { Node } from '../expression/node.ts'
import { axesRule, axisRule, listAxes, normalizeAxis } from '../expression/axes.ts'
import { checkKnown } from '../selection/positions.ts'
import { checkArray, NDArray, type Operand, type Rank } from './array.ts'
import { concat } from './functions.ts'
import { alongLast } from './order.ts'
import { broadcastTo } from './shapes.ts'

type Total<D extends DType> = D extends 'i64' | 'u64' | 'f32' | 'f16' ? D : 'f64'

/** Options of {@link cumsum} and {@link cumprod}. */
export interface RunningOptions {
  /** From the end when negative. @default all elements in C order */
  readonly axis?: number
  /** What is added up, and comes out. @default f64 for whole numbers below 64 bits, else that of the array */
  readonly dtype?: DType
  /** Begins with the sum or product of no elements, so that there is one element more. @default false */
  readonly includeInitial?: boolean
}
const runningRules = { axis: axisRule, dtype: dtypeRule, includeInitial: rules.boolean }

type Running<D extends DType, O> = O extends { readonly dtype: infer E extends DType } ? E : Total<D>

/**
 * Running sums. Whole numbers below 64 bits give f64. Within a chunk a sum is plain; each chunk starts from a compensated one.
 *
 * @param options axis and dtype
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 * @example
 * await cumsum(from([1, 2, 3])).compute()   // 1 3 6
 */
export function cumsum<D extends DType, const O extends RunningOptions = object>(
  x: NDArray<D, Rank>,
  options?: O,
): NDArray<Running<D, O>, 'array'> {
  return running(x, options, 'cumsum')
}

/**
 * Running products. Whole numbers below 64 bits give f64.
 *
 * @param options axis and dtype
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 * @example
 * await cumprod(from([1, 2, 3])).compute()   // 1 2 6
 */
export function cumprod<D extends DType, const O extends RunningOptions = object>(
  x: NDArray<D, Rank>,
  options?: O,
): NDArray<Running<D, O>, 'array'> {
  return running(x, options, 'cumprod')
}

/**
 * {@link cumsum} with NaN as 0.
 *
 * @param options as those of {@link cumsum}
 * @throws {InvalidOption} as {@link cumsum} does
 * @example
 * nancumsum(rain)
 */
export function nancumsum<D extends DType, const O extends RunningOptions = object>(
  x: NDArray<D, Rank>,
  options?: O,
): NDArray<Running<D, O>, 'array'> {
  return running(withoutNaN(checkArray(x, 'nancumsum'), 0), options, 'nancumsum')
}

/**
 * {@link cumprod} with NaN as 1.
 *
 * @param options as those of {@link cumprod}
 * @throws {InvalidOption} as {@link cumprod} does
 * @example
 * nancumprod(growth)
 */
export function nancumprod<D extends DType, const O extends RunningOptions = object>(
  x: NDArray<D, Rank>,
  options?: O,
): NDArray<Running<D, O>, 'array'> {
  return running(withoutNaN(checkArray(x, 'nancumprod'), 1), options, 'nancumprod')
}

/** A number in place of each NaN; the dtype stays. */
export function withoutNaN(x: NDArray, value: number): NDArray {
  if (!x.dtype.startsWith('f')) return x
  return new NDArray(build.map('where', [build.map('isnan', [x.node]), build.full([], x.dtype, value), x.node]))
}

function running<E extends DType>(
  x: NDArray<DType, Rank>,
  given: RunningOptions | undefined,
  where: string,
): NDArray<E, 'array'> {
  const options = given === undefined ? {} : given
  checkArray(x, where)
  checkOptions<RunningOptions>(options, runningRules, where)
  const product = where.endsWith('prod')
  const kept = options.dtype === undefined ? totalOf(x.dtype) : checkDType(options.dtype, 'dtype')
  // Those without a sign have the same bits as those with one.
  const dtype = kept === 'f32' ? 'f32' : kept === 'f64' || kept === 'f16' ? 'f64' : 'i64'
  const attributes = product ? { product: 1 } : {}
  const along = (node: Node): Node =>
    build.cast(build.algorithm('cumsum', [build.cast(node, dtype)], dtype, node.shape, attributes), kept)
  const flat = options.axis === undefined
  const input = flat ? build.reshape(x.node, [-1]) : x.node
  const axis = normalizeAxis(options.axis ?? 0, input.shape.length)
  const result = alongLast(input, axis, along)
  if (options.includeInitial !== true) return new NDArray(result)
  const initial = build.full(
    result.shape.with(axis, 1),
    kept,
    kept === 'i64' || kept === 'u64' ? BigInt(Number(product)) : Number(product),
  )
  return new NDArray(build.concat([initial, result], axis))
}

/** What sums of elements are. */
export const totalOf = (dtype: DType): DType =>
  dtype === 'i64' || dtype === 'u64' || dtype === 'f32' || dtype === 'f16' ? dtype : 'f64'

/** Options of {@link diff}. */
export interface DiffOptions {
  /** From the end when negative. @default -1 */
  readonly axis?: number
  /** How often differences are taken. @default 1 */
  readonly n?: number
  /** Stands before the elements. @default nothing */
  readonly prepend?: Operand
  /** Stands behind the elements. @default nothing */
  readonly append?: Operand
}

/**
 * The differences of neighbours along an axis; of bool, whether they differ.
 *
 * @throws {InvalidOption} when `x` is not an array, has no such axis, or one of unknown length, or `n` is not a whole number from 0 up
 * @example
 * diff(from([1, 4, 9]))   // 3 5
 */
export function diff<D extends DType>(x: NDArray<D, Rank>, options: DiffOptions = {}): NDArray<D, 'array'> {
  checkArray(x, 'diff')
  checkOptions<DiffOptions>(options, { axis: axisRule, n: rules.whole(0), prepend: rules.any, append: rules.any }, 'diff')
  const axis = normalizeAxis(options.axis ?? -1, x.ndim)
  checkKnown([x.shape[axis] as number], 'taken apart')
  const beside = (value: Operand): NDArray<D, 'array'> => {
    const array =
      value instanceof NDArray ? value : new NDArray(build.full([], x.dtype, build.checkValue(value, 'diff') as number))
    return (array.ndim === 0 ? broadcastTo(array, x.shape.with(axis, 1)) : array) as NDArray<D, 'array'>
  }
  const { prepend, append, n = 1 } = options
  let current = x as NDArray<D, 'array'>
  if (prepend !== undefined || append !== undefined) {
    const parts = [
      ...(prepend === undefined ? [] : [beside(prepend)]),
      current,
      ...(append === undefined ? [] : [beside(append)]),
    ]
    current = concat(parts, axis)
  }
  // After as many rounds as there are elements nothing is left.
  for (let round = 0; round < n && current.shape[axis] !== 0; round++) {
    const side = (slice: string): NDArray<D, 'array'> => current.get(...current.shape.map((_, a) => (a === axis ? slice : ':')))
    current = (x.dtype === 'bool' ? side('1:').notEqual(side(':-1')) : side('1:').subtract(side(':-1'))) as NDArray<D, 'array'>
  }
  return current
}

/**
 * The windows of `length` neighbours along axes, as axes behind those of the array: reduce them to get moving sums, means or extremes. Nothing is
 * copied; the array itself is computed once.
 *
 * @param length of the windows: one number, or one for each of `axis`
 * @param options.axis @default the only axis, or all of them for a list of lengths
 * @throws {InvalidOption} when `x` is not an array, has no such axis, or one that is shorter than its window, or of unknown length
 * @example
 * slidingWindow(prices, 50).mean({ axis: -1 })                 // moving averages
 * slidingWindow(image, [3, 3]).max({ axis: [-1, -2] })         // the largest neighbour
 */
export function slidingWindow<D extends DType>(
  x: NDArray<D, 'array'>,
  length: number | readonly number[],
  options: { readonly axis?: number | readonly number[] } = {},
): NDArray<D, 'array'> {
  checkArray(x, 'slidingWindow')
  checkOptions<typeof options>(options, { axis: axesRule }, 'slidingWindow')
  checkKnown(x.shape, 'seen through windows')
  const lengths = Array.isArray(length) ? [...(length as readonly number[])] : [length as number]
  const axes = listAxes(options.axis ?? [...x.shape.keys()], x.ndim)
  if (lengths.length !== axes.length)
    throw new InvalidOption(`Expected a length for each of ${axes.length} axes, got ${describe(length)}`)
  const left = [...x.shape]
  axes.forEach((axis, i) => {
    const own = lengths[i] as number
    if (!Number.isSafeInteger(own) || own < 1 || own > (left[axis] as number))
      throw new InvalidOption(
        `Expected the length of a window to be a whole number from 1 to ${left[axis]}, got ${describe(own)}`,
      )
    left[axis] = (left[axis] as number) - own + 1
  })
  return new NDArray(build.algorithm('windows', [x.node], x.dtype, [...left, ...lengths], { axes }))
}
