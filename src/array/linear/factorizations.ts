/** Q R, singular values and eigenvalues, with what follows from them. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { DType } from '../expression/dtype.ts'
import { showShape } from '../expression/shape.ts'
import { checkArray, type NDArray, type Rank } from '../ndarray/array.ts'
import { normal } from '../ndarray/create.ts'
import { concat } from '../ndarray/functions.ts'
import type { Seed } from '../expression/seed.ts'
import { checkFactor, factorize, factorType } from './factorize.ts'
import { matmul, swapped } from './matmul.ts'

/** Options of {@link qr}. */
export interface QrOptions {
  /** `'reduced'`: Q of shape (…, m, k) with k = min(m, n). `'complete'`: of shape (…, m, m). @default 'reduced' */
  readonly mode?: 'reduced' | 'complete'
}

/** A tall matrix is cut into blocks of at least this many rows; the second number is the most blocks. */
const blockRows = 4_096
const mostBlocks = 64

/**
 * Q with orthonormal columns and an upper triangle R, with `Q R = a`; the signs are LAPACK's. A tall matrix is cut into blocks of rows, which are factorized on all
 * cores (Benson, Gleich and Demmel, "Direct QR factorizations for tall-and-skinny matrices", 2013); the signs may differ then.
 * @param a of shape (…, m, n)
 * @throws {InvalidOption} when it is not a matrix of known lengths, or for a wrong option
 * @example
 * const { q, r } = qr(measurements)
 */
export function qr(
  a: NDArray<DType, Rank>,
  options: QrOptions = {},
): { readonly q: NDArray<DType, 'array'>; readonly r: NDArray<DType, 'array'> } {
  checkOptions<QrOptions>(options, { mode: rules.oneOf('reduced', 'complete') }, 'qr')
  checkFactor(a, 'qr', false)
  const [m, n] = a.shape.slice(-2) as [number, number]
  const complete = options.mode === 'complete'
  if (!complete && a.ndim === 2 && n > 0 && m >= 2 * Math.max(blockRows, n)) return byBlocks(a, m, n)
  const inner = complete ? m : Math.min(m, n)
  const factors = factorize('qr', [a], [complete ? 1 : 0])
  return { q: factors.part(0, [m, inner]), r: factors.part(m * inner, [inner, n]) }
}

/** Each block by itself, then what their R make together. */
function byBlocks(a: NDArray, m: number, n: number): ReturnType<typeof qr> {
  const blocks = Math.min(mostBlocks, Math.floor(m / Math.max(blockRows, n)))
  const rows = Math.floor(m / blocks)
  const whole = blocks * rows
  const first = qr(a.get(`:${whole}`).reshape(blocks, rows, n))
  const rest = a.get(`${whole}:`)
  const stacked = first.r.reshape(blocks * n, n)
  const second = qr(whole === m ? stacked : concat([stacked, rest as NDArray<DType, 'array'>]))
  const top = matmul(first.q, second.q.get(`:${blocks * n}`).reshape(blocks, n, n)).reshape(whole, n)
  return { q: whole === m ? top : concat([top, second.q.get(`${blocks * n}:`)]), r: second.r }
}

/** Options of {@link svd}. */
export interface SvdOptions {
  /** Square U and Vᵀ, of shapes (…, m, m) and (…, n, n), as NumPy's default. @default false, as in Dask */
  readonly fullMatrices?: boolean
}

/**
 * Singular values and vectors: `u * s @ vh = a`, the values descending. The vectors are unique but for their signs.
 * @param a of shape (…, m, n)
 * @returns `u` of shape (…, m, k), `s` of shape (…, k), `vh` of shape (…, k, n); k is the lesser of m and n
 * @throws {InvalidOption} when it is not a matrix of known lengths; in `compute` `MatrixRefused` when an element is not finite
 * @example
 * const { u, s, vh } = svd(from([[3, 0], [4, 5]]))
 */
export function svd(
  a: NDArray<DType, Rank>,
  options: SvdOptions = {},
): { readonly u: NDArray<DType, 'array'>; readonly s: NDArray<DType, 'array'>; readonly vh: NDArray<DType, 'array'> } {
  checkOptions<SvdOptions>(options, { fullMatrices: rules.boolean }, 'svd')
  checkFactor(a, 'svd', false)
  const [m, n] = a.shape.slice(-2) as [number, number]
  const k = Math.min(m, n)
  if (options.fullMatrices === true && m !== n) {
    const { u, s, vh } = svd(a)
    return m > n ? { u: completed(u), s, vh } : { u, s, vh: swapped(completed(swapped(vh))) as NDArray<DType, 'array'> }
  }
  if (a.ndim === 2 && n > 0 && m >= 2 * Math.max(blockRows, n)) {
    const { q, r } = qr(a)
    const { u, s, vh } = svd(r)
    return { u: matmul(q, u), s, vh }
  }
  const factors = factorize('svd', [a])
  return { u: factors.part(0, [m, k]), s: factors.part(m * k, [k]), vh: factors.part(m * k + k, [k, n]) }
}

