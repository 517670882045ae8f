/**
 * Fits efficiencies to measured times: least squares of the logarithms of predicted over measured, by Levenberg and Marquardt's method
 * (Marquardt 1963) over the logarithms of the efficiencies. Each is pulled softly to where it began, so that what the rows do not
 * determine stays as it was.
 */
import type { Efficiencies } from '../cost/efficiencies.ts'

export interface FitOptions {
  /** Which may move. */
  readonly names: readonly (keyof Efficiencies)[]
  readonly start: Efficiencies
  /**
   * Strength of the pull to the start: an efficiency that moves by a factor e costs as much as one row that is off by a factor `e ** pull`.
   * @default 0.1
   */
  readonly pull?: number
}

export interface Fit {
  readonly efficiencies: Efficiencies
  /** Mean of |predicted / measured - 1| before and after. */
  readonly errorBefore: number
  readonly errorAfter: number
}

/** Shares end at 1; times have no bound. */
const isTime = (name: keyof Efficiencies): boolean => name.endsWith('Us')

/**
 * O(steps × efficiencies × rows).
 * @param predict seconds of row `i` with those efficiencies
 * @param measured seconds, in the order of the rows
 */
export function fit(
  predict: (efficiencies: Efficiencies, i: number) => number,
  measured: readonly number[],
  { names, start, pull = 0.1 }: FitOptions,
): Fit {
  const at = (x: readonly number[]): Efficiencies => {
    const changed: { -readonly [K in keyof Efficiencies]: number } = { ...start }
    names.forEach((name, k) => {
      const value = start[name] * Math.exp(x[k] ?? 0)
      changed[name] = isTime(name) ? value : Math.min(value, 1)
    })
    return changed
  }
  const residuals = (x: readonly number[]): number[] => {
    const efficiencies = at(x)
    return [...measured.map((seconds, i) => Math.log(predict(efficiencies, i) / seconds)), ...x.map((move) => move * pull)]
  }
  let x: number[] = names.map(() => 0)
  let errors = residuals(x)
  let damping = 1e-2
  for (let step = 0; step < 60 && damping < 1e6; step++) {
    const jacobian = names.map((_, k) => {
      const moved = residuals(x.map((value, j) => (j === k ? value + 1e-4 : value)))
      return moved.map((error, i) => (error - (errors[i] ?? 0)) / 1e-4)
    })
    const next = solve(
      jacobian.map((row, k) => jacobian.map((other, j) => dot(row, other) * (j === k ? 1 + damping : 1))),
      jacobian.map((row) => -dot(row, errors)),
    ).map((move, k) => (x[k] ?? 0) + move)
    const tried = residuals(next)
    const gain = dot(errors, errors) - dot(tried, tried)
    if (!(gain > 0)) {
      damping *= 4
      continue
    }
    damping /= 3
    ;[x, errors] = [next, tried]
    if (gain < 1e-9 * dot(errors, errors)) break
  }
  return {
    efficiencies: at(x),
    errorBefore: meanError(predict, measured, start),
    errorAfter: meanError(predict, measured, at(x)),
  }
}

function meanError(predict: (e: Efficiencies, i: number) => number, measured: readonly number[], e: Efficiencies): number {
  return measured.reduce((sum, seconds, i) => sum + Math.abs(predict(e, i) / seconds - 1), 0) / Math.max(1, measured.length)
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}

/** Gauss's elimination with row pivots; a column without a pivot gets 0. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0])
  const size = rows.length
  for (let k = 0; k < size; k++) {
    let best = k
    for (let i = k + 1; i < size; i++) if (Math.abs(rows[i]?.[k] ?? 0) > Math.abs(rows[best]?.[k] ?? 0)) best = i
    const pivot = rows[best] ?? []
    ;[rows[best], rows[k]] = [rows[k] ?? [], pivot]
    const head = pivot[k] ?? 0
    if (head === 0) continue
    for (let i = 0; i < size; i++) {
      const row = rows[i] ?? []
      const factor = i === k ? 0 : (row[k] ?? 0) / head
      if (factor !== 0) for (let j = k; j <= size; j++) row[j] = (row[j] ?? 0) - factor * (pivot[j] ?? 0)
    }
  }
  return rows.map((row, k) => ((row[k] ?? 0) === 0 ? 0 : (row[size] ?? 0) / (row[k] ?? 1)))
}
