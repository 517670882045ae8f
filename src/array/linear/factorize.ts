/** Factorizations as arrays: one node for all that comes out, of which the results are views. */
import { InvalidOption } from '../../base/errors.ts'
import * as build from '../expression/build.ts'
import type { DType } from '../expression/dtype.ts'
import { broadcastShapes, type Shape, showShape } from '../expression/shape.ts'
import { broadcastView } from '../expression/view.ts'
import { factorizations, type FactorName } from '../factor/table.ts'
import { checkArray, NDArray } from '../ndarray/array.ts'
import { checkKnown, checkMatrices } from './matmul.ts'

/** What came out, for each matrix of the batch. */
export interface Factors {
  readonly batch: Shape
  readonly rows: number
  readonly columns: number
  /** The elements from `start` on, as arrays of this shape. */
  part(start: number, shape: Shape): NDArray<DType, 'array'>
}

/** The dtype of results: f32 of f32 and halves, else f64. Computed in f64. */
export const factorType = (x: NDArray): 'f32' | 'f64' => (x.dtype === 'f32' || x.dtype === 'f16' ? 'f32' : 'f64')

/** An array of matrices of known lengths. @throws {InvalidOption} */
export function checkFactor(x: NDArray, where: string, square: boolean): void {
  checkArray(x, where)
  checkMatrices(x, where)
  checkKnown(x, where)
  if (square && x.shape.at(-1) !== x.shape.at(-2)) {
    throw new InvalidOption(`Expected ${where} to get square matrices, got shape ${showShape(x.shape)}`)
  }
}

/** @param numbers what the factorization takes besides the matrices */
export function factorize(operation: FactorName, matrices: readonly NDArray[], numbers: readonly number[] = []): Factors {
  const batch = broadcastShapes(...matrices.map(({ shape }) => shape.slice(0, -2)))
  const inputs = matrices.map(({ node }) => {
    const known = node.dtype === 'f64' || node.dtype === 'f32' ? node : build.cast(node, 'f64')
    return build.view(known, broadcastView(known.shape, [...batch, ...known.shape.slice(-2)]))
  })
  const lengths = inputs.map(({ shape }) => ({ rows: shape.at(-2) as number, columns: shape.at(-1) as number }))
  const size = factorizations[operation].size(lengths, numbers)
  const packed = new NDArray(build.algorithm('factor', inputs, 'f64', [...batch, size], { operation, numbers }))
  const [{ rows, columns }] = lengths as [(typeof lengths)[number]]
  const dtype = matrices.every((x) => factorType(x) === 'f32') ? 'f32' : 'f64'
  return {
    batch,
    rows,
    columns,
    part(start, shape) {
      const length = shape.reduce((a, b) => a * b, 1)
      const part = packed.get('...', `${start}:${start + length}`)
      return part.reshape([...batch, ...shape]).astype(dtype) as NDArray<DType, 'array'>
    },
  }
}
