/**
 * A = U S Vᵀ: to a bidiagonal matrix by Householder's reflections, then by implicit QR steps (Golub and Reinsch, "Singular Value Decomposition and
 * Least Squares Solutions", 1970). Tall matrices go through Q R first. U and V are kept by columns, so that rotations go along memory.
 */
import { turn } from './eigh.ts'
import { checkFinite, MatrixRefused, type Stop } from './matrix-refused.ts'
import { qr, reflect, reflection } from './qr.ts'

export interface Svd {
  /** m × k, row by row; k is the lesser of m and n. */
  readonly u: Float64Array
  /** Descending. */
  readonly s: Float64Array
  /** k × n, row by row. */
  readonly vt: Float64Array
}

const mostSteps = 75

/**
 * @param a m × n elements, row by row; overwritten
 * @throws {MatrixRefused} when an element is not finite
 */
export function svd(a: Float64Array, m: number, n: number, stop: Stop): Svd {
  checkFinite(a, 'svd')
  if (m < n) {
    const { u, s, vt } = svd(transpose(a, m, n), n, m, stop)
    return { u: transpose(vt, m, m), s, vt: transpose(u, n, m) }
  }
  if (m === n) return square(a, n, stop)
  const { q, r } = qr(a, m, n, n, stop)
  const { u, s, vt } = square(r.slice(), n, stop)
  return { u: multiply(q, u, m, n), s, vt }
}

export function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = a[i * columns + j] as number
  return result
}

/** m × n by n × n. */
function multiply(q: Float64Array, u: Float64Array, m: number, n: number): Float64Array {
  const result = new Float64Array(m * n)
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < n; k++) {
      const factor = q[i * n + k] as number
      for (let j = 0; j < n; j++) result[i * n + j] = (result[i * n + j] as number) + factor * (u[k * n + j] as number)
    }
  }
  return result
}

function square(a: Float64Array, n: number, stop: Stop): Svd {
  const { w, e, ut, vt } = bidiagonal(a, n, stop)
  for (let k = n - 1; k >= 0; k--) diagonalize(w, e, ut, vt, n, k, stop)
  const order = Array.from(w.keys()).sort((i, j) => (w[j] as number) - (w[i] as number))
  const u = new Float64Array(n * n)
  const v = new Float64Array(n * n)
  order.forEach((from, to) => {
    for (let i = 0; i < n; i++) u[i * n + to] = ut[from * n + i] as number
    v.set(vt.subarray(from * n, (from + 1) * n), to * n)
  })
  return { u, s: Float64Array.from(order, (i) => w[i] as number), vt: v }
}

interface Bidiagonal {
  /** The diagonal. */
  readonly w: Float64Array
  /** `e[i]` stands above `w[i]`. */
  readonly e: Float64Array
  /** Columns of U and of V, as rows. */
  readonly ut: Float64Array
  readonly vt: Float64Array
}

function bidiagonal(a: Float64Array, n: number, stop: Stop): Bidiagonal {
  const [w, e, sums] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)]
  const lefts: Reflection[] = []
  const rights: Reflection[] = []
  for (let k = 0; k < n && !stop(); k++) {
    const v = Float64Array.from({ length: n - k }, (_, i) => a[(k + i) * n + k] as number)
    const left = reflection(v, n - k)
    w[k] = left.value
    reflect(a, n, k, k + 1, v, n - k, left.beta, sums)
    lefts.push({ v, beta: left.beta, at: k })
    if (k + 1 >= n) continue
    const x = a.slice(k * n + k + 1, (k + 1) * n)
    const right = reflection(x, x.length)
    e[k + 1] = right.value
    fromRight(a, n, k + 1, x, right.beta)
    rights.push({ v: x, beta: right.beta, at: k + 1 })
  }
  return { w, e, ut: transpose(accumulated(lefts, n, stop), n, n), vt: transpose(accumulated(rights, n, stop), n, n) }
}

interface Reflection {
  readonly v: Float64Array
  readonly beta: number
  readonly at: number
}

