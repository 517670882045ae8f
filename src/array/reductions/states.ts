/**
 * The states of reductions: a few words of 8 bytes each, doubles or 64-bit integers. Merging follows a tree that the length alone decides, so the
 * result has the same bits for any number of threads.
 */
import type { DType } from '../expression/dtype.ts'
import { lostIn } from '../kernel/two-sum.ts'

/** Words seen as doubles and as integers. */
export class States {
  readonly f: Float64Array
  readonly i: BigInt64Array

  constructor(buffer: ArrayBufferLike) {
    this.f = new Float64Array(buffer)
    this.i = new BigInt64Array(buffer)
  }
}

/** Adds a value with its rounding error to the sum at `at` and the error behind it. */
export function addTo(states: Float64Array, at: number, value: number, error: number): void {
  const before = states[at] as number
  const sum = before + value
  states[at] = sum
  states[at + 1] = (states[at + 1] as number) + lostIn(sum, before, value) + error
}

/** A double-double sum as one double. After an overflow or an infinity the error term says nothing. */
export function roundedSum(sum: number, error: number): number {
  return Number.isFinite(sum) ? sum + error : sum
}

/** What every value of the dtype beats. */
export function extremeStart(side: 'min' | 'max', dtype: DType): number | bigint {
  if (dtype === 'i64') return side === 'max' ? -(2n ** 63n) : 2n ** 63n - 1n
  return side === 'max' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

/** Whether `value` comes before `best`: NaN comes before everything. */
export function beats(side: 'min' | 'max', value: number | bigint, best: number | bigint): boolean {
  if (Number.isNaN(best)) return false
  if (Number.isNaN(value)) return true
  return side === 'max' ? value > best : value < best
}
