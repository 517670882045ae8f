/** The elements of one column, put to their place as they are read. */
import { describe, FileRefused } from '../../base/errors.ts'
import { type DType, dtypeOf, isBig, isFloat, storedAs, type TypedArray, typedArray } from '../expression/dtype.ts'

/** The elements that are read: of the whole column, or of a part of it. */
export interface ColumnTarget {
  readonly path: string
  readonly name: string
  readonly dtype: DType
  /** Where the elements go; at least `rows` of them from `offset` on. */
  readonly buffer: SharedArrayBuffer
  readonly offset: number
  readonly rows: number
  /** Whether the column is one of whole numbers of 64 bits, which floats would round. */
  readonly whole: boolean
}

export class ColumnValues {
  readonly #target: ColumnTarget
  readonly #data: TypedArray
  #filled = 0
  /** Whether a value is missing that the dtype has no place for: the rest is of no use then. */
  lacks = false

  constructor(target: ColumnTarget) {
    this.#target = target
    this.#data = typedArray(target.dtype, target.buffer, target.offset, target.rows)
  }

  /** How much is filled; see {@link back}. */
  mark(): number {
    return this.#filled
  }

  /** Everything that was filled since then is filled again. */
  back(mark: number): void {
    this.#filled = mark
  }

  /** @throws {FileRefused} when a value does not belong there */
  put(values: ArrayLike<unknown>, at: number): void {
    const { dtype, rows } = this.#target
    if (at + values.length > rows) throw this.#refused('has more values than rows')
    this.#filled += values.length
    if (ArrayBuffer.isView(values) && dtypeOf(values) === dtype) {
      this.#data.set(values as never, at)
      return
    }
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      if (value === null || value === undefined) this.#missing(at + i)
      else if (typeof value === 'object' || typeof value === 'string') throw this.#refused(`holds ${describe(value)}`)
      else
        this.#data[at + i] = (
          isBig(dtype) ? BigInt(value as bigint) : storedAs(dtype, this.#rounded(value as number | bigint))
        ) as never
    }
  }

  /**
   * Elements as bytes, as they lie in memory.
   * @param valid 1 for each value that is there, where some are missing
   */
  putBytes(bytes: Uint8Array, at: number, count: number, valid: Uint8Array | undefined): void {
    const { rows } = this.#target
    if (at + count > rows) throw this.#refused('has more values than rows')
    this.#filled += count
    const data = this.#data as Float64Array
    if (!valid) {
      const to = new Uint8Array(data.buffer, data.byteOffset + at * data.BYTES_PER_ELEMENT, bytes.length)
      // A plain memcpy; `set` writes shared memory word by word.
      if (bytes.length > 0) Buffer.prototype.fill.call(to, bytes)
      return
    }
    const there = typedArray(this.#target.dtype, bytes.slice().buffer, 0, bytes.length / data.BYTES_PER_ELEMENT) as Float64Array
    for (let i = 0, from = 0; i < count; i++) {
      if (valid[i] === 1) data[at + i] = there[from++] as number
      else this.#missing(at + i)
    }
  }

  #missing(at: number): void {
    const { dtype } = this.#target
    if (!isFloat(dtype)) this.lacks = true
    else this.#data[at] = storedAs(dtype, Number.NaN) as never
  }

  /** A whole number as one of a column of floats. @throws {FileRefused} when it would be another one */
  #rounded(value: number | bigint): number {
    const number = Number(value)
    const { dtype, whole } = this.#target
    if (typeof value === 'bigint' && dtype === 'f64' && whole && BigInt(number) !== value) {
      throw this.#refused(`has missing values, and holds ${value}, which f64 would round`)
    }
    return number
  }

  /** @throws {FileRefused} when values are lacking */
  checkComplete(): void {
    if (this.#filled !== this.#target.rows) throw this.#refused(`has ${this.#filled} values for ${this.#target.rows} rows`)
  }

  #refused(what: string): FileRefused {
    return new FileRefused(`Column ${JSON.stringify(this.#target.name)} of ${this.#target.path} ${what}`)
  }
}