/** Orthonormal columns, and those that are missing for a square. */
function completed(u: NDArray): NDArray<DType, 'array'> {
  const k = u.shape.at(-1) as number
  const { q } = qr(u, { mode: 'complete' })
  return concat([u as NDArray<DType, 'array'>, q.get('...', `${k}:`)], -1)
}

/**
 * The singular values, descending.
 * @param a of shape (…, m, n)
 * @returns of shape (…, min(m, n))
 * @throws as {@link svd} does
 */
export function svdvals(a: NDArray<DType, Rank>): NDArray<DType, 'array'> {
  return svd(a).s
}

/** Options of {@link svdCompressed}. */
export interface CompressedOptions {
  /** Columns beyond `k` of the random matrix. @default 10 */
  readonly oversampling?: number
  /** Rounds that make large values stand out; each multiplies with the matrix twice. @default 2 */
  readonly powerIterations?: number
  /** Of the random matrix. @default fresh ones from the system */
  readonly seed?: Seed
}

/** Rounds of products that are planned at once: more than a few change nothing that floats can show. */
const rounds = {
  expected: 'a whole number from 0 to 100',
  accepts: (value: unknown) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 100,
}

/**
 * The largest `k` singular values and their vectors, approximately, by a random projection (Halko, Martinsson and Tropp, "Finding structure with
 * randomness", 2011). Reads the matrix a few times and never needs it as a whole but for products.
 * @param a of shape (m, n)
 * @param k how many
 * @throws {InvalidOption} when it is not a matrix, `k` is not from 1 to min(m, n), or for a wrong option
 * @example
 * const { u, s, vh } = svdCompressed(ratings, 20, { seed: 1 })
 */
export function svdCompressed(a: NDArray<DType, Rank>, k: number, options: CompressedOptions = {}): ReturnType<typeof svd> {
  checkOptions<CompressedOptions>(
    options,
    { oversampling: rules.whole(0), powerIterations: rounds, seed: rules.any },
    'svdCompressed',
  )
  checkFactor(a, 'svdCompressed', false)
  const [m, n] = a.shape as [number, number]
  if (a.ndim !== 2 || !Number.isInteger(k) || k < 1 || k > Math.min(m, n)) {
    throw new InvalidOption(
      `Expected svdCompressed to get a matrix and \`k\` from 1 to its lesser length, got shape ${showShape(a.shape)} and ${describe(k)}`,
    )
  }
  const { oversampling = 10, powerIterations = 2, seed } = options
  const columns = Math.min(m, n, k + oversampling)
  const random = normal([n, columns], seed === undefined ? {} : { seed }).astype(factorType(a)) as NDArray
  let { q } = qr(matmul(a, random))
  for (let i = 0; i < powerIterations; i++) q = qr(matmul(a, qr(matmul(a.T, q)).q)).q
  const { u, s, vh } = svd(matmul(q.T, a))
  return { u: matmul(q, u.get(':', `:${k}`)), s: s.get(`:${k}`), vh: vh.get(`:${k}`) }
}

/**
 * Eigenvalues and eigenvectors of symmetric matrices: `a @ v = v * w`. Only the lower triangle is read.
 * @param a of shape (…, n, n)
 * @returns the values, ascending, of shape (…, n), and the vectors as columns, of shape (…, n, n)
 * @throws {InvalidOption} when it is not square; in `compute` `MatrixRefused` when an element is not finite
 */
export function eigh(a: NDArray<DType, Rank>): {
  readonly eigenvalues: NDArray<DType, 'array'>
  readonly eigenvectors: NDArray<DType, 'array'>
} {
  checkFactor(a, 'eigh', true)
  const n = a.shape.at(-1) as number
  const factors = factorize('eigh', [a])
  return { eigenvalues: factors.part(0, [n]), eigenvectors: factors.part(n, [n, n]) }
}

/**
 * Eigenvalues of symmetric matrices, ascending.
 * @param a of shape (…, n, n)
 * @returns of shape (…, n)
 * @throws as {@link eigh} does
 */
