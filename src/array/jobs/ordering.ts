/** Order among elements: keys that sort as doubles do, the k largest, distinct values. */
import { typedArray, type TypedArray } from '../expression/dtype.ts'

/** Keys of doubles that are not NaN; NaN has the key behind them. */
export const nanKey = 65_536
export const keyCount = nanKey + 1

/** The upper 16 bits of a double, from its upper word, as a number that orders as the doubles do. NaN must be kept apart. */
export function orderedKey(upperWord: number): number {
  return ((upperWord ^ ((upperWord >> 31) | 0x80000000)) >>> 16) & 0xffff
}

/** Sorts in place and moves the distinct values to the front. @returns how many there are; all NaN count as one */
export function sortedUnique(values: TypedArray): number {
  const sorted = values as Float64Array
  sorted.sort()
  let kept = 0
  for (let i = 0; i < sorted.length; i++) {
    const value = sorted[i] as number
    const before = sorted[kept - 1] as number
    if (kept > 0 && (value === before || (Number.isNaN(value) && Number.isNaN(before)))) continue
    sorted[kept++] = value
  }
  return kept
}

/** Doubles, or whole numbers of 64 bits: what is compared as it is. The code below treats both as if they were numbers. */
export type Comparable = 'f64' | 'i64' | 'u64'

/** The k largest or smallest of all values that were added; NaN sorts behind everything, as in NumPy. */
export class TopK {
  readonly #k: number
  readonly #largest: boolean
  readonly #held: Float64Array
  #count = 0
  /** A value on the wrong side of this one is not among the k. */
  #threshold: number | undefined

  constructor(k: number, largest: boolean, dtype: Comparable) {
    this.#k = k
    this.#largest = largest
    // Room for as many again, so that sorting is rare.
    this.#held = typedArray(dtype, new ArrayBuffer(8 * (2 * k + 1_024))) as Float64Array
  }

  add(elements: TypedArray, count: number): void {
    const values = elements as Float64Array
    for (let i = 0; i < count; i++) {
      const value = values[i] as number
      if (this.#threshold !== undefined && (this.#largest ? value <= this.#threshold : !(value < this.#threshold))) continue
      this.#held[this.#count++] = value
      if (this.#count === this.#held.length) this.#cut()
    }
  }

  #cut(): void {
    const sorted = this.#held.subarray(0, this.#count).sort()
    const keep = Math.min(this.#k, this.#count)
    if (this.#largest) sorted.copyWithin(0, this.#count - keep)
    this.#count = keep
    if (keep < this.#k) return
    const worst = sorted[this.#largest ? 0 : keep - 1] as number
    this.#threshold = Number.isNaN(worst) ? undefined : worst
  }

  /** Best first. */
  result(): Float64Array {
    this.#cut()
    const found = this.#held.slice(0, this.#count)
    return this.#largest ? found.reverse() : found
  }
}
