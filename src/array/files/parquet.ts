/**
 * Columns of Parquet files, read through hyparquet: the footer now, each row group of a column when it is needed, on the threads. So one column of a large file
 * costs its own bytes, and a slice of it those of its row groups.
 */
import { resolve } from 'node:path'
import type { FileMetaData, SchemaElement } from 'hyparquet'
import { describe, FileRefused, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { bytesPer, type DType, isBig, isFloat } from '../expression/dtype.ts'
import { gridOf, ListedBlocks } from '../expression/grid.ts'
import * as build from '../expression/build.ts'
import { type BlockMaker, makeNode } from '../expression/node.ts'
import { kernelFunctions } from '../jobs/executor.ts'
import { memoryLimitRule, type MemoryOptions } from '../memory/limit.ts'
import { sharedElements } from '../memory/memory.ts'
import { NDArray } from '../ndarray/array.ts'
import { wrapped } from '../ndarray/create.ts'
import { readFooter, readGroups, refusal } from '../readers/parquet-group.ts'
import { dtypeOf, kindOf, topLevel } from '../readers/parquet-schema.ts'
import { checkBytes, checkRegularFile } from './bounds.ts'
import type { LoadOptions } from './index.ts'

type Column = NDArray<DType, 'array'>

/**
 * Columns of the Parquet file at `path` as lazy arrays: only the footer is read now, and of a column only the row groups that are needed, several at once. Numbers
 * keep their type (decimals become f64), dates and times are whole numbers in the file's unit. A column in which a value is missing becomes f64 (f32 and f16
 * stay), with NaN in its place; where the file does not say whether one is, its column is read now. Needs `hyparquet`, and `hyparquet-compressors` for files
 * that are compressed with anything but Snappy.
 *
 * @param columns one name gives one array, a list gives a record of them
 * @throws {FileRefused} when it is not a Parquet file, or holds something else than numbers there; in `compute` when it is damaged, or what is read at once
 *   takes more than `memoryLimit`
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
  const { metadata } = await footer(path)
  const plans = plansOf(metadata, path, names)
  const arrays: Column[] = []
  for (const plan of plans) arrays.push(await open(plan, resolve(path), options))
  return typeof columns === 'string'
    ? (arrays[0] as Column)
    : Object.fromEntries(names.map((name, i) => [name, arrays[i] as Column]))
}

async function footer(path: string): ReturnType<typeof readFooter> {
  try {
    return await readFooter(path)
  } catch (cause) {
    // The error of the file system says when a file is missing.
    if (cause instanceof Error && 'syscall' in cause) throw cause
    throw refusal(path, cause)
  }
}

/** A column before it is read. */
interface ColumnPlan {
  readonly name: string
  readonly dtype: DType
  /** How many values are missing, where the file says it. */
  readonly missing: number | undefined
  /** Rows of each row group. */
  readonly groups: readonly number[]
}

function plansOf(metadata: FileMetaData, path: string, names: readonly string[]): ColumnPlan[] {
  const rows = Number(metadata.num_rows)
  const groups = metadata.row_groups.map((group) => Number(group.num_rows))
  if (!Number.isSafeInteger(rows) || rows < 0 || groups.some((n) => !(n >= 0)) || groups.reduce((a, b) => a + b, 0) !== rows) {
    throw new FileRefused(`${path} declares ${metadata.num_rows} rows, and its row groups have another number`)
  }
  const top = topLevel(metadata.schema)
  return names.map((name) => {
    const element = top.get(name)
    if (!element) {
      const known = [...top.keys()].map((key) => JSON.stringify(key)).join(', ')
      throw new FileRefused(`${path} has no column ${JSON.stringify(name)}; it has ${known}`)
    }
    const dtype = dtypeOf(element)
    if (!dtype)
      throw new FileRefused(`Column ${JSON.stringify(name)} of ${path} holds ${kindOf(element)}, which an array cannot hold`)
    return { name, dtype, missing: missingIn(metadata, name, element), groups }
  })
}

/** What the statistics of the row groups say; undefined where one says nothing. */
function missingIn({ row_groups: groups }: FileMetaData, name: string, element: SchemaElement): number | undefined {
  if (element.repetition_type === 'REQUIRED') return 0
  let missing = 0
  for (const { columns, num_rows: rows } of groups) {
    if (Number(rows) === 0) continue
    const found = columns.find(({ meta_data: meta }) => meta?.path_in_schema[0] === name)
    const count = found?.meta_data?.statistics?.null_count
    if (count === undefined) return undefined
    missing += Number(count)
  }
  return missing
}

/** The column as an array; floats where values are missing. */
async function open(plan: ColumnPlan, path: string, options: LoadOptions & MemoryOptions): Promise<Column> {
  const floats = plan.missing === 0 || isFloat(plan.dtype) ? plan.dtype : 'f64'
  if (plan.missing !== undefined) return lazyColumn(plan, path, floats, options)
  // Of floats nothing depends on it.
  if (isFloat(plan.dtype)) return lazyColumn(plan, path, plan.dtype, options)
  return (await readNow(plan, path, plan.dtype, options)) ?? ((await readNow(plan, path, 'f64', options)) as Column)
}

/** The whole column; undefined when a value is missing that the dtype has no place for. */
async function readNow(
  { name, dtype: stored, groups }: ColumnPlan,
  path: string,
  dtype: DType,
  options: LoadOptions & MemoryOptions,
): Promise<Column | undefined> {
  const rows = groups.reduce((a, b) => a + b, 0)
  checkBytes(path, bytesPer(dtype) * rows, options.memoryLimit)
  const { buffer } = sharedElements(dtype, rows)
  const target = { path, name, dtype, buffer, offset: 0, rows, whole: isBig(stored) }
  const complete = await (kernelFunctions()?.readGroups ?? readGroups)({ target, from: 0, to: groups.length })
  return complete ? wrapped(dtype, [rows], buffer, options.chunks) : undefined
}

function lazyColumn(
  { name, dtype: stored, groups }: ColumnPlan,
  path: string,
  dtype: DType,
  { chunks, memoryLimit }: LoadOptions & MemoryOptions,
): Column {
  // Blocks are row groups with rows; a block is read by the number that its group has in the file.
  const numbers = groups.flatMap((rows, group) => (rows > 0 ? [group] : []))
  const lengths = numbers.map((group) => groups[group] as number)
  const maker: BlockMaker = {
    label: `${JSON.stringify(name)} of ${path}`,
    concurrency: Number.POSITIVE_INFINITY,
    check: (bytes) => checkBytes(path, bytes, memoryLimit),
    async make({ index, box, into, threads }) {
      const [group, start, stop] = [numbers[index[0] as number] as number, box.start[0] as number, box.stop[0] as number]
      const { buffer, byteOffset } = into.data
      const offset = byteOffset / bytesPer(dtype) + into.offset
      const target = { path, name, dtype, buffer, offset, rows: stop - start, whole: isBig(stored) }
      const read = (threads > 0 && kernelFunctions()?.readGroups) || readGroups
      if (await read({ target, from: group, to: group + 1 })) return undefined
      throw new FileRefused(`Column ${JSON.stringify(name)} of ${path} has missing values, and the file says that it has none`)
    },
  }
  const grid = [new ListedBlocks(lengths)]
  const node = makeNode({
    kind: 'blocks',
    inputs: [],
    grid,
    maker,
    first: [0],
    start: [0],
    dtype,
    shape: [grid[0]?.length ?? 0],
    chunk: undefined,
  })
  return new NDArray(typeof chunks === 'number' ? build.regrid(node, gridOf(node.shape, chunks, 'loadParquet')) : node)
}