export function eigvalsh(a: NDArray<DType, Rank>): NDArray<DType, 'array'> {
  return eigh(a).eigenvalues
}

/** Options of {@link pinv}, {@link matrixRank} and {@link lstsq}. */
export interface ToleranceOptions {
  /** Singular values up to this part of the largest one count as zero. @default max(m, n) times the distance of 1 to the next number of the dtype */
  readonly rtol?: number
}

const toleranceRules = { rtol: rules.number(0) }
const epsilon = { f64: 2 ** -52, f32: 2 ** -23 } as const

/** Where singular values count. */
function counting(a: NDArray, s: NDArray, { rtol }: ToleranceOptions): NDArray<'bool', Rank> {
  const [m, n] = a.shape.slice(-2) as [number, number]
  const part = rtol ?? Math.max(m, n) * epsilon[factorType(a)]
  return s.greater(s.max({ axis: -1, keepdims: true }).multiply(part))
}

/**
 * The number of singular values that count.
 * @param a of shape (…, m, n)
 * @returns of shape (…), f64
 * @throws {InvalidOption} when it is not a matrix of known lengths with elements, or for a wrong option
 * @example
 * await matrixRank(from([[1, 2], [2, 4]])).compute()   // 1
 */
export function matrixRank(a: NDArray<DType, Rank>, options: ToleranceOptions = {}): NDArray<'f64', Rank> {
  checkOptions<ToleranceOptions>(options, toleranceRules, 'matrixRank')
  const { s } = svd(a)
  return counting(a, s, options).count({ axis: -1 }) as NDArray<'f64', Rank>
}

/** `1 / s` where it counts, else 0. */
function reciprocals(a: NDArray, s: NDArray, options: ToleranceOptions): NDArray {
  const counts = counting(a, s, options)
  // Not divided where it is small, because 0 × ∞ would be NaN.
  const divisor = s.multiply(counts.astype(s.dtype)).add(counts.logicalNot().astype(s.dtype))
  return counts.astype(s.dtype).divide(divisor)
}

/**
 * The pseudo-inverse of Moore and Penrose, from the singular values.
 * @param a of shape (…, m, n)
 * @returns of shape (…, n, m)
 * @throws {InvalidOption} when it is not a matrix of known lengths, or for a wrong option
 * @example
 * const fit = matmul(pinv(design), observed)
 */
export function pinv(a: NDArray<DType, Rank>, options: ToleranceOptions = {}): NDArray<DType, 'array'> {
  checkOptions<ToleranceOptions>(options, toleranceRules, 'pinv')
  checkFactor(a, 'pinv', false)
  if (a.size === 0) return swapped(a) as NDArray<DType, 'array'>
  const { u, s, vh } = svd(a)
  return matmul(swapped(vh).multiply(reciprocals(a, s, options).get('...', null, ':')), swapped(u))
}

/**
 * The solution of least squares of `a x = b`, the one of least norm where there are several.
 * @param a of shape (m, n)
 * @param b of shape (m,) or (m, k)
 * @returns the solution `x`; the sums of the squared `residuals`, one for each column of `b`; the `rank` of `a`, and its singular values `s`
 * @throws {InvalidOption} when the shapes do not go together, or for a wrong option
 * @example
 * const { x } = lstsq(design, observed)
 */
export function lstsq(
  a: NDArray<DType, Rank>,
  b: NDArray<DType, Rank>,
  options: ToleranceOptions = {},
): {
  readonly x: NDArray<DType, 'array'>
  readonly residuals: NDArray<DType, Rank>
  readonly rank: NDArray<'f64', Rank>
  readonly s: NDArray<DType, 'array'>
} {
  checkOptions<ToleranceOptions>(options, toleranceRules, 'lstsq')
  checkFactor(a, 'lstsq', false)
  checkArray(b, 'lstsq')
  if (a.ndim !== 2 || (b.ndim !== 1 && b.ndim !== 2) || b.shape[0] !== a.shape[0]) {
    throw new InvalidOption(`Shapes ${showShape(a.shape)} and ${showShape(b.shape)} do not make a system of equations`)
  }
  const { u, s, vh } = svd(a)
  const weighted = swapped(vh).multiply(reciprocals(a, s, options).get(null, ':'))
  const x = matmul(weighted, matmul(swapped(u), b))
  const residuals = matmul(a, x).subtract(b).square().sum({ axis: 0 })
  return { x, residuals, rank: counting(a, s, options).count({ axis: -1 }) as NDArray<'f64', Rank>, s }
}
