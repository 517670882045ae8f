/** A = L Lᵀ of symmetric positive definite matrices, in blocks (Golub and Van Loan, 4.2). */
import { MatrixRefused, type Stop } from './matrix-refused.ts'
import { subtractProduct } from './tile-product.ts'

const blockLength = 48

/**
 * @param a n × n elements, of which the lower triangle is read; overwritten with L, and zeros above
 * @throws {MatrixRefused} when it is not positive definite
 */
export function cholesky(a: Float64Array, n: number, stop: Stop): void {
  for (let k = 0; k < n && !stop(); k += blockLength) {
    const end = Math.min(n, k + blockLength)
    for (let j = k; j < end; j++) {
      const pivot = (a[j * n + j] as number) - squares(a, j * n + k, j - k)
      if (!(pivot > 0)) throw new MatrixRefused(`The matrix is not positive definite: pivot ${j} is ${pivot}`)
      const root = Math.sqrt(pivot)
      a[j * n + j] = root
      for (let i = j + 1; i < n; i++) a[i * n + j] = ((a[i * n + j] as number) - product(a, i * n + k, j * n + k, j - k)) / root
    }
    const part = (row: number, column: number) => ({ data: a, at: row * n + column, row: n, column: 1 })
    if (end < n) subtractProduct(part(end, end), part(end, k), { ...part(end, k), row: 1, column: n }, n - end, n - end, end - k)
  }
  for (let i = 0; i < n; i++) a.fill(0, i * n + i + 1, (i + 1) * n)
}

const squares = (a: Float64Array, at: number, length: number): number => product(a, at, at, length)

function product(a: Float64Array, from: number, other: number, length: number): number {
  let sum = 0
  for (let k = 0; k < length; k++) sum += (a[from + k] as number) * (a[other + k] as number)
  return sum
}
