/** Writes Zarr arrays of version 3, chunk by chunk: the blocks of an array are its chunks. */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { FileRefused } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { bytesPer, type DType, longNames, typedArray, type TypedArray } from '../expression/dtype.ts'
import { blocksOf, EqualBlocks, gridOf } from '../expression/grid.ts'
import { type Shape, sizeOf } from '../expression/shape.ts'
import { checkArray, type NDArray, type Rank } from '../ndarray/array.ts'
import { type ComputeOptions, computeRules } from '../ndarray/compute.ts'
import { putBlock } from '../stages/blocks-stage.ts'
import { checkPath } from './bounds.ts'

/** Options of {@link toZarr}. */
export interface ToZarrOptions extends ComputeOptions {
  /** Shape of the chunks: a length for the first axis, or one for each axis, −1 for all of it. @default the blocks of the array, where they are equal */
  readonly chunks?: number | readonly number[]
  /** `'gzip'` makes files smaller, and takes time. @default none */
  readonly compressor?: 'gzip'
}

const compress = promisify(gzip)

/**
 * Computes an array into a Zarr array of version 3 in the folder `path`, chunk by chunk, which every Zarr library reads. A folder with a Zarr array is replaced when the
 * new one is complete; anything else is left alone.
 *
 * @param path of the folder
 * @param x an array of known lengths; of a mask's result `await x.persist()` first
 * @throws {FileRefused} when something else lies at the path
 * @throws {InvalidOption} when `x` is not an array of known lengths, or for a wrong option
 * @throws {BudgetExceeded} when a result does not fit into `memoryLimit`
 * @throws {Cancelled} when `signal` aborts
 * @example
 * await toZarr('scaled.zarr', x.multiply(2), { chunks: [1_000, 1_000] })
 */
export async function toZarr(path: string, x: NDArray<DType, Rank>, options: ToZarrOptions = {}): Promise<void> {
  checkPath(path)
  checkArray(x, 'toZarr')
  checkOptions<ToZarrOptions>(
    options,
    {
      chunks: rules.any,
      compressor: rules.oneOf('gzip'),
      ...computeRules,
    },
    'toZarr',
  )
  const { chunks, compressor, ...compute } = options
  const asked = chunks === undefined ? blocksOf(x.node, 'toZarr') : gridOf(x.shape, chunks, 'toZarr')
  const chunk = asked.map(({ largest }) => Math.max(1, largest))
  const grid = x.shape.map((length, axis) => new EqualBlocks(length, chunk[axis] as number))
  await checkReplaceable(path)
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  await mkdir(temporary, { recursive: true })
  try {
    const made = new Set<string>()
    for await (const { data, shape, index } of x
      .rechunk(grid.map((axis) => (axis.length === 0 ? -1 : axis.largest)))
      .blocks(compute)) {
      const file = join(temporary, 'c', ...index.map(String))
      if (!made.has(dirname(file))) await mkdir(dirname(file), { recursive: true })
      made.add(dirname(file))
      const bytes = chunkBytes(data as TypedArray, shape, chunk, x.dtype)
      await writeFile(file, compressor === 'gzip' ? await compress(bytes) : bytes)
    }
    await writeFile(join(temporary, 'zarr.json'), JSON.stringify(metadata(x, chunk, compressor), undefined, 2))
    await rm(path, { recursive: true, force: true })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw error
  }
}

/** @throws {FileRefused} when something lies there that is not a Zarr array */
async function checkReplaceable(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (!found) return
  const entries = found.isDirectory() ? await readdir(path) : undefined
  if (entries && (entries.length === 0 || entries.includes('zarr.json') || entries.includes('.zarray'))) return
  throw new FileRefused(`${path} is not replaced: it is not a Zarr array`, { hint: 'Take another path, or remove it.' })
}

/** All chunks are whole; what lies beyond the array is zero. */
function chunkBytes(data: TypedArray, shape: Shape, chunk: Shape, dtype: DType): Uint8Array {
  const bytes = new Uint8Array(sizeOf(chunk) * bytesPer(dtype))
  const whole = typedArray(dtype, bytes.buffer, 0, sizeOf(chunk))
  const strides = chunk.map((_, axis) => sizeOf(chunk.slice(axis + 1)))
  if (data.length > 0) putBlock(data, shape, { data: whole, offset: 0, strides })
  return bytes
}

function metadata({ shape, dtype }: NDArray, chunk: Shape, compressor: 'gzip' | undefined): object {
  return {
    zarr_format: 3,
    node_type: 'array',
    shape,
    data_type: longNames[dtype],
    chunk_grid: { name: 'regular', configuration: { chunk_shape: chunk } },
    chunk_key_encoding: { name: 'default', configuration: { separator: '/' } },
    fill_value: dtype === 'bool' ? false : 0,
    codecs: [
      { name: 'bytes', ...(bytesPer(dtype) > 1 && { configuration: { endian: 'little' } }) },
      ...(compressor === 'gzip' ? [{ name: 'gzip', configuration: { level: 6 } }] : []),
    ],
    attributes: {},
  }
}
