/** What factorizations say of matrices that have none. */
import { HeddleError, nameClass } from '../../base/errors.ts'

/** A matrix is singular, not positive definite, or not finite, where what was asked for needs one that is not. */
export class MatrixRefused extends HeddleError {
  static {
    nameClass(this, 'MatrixRefused', 'HEDDLE_MATRIX_REFUSED')
  }
}

/** Whether to stop: asked between the steps of a factorization. */
export type Stop = () => boolean

/** @throws {MatrixRefused} when an element is NaN or infinite, of which an iteration would not converge */
export function checkFinite(a: Float64Array, where: string): void {
  for (let i = 0; i < a.length; i++) {
    if (!Number.isFinite(a[i])) throw new MatrixRefused(`${where} needs finite elements, and the matrix has ${a[i]}`)
  }
}
