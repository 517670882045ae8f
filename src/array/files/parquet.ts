/** Columns of Parquet files, read through hyparquet: row group by row group into shared memory. */
import { createRequire } from 'node:module'
import type { AsyncBuffer, Compressors, FileMetaData, ParquetParsers, SchemaElement } from 'hyparquet'
import { describe, FileRefused, HeddleError, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { NDArray } from '../ndarray/array.ts'
import { wrapped } from '../ndarray/create.ts'
import { type DType, isBig, isFloat, storedAs, type TypedArray } from '../expression/dtype.ts'
import { checkBytes, checkRegularFile } from './bounds.ts'
import { memoryLimitRule, type MemoryOptions } from '../memory/limit.ts'
import type { LoadOptions } from './index.ts'
import { checkPages, type ColumnPages } from './parquet-pages.ts'
import { sharedElements } from '../memory/memory.ts'

type Hyparquet = typeof import('hyparquet')
type Column = NDArray<DType, 'array'>

/** Dates and times stay whole numbers in the unit of the file; text is refused before it is read. */
const parsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (ms) => ms,
  timestampFromMicroseconds: (us) => us,
  timestampFromNanoseconds: (ns) => ns,
  dateFromDays: (days) => days,
}

/**
 * Columns of the Parquet file at `path` as arrays in memory. Numbers keep their type (decimals become f64), dates and
 * times are whole numbers in the file's unit. A column in which a value is missing becomes f64 (f32 and f16 stay), with NaN in its place.
 * Needs `hyparquet`, and `hyparquet-compressors` for files that are compressed with anything but Snappy.
 *
 * @param columns one name gives one array, a list gives a record of them
 * @throws {FileRefused} when it is not a Parquet file, is damaged, or holds something else than numbers there
 * @example
 * const { price, amount } = await loadParquet('orders.parquet', ['price', 'amount'])
 */
export function loadParquet(path: string, columns: string, options?: LoadOptions & MemoryOptions): Promise<Column>
export function loadParquet<const N extends string>(
  path: string,
  columns: readonly N[],
  options?: LoadOptions & MemoryOptions,
): Promise<Record<N, Column>>
export async function loadParquet(
  path: string,
  columns: string | readonly string[],
  options: LoadOptions & MemoryOptions = {},
): Promise<Column | Record<string, Column>> {
  const optionRules = { chunks: rules.whole(1, ['auto']), memoryLimit: memoryLimitRule }
  checkOptions<LoadOptions & MemoryOptions>(options, optionRules, 'loadParquet')
  await checkRegularFile(path)
  const names = typeof columns === 'string' ? [columns] : columns
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw new InvalidOption(`Expected \`columns\` to be a name or a list of names, got ${describe(columns)}`)
  }
  const library = await loadLibrary()
  const found = await readColumns(library, path, names, options.memoryLimit)
  const arrays = names.map((name) => (found.get(name) as ColumnReader).array(options.chunks))
  return typeof columns === 'string'
    ? (arrays[0] as Column)
    : Object.fromEntries(names.map((name, i) => [name, arrays[i] as Column]))
}

async function loadLibrary(): Promise<Hyparquet> {
  try {
    return await import('hyparquet')
  } catch (cause) {
    throw new HeddleError('Reading Parquet files needs hyparquet, which is not installed', {
      cause,
      hint: 'npm install hyparquet',
    })
  }
}

/** Decompressors beside Snappy, where they are installed. */
async function loadCompressors(): Promise<Compressors | undefined> {
  try {
    createRequire(import.meta.url).resolve('hyparquet-compressors')
  } catch {
    return undefined
  }
  return (await import('hyparquet-compressors')).compressors
}

