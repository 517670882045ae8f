/** Norms of vectors and of matrices. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { DType } from '../expression/dtype.ts'
import { axesRule, listAxes, normalizeAxes } from '../expression/axes.ts'
import { checkArray, type NDArray, type Rank } from '../ndarray/array.ts'
import { svdvals } from './factorizations.ts'

/** Which norm of vectors: the p-th root of the sum of p-th powers; the largest or least size; how many are not 0. */
export type VectorOrder = number
/** Which norm of matrices: Frobenius's, the sum of the singular values, the largest (2) or least (-2) of them, of column sums (1, -1) or of row sums (±∞). */
export type MatrixOrder = 'fro' | 'nuc' | number

/** Options of {@link vectorNorm}. */
export interface VectorNormOptions {
  /** @default 2 */
  readonly ord?: VectorOrder
  /** Axis or axes of the vectors, from the end when negative. @default all of them */
  readonly axis?: number | readonly number[]
  /** Leaves the axes in the shape, with length 1. @default false */
  readonly keepdims?: boolean
}

/** Options of {@link matrixNorm}. */
export interface MatrixNormOptions {
  /** @default 'fro' */
  readonly ord?: MatrixOrder
  /** Leaves the axes in the shape, with length 1. @default false */
  readonly keepdims?: boolean
}

/** Options of {@link norm}. */
export interface NormOptions {
  /** A norm of vectors along one axis, of matrices along two. @default 2, or 'fro' for two axes */
  readonly ord?: VectorOrder | MatrixOrder
  /** One axis: norms of vectors. Two: of matrices. @default all elements as one vector; with `ord` the one or two axes that there are */
  readonly axis?: number | readonly number[]
  /** Leaves the axes in the shape, with length 1. @default false */
  readonly keepdims?: boolean
}

const order = {
  expected: "a number, 'fro' or 'nuc'",
  accepts: (value: unknown) => (typeof value === 'number' && !Number.isNaN(value)) || value === 'fro' || value === 'nuc',
}

const floats = (x: NDArray): NDArray => (x.dtype === 'f32' || x.dtype === 'f64' ? x : x.astype(x.dtype === 'f16' ? 'f32' : 'f64'))

/**
 * Norms of vectors along axes.
 * @throws {InvalidOption} when `x` is not an array, has no such axis, or for a wrong option
 * @example
 * await vectorNorm(from([3, 4])).compute()   // 5
 */
export function vectorNorm(x: NDArray<DType, Rank>, options: VectorNormOptions = {}): NDArray<DType, Rank> {
  checkArray(x, 'vectorNorm')
  checkOptions<VectorNormOptions>(options, { ord: order, axis: axesRule, keepdims: rules.boolean }, 'vectorNorm')
  const { ord = 2, axis, keepdims = false } = options
  const over = { axis: [...normalizeAxes(axis, x.ndim)], keepdims }
  const sizes = floats(x).abs()
  if (typeof ord !== 'number') throw new InvalidOption(`Expected \`ord\` of vectorNorm to be a number, got ${describe(ord)}`)
  if (ord === Number.POSITIVE_INFINITY) return sizes.max(over)
  if (ord === Number.NEGATIVE_INFINITY) return sizes.min(over)
  if (ord === 0) return x.count(over).astype(sizes.dtype)
  if (ord === 1) return sizes.sum(over)
  if (ord === 2) return floats(x).square().sum(over).sqrt()
  return sizes
    .power(ord)
    .sum(over)
    .power(1 / ord)
}

/**
 * Norms of matrices, of the last two axes.
 * @param x of shape (…, m, n)
 * @throws {InvalidOption} when `x` has less than two axes, or for a wrong option
 * @example
 * const size = matrixNorm(from([[1, 2], [3, 4]]), { ord: 2 })
 */
export function matrixNorm(x: NDArray<DType, Rank>, options: MatrixNormOptions = {}): NDArray<DType, Rank> {
  checkArray(x, 'matrixNorm')
  checkOptions<MatrixNormOptions>(options, { ord: order, keepdims: rules.boolean }, 'matrixNorm')
  if (x.ndim < 2) throw new InvalidOption(`Expected matrixNorm to get two axes or more, got ${x.ndim}`)
  const { ord = 'fro', keepdims = false } = options
  const found = overLastAxes(floats(x), ord)
  return keepdims ? found.get('...', null, null) : found
}

function overLastAxes(x: NDArray, ord: MatrixOrder): NDArray {
  switch (ord) {
    case 'fro':
      return x
        .square()
        .sum({ axis: [-2, -1] })
        .sqrt()
    case 'nuc':
      return svdvals(x).sum({ axis: -1 })
    case 2:
      return svdvals(x).max({ axis: -1 })
    case -2:
      return svdvals(x).min({ axis: -1 })
    case 1:
      return x.abs().sum({ axis: -2 }).max({ axis: -1 })
    case -1:
      return x.abs().sum({ axis: -2 }).min({ axis: -1 })
    case Number.POSITIVE_INFINITY:
      return x.abs().sum({ axis: -1 }).max({ axis: -1 })
    case Number.NEGATIVE_INFINITY:
      return x.abs().sum({ axis: -1 }).min({ axis: -1 })
    default:
      throw new InvalidOption(
        `Expected \`ord\` of a norm of matrices to be 'fro', 'nuc', ±1, ±2 or ±Infinity, got ${describe(ord)}`,
      )
  }
}

/**
 * NumPy's `norm`: of vectors along one axis, of matrices along two, or of all elements.
 * @throws {InvalidOption} when `x` is not an array, `axis` or `ord` do not fit
 * @example
 * await norm(from([[3, 4], [6, 8]]), { axis: 1 }).compute()   // 5 10
 */
export function norm(x: NDArray<DType, Rank>, options: NormOptions = {}): NDArray<DType, Rank> {
  checkArray(x, 'norm')
  checkOptions<NormOptions>(options, { ord: order, axis: axesRule, keepdims: rules.boolean }, 'norm')
  const { ord, axis, keepdims = false } = options
  if (axis === undefined && ord === undefined) return vectorNorm(x, { keepdims })
  const list = axis === undefined ? [...x.shape.keys()] : listAxes(axis, x.ndim)
  if (list.length === 1) return vectorNorm(x, { axis: list, keepdims, ...(ord !== undefined && { ord: ord as number }) })
  if (list.length !== 2) throw new InvalidOption(`Expected \`axis\` of norm to name one or two axes, got ${list.length}`)
  const kept = [...x.shape.keys()].filter((each) => !list.includes(each))
  const found = matrixNorm(x.transpose([...kept, ...list]), { ...(ord !== undefined && { ord: ord as MatrixOrder }) })
  return keepdims ? found.get(...x.shape.map((_, each) => (list.includes(each) ? null : ':'))) : found
}

/**
 * The condition number: how much larger an error may become when equations with the matrix are solved.
 * @param a of shape (…, m, n)
 * @returns the largest singular value by the least one
 * @throws {InvalidOption} when it is not a matrix of known lengths
 */
export function cond(a: NDArray<DType, Rank>): NDArray<DType, Rank> {
  const s = svdvals(a)
  return s.max({ axis: -1 }).divide(s.min({ axis: -1 }))
}
