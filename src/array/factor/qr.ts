/** A = Q R by Householder's reflections (Golub and Van Loan, 5.2), with LAPACK's signs. All loops go along rows. */
import type { Stop } from './matrix-refused.ts'

export interface Qr {
  /** m × columns of Q, row by row. */
  readonly q: Float64Array
  /** Rows × n of R. */
  readonly r: Float64Array
}

/**
 * The reflection that brings a vector to the first axis: H = 1 − beta v vᵀ with v[0] = 1.
 * @param v the vector; becomes v
 * @returns beta, 0 where nothing is to be done, and what the vector becomes
 */
export function reflection(v: Float64Array, length: number): { readonly beta: number; readonly value: number } {
  const first = v[0] as number
  let scale = 0
  for (let i = 1; i < length; i++) scale = Math.max(scale, Math.abs(v[i] as number))
  // Also of NaN: what follows from it is NaN, as it should be.
  if (scale === 0) return { beta: 0, value: first }
  let sum = 0
  for (let i = 1; i < length; i++) sum += ((v[i] as number) / scale) ** 2
  const norm = Math.hypot(first, scale * Math.sqrt(sum))
  const value = first > 0 ? -norm : norm
  const divisor = first - value
  for (let i = 1; i < length; i++) v[i] = (v[i] as number) / divisor
  v[0] = 1
  return { beta: (value - first) / value, value }
}

/** Applies 1 − beta v vᵀ from the left to the rows from `row` on, and the columns from `column` on. @param sums room for a row */
export function reflect(
  a: Float64Array,
  width: number,
  row: number,
  column: number,
  v: Float64Array,
  length: number,
  beta: number,
  sums: Float64Array,
): void {
  if (beta === 0) return
  const columns = width - column
  sums.fill(0, 0, columns)
  for (let i = 0; i < length; i++) {
    const factor = v[i] as number
    const at = (row + i) * width + column
    for (let j = 0; j < columns; j++) sums[j] = (sums[j] as number) + factor * (a[at + j] as number)
  }
  for (let i = 0; i < length; i++) {
    const factor = beta * (v[i] as number)
    const at = (row + i) * width + column
    for (let j = 0; j < columns; j++) a[at + j] = (a[at + j] as number) - factor * (sums[j] as number)
  }
}

/**
 * @param a m × n elements, row by row; overwritten
 * @param columns of Q: min(m, n), or m
 */
export function qr(a: Float64Array, m: number, n: number, columns: number, stop: Stop): Qr {
  const steps = Math.min(m, n)
  const vectors: { readonly v: Float64Array; readonly beta: number }[] = []
  const sums = new Float64Array(Math.max(n, columns))
  for (let k = 0; k < steps && !stop(); k++) {
    const v = Float64Array.from({ length: m - k }, (_, i) => a[(k + i) * n + k] as number)
    const { beta, value } = reflection(v, m - k)
    reflect(a, n, k, k + 1, v, m - k, beta, sums)
    a[k * n + k] = value
    for (let i = k + 1; i < m; i++) a[i * n + k] = 0
    vectors.push({ v, beta })
  }
  const q = new Float64Array(m * columns)
  for (let i = 0; i < Math.min(m, columns); i++) q[i * columns + i] = 1
  for (let k = vectors.length - 1; k >= 0 && !stop(); k--) {
    const { v, beta } = vectors[k] as (typeof vectors)[number]
    reflect(q, columns, k, k, v, m - k, beta, sums)
  }
  return { q, r: a.subarray(0, Math.min(m, columns) * n) }
}