async function readColumns(
  { asyncBufferFromFile, parquetMetadataAsync, parquetRead }: Hyparquet,
  path: string,
  names: readonly string[],
  memoryLimit: MemoryOptions['memoryLimit'],
): Promise<Map<string, ColumnReader>> {
  // The error of the file system says when a file is missing.
  const file = await asyncBufferFromFile(path)
  try {
    const metadata = await parquetMetadataAsync(file, { parsers, geoparquet: false })
    const readers = openReaders(metadata, path, names, memoryLimit)
    const compressors = await loadCompressors()
    const checked = checkedFile(file, pagesOf(metadata, readers, file.byteLength))
    let failure: { readonly error: unknown } | undefined
    let rowStart = 0
    for (const { num_rows: rows } of metadata.row_groups) {
      const rowEnd = rowStart + Number(rows)
      await parquetRead({
        file: checked,
        metadata,
        columns: [...readers.keys()],
        rowStart,
        rowEnd,
        parsers,
        geoparquet: false,
        ...(compressors && { compressors }),
        // Nobody there would catch what this throws.
        onChunk({ columnName, columnData, rowStart: at }) {
          try {
            readers.get(columnName)?.put(columnData, at)
          } catch (error) {
            failure ??= { error }
          }
        },
      })
      if (failure) throw failure.error
      rowStart = rowEnd
    }
    for (const reader of readers.values()) reader.checkComplete()
    return readers
  } catch (cause) {
    if (cause instanceof FileRefused) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new FileRefused(`${path} could not be read as Parquet: ${reason}`, {
      cause,
      ...(/compression codec/i.test(reason) && { hint: 'npm install hyparquet-compressors' }),
    })
  }
}

/** Where the pages of the wanted columns lie. @throws {RangeError} when that is not in the file */
function pagesOf(
  { row_groups: groups, created_by: writer }: FileMetaData,
  wanted: ReadonlyMap<string, unknown>,
  bytes: number,
): ColumnPages[] {
  const always = writer?.startsWith('parquet-cpp version') ?? false
  return groups
    .flatMap(({ columns }) => columns)
    .flatMap(({ meta_data: meta }) => {
      if (!meta || !wanted.has(meta.path_in_schema[0] as string)) return []
      const from = Number(meta.dictionary_page_offset || meta.data_page_offset)
      const to = from + Number(meta.total_compressed_size)
      if (!(Number.isSafeInteger(from) && from >= 0 && to >= from && to <= bytes)) {
        throw new RangeError(`column ${JSON.stringify(meta.path_in_schema[0])} would lie at bytes ${from} to ${to} of ${bytes}`)
      }
      return { from, to, values: Number(meta.num_values), compressed: meta.codec !== 'UNCOMPRESSED', always }
    })
}

/** The file, in which the pages of columns are checked as they are read. */
function checkedFile(file: AsyncBuffer, columns: readonly ColumnPages[]): AsyncBuffer {
  return {
    byteLength: file.byteLength,
    async slice(start, end) {
      const buffer = await file.slice(start, end)
      for (const pages of columns) {
        if (pages.from < start || pages.to > start + buffer.byteLength) continue
        checkPages(new Uint8Array(buffer, pages.from - start, pages.to - pages.from), pages)
      }
      return buffer
    },
  }
}

function openReaders(
  metadata: FileMetaData,
  path: string,
  names: readonly string[],
  memoryLimit: MemoryOptions['memoryLimit'],
): Map<string, ColumnReader> {
  const rows = Number(metadata.num_rows)
  if (
    !Number.isSafeInteger(rows) ||
    rows < 0 ||
    metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0) !== rows
  ) {
    throw new FileRefused(`${path} says that it has ${metadata.num_rows} rows, which is not what its row groups have`)
  }
  checkBytes(path, 8 * rows * names.length, memoryLimit)
  const top = topLevel(metadata.schema)
  return new Map(
    names.map((name) => {
      const element = top.get(name)
      if (!element) {
        throw new FileRefused(
          `${path} has no column ${JSON.stringify(name)}; it has ${[...top.keys()].map((key) => JSON.stringify(key)).join(', ')}`,
        )
      }
      const dtype = dtypeOf(element)
      if (dtype) return [name, new ColumnReader(path, name, dtype, rows)]
      throw new FileRefused(`Column ${JSON.stringify(name)} of ${path} holds ${kindOf(element)}, which an array cannot hold`)
    }),
  )
}

