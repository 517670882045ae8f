/** Columns of Apache Arrow. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { NDArray } from '../array.ts'
import { from, wrapped } from '../create.ts'
import { dtypeOf, type DType } from '../dtype.ts'
import type { LoadOptions } from './index.ts'
import { sharedElements } from '../memory.ts'

/** What a column of `apache-arrow` (`Vector`) and of `@uwdata/flechette` (`Column`) have in common. */
export interface ArrowColumn {
  readonly length: number
  readonly nullCount: number
  readonly type: object
  toArray(): ArrayLike<unknown>
  at(index: number): unknown
}

/**
 * A column of an Arrow table as an array: `fromArrow(tableFromIPC(bytes).getChild('price'))`. Copied once, into shared memory. Where values
 * are missing it becomes f64, with NaN in their place.
 * @throws {InvalidOption} when it holds something else than numbers or booleans
 */
export function fromArrow(column: ArrowColumn, options: LoadOptions = {}): NDArray<DType, 'array'> {
  checkOptions<LoadOptions>(options, { chunks: rules.whole(1, ['auto']) }, 'fromArrow')
  if (typeof column?.toArray !== 'function' || typeof column.length !== 'number') {
    throw new InvalidOption(`Expected a column of an Arrow table, got ${describe(column)}`, {
      hint: "A column is what `table.getChild('name')` gives.",
    })
  }
  if (column.nullCount === 0 && typeof column.at(0) !== 'boolean') {
    const values = column.toArray()
    if (ArrayBuffer.isView(values) && values.length === column.length && dtypeOf(values))
      return from(values, options) as NDArray<DType, 'array'>
  }
  return collect(column, options)
}

function collect(column: ArrowColumn, { chunks }: LoadOptions): NDArray<DType, 'array'> {
  const { length } = column
  const first = firstOf(column)
  const missing = column.nullCount > 0
  const dtype: DType = missing ? 'f64' : typeof first === 'boolean' ? 'bool' : typeof first === 'bigint' ? 'i64' : 'f64'
  const data = sharedElements(dtype, length)
  for (let i = 0; i < length; i++) {
    const value = column.at(i)
    if (value === null || value === undefined) data[i] = Number.NaN
    else if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
      data[i] = (dtype === 'i64' ? BigInt(value) : Number(value)) as never
    } else throw new InvalidOption(`Expected an Arrow column of numbers or booleans, got one of type ${String(column.type)}`)
  }
  return wrapped(dtype, [length], data.buffer, chunks)
}

function firstOf(column: ArrowColumn): unknown {
  for (let i = 0; i < column.length; i++) {
    const value = column.at(i)
    if (value !== null && value !== undefined) return value
  }
  return undefined
}
