/** Diagonals, traces and cross products. */
import { InvalidOption } from '../../base/errors.ts'
import { checkOptions } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import type { DType } from '../expression/dtype.ts'
import { normalizeAxis } from '../expression/axes.ts'
import { showShape } from '../expression/shape.ts'
import { checkArray, NDArray, type Rank } from '../ndarray/array.ts'
import { type VectorOptions, vectorRules } from './products.ts'
import { stack } from '../ndarray/functions.ts'

const whole = { expected: 'a whole number', accepts: Number.isInteger }

/** Options of {@link diagonal} and {@link trace}. */
export interface DiagonalOptions {
  /** Above the main diagonal, below it when negative. @default 0 */
  readonly offset?: number
  /** The axis of the rows. @default -2 */
  readonly axis1?: number
  /** The axis of the columns. @default -1 */
  readonly axis2?: number
}

/**
 * The diagonals of matrices, as a view: nothing is copied.
 * @param x of shape (…, m, n)
 * @returns of shape (…, length of the diagonal)
 * @throws {InvalidOption} when `x` is not an array of two axes or more, or a length is unknown
 * @example
 * diagonal(from([[1, 2], [3, 4]]))                  // 1 4
 * diagonal(from([[1, 2], [3, 4]]), { offset: 1 })   // 2
 */
export function diagonal<D extends DType>(x: NDArray<D, Rank>, options: DiagonalOptions = {}): NDArray<D, 'array'> {
  checkArray(x, 'diagonal')
  checkOptions<DiagonalOptions>(options, { offset: whole, axis1: whole, axis2: whole }, 'diagonal')
  const { offset = 0, axis1 = -2, axis2 = -1 } = options
  if (x.ndim < 2 || x.shape.some(Number.isNaN)) {
    throw new InvalidOption(`Expected diagonal to get two axes or more of known length, got shape ${showShape(x.shape)}`)
  }
  const [down, right] = [normalizeAxis(axis1, x.ndim), normalizeAxis(axis2, x.ndim)]
  if (down === right) throw new InvalidOption(`Expected \`axis1\` and \`axis2\` of diagonal to differ, got ${axis1} and ${axis2}`)
  const length = Math.max(
    0,
    Math.min((x.shape[down] as number) - Math.max(0, -offset), (x.shape[right] as number) - Math.max(0, offset)),
  )
  const kept = [...x.shape.keys()].filter((axis) => axis !== down && axis !== right)
  const axes = x.shape.map((_, axis) => {
    if (axis === down) return { start: length === 0 ? 0 : Math.max(0, -offset), step: 1, from: kept.length }
    if (axis === right) return { start: length === 0 ? 0 : Math.max(0, offset), step: 1, from: kept.length }
    return { start: 0, step: 1, from: kept.indexOf(axis) }
  })
  return new NDArray(build.view(x.node, { shape: [...kept.map((axis) => x.shape[axis] as number), length], axes }))
}

/**
 * The sums of the diagonals of matrices. Whole numbers below 64 bits give f64.
 * @param x of shape (…, m, n)
 * @returns of shape (…)
 * @throws {InvalidOption} as {@link diagonal} does
 * @example
 * await trace(from([[1, 2], [3, 4]])).compute()   // 5
 */
export function trace(x: NDArray<DType, Rank>, options: DiagonalOptions = {}): NDArray<DType, Rank> {
  checkArray(x, 'trace')
  return diagonal(x, options).sum({ axis: -1 })
}

/**
 * Cross products of vectors of three elements along an axis; the other axes are broadcast.
 * @throws {InvalidOption} when an operand is not an array, or has not three elements along the axis
 * @example
 * await cross(from([1, 0, 0]), from([0, 1, 0])).compute()   // 0 0 1
 */
export function cross(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>, options: VectorOptions = {}): NDArray<DType, 'array'> {
  checkOptions<VectorOptions>(options, vectorRules, 'cross')
  const { axis = -1 } = options
  const [x, y] = [a, b].map((array) => {
    checkArray(array, 'cross')
    const at = normalizeAxis(axis, array.ndim)
    if (array.shape[at] !== 3) {
      throw new InvalidOption(
        `Expected cross to get vectors of 3 elements along axis ${axis}, got shape ${showShape(array.shape)}`,
      )
    }
    const index = array.shape.map((): unknown => ':')
    return [0, 1, 2].map((i) => array.get(...(index.with(at, i) as string[])))
  }) as [NDArray[], NDArray[]]
  const part = (i: number, j: number): NDArray =>
    (x[i] as NDArray).multiply(y[j] as NDArray).subtract((x[j] as NDArray).multiply(y[i] as NDArray))
  const parts = [part(1, 2), part(2, 0), part(0, 1)]
  return stack(parts as NDArray<DType, 'array'>[], axis)
}
