/** Products of vectors, and NumPy's `dot`. */
import { InvalidOption } from '../../base/errors.ts'
import { checkOptions } from '../../base/options.ts'
import { type DType, promote } from '../expression/dtype.ts'
import { normalizeAxis } from '../expression/axes.ts'
import { showShape } from '../expression/shape.ts'
import { checkArray, type NDArray, type Rank } from '../ndarray/array.ts'
import { matmul, wide } from './matmul.ts'
import { tensordot } from './tensordot.ts'

/** Options of {@link vecdot} and `cross`. */
export interface VectorOptions {
  /** The axis of the vectors, from the end when negative. @default -1 */
  readonly axis?: number
}

export const vectorRules = { axis: { expected: 'a whole number', accepts: Number.isInteger } }

/**
 * The product of NumPy's `dot`: of two vectors the inner product, of matrices their product; with more axes, over the last one of `a` and the last but one of
 * `b`. With a single value it multiplies.
 * @throws {InvalidOption} when an operand is not an array, or the shapes do not go together
 */
export function dot(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>): NDArray<DType, Rank> {
  checkArray(a, 'dot')
  checkArray(b, 'dot')
  if (a.ndim === 0 || b.ndim === 0) return a.multiply(b)
  if (a.ndim <= 2 && b.ndim <= 2) return matmul(a, b)
  return tensordot(a, b, [[-1], [b.ndim === 1 ? 0 : -2]])
}

/**
 * Inner products of vectors along an axis; the other axes are broadcast.
 * @param a of shape (…, k)
 * @param b of shape (…, k)
 * @returns of shape (…)
 * @throws {InvalidOption} when an operand is not an array, there is no such axis, or the lengths along it differ
 * @example
 * await vecdot(from([[1, 2], [3, 4]]), from([10, 1])).compute()   // 12 34
 */
export function vecdot(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>, options: VectorOptions = {}): NDArray<DType, 'array'> {
  checkArray(a, 'vecdot')
  checkArray(b, 'vecdot')
  checkOptions<VectorOptions>(options, vectorRules, 'vecdot')
  const { axis = -1 } = options
  const [x, y] = [a, b].map((array) => lastAxis(array, axis)) as [NDArray, NDArray]
  if (x.shape.at(-1) !== y.shape.at(-1) && !Number.isNaN((x.shape.at(-1) as number) + (y.shape.at(-1) as number))) {
    throw new InvalidOption(`Shapes ${showShape(a.shape)} and ${showShape(b.shape)} have different lengths along axis ${axis}`)
  }
  const dtype = promote(a.dtype, b.dtype)
  return wide(x, dtype).multiply(wide(y, dtype)).sum({ axis: -1 }) as NDArray<DType, 'array'>
}

function lastAxis(x: NDArray, axis: number): NDArray {
  const at = normalizeAxis(axis, x.ndim)
  const order = [...x.shape.keys()].filter((a) => a !== at)
  return x.transpose([...order, at])
}

/**
 * All products of an element of `a` with one of `b`, both flattened.
 * @returns of shape (size of `a`, size of `b`)
 * @throws {InvalidOption} when an operand is not an array
 */
export function outer(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>): NDArray<DType, 'array'> {
  return checkArray(a, 'outer').ravel().get(':', null).multiply(checkArray(b, 'outer').ravel().get(null, ':')) as NDArray<
    DType,
    'array'
  >
}
