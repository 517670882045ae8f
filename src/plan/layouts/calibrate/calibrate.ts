/** Moves the efficiencies of an engine to what was measured on the machines that will be used, and says how far off rows are that were left out. */
import type { Efficiencies } from '../cost/efficiencies.ts'
import type { Setting } from '../cost/forward.ts'
import { steadyState } from '../cost/serving.ts'
import type { BenchRow } from './bench-csv.ts'
import { fit } from './fit.ts'

/** Few, and each with a meaning; the others stay. */
const moved = [
  'weights',
  'cache',
  'compute',
  'link',
  'overlap',
  'kernelUs',
  'sequenceUs',
  'reduceUs',
] as const satisfies readonly (keyof Efficiencies)[]

/** Efficiencies that were fitted to measured rows, and how well they fit. */
export interface Calibration {
  readonly efficiencies: Efficiencies
  readonly rows: number
  /** Rows in which requests waited for the KV cache; not used. */
  readonly skipped: number
  /** Means of |predicted / measured - 1|: before; after; and on rows that the fit had not seen, which is the one to expect. */
  readonly errorBefore: number
  readonly errorAfter: number
  readonly errorUnseen: number
}

/** O(folds × steps × efficiencies × rows). */
export function calibrate(rows: readonly BenchRow[], setting: Omit<Setting, 'layout'>): Calibration {
  const start = setting.efficiencies
  const predict = (row: BenchRow, efficiencies: Efficiencies): ReturnType<typeof steadyState> =>
    steadyState({ ...setting, layout: row.layout, efficiencies }, row)
  const usable = rows.filter((row) => !predict(row, start).saturated)
  const fitted = (some: readonly BenchRow[]): ReturnType<typeof fit> =>
    fit(
      (efficiencies, i) => predict(some[i] as BenchRow, efficiencies).tokenSeconds,
      some.map((row) => row.tokenSeconds),
      { names: moved, start, pull: 0.1 },
    )
  const whole = fitted(usable)
  const folds = Math.min(5, usable.length)
  let unseen = 0
  for (let fold = 0; fold < folds; fold++) {
    const { efficiencies } = fitted(usable.filter((_, i) => i % folds !== fold))
    for (const row of usable.filter((_, i) => i % folds === fold))
      unseen += Math.abs(predict(row, efficiencies).tokenSeconds / row.tokenSeconds - 1)
  }
  return {
    efficiencies: whole.efficiencies,
    rows: usable.length,
    skipped: rows.length - usable.length,
    errorBefore: whole.errorBefore,
    errorAfter: whole.errorAfter,
    errorUnseen: usable.length === 0 ? Number.NaN : unseen / usable.length,
  }
}
