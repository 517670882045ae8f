/** Covariances and correlations of variables. */
import { InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { DType } from '../expression/dtype.ts'
import { checkArray, ddofRule, NDArray } from '../ndarray/array.ts'
import { matmul } from './matmul.ts'

/** Options of {@link cov}. */
export interface CovOptions {
  /** Whether each row is a variable, and each column an observation. @default true */
  readonly rowvar?: boolean
  /** Taken off the number of observations in the divisor. @default 1 */
  readonly ddof?: number
}

/**
 * The matrix of covariances of variables.
 *
 * @param x of two axes, or of one: a single variable
 * @throws {InvalidOption} when `x` is not an array of one or two axes, or for a wrong option
 * @example
 * cov(from([[1, 2, 3], [3, 2, 1]]))   // 1 -1, -1 1
 */
export function cov(x: NDArray<DType, 'array'>, options: CovOptions = {}): NDArray<DType, 'array'> {
  checkArray(x, 'cov')
  checkOptions<CovOptions>(options, { rowvar: rules.boolean, ddof: ddofRule }, 'cov')
  if (x.ndim < 1 || x.ndim > 2) throw new InvalidOption(`Expected an array of one or two axes for cov, got ${x.ndim}`)
  const rows = (x.ndim === 1 ? x.reshape(1, -1) : options.rowvar === false ? x.T : x).astype('f64')
  const centred = rows.subtract(rows.mean({ axis: 1, keepdims: true })) as NDArray<'f64', 'array'>
  const divisor = Math.max(0, (rows.shape[1] as number) - (options.ddof ?? 1))
  return matmul(centred, centred.T).divide(divisor) as NDArray<DType, 'array'>
}

/**
 * The matrix of Pearson's correlation coefficients of variables.
 * @throws {InvalidOption} when `x` is not an array of one or two axes, or for a wrong option
 * @example
 * corrcoef(measurements, { rowvar: false })
 */
export function corrcoef(x: NDArray<DType, 'array'>, options: Omit<CovOptions, 'ddof'> = {}): NDArray<DType, 'array'> {
  checkOptions<Omit<CovOptions, 'ddof'>>(options, { rowvar: rules.boolean }, 'corrcoef')
  const covariances = cov(x, options)
  const rows = covariances.shape[0] as number
  const own = new NDArray<'f64', 'array'>(covariances.node)
    .reshape(-1)
    .get({ step: rows + 1 })
    .sqrt()
  const scaled = covariances.divide(own.reshape(-1, 1)).divide(own.reshape(1, -1)) as NDArray<DType, 'array'>
  return scaled.clip(-1, 1)
}
