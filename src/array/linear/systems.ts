/** Systems of linear equations: solutions, inverses, determinants. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { DType } from '../expression/dtype.ts'
import { showShape } from '../expression/shape.ts'
import { checkArray, type NDArray, type Rank } from '../ndarray/array.ts'
import { arange, full } from '../ndarray/create.ts'
import { checkFactor, factorize } from './factorize.ts'
import { checkKnown, matmul } from './matmul.ts'

/** Right-hand sides as matrices. @throws {InvalidOption} when they do not fit */
function sides(a: NDArray, b: NDArray, where: string): { readonly matrix: NDArray; readonly vector: boolean } {
  checkFactor(a, where, true)
  checkArray(b, where)
  checkKnown(b, where)
  const vector = b.ndim === 1
  const matrix = vector ? b.reshape(-1, 1) : b
  if (b.ndim > 0 && matrix.shape.at(-2) === a.shape.at(-1)) return { matrix, vector }
  throw new InvalidOption(`Shapes ${showShape(a.shape)} and ${showShape(b.shape)} do not make a system of equations`, {
    hint: 'The right-hand side is one vector, or its last but one length is that of the matrix.',
  })
}

function solved(
  operation: 'solve' | 'solveTriangular',
  a: NDArray,
  b: NDArray,
  numbers: readonly number[],
): NDArray<DType, 'array'> {
  const { matrix, vector } = sides(a, b, operation)
  const [rows, columns] = matrix.shape.slice(-2) as [number, number]
  return factorize(operation, [a, matrix], numbers).part(0, vector ? [rows] : [rows, columns])
}

/**
 * Solves `a x = b`, by L U with partial pivoting. Of many matrices each is a task of its own.
 * @param a of shape (…, n, n)
 * @param b of shape (n,) or (…, n, k)
 * @returns of the shape of `b`, f32 where both are f32, else f64
 * @throws {InvalidOption} when the shapes do not go together; in `compute` `MatrixRefused` when a matrix is singular
 */
export function solve(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>): NDArray<DType, 'array'> {
  return solved('solve', a, b, [])
}

/** Options of {@link solveTriangular}. */
export interface TriangularOptions {
  /** Whether the lower triangle of the matrix is meant; the rest is not read. @default false */
  readonly lower?: boolean
}

/**
 * Solves `a x = b` for a triangular `a`.
 * @param a of shape (…, n, n)
 * @param b of shape (n,) or (…, n, k)
 * @throws {InvalidOption} when the shapes do not go together; zeros on the diagonal give infinities
 * @example
 * const x = solveTriangular(cholesky(covariance), residuals, { lower: true })
 */
export function solveTriangular(
  a: NDArray<DType, Rank>,
  b: NDArray<DType, Rank>,
  options: TriangularOptions = {},
): NDArray<DType, 'array'> {
  checkOptions<TriangularOptions>(options, { lower: rules.boolean }, 'solveTriangular')
  return solved('solveTriangular', a, b, [options.lower === true ? 1 : 0])
}

/**
 * The inverse of square matrices. To solve equations, `solve` is quicker and more accurate.
 * @param a of shape (…, n, n)
 * @throws {InvalidOption} when it is not square; in `compute` `MatrixRefused` when a matrix is singular
 */
export function inv(a: NDArray<DType, Rank>): NDArray<DType, 'array'> {
  checkFactor(a, 'inv', true)
  const n = a.shape.at(-1) as number
  return factorize('inv', [a]).part(0, [n, n])
}

/**
 * The determinants of square matrices; 0 of a singular one.
 * @param a of shape (…, n, n)
 * @returns of shape (…)
 * @throws {InvalidOption} when it is not square
 */
export function det(a: NDArray<DType, Rank>): NDArray<DType, Rank> {
  checkFactor(a, 'det', true)
  return factorize('det', [a]).part(0, [])
}

/**
 * The signs of determinants and the logarithms of their sizes: where the determinant itself would overflow. Of a singular matrix 0 and −∞.
 * @param a of shape (…, n, n)
 * @returns both of shape (…)
 * @throws {InvalidOption} when it is not square
 */
export function slogdet(a: NDArray<DType, Rank>): {
  readonly sign: NDArray<DType, Rank>
  readonly logabsdet: NDArray<DType, Rank>
} {
  checkFactor(a, 'slogdet', true)
  const factors = factorize('slogdet', [a])
  return { sign: factors.part(0, []), logabsdet: factors.part(1, []) }
}

/** Options of {@link cholesky}. */
export interface CholeskyOptions {
  /** Gives the upper factor U with `Uᵀ U = a` instead. @default false */
  readonly upper?: boolean
}

/**
 * The lower factor L with `L Lᵀ = a`, of symmetric positive definite matrices. Only the lower triangle is read.
 * @param a of shape (…, n, n)
 * @throws {InvalidOption} when it is not square; in `compute` `MatrixRefused` when a matrix is not positive definite
 * @example
 * const correlated = matmul(cholesky(covariance), normal([3, 1_000]))
 */
export function cholesky(a: NDArray<DType, Rank>, options: CholeskyOptions = {}): NDArray<DType, 'array'> {
  checkOptions<CholeskyOptions>(options, { upper: rules.boolean }, 'cholesky')
  checkFactor(a, 'cholesky', true)
  const n = a.shape.at(-1) as number
  const lower = factorize('cholesky', [a]).part(0, [n, n])
  if (options.upper !== true) return lower
  const order = [...lower.shape.keys()]
  order.push(...order.splice(-2).reverse())
  return lower.transpose(order)
}

/** The most that an exponent may be: 2^53 products of a matrix with itself take 53. */
const mostPower = Number.MAX_SAFE_INTEGER

/**
 * A square matrix times itself, `n` times; of a negative `n` its inverse.
 * @param a of shape (…, m, m)
 * @param n a whole number
 * @throws {InvalidOption} when it is not square, or `n` not a whole number
 */
export function matrixPower(a: NDArray<DType, Rank>, n: number): NDArray<DType, 'array'> {
  checkFactor(a, 'matrixPower', true)
  if (!Number.isInteger(n) || Math.abs(n) > mostPower)
    throw new InvalidOption(
      `Expected \`n\` of matrixPower to be a whole number from ${-mostPower} to ${mostPower}, got ${describe(n)}`,
    )
  let base = (n < 0 ? inv(a) : a) as NDArray
  if (n === 0) return identityLike(a)
  let result: NDArray | undefined
  for (let left = Math.abs(n); left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = result ? matmul(result, base) : base
    if (left > 1) base = matmul(base, base)
  }
  return result as NDArray<DType, 'array'>
}

/** Ones on the diagonals. */
function identityLike(a: NDArray): NDArray<DType, 'array'> {
  const n = a.shape.at(-1) as number
  const [row, column] = [arange(n).reshape(-1, 1), arange(n).reshape(1, -1)]
  return full(a.shape, 0, { dtype: a.dtype }).add(row.equal(column).astype(a.dtype)) as NDArray<DType, 'array'>
}