function accumulated(reflections: readonly Reflection[], n: number, stop: Stop): Float64Array {
  const q = new Float64Array(n * n)
  const sums = new Float64Array(n)
  for (let i = 0; i < n; i++) q[i * n + i] = 1
  for (let k = reflections.length - 1; k >= 0 && !stop(); k--) {
    const { v, beta, at } = reflections[k] as Reflection
    reflect(q, n, at, at, v, v.length, beta, sums)
  }
  return q
}

/** Applies 1 − beta v vᵀ from the right to the rows and columns from `from` on. */
function fromRight(a: Float64Array, n: number, from: number, v: Float64Array, beta: number): void {
  if (beta === 0) return
  for (let i = from; i < n; i++) {
    const at = i * n + from
    let sum = 0
    for (let j = 0; j < v.length; j++) sum += (a[at + j] as number) * (v[j] as number)
    sum *= beta
    for (let j = 0; j < v.length; j++) a[at + j] = (a[at + j] as number) - sum * (v[j] as number)
  }
}

/** Brings `e[k]` to zero; `w[k]` is a singular value then. */
function diagonalize(
  w: Float64Array,
  e: Float64Array,
  ut: Float64Array,
  vt: Float64Array,
  n: number,
  k: number,
  stop: Stop,
): void {
  const at = (list: Float64Array, i: number): number => list[i] as number
  let size = 0
  for (let i = 0; i < n; i++) size = Math.max(size, Math.abs(at(w, i)) + Math.abs(at(e, i)))
  const small = (value: number): boolean => Math.abs(value) <= Number.EPSILON * size
  for (let step = 0; !stop(); step++) {
    let l = k
    while (l > 0 && !small(at(e, l)) && !small(at(w, l - 1))) l--
    if (l > 0 && !small(at(e, l))) cancel(w, e, ut, n, l, k, small)
    if (l === k || size === 0) {
      if (at(w, k) >= 0) return
      w[k] = -at(w, k)
      for (let i = k * n; i < (k + 1) * n; i++) vt[i] = -at(vt, i)
      return
    }
    if (step === mostSteps) throw new MatrixRefused(`Singular value ${k} did not converge within ${mostSteps} steps`)
    qrStep(w, e, ut, vt, n, l, k)
  }
}

/** `w[l − 1]` is zero: so becomes `e[l]`. */
function cancel(
  w: Float64Array,
  e: Float64Array,
  ut: Float64Array,
  n: number,
  l: number,
  k: number,
  small: (x: number) => boolean,
): void {
  let [c, s] = [0, 1]
  for (let i = l; i <= k; i++) {
    const f = s * (e[i] as number)
    e[i] = c * (e[i] as number)
    if (small(f)) return
    const g = w[i] as number
    const h = Math.hypot(f, g)
    w[i] = h
    c = g / h
    s = -f / h
    turn(ut, n, l - 1, i, c, s)
  }
}

/** One implicit QR step on the part from `l` to `k`, with the shift of the last two rows. */
function qrStep(w: Float64Array, e: Float64Array, ut: Float64Array, vt: Float64Array, n: number, l: number, k: number): void {
  const at = (list: Float64Array, i: number): number => list[i] as number
  let x = at(w, l)
  let [y, z, g, h] = [at(w, k - 1), at(w, k), at(e, k - 1), at(e, k)]
  let f = ((y - z) * (y + z) + (g - h) * (g + h)) / (2 * h * y)
  g = Math.hypot(f, 1)
  f = ((x - z) * (x + z) + h * (y / (f + (f < 0 ? -g : g)) - h)) / x
  let [c, s] = [1, 1]
  for (let j = l; j < k; j++) {
    g = at(e, j + 1)
    y = at(w, j + 1)
    h = s * g
    g = c * g
    z = Math.hypot(f, h)
    e[j] = z
    if (z !== 0) [c, s] = [f / z, h / z]
    f = x * c + g * s
    g = g * c - x * s
    h = y * s
    y *= c
    turn(vt, n, j, j + 1, c, s)
    z = Math.hypot(f, h)
    w[j] = z
    if (z !== 0) [c, s] = [f / z, h / z]
    f = c * g + s * y
    x = c * y - s * g
    turn(ut, n, j, j + 1, c, s)
  }
  e[l] = 0
  e[k] = f
  w[k] = x
}