/** The schema is a tree written in preorder; the elements right below its root. */
function topLevel(schema: readonly SchemaElement[]): Map<string, SchemaElement> {
  const top = new Map<string, SchemaElement>()
  const skip = (at: number): number => {
    let next = at + 1
    for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) next = skip(next)
    return next
  }
  for (let at = 1; at < schema.length; at = skip(at)) top.set((schema[at] as SchemaElement).name, schema[at] as SchemaElement)
  return top
}

function dtypeOf({
  type,
  logical_type: logical,
  converted_type: converted,
  repetition_type: repetition,
  num_children: children,
}: SchemaElement): DType | undefined {
  if (children || repetition === 'REPEATED') return undefined
  if (logical?.type === 'DECIMAL' || converted === 'DECIMAL') return 'f64'
  if (logical?.type === 'FLOAT16') return 'f16'
  const unsigned = converted?.startsWith('UINT_') || (logical?.type === 'INTEGER' && !logical.isSigned)
  const width = logical?.type === 'INTEGER' ? logical.bitWidth : Number(/(?<!\d)\d+$/.exec(converted ?? '')?.[0] ?? 0)
  switch (type) {
    case 'BOOLEAN':
      return 'bool'
    case 'DOUBLE':
      return 'f64'
    case 'FLOAT':
      return 'f32'
    case 'INT32':
      return `${unsigned ? 'u' : 'i'}${width === 8 || width === 16 ? width : 32}`
    case 'INT64':
      return unsigned ? 'u64' : 'i64'
    case 'INT96':
      return 'i64'
    default:
      return undefined
  }
}

const kindOf = ({ type, logical_type: logical, converted_type: converted, num_children: children }: SchemaElement): string =>
  children ? 'a group or a list' : `${[type, logical?.type ?? converted].filter(Boolean).join(' ')} values`

class ColumnReader {
  #data: TypedArray
  readonly #path: string
  readonly #name: string
  readonly #rows: number
  #dtype: DType
  #filled = 0
  /** Whether it was one of whole numbers before a value was missing. */
  readonly #whole: boolean

  constructor(path: string, name: string, dtype: DType, rows: number) {
    this.#path = path
    this.#name = name
    this.#rows = rows
    this.#dtype = dtype
    this.#whole = isBig(dtype)
    this.#data = sharedElements(dtype, rows)
  }

  put(values: ArrayLike<unknown>, at: number): void {
    if (at + values.length > this.#rows) throw this.#refused('has more values than rows')
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      if (value === null || value === undefined) this.#missing(at + i)
      else if (typeof value === 'object' || typeof value === 'string') throw this.#refused(`holds ${describe(value)}`)
      else
        this.#data[at + i] = (
          isBig(this.#dtype) ? BigInt(value as bigint) : storedAs(this.#dtype, this.#rounded(value as number | bigint))
        ) as never
    }
    this.#filled += values.length
  }

  /** From the first missing value on, the column is one of floats. */
  #missing(at: number): void {
    if (!isFloat(this.#dtype)) {
      const whole = this.#data
      this.#dtype = 'f64'
      this.#data = sharedElements('f64', this.#rows)
      for (let i = 0; i < at; i++) this.#data[i] = this.#rounded(whole[i] as number | bigint)
    }
    this.#data[at] = storedAs(this.#dtype, Number.NaN) as never
  }

  /** A whole number as one of a column of floats. @throws {FileRefused} when it would be another one */
  #rounded(value: number | bigint): number {
    const number = Number(value)
    if (typeof value === 'bigint' && this.#dtype === 'f64' && this.#whole && BigInt(number) !== value) {
      throw this.#refused(`has missing values, and holds ${value}, which f64 would round`)
    }
    return number
  }

  array(chunks: LoadOptions['chunks']): Column {
    return wrapped(this.#dtype, [this.#rows], this.#data.buffer, chunks)
  }

  checkComplete(): void {
    if (this.#filled !== this.#rows) throw this.#refused(`has ${this.#filled} values for ${this.#rows} rows`)
  }

  #refused(what: string): FileRefused {
    return new FileRefused(`Column ${JSON.stringify(this.#name)} of ${this.#path} ${what}`)
  }
}
