/** NumPy's functions that make matrices and grids, and take parts of them. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import { checkDType, type DType, type Value, dtypeRule } from '../expression/dtype.ts'
import { rawOf } from '../expression/elementwise.ts'
import { makeNode, type Node } from '../expression/node.ts'
import type { Shape } from '../expression/shape.ts'
import { broadcastView, indexView } from '../expression/view.ts'
import { checkKnown } from '../selection/positions.ts'
import { checkArray, NDArray, type Rank } from './array.ts'

const range = (length: number, start = 0): Node =>
  makeNode({ kind: 'range', start, step: 1, dtype: 'f64', shape: [length], chunk: undefined })

/** Whether column minus row, of the last two axes, compares so with `k`. */
function band(rows: number, columns: number, comparison: 'equal' | 'lessEqual' | 'greaterEqual', k: number): Node {
  const down = build.view(range(rows, k), indexView([rows], [{}, null]))
  return build.map(comparison, [range(columns), down])
}

function checkLength(value: unknown, name: string, where: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw new InvalidOption(`Expected \`${name}\` of ${where} to be a whole number from 0 up, got ${describe(value)}`)
}

function checkDiagonal(k: unknown, where: string): number {
  if (Number.isSafeInteger(k)) return k as number
  throw new InvalidOption(`Expected the diagonal of ${where} to be a whole number, got ${describe(k)}`)
}

/** Options of {@link eye}. */
export interface EyeOptions<D extends DType> {
  /** Which diagonal: above the main one when positive. @default 0 */
  readonly k?: number
  /** @default 'f64' */
  readonly dtype?: D
}

/**
 * Ones on a diagonal, zeros elsewhere; takes no memory.
 * @param columns @default as many as rows
 * @throws {InvalidOption} when a length is not a whole number from 0 up, or for a wrong option
 * @example
 * eye(3)
 * eye(2, 3, { k: 1, dtype: 'u8' })
 */
export function eye<D extends DType = 'f64'>(rows: number, columns = rows, options: EyeOptions<D> = {}): NDArray<D, 'array'> {
  checkOptions<EyeOptions<D>>(options, { k: rules.any, dtype: dtypeRule }, 'eye')
  checkLength(rows, 'rows', 'eye')
  checkLength(columns, 'columns', 'eye')
  const ones = band(rows, columns, 'equal', checkDiagonal(options.k ?? 0, 'eye'))
  return new NDArray(build.cast(ones, checkDType(options.dtype ?? 'f64', 'dtype')))
}

function triangle<D extends DType>(
  x: NDArray<D, 'array'>,
  k: number,
  comparison: 'lessEqual' | 'greaterEqual',
  where: string,
): NDArray<D, 'array'> {
  checkArray(x, where)
  if (x.ndim < 2) throw new InvalidOption(`Expected an array of two axes or more for ${where}, got ${x.ndim}`)
  const [rows, columns] = x.shape.slice(-2) as [number, number]
  checkKnown([rows, columns], 'cut into triangles')
  const zero = build.full([], x.dtype, rawOf(x.dtype, 0))
  return new NDArray(build.map('where', [band(rows, columns, comparison, checkDiagonal(k, where)), x.node, zero]))
}

/** The lower triangle of the last two axes up to diagonal `k`, zeros above. @throws {InvalidOption} when `x` is not an array of two axes or more */
export function tril<D extends DType>(x: NDArray<D, 'array'>, k = 0): NDArray<D, 'array'> {
  return triangle(x, k, 'lessEqual', 'tril')
}

/** The upper triangle of the last two axes from diagonal `k`, zeros below. @throws {InvalidOption} when `x` is not an array of two axes or more */
export function triu<D extends DType>(x: NDArray<D, 'array'>, k = 0): NDArray<D, 'array'> {
  return triangle(x, k, 'greaterEqual', 'triu')
}

/** Both axes run together: a view. */
function diagonalOf(matrix: Node, k: number): Node {
  checkKnown(matrix.shape, 'searched for a diagonal')
  const [rows, columns] = matrix.shape as [number, number]
  const [down, right] = [Math.max(0, -k), Math.max(0, k)]
  const length = Math.max(0, Math.min(rows - down, columns - right))
  const axes = [down, right].map((start) => ({ start: length === 0 ? 0 : start, step: 1, from: 0 }))
  return build.view(matrix, { shape: [length], axes })
}

/** Of one axis: a matrix with it on diagonal `k`. Of two: the diagonal. @throws {InvalidOption} when `x` is not an array of one or two axes */
export function diag<D extends DType>(x: NDArray<D, 'array'>, k = 0): NDArray<D, 'array'> {
  checkArray(x, 'diag')
  if (x.ndim === 2) return new NDArray(diagonalOf(x.node, checkDiagonal(k, 'diag')))
  if (x.ndim !== 1) throw new InvalidOption(`Expected an array of one or two axes for diag, got ${x.ndim}`)
  checkKnown(x.shape, 'put on a diagonal')
  const length = x.shape[0] as number
  const side = length + Math.abs(checkDiagonal(k, 'diag'))
  const zero = build.full([], x.dtype, rawOf(x.dtype, 0))
  // Of column j on a diagonal above, or row i on one below, the element.
  const wide = (lead: number): Node => build.concat([build.full([lead], x.dtype, rawOf(x.dtype, 0)), x.node], 0)
  const along = k >= 0 ? wide(k) : build.view(wide(-k), indexView([side], [{}, null]))
  return new NDArray(
    build.map('where', [band(side, side, 'equal', k), build.view(along, broadcastView(along.shape, [side, side])), zero]),
  )
}

