/**
 * P A = L U with partial pivoting, in blocks of columns, so that most of the work is a matrix product (Golub and Van Loan, "Matrix Computations",
 * 3.4). What follows from it: solutions, inverses, determinants.
 */
import { MatrixRefused, type Stop } from './matrix-refused.ts'
import { subtractProduct } from './tile-product.ts'

/** Columns of a block. */
const blockLength = 48

export interface Lu {
  /** L below the diagonal, with ones on it, and U. Row by row. */
  readonly lu: Float64Array
  /** Row `i` was exchanged with row `pivots[i]`, one after the other. */
  readonly pivots: Int32Array
  /** Of the permutation. */
  readonly sign: number
  /** Whether a pivot is zero. */
  readonly singular: boolean
}

/** @param a n × n elements, row by row; overwritten */
export function decompose(a: Float64Array, n: number, stop: Stop): Lu {
  const pivots = new Int32Array(n)
  let sign = 1
  let singular = false
  for (let k = 0; k < n && !stop(); k += blockLength) {
    const end = Math.min(n, k + blockLength)
    for (let j = k; j < end; j++) {
      const pivot = pivotOf(a, n, j)
      pivots[j] = pivot
      if (pivot !== j) {
        sign = -sign
        exchange(a, n, j, pivot)
      }
      const value = a[j * n + j] as number
      if (value === 0) singular = true
      else eliminate(a, n, j, end, value)
    }
    // Rows of U beside the block, then what is left.
    for (let i = k + 1; i < end; i++) {
      for (let m = k; m < i; m++) addRow(a, i * n + end, a, m * n + end, -(a[i * n + m] as number), n - end)
    }
    const part = (row: number, column: number) => ({ data: a, at: row * n + column, row: n, column: 1 })
    if (end < n) subtractProduct(part(end, end), part(end, k), part(k, end), n - end, n - end, end - k)
  }
  return { lu: a, pivots, sign, singular }
}

function pivotOf(a: Float64Array, n: number, column: number): number {
  let [best, largest] = [column, Math.abs(a[column * n + column] as number)]
  for (let i = column + 1; i < n; i++) {
    const size = Math.abs(a[i * n + column] as number)
    if (size > largest || (Number.isNaN(size) && !Number.isNaN(largest))) [best, largest] = [i, size]
  }
  return best
}

export function exchange(a: Float64Array, width: number, i: number, j: number): void {
  for (let k = 0, from = i * width, to = j * width; k < width; k++, from++, to++) {
    const held = a[from] as number
    a[from] = a[to] as number
    a[to] = held
  }
}

function eliminate(a: Float64Array, n: number, j: number, end: number, pivot: number): void {
  for (let i = j + 1; i < n; i++) {
    const factor = (a[i * n + j] as number) / pivot
    a[i * n + j] = factor
    if (factor !== 0) addRow(a, i * n + j + 1, a, j * n + j + 1, -factor, end - j - 1)
  }
}

/** Adds `factor` times a run to another one. */
export function addRow(to: Float64Array, at: number, from: Float64Array, start: number, factor: number, length: number): void {
  for (let k = 0; k < length; k++) to[at + k] = (to[at + k] as number) + factor * (from[start + k] as number)
}

/**
 * Solves A X = B in place.
 * @param b n × width elements, row by row
 * @throws {MatrixRefused} when the matrix is singular
 */
export function solveWith({ lu, pivots, singular }: Lu, n: number, b: Float64Array, width: number, stop: Stop): void {
  if (singular)
    throw new MatrixRefused('The matrix is singular: it has no inverse', {
      hint: 'lstsq gives the solution of least squares, pinv the pseudo-inverse.',
    })
  pivots.forEach((pivot, i) => {
    if (pivot !== i) exchange(b, width, i, pivot)
  })
  solveLower({ data: lu, at: 0, row: n, column: 1 }, n, b, width, true, stop)
  solveUpper({ data: lu, at: 0, row: n, column: 1 }, n, b, width, stop)
}

interface Triangle {
  readonly data: Float64Array
  readonly at: number
  readonly row: number
  readonly column: number
}

/** L X = B in place, block by block. @param unit whether ones stand on the diagonal */
export function solveLower(l: Triangle, n: number, b: Float64Array, width: number, unit: boolean, stop: Stop): void {
  const element = (i: number, j: number): number => l.data[l.at + i * l.row + j * l.column] as number
  for (let k = 0; k < n && !stop(); k += blockLength) {
    const end = Math.min(n, k + blockLength)
    for (let i = k; i < end; i++) {
      for (let j = k; j < i; j++) addRow(b, i * width, b, j * width, -element(i, j), width)
      if (!unit) divideRow(b, i * width, element(i, i), width)
    }
    if (end === n) return
    const rest = { ...l, at: l.at + end * l.row + k * l.column }
    subtractProduct(rows(b, end, width), rest, rows(b, k, width), n - end, width, end - k)
  }
}

/** U X = B in place, from the last block to the first. */
export function solveUpper(u: Triangle, n: number, b: Float64Array, width: number, stop: Stop): void {
  const element = (i: number, j: number): number => u.data[u.at + i * u.row + j * u.column] as number
  for (let end = n; end > 0 && !stop(); end -= blockLength) {
    const k = Math.max(0, end - blockLength)
    for (let i = end - 1; i >= k; i--) {
      for (let j = i + 1; j < end; j++) addRow(b, i * width, b, j * width, -element(i, j), width)
      divideRow(b, i * width, element(i, i), width)
    }
    if (k > 0) subtractProduct(rows(b, 0, width), { ...u, at: u.at + k * u.column }, rows(b, k, width), k, width, end - k)
  }
}

const rows = (data: Float64Array, row: number, width: number) => ({ data, at: row * width, row: width, column: 1 })

function divideRow(b: Float64Array, at: number, by: number, length: number): void {
  for (let k = 0; k < length; k++) b[at + k] = (b[at + k] as number) / by
}
