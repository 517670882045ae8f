/**
 * Eigenvalues and eigenvectors of symmetric matrices: to a tridiagonal one by Householder's reflections, then by implicit QL steps (Golub and Van
 * Loan, 8.3; Bowdler, Martin, Reinsch and Wilkinson, "The QR and QL Algorithms for Symmetric Matrices", 1968).
 */
import { checkFinite, MatrixRefused, type Stop } from './matrix-refused.ts'
import { reflect, reflection } from './qr.ts'

export interface Eigen {
  /** Ascending. */
  readonly values: Float64Array
  /** n × n: the columns are the vectors. */
  readonly vectors: Float64Array
}

/** Steps for one eigenvalue; two are usual. */
const mostSteps = 60

/**
 * @param a n × n elements, row by row, of which the lower triangle is read; overwritten
 * @throws {MatrixRefused} when an element is not finite
 */
export function eigh(a: Float64Array, n: number, stop: Stop): Eigen {
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) a[i * n + j] = a[j * n + i] as number
  checkFinite(a, 'eigh')
  const { d, e, z } = tridiagonal(a, n, stop)
  ql(d, e, z, n, stop)
  const order = Array.from(d.keys()).sort((i, j) => (d[i] as number) - (d[j] as number))
  const vectors = new Float64Array(n * n)
  order.forEach((from, to) => {
    for (let i = 0; i < n; i++) vectors[i * n + to] = z[from * n + i] as number
  })
  return { values: Float64Array.from(order, (i) => d[i] as number), vectors }
}

/** The diagonal, what stands beside it, and the transposed product of the reflections. */
function tridiagonal(a: Float64Array, n: number, stop: Stop): { d: Float64Array; e: Float64Array; z: Float64Array } {
  const e = new Float64Array(n)
  const vectors: { readonly v: Float64Array; readonly beta: number }[] = []
  for (let k = 0; k < n - 1 && !stop(); k++) {
    const length = n - k - 1
    const v = Float64Array.from({ length }, (_, i) => a[(k + 1 + i) * n + k] as number)
    const { beta, value } = reflection(v, length)
    e[k] = value
    vectors.push({ v, beta })
    if (beta !== 0) bothSides(a, n, k + 1, v, beta)
  }
  const q = new Float64Array(n * n)
  for (let i = 0; i < n; i++) q[i * n + i] = 1
  const sums = new Float64Array(n)
  for (let k = vectors.length - 1; k >= 0 && !stop(); k--) {
    const { v, beta } = vectors[k] as (typeof vectors)[number]
    reflect(q, n, k + 1, k + 1, v, v.length, beta, sums)
  }
  return { d: Float64Array.from({ length: n }, (_, i) => a[i * n + i] as number), e, z: transposed(q, n) }
}

/** H A H for the part of A from row and column `from` on. */
function bothSides(a: Float64Array, n: number, from: number, v: Float64Array, beta: number): void {
  const length = v.length
  const p = new Float64Array(length)
  let along = 0
  for (let i = 0; i < length; i++) {
    const at = (from + i) * n + from
    let sum = 0
    for (let j = 0; j < length; j++) sum += (a[at + j] as number) * (v[j] as number)
    p[i] = beta * sum
    along += (p[i] as number) * (v[i] as number)
  }
  for (let i = 0; i < length; i++) p[i] = (p[i] as number) - (beta / 2) * along * (v[i] as number)
  for (let i = 0; i < length; i++) {
    const at = (from + i) * n + from
    const [x, y] = [v[i] as number, p[i] as number]
    for (let j = 0; j < length; j++) a[at + j] = (a[at + j] as number) - x * (p[j] as number) - y * (v[j] as number)
  }
}

function transposed(q: Float64Array, n: number): Float64Array {
  const z = new Float64Array(n * n)
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) z[j * n + i] = q[i * n + j] as number
  return z
}

/** Rows `i` and `j` turned: (x, y) to (c x + s y, c y − s x). */
export function turn(z: Float64Array, width: number, i: number, j: number, c: number, s: number): void {
  for (let k = 0, a = i * width, b = j * width; k < width; k++, a++, b++) {
    const [x, y] = [z[a] as number, z[b] as number]
    z[a] = c * x + s * y
    z[b] = c * y - s * x
  }
}

/** The diagonal becomes the eigenvalues, the rows of z the eigenvectors. */
function ql(d: Float64Array, e: Float64Array, z: Float64Array, n: number, stop: Stop): void {
  const at = (list: Float64Array, i: number): number => list[i] as number
  for (let l = 0; l < n; l++) {
    for (let step = 0; ; step++) {
      let m = l
      while (m < n - 1 && Math.abs(at(e, m)) > Number.EPSILON * (Math.abs(at(d, m)) + Math.abs(at(d, m + 1)))) m++
      if (m === l || stop()) break
      if (step === mostSteps) throw new MatrixRefused(`Eigenvalue ${l} did not converge within ${mostSteps} steps`)
      let g = (at(d, l + 1) - at(d, l)) / (2 * at(e, l))
      let r = Math.hypot(g, 1)
      g = at(d, m) - at(d, l) + at(e, l) / (g + (g < 0 ? -r : r))
      let [s, c, p] = [1, 1, 0]
      let i = m - 1
      for (; i >= l; i--) {
        const f = s * at(e, i)
        const b = c * at(e, i)
        r = Math.hypot(f, g)
        e[i + 1] = r
        if (r === 0) {
          d[i + 1] = at(d, i + 1) - p
          e[m] = 0
          break
        }
        s = f / r
        c = g / r
        g = at(d, i + 1) - p
        r = (at(d, i) - g) * s + 2 * c * b
        p = s * r
        d[i + 1] = g + p
        g = c * r - b
        turn(z, n, i + 1, i, c, s)
      }
      if (r === 0 && i >= l) continue
      d[l] = at(d, l) - p
      e[l] = g
      e[m] = 0
    }
  }
}