/**
 * Coordinates of a grid from those of its axes: as many arrays as axes, of the shape of the grid.
 *
 * @param options.indexing `'xy'` makes the first axis run along the second one of the result, as for plots. @default 'xy'
 * @throws {InvalidOption} when an axis is not an array of one axis (or none), or for a wrong option
 * @example
 * const [x, y] = meshgrid([arange(4), arange(3)])   // of shape (3, 4)
 */
export function meshgrid<D extends DType>(
  axes: readonly NDArray<D, Rank>[],
  options: { readonly indexing?: 'xy' | 'ij' } = {},
): NDArray<D, 'array'>[] {
  checkOptions<{ readonly indexing?: 'xy' | 'ij' }>(options, { indexing: rules.oneOf('xy', 'ij') }, 'meshgrid')
  if (!Array.isArray(axes)) throw new InvalidOption(`Expected meshgrid to get a list of arrays, got ${describe(axes)}`)
  const lines = axes.map((line: NDArray<D, Rank>) => {
    checkArray(line, 'meshgrid')
    if (line.ndim > 1) throw new InvalidOption(`Expected arrays of one axis for meshgrid, got one of ${line.ndim}`)
    return build.reshape(line.node, [-1])
  })
  const turned = (options.indexing ?? 'xy') === 'xy' && lines.length > 1
  const place = (i: number): number => (turned && i < 2 ? 1 - i : i)
  const shape = lines.map((_, i) => (lines[place(i)] as Node).shape[0] as number)
  return lines.map((line, i) => {
    const placed = build.view(
      line,
      indexView(
        line.shape,
        lines.map((_, a) => (a === place(i) ? {} : null)),
      ),
    )
    return new NDArray(build.view(placed, broadcastView(placed.shape, shape)))
  })
}

/** The indices of each element along each axis: shape (axes, …shape). @throws {InvalidOption} when a length is not a whole number from 0 up */
export function indices(shape: Shape): NDArray<'f64', 'array'> {
  if (!Array.isArray(shape))
    throw new InvalidOption(`Expected the shape of indices to be a list of whole numbers, got ${describe(shape)}`)
  const lengths: readonly number[] = [...(shape as readonly number[])]
  const lines = lengths.map((n) => new NDArray<'f64', 'array'>(range(checkLength(n, 'shape', 'indices'))))
  if (lines.length === 0) return new NDArray(build.full([0], 'f64', 0))
  const grids = meshgrid(lines, { indexing: 'ij' })
  return new NDArray(
    build.concat(
      grids.map(({ node }) => build.view(node, indexView(node.shape, [null]))),
      0,
    ),
  )
}

/** The Kronecker product: each element of `a` times all of `b`. @throws {InvalidOption} when an operand is not an array */
export function kron(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>): NDArray<DType, 'array'> {
  checkArray(a, 'kron')
  checkArray(b, 'kron')
  const rank = Math.max(a.ndim, b.ndim)
  const lead = (x: NDArray<DType, Rank>): number[] => [...Array.from({ length: rank - x.ndim }, () => 1), ...x.shape]
  const [left, right] = [lead(a), lead(b)]
  const product = build.map('multiply', [
    build.reshape(
      a.node,
      left.flatMap((n) => [n, 1]),
    ),
    build.reshape(
      b.node,
      right.flatMap((n) => [1, n]),
    ),
  ])
  return new NDArray(
    build.reshape(
      product,
      left.map((n, i) => n * (right[i] as number)),
    ),
  )
}

/** Options of {@link zerosLike} and its like. */
export interface LikeOptions<D extends DType> {
  /** @default that of the array */
  readonly dtype?: D
}

/**
 * The same value in the shape of an array.
 * @throws {InvalidOption} when `x` is not an array, or the dtype does not hold the value
 * @example
 * fullLike(x, 7)
 */
export function fullLike<D extends DType>(
  x: NDArray<D, Rank>,
  value: Value,
  options: LikeOptions<DType> = {},
): NDArray<D, 'array'> {
  checkArray(x, 'fullLike')
  checkOptions<LikeOptions<DType>>(options, { dtype: dtypeRule }, 'fullLike')
  const dtype = checkDType(options.dtype ?? x.dtype, 'dtype')
  const filled = build.full([], dtype, rawOf(dtype, build.checkValue(value, 'fullLike')))
  if (!x.shape.some(Number.isNaN)) return new NDArray(build.view(filled, broadcastView([], x.shape)))
  return new NDArray(build.map('where', [build.map('equal', [x.node, x.node]), filled, filled]))
}

/**
 * Zeros in the shape of an array.
 * @throws {InvalidOption} when `x` is not an array
 * @example
 * zerosLike(x)
 */
export function zerosLike<D extends DType>(x: NDArray<D, Rank>, options: LikeOptions<DType> = {}): NDArray<D, 'array'> {
  return fullLike(x, 0, options)
}

/**
 * Ones in the shape of an array.
 * @throws {InvalidOption} when `x` is not an array
 * @example
 * onesLike(x, { dtype: 'u8' })
 */
export function onesLike<D extends DType>(x: NDArray<D, Rank>, options: LikeOptions<DType> = {}): NDArray<D, 'array'> {
  return fullLike(x, 1, options)
}
