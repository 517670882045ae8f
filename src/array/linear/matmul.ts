/** Matrix products, also of many at once. */
import { InvalidOption } from '../../base/errors.ts'
import * as build from '../expression/build.ts'
import { type DType, isBig, promote } from '../expression/dtype.ts'
import type { Node } from '../expression/node.ts'
import { broadcastShapes, type Shape, showShape } from '../expression/shape.ts'
import { broadcastView } from '../expression/view.ts'
import { checkArray, NDArray, type Rank } from '../ndarray/array.ts'

/**
 * The matrix product over the last two axes, for each pair of matrices of the axes before, which are broadcast. An array of one axis counts as a row on the
 * left, as a column on the right. Tile by tile on all cores: in f32 where both are f32, else in f64; whole numbers below 64 bits give f64, those of 64 bits wrap
 * around and stay.
 * @param a of shape (…, m, k) or (k,)
 * @param b of shape (…, k, n) or (k,)
 * @returns of shape (…, m, n), without the axes that vectors lack
 * @throws {InvalidOption} when an operand is not an array or has no axes, or the shapes do not go together; of a mask's result this shows in `compute`
 */
export function matmul(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>): NDArray<DType, 'array'> {
  checkArray(a, 'matmul')
  checkArray(b, 'matmul')
  if (a.ndim < 1 || b.ndim < 1) throw productError(a, b)
  const left = a.ndim === 1 ? a.reshape(1, -1) : a
  const right = b.ndim === 1 ? b.reshape(-1, 1) : b
  const product = matrixProduct(left, right, a, b)
  if (a.ndim > 1 && b.ndim > 1) return product
  const shape = [
    ...product.shape.slice(0, -2),
    ...(a.ndim === 1 ? [] : [product.shape.at(-2) as number]),
    ...(b.ndim === 1 ? [] : [product.shape.at(-1) as number]),
  ]
  return product.reshape(shape.map((n) => (Number.isNaN(n) ? -1 : n)))
}

/** Of operands that have two axes or more. */
function matrixProduct(left: NDArray, right: NDArray, a: NDArray, b: NDArray): NDArray<DType, 'array'> {
  const [rows, inner] = left.shape.slice(-2) as [number, number]
  const [other, columns] = right.shape.slice(-2) as [number, number]
  const dtype = promote(left.dtype, right.dtype)
  const unknown = Number.isNaN(inner) || Number.isNaN(other)
  if (inner !== other && !unknown) throw productError(a, b)
  const batch = broadcastShapes(left.shape.slice(0, -2), right.shape.slice(0, -2))
  const bits = isBig(dtype)
  if (bits && [...left.shape, ...right.shape].some(Number.isNaN)) {
    throw new InvalidOption(
      `The product of ${dtype} needs known lengths, got shapes ${showShape(a.shape)} and ${showShape(b.shape)}`,
      { hint: "Call `await array.persist()` first, or convert with `.astype('f64')`." },
    )
  }
  if (unknown || (!bits && rows !== 1 && columns !== 1)) {
    const [x, y] = [left, right].map(({ node }) =>
      build.view(node, broadcastView(node.shape, [...batch, ...node.shape.slice(-2)])),
    )
    if (dtype !== 'f16') return new NDArray(build.product(x as Node, y as Node))
    return new NDArray(build.cast(build.product(build.cast(x as Node, 'f32'), build.cast(y as Node, 'f32')), 'f16'))
  }
  // Where one side is a vector, nothing is read twice: a fused pass is as fast, and adds with compensation.
  if (columns === 1)
    return wide(left, dtype)
      .multiply(wide(swapped(right), dtype))
      .sum({ axis: -1, keepdims: true }) as NDArray<DType, 'array'>
  return wide(swapped(left), dtype)
    .get('...', null)
    .multiply(wide(right, dtype).get('...', ':', null, ':'))
    .sum({ axis: -3 }) as NDArray<DType, 'array'>
}

/** With the last two axes in the other order. */
export function swapped(x: NDArray): NDArray {
  const order = [...x.shape.keys()]
  order.push(...order.splice(-2).reverse())
  return x.transpose(order)
}

/** Products of whole numbers below 64 bits would wrap around before they are added. */
export function wide(x: NDArray, dtype: DType): NDArray<DType, 'array'> {
  return x.astype(isBig(dtype) || dtype === 'f32' || dtype === 'f16' ? dtype : 'f64') as NDArray<DType, 'array'>
}

function productError(a: NDArray, b: NDArray): InvalidOption {
  return new InvalidOption(`Shapes ${showShape(a.shape)} and ${showShape(b.shape)} cannot be multiplied as matrices`, {
    hint: 'The last length of the left one must be the last but one of the right one, and neither may be a single value.',
  })
}

/** @throws {InvalidOption} when it is not a matrix, or several of them */
export function checkMatrices(x: NDArray, where: string): Shape {
  if (x.ndim >= 2) return x.shape
  throw new InvalidOption(`Expected ${where} to get a matrix, of two axes or more, got shape ${showShape(x.shape)}`)
}

/** @throws {InvalidOption} when a length is not known yet */
export function checkKnown(x: NDArray, where: string): void {
  if (!x.shape.some(Number.isNaN)) return
  throw new InvalidOption(`Expected ${where} to get known lengths, got shape ${showShape(x.shape)}`, {
    hint: 'Call `await array.persist()` first; then its length is known.',
  })
}
