/**
 * The effect of more workers, from runs of the same program with different numbers of them.
 *
 * Two points give Amdahl's law, throughput X(N) = λN / (1 + σ(N − 1)) with the serial share σ. Three or more give N. J. Gunther's
 * Universal Scalability Law, X(N) = λN / (1 + σ(N − 1) + κN(N − 1)), whose κ is the price of keeping workers agreed; with κ > 0 there is
 * a best number, N* = √((1 − σ) / κ), beyond which every worker makes the run slower. Both are fitted by least squares on N / X, where they are linear.
 */
export interface ScalingPoint {
  readonly workers: number
  /** Tasks per millisecond. */
  readonly throughput: number
}

/** A law of scaling, fitted to measured throughput. */
export interface ScalingFit {
  readonly law: 'amdahl' | 'usl'
  /** Throughput of one worker, tasks per millisecond. */
  readonly lambda: number
  /** Serial share of the work, 0 … 1. */
  readonly sigma: number
  /** Cost of coherence; 0 under Amdahl's law. */
  readonly kappa: number
  /** The number of workers with the most throughput; `Infinity` when more never hurt. */
  readonly peak: number
  /** The most that any number of workers can be faster than one. */
  readonly maxSpeedup: number
}

/** Fits the Universal Scalability Law, or Amdahl's, to `points`; undefined when they have fewer than two different numbers of workers. Never throws. */
export function fitScaling(points: readonly ScalingPoint[]): ScalingFit | undefined {
  const usable = points.filter(({ workers, throughput }) => workers >= 1 && throughput > 0)
  const distinct = new Set(usable.map(({ workers }) => workers)).size
  if (distinct < 2) return undefined
  const rows = usable.map(({ workers: n, throughput }) => ({ x: [1, n - 1, n * (n - 1)], y: n / throughput }))
  if (distinct > 2) {
    const usl = leastSquares(rows, 3)
    if (usl && usl[0] > 0 && usl[1] >= 0 && usl[2] > 0) return fit('usl', usl[0], usl[1], usl[2])
  }
  const amdahl = leastSquares(rows, 2)
  if (!amdahl || amdahl[0] <= 0) return undefined
  return fit('amdahl', amdahl[0], Math.max(0, amdahl[1]), 0)
}

/** Throughput that the law predicts for a number of `workers`. Never throws. */
export function predictThroughput({ lambda, sigma, kappa }: ScalingFit, workers: number): number {
  return (lambda * workers) / (1 + sigma * (workers - 1) + kappa * workers * (workers - 1))
}

function fit(law: ScalingFit['law'], a: number, b: number, c: number): ScalingFit {
  const sigma = Math.min(1, b / a)
  const kappa = c / a
  const peak = kappa > 0 ? Math.max(1, Math.sqrt(Math.max(0, 1 - sigma) / kappa)) : Number.POSITIVE_INFINITY
  const found = { law, lambda: 1 / a, sigma, kappa, peak }
  const best = Number.isFinite(peak)
    ? predictThroughput({ ...found, maxSpeedup: 0 }, peak) * a
    : sigma > 0
      ? 1 / sigma
      : Number.POSITIVE_INFINITY
  return { ...found, maxSpeedup: best }
}

/** Coefficients of the first `size` columns, from the normal equations by elimination; undefined when they do not determine them. */
function leastSquares(rows: readonly { x: readonly number[]; y: number }[], size: number): [number, number, number] | undefined {
  const m = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size + 1 }, (_, j) =>
      rows.reduce((sum, { x, y }) => sum + (x[i] as number) * (j < size ? (x[j] as number) : y), 0),
    ),
  )
  for (let i = 0; i < size; i++) {
    const pivot = m.slice(i).reduce((best, row) => (Math.abs(row[i] as number) > Math.abs(best[i] as number) ? row : best))
    if (Math.abs(pivot[i] as number) < 1e-12) return undefined
    m.splice(m.indexOf(pivot), 1, m[i] as number[])
    m[i] = pivot
    for (let k = 0; k < size; k++) {
      if (k === i) continue
      const row = m[k] as number[]
      const share = (row[i] as number) / (pivot[i] as number)
      for (let j = i; j <= size; j++) row[j] = (row[j] as number) - share * (pivot[j] as number)
    }
  }
  const solved = m.map((row, i) => (row[size] as number) / (row[i] as number))
  return [solved[0] ?? 0, solved[1] ?? 0, solved[2] ?? 0]
}
