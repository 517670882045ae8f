/** Columns of Apache Arrow. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { NDArray } from '../ndarray/array.ts'
import { from, wrapped } from '../ndarray/create.ts'
import { dtypeOf, type DType, fits } from '../expression/dtype.ts'
import type { LoadOptions } from './index.ts'
import { sharedElements } from '../memory/memory.ts'

/** What a column of `apache-arrow` (`Vector`) and of `@uwdata/flechette` (`Column`) have in common. */
export interface ArrowColumn {
  readonly length: number
  readonly nullCount: number
  readonly type: object
  toArray(): ArrayLike<unknown>
  at(index: number): unknown
}

/** Dates, times, timestamps and durations, by the number of their type in Arrow's format (Schema.fbs). */
const temporal: ReadonlySet<number | undefined> = new Set([8, 9, 10, 18])

/**
 * A column of an Arrow table as an array: `fromArrow(tableFromIPC(bytes).getChild('price'))`. Copied once, into shared memory. Dates and times are
 * whole numbers in the column's unit (i64). Where values are missing the column becomes f64, with NaN in their place.
 * @throws {InvalidOption} when it holds something else than numbers or booleans; one beyond 2^53 in a column
 *   with missing values, which f64 would round
 * @example
 * const price = fromArrow(tableFromIPC(bytes).getChild('price'))
 */
export function fromArrow(column: ArrowColumn, options: LoadOptions = {}): NDArray<DType, 'array'> {
  checkOptions<LoadOptions>(options, { chunks: rules.whole(1, ['auto']) }, 'fromArrow')
  if (typeof column?.toArray !== 'function' || typeof column.length !== 'number' || typeof column.at !== 'function') {
    throw new InvalidOption(`Expected a column of an Arrow table, got ${describe(column)}`, {
      hint: "A column is what `table.getChild('name')` gives.",
    })
  }
  if (temporal.has((column.type as { typeId?: number } | undefined)?.typeId))
    return collect(column, options, rawValues(column), 'i64')
  if (column.nullCount === 0 && typeof column.at(0) !== 'boolean') {
    const values = column.toArray()
    if (ArrayBuffer.isView(values) && values.length === column.length && dtypeOf(values))
      return from(values, options) as NDArray<DType, 'array'>
  }
  const first = firstOf(column)
  return collect(
    column,
    options,
    (i) => column.at(i),
    typeof first === 'boolean' ? 'bool' : typeof first === 'bigint' ? 'i64' : 'f64',
  )
}

function collect(
  column: ArrowColumn,
  { chunks }: LoadOptions,
  valueAt: (index: number) => unknown,
  whole: DType,
): NDArray<DType, 'array'> {
  const { length } = column
  const dtype = column.nullCount > 0 ? 'f64' : whole
  const data = sharedElements(dtype, length)
  for (let i = 0; i < length; i++) {
    const value = valueAt(i)
    if (value === null || value === undefined) data[i] = Number.NaN
    else if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
      if (typeof value === 'bigint') checkWhole(value, dtype, column)
      data[i] = (dtype === 'i64' ? BigInt(value) : Number(value)) as never
    } else throw new InvalidOption(`Expected an Arrow column of numbers or booleans, got one of type ${String(column.type)}`)
  }
  return wrapped(dtype, [length], data.buffer, chunks)
}

/** A value is never changed in silence. */
function checkWhole(value: bigint, dtype: DType, { type }: ArrowColumn): void {
  if (dtype === 'i64' && !fits('i64', value)) {
    throw new InvalidOption(`The Arrow column of type ${String(type)} holds ${value}, which does not fit i64`, {
      hint: 'Convert the column to doubles where it is written.',
    })
  }
  if (dtype === 'f64' && BigInt(Number(value)) !== value) {
    throw new InvalidOption(
      `The Arrow column of type ${String(type)} has missing values, and holds ${value}, which f64 would round`,
      { hint: 'Fill in the missing values, or write a coarser unit; then it becomes i64.' },
    )
  }
}

/** Part of a column, of either library: the stored numbers. */
interface Batch {
  readonly length: number
  readonly values: unknown
}

/**
 * The stored numbers of a column of dates or times. What `at` gives is in another unit than what `toArray` gives, or a Date, and differs between
 * the libraries.
 */
function rawValues(column: ArrowColumn): (index: number) => unknown {
  const batches = (column as { data?: readonly Batch[] }).data
  const stored: (number | bigint)[] = []
  for (const { length, values } of Array.isArray(batches) ? (batches as readonly Batch[]) : []) {
    if (!(values instanceof BigInt64Array || values instanceof Int32Array) || values.length < length) break
    for (const value of values.subarray(0, length)) stored.push(value)
  }
  if (stored.length !== column.length) {
    throw new InvalidOption(`The stored numbers of the Arrow column of type ${String(column.type)} cannot be found`, {
      hint: 'Convert it to whole numbers where it is written.',
    })
  }
  const missing = column.nullCount > 0
  return (index) => (missing && (column.at(index) ?? null) === null ? null : BigInt(stored[index] as number | bigint))
}

function firstOf(column: ArrowColumn): unknown {
  for (let i = 0; i < column.length; i++) {
    const value = column.at(i)
    if (value !== null && value !== undefined) return value
  }
  return undefined
}
