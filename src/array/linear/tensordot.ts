/** Products over several axes at once, as one matrix product. */
import { describe, InvalidOption } from '../../base/errors.ts'
import type { DType } from '../expression/dtype.ts'
import { listAxes } from '../expression/axes.ts'
import { showShape, sizeOf } from '../expression/shape.ts'
import { checkArray, type NDArray, type Rank } from '../ndarray/array.ts'
import { matmul } from './matmul.ts'

/** How many axes: the last of the left one with the first of the right one; or which, of each. */
export type TensordotAxes = number | readonly [number | readonly number[], number | readonly number[]]

/**
 * Sums the products over pairs of axes.
 * @param a its other axes come first in the result
 * @param b its other axes follow
 * @param axes a number: so many of the last axes of `a` with the first ones of `b`; or the axes of both, in pairs. @default 2
 * @throws {InvalidOption} when an operand is not an array, there is no such axis, or paired lengths differ
 */
export function tensordot(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>, axes: TensordotAxes = 2): NDArray<DType, Rank> {
  checkArray(a, 'tensordot')
  checkArray(b, 'tensordot')
  const [left, right] = pairs(a, b, axes)
  left.forEach((axis, i) => {
    const [n, m] = [a.shape[axis] as number, b.shape[right[i] as number] as number]
    if (n === m) return
    if (Number.isNaN(n + m))
      throw new InvalidOption(
        `Expected tensordot to get known lengths, got shapes ${showShape(a.shape)} and ${showShape(b.shape)}`,
      )
    throw new InvalidOption(
      `Shapes ${showShape(a.shape)} and ${showShape(b.shape)} differ along the paired axes ${axis} and ${right[i]}`,
    )
  })
  const keptA = [...a.shape.keys()].filter((axis) => !left.includes(axis))
  const keptB = [...b.shape.keys()].filter((axis) => !right.includes(axis))
  const inner = sizeOf(left.map((axis) => a.shape[axis] as number))
  const lengthsA = keptA.map((axis) => a.shape[axis] as number)
  const lengthsB = keptB.map((axis) => b.shape[axis] as number)
  const x = grouped(a.transpose([...keptA, ...left]), [sizeOf(lengthsA), inner])
  const y = grouped(b.transpose([...right, ...keptB]), [inner, sizeOf(lengthsB)])
  return grouped(matmul(x, y), [...lengthsA, ...lengthsB])
}

/** A reshape that leaves an array alone which has that shape. */
const grouped = (x: NDArray, shape: readonly number[]): NDArray => (String(x.shape) === String(shape) ? x : x.reshape(shape))

function pairs(a: NDArray, b: NDArray, axes: unknown): [number[], number[]] {
  if (Number.isInteger(axes) && (axes as number) >= 0 && (axes as number) <= Math.min(a.ndim, b.ndim)) {
    const count = axes as number
    return [Array.from({ length: count }, (_, i) => a.ndim - count + i), Array.from({ length: count }, (_, i) => i)]
  }
  if (Array.isArray(axes) && axes.length === 2) {
    const [left, right] = [a, b].map(({ ndim }, i) => {
      return listAxes(axes[i], ndim)
    }) as [number[], number[]]
    if (left.length === right.length) return [left, right]
  }
  throw new InvalidOption(
    `Expected \`axes\` of tensordot to be a number of axes that both have, or two lists of the same length, got ${describe(axes)}`,
  )
}
