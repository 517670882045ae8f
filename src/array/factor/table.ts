/** The factorizations by name: what each makes of its matrices, in one run of doubles. */
import { cholesky } from './cholesky.ts'
import { eigh } from './eigh.ts'
import { decompose, solveLower, solveUpper, solveWith } from './lu.ts'
import type { Stop } from './matrix-refused.ts'
import { qr } from './qr.ts'
import { svd } from './svd.ts'

/** A matrix by rows, which may be overwritten. */
export interface Given {
  readonly data: Float64Array
  readonly rows: number
  readonly columns: number
}

interface Factorization {
  /** Elements that come out. */
  size(matrices: readonly Pick<Given, 'rows' | 'columns'>[], numbers: readonly number[]): number
  run(matrices: readonly Given[], numbers: readonly number[], out: Float64Array, stop: Stop): void
  /** About how many additions and multiplications it takes. */
  work(matrices: readonly Pick<Given, 'rows' | 'columns'>[]): number
}

const cube = ([{ rows, columns }]: readonly [Pick<Given, 'rows' | 'columns'>]): number => rows * columns * Math.min(rows, columns)
type One = readonly [Given]
type Two = readonly [Given, Given]

const table = {
  solve: {
    size: ([, b]) => (b as Given).rows * (b as Given).columns,
    work: (m) => cube(m as One) / 3 + (m[0] as Given).rows ** 2 * (m[1] as Given).columns,
    run(m, _, out, stop) {
      const [a, b] = m as Two
      solveWith(decompose(a.data, a.rows, stop), a.rows, b.data, b.columns, stop)
      out.set(b.data)
    },
  },
  /** Numbers: 1 for a lower triangle, 0 for an upper one. */
  solveTriangular: {
    size: ([, b]) => (b as Given).rows * (b as Given).columns,
    work: (m) => (m[0] as Given).rows ** 2 * (m[1] as Given).columns,
    run(m, [lower], out, stop) {
      const [a, b] = m as Two
      const part = { data: a.data, at: 0, row: a.rows, column: 1 }
      if (lower === 1) solveLower(part, a.rows, b.data, b.columns, false, stop)
      else solveUpper(part, a.rows, b.data, b.columns, stop)
      out.set(b.data)
    },
  },
  inv: {
    size: ([a]) => (a as Given).rows ** 2,
    work: (m) => 2 * cube(m as One),
    run(m, _, out, stop) {
      const [{ data, rows }] = m as One
      for (let i = 0; i < rows; i++) out[i * rows + i] = 1
      solveWith(decompose(data, rows, stop), rows, out, rows, stop)
    },
  },
  /** The sign of the determinant, and the logarithm of its size. */
  slogdet: {
    size: () => 2,
    work: (m) => cube(m as One) / 3,
    run(m, _, out, stop) {
      const [{ data, rows }] = m as One
      const { lu, sign } = decompose(data, rows, stop)
      let [signs, log] = [sign, 0]
      for (let i = 0; i < rows; i++) {
        const value = lu[i * rows + i] as number
        signs *= Math.sign(value)
        log += Math.log(Math.abs(value))
      }
      out[0] = signs
      out[1] = log
    },
  },
  det: {
    size: () => 1,
    work: (m) => cube(m as One) / 3,
    run(m, _, out, stop) {
      const [{ data, rows }] = m as One
      const { lu, sign } = decompose(data, rows, stop)
      out[0] = sign
      for (let i = 0; i < rows; i++) out[0] *= lu[i * rows + i] as number
    },
  },
  cholesky: {
    size: ([a]) => (a as Given).rows ** 2,
    work: (m) => cube(m as One) / 2,
    run(m, _, out, stop) {
      const [{ data, rows }] = m as One
      cholesky(data, rows, stop)
      out.set(data)
    },
  },
  /** Q, then R. Numbers: 1 for a square Q. */
  qr: {
    size([a], [complete]) {
      const { rows, columns } = a as Given
      const inner = complete === 1 ? rows : Math.min(rows, columns)
      return inner * (rows + columns)
    },
    work: (m) => 4 * cube(m as One),
    run(m, [complete], out, stop) {
      const [{ data, rows, columns }] = m as One
      const { q, r } = qr(data, rows, columns, complete === 1 ? rows : Math.min(rows, columns), stop)
      out.set(q)
      out.set(r, q.length)
    },
  },
  /** Values, then vectors. */
  eigh: {
    size: ([a]) => (a as Given).rows * ((a as Given).rows + 1),
    work: (m) => 9 * cube(m as One),
    run(m, _, out, stop) {
      const [{ data, rows }] = m as One
      const { values, vectors } = eigh(data, rows, stop)
      out.set(values)
      out.set(vectors, values.length)
    },
  },
  /** U, S, then V transposed. */
  svd: {
    size([a]) {
      const { rows, columns } = a as Given
      return Math.min(rows, columns) * (rows + columns + 1)
    },
    work: (m) => 14 * cube(m as One),
    run(m, _, out, stop) {
      const [{ data, rows, columns }] = m as One
      const { u, s, vt } = svd(data, rows, columns, stop)
      out.set(u)
      out.set(s, u.length)
      out.set(vt, u.length + s.length)
    },
  },
} as const satisfies Record<string, Factorization>

export type FactorName = keyof typeof table
export const factorizations: Readonly<Record<FactorName, Factorization>> = table
