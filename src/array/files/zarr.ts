/** Zarr arrays, read through zarrita: chunk by chunk into shared memory, and only those chunks that are there. */
import { readdir, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { FileRefused, HeddleError } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { NDArray } from '../ndarray/array.ts'
import { full, wrapped } from '../ndarray/create.ts'
import { bytesPer, type DType, storedAs, typedArray, type Value } from '../expression/dtype.ts'
import { sharedMemory } from '../memory/memory.ts'
import { type Shape, sizeOf } from '../expression/shape.ts'
import { Turns } from '../stages/turns.ts'
import { checkBytes, checkPath } from './bounds.ts'
import { memoryLimitRule, type MemoryOptions } from '../memory/limit.ts'
import type { LoadOptions } from './index.ts'
import { copyChunk } from './zarr-chunk.ts'

/** Zarr's names of the dtypes that arrays here have. */
const dtypes: ReadonlyMap<string, DType> = new Map([
  ['float64', 'f64'],
  ['float32', 'f32'],
  ['float16', 'f16'],
  ['int64', 'i64'],
  ['int32', 'i32'],
  ['int16', 'i16'],
  ['int8', 'i8'],
  ['uint64', 'u64'],
  ['uint32', 'u32'],
  ['uint16', 'u16'],
  ['uint8', 'u8'],
  ['bool', 'bool'],
])

/** What a chunk may take, also before it is decompressed. */
const mostChunkBytes = 2 ** 31
/** Chunks within the files of a sharded array; each costs a look at an index. */
const mostShardedChunks = 2 ** 22
/** NumPy's limit. */
const mostAxes = 64

/**
 * A Zarr array (version 2 or 3, of any order) in the folder `path`, as an array in memory. Chunks that are not there are the fill value; where none is,
 * the array takes no memory. Needs `zarrita`.
 * @throws {FileRefused} when there is none, it is damaged, needs more than `memoryLimit`, or holds something else than numbers
 * @example
 * const temperature = await loadZarr('climate.zarr/temperature', { memoryLimit: '2GB' })
 */
export async function loadZarr(path: string, options: LoadOptions & MemoryOptions = {}): Promise<NDArray<DType, 'array'>> {
  const optionRules = { chunks: rules.whole(1, ['auto']), memoryLimit: memoryLimitRule }
  checkOptions<LoadOptions & MemoryOptions>(options, optionRules, 'loadZarr')
  checkPath(path)
  const { zarr, FileSystemStore } = await loadLibrary()
  try {
    const array = await zarr.open(new FileSystemStore(path), { kind: 'array' })
    const dtype = dtypes.get(array.dtype)
    if (!dtype) throw new FileRefused(`${path} holds ${array.dtype}, which an array cannot hold`)
    const { shape, chunks } = array
    checkShapes(path, shape, chunks, dtype)
    const fill = (array.fillValue ?? 0) as Value
    const present = await presentChunks(path, shape, chunks)
    if (present.length === 0) return full(shape, fill, { dtype, ...(options.chunks !== undefined && { chunks: options.chunks }) })
    checkBytes(path, sizeOf(shape) * bytesPer(dtype), options.memoryLimit)
    const result = typedArray(dtype, sharedMemory(sizeOf(shape) * bytesPer(dtype)), 0, sizeOf(shape))
    const turns = new Turns()
    if (Number(fill) !== 0)
      await fillAll(result as Float64Array, storedAs(dtype, typeof fill === 'bigint' ? fill : Number(fill)) as number, turns)
    for (const coordinates of present) {
      await turns.take()
      const chunk = await array.getChunk(coordinates)
      await copyChunk(chunk as Parameters<typeof copyChunk>[0], coordinates, shape, dtype, result, turns)
    }
    return wrapped(dtype, shape, result.buffer, options.chunks)
  } catch (cause) {
    if (cause instanceof FileRefused) throw cause
    throw new FileRefused(`${path} could not be read as Zarr: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

function checkShapes(path: string, shape: unknown, chunks: unknown, dtype: DType): void {
  const whole = (list: unknown, least: number): list is number[] =>
    Array.isArray(list) && list.length <= mostAxes && list.every((n) => Number.isSafeInteger(n) && n >= least)
  if (!whole(shape, 0) || !whole(chunks, 1) || shape.length !== chunks.length || !Number.isSafeInteger(sizeOf(shape) * 8)) {
    throw new FileRefused(
      `${path} has the shape [${String(shape)}] and chunks of [${String(chunks)}], which do not make an array`,
    )
  }
  if (sizeOf(chunks) * bytesPer(dtype) > mostChunkBytes) {
    throw new FileRefused(`${path} has chunks of [${chunks.join(', ')}], which are larger than 2 GB each`)
  }
}

async function fillAll(data: Float64Array, value: number, turns: Turns): Promise<void> {
  const step = 1 << 20
  for (let at = 0; at < data.length; at += step) {
    await turns.take()
    data.fill(value, at, at + step)
  }
}

/**
 * The coordinates of the chunks that lie in the folder: a claim to have millions of them costs nothing so. In files of a sharded array lie
 * several.
 */
async function presentChunks(path: string, shape: Shape, chunks: Shape): Promise<number[][]> {
  const inFile = await chunksPerFile(path, chunks)
  const found: number[][] = []
  const turns = new Turns()
  for (const entry of await readdir(path, { recursive: true })) {
    await turns.take()
    const file = coordinatesOf(entry, shape.length)
    if (!file) continue
    if (sizeOf(inFile) * (found.length + 1) > mostShardedChunks && sizeOf(inFile) > 1) {
      throw new FileRefused(`${path} has more than ${mostShardedChunks} chunks in shards`)
    }
    let inner: number[][] = [[]]
    file.forEach((n, axis) => {
      const count = inFile[axis] as number
      const length = Math.ceil((shape[axis] as number) / (chunks[axis] as number))
      const places = Array.from({ length: Math.max(0, Math.min(count, length - n * count)) }, (_, i) => n * count + i)
      inner = inner.flatMap((at) => places.map((place) => [...at, place]))
    })
    found.push(...inner)
  }
  return found
}

/** `1.2`, `1/2`, `c/1/2` and `c.1.2`; of an array without axes `0` or `c`. */
function coordinatesOf(entry: string, rank: number): number[] | undefined {
  const parts = entry.split(sep).flatMap((part) => part.split('.'))
  const numbers = parts[0] === 'c' ? parts.slice(1) : parts
  if (rank === 0) return (parts[0] === 'c' && numbers.length === 0) || entry === '0' ? [] : undefined
  if (numbers.length !== rank || !numbers.every((n) => /^\d{1,15}$/.test(n))) return undefined
  return numbers.map(Number)
}

/** How many chunks lie in a file, along each axis. */
async function chunksPerFile(path: string, chunks: Shape): Promise<number[]> {
  const text = await readFile(join(path, 'zarr.json'), 'utf8').catch(() => '{}')
  const metadata = JSON.parse(text) as { chunk_grid?: { configuration?: { chunk_shape?: unknown } } }
  const shape = metadata.chunk_grid?.configuration?.chunk_shape
  if (!Array.isArray(shape) || shape.length !== chunks.length) return chunks.map(() => 1)
  return chunks.map((length, axis) => Math.max(1, Math.floor(Number(shape[axis]) / length)))
}

async function loadLibrary() {
  try {
    const [zarr, { FileSystemStore }] = await Promise.all([import('zarrita'), import('@zarrita/storage')])
    return { zarr, FileSystemStore }
  } catch (cause) {
    throw new HeddleError('Reading Zarr arrays needs zarrita and @zarrita/storage, which are not installed', {
      cause,
      hint: 'npm install zarrita @zarrita/storage',
    })
  }
}
