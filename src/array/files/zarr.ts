/** Zarr arrays, read through zarrita: the metadata now, each chunk when it is needed. */
import { readdir, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { formatBytes } from '../../base/bytes.ts'
import { FileRefused } from '../../base/errors.ts'
import { optionalPackage } from '../../base/optional-package.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { NDArray } from '../ndarray/array.ts'
import { full } from '../ndarray/create.ts'
import * as build from '../expression/build.ts'
import { bytesPer, type DType, dtypeOfLongName, storedAs, type Value } from '../expression/dtype.ts'
import { rawOf } from '../expression/elementwise.ts'
import { blockCount, EqualBlocks, gridOf, shapeOfBox } from '../expression/grid.ts'
import { type BlockMaker, makeNode } from '../expression/node.ts'
import { type Shape, sizeOf } from '../expression/shape.ts'
import { Yielding } from '../stages/yielding.ts'
import { checkBytes, checkPath } from './bounds.ts'
import { memoryLimitRule, type MemoryOptions } from '../memory/limit.ts'
import type { LoadOptions } from './index.ts'
import { type Chunk, chunkElements } from './zarr-chunk.ts'

/** The most bytes of a chunk, also before it is decompressed. */
const mostChunkBytes = 2 ** 31
/** Chunks within the files of a sharded array; each costs a look at an index. */
const mostShardedChunks = 2 ** 22
/** NumPy's limit. */
const mostAxes = 64
/** Metadata of an array are a few hundred bytes, and attributes seldom more than thousands. Chosen. */
const mostMetadataBytes = 2 ** 24

/** Where Zarr arrays lie: a store of zarrita, or anything with its `get`, such as a bucket of one's own. */
export interface ZarrStore {
  /** The bytes of a key such as `/c/0/1`; undefined where there is none. */
  get(key: `/${string}`): Promise<Uint8Array | undefined>
}

/** Chunks that are fetched at once: enough to hide the way to a server. */
const fetchedAtOnce = 16
/** Up to this many chunks, and bytes, it costs little to ask for each. Beyond, the folder is listed first: most may not be there. */
const askedChunks = 1 << 16
const askedBytes = 2 ** 30

/**
 * A Zarr array (version 2 or 3, of any order) as a lazy array: only its metadata is read now, and the chunks that are needed when they are. Chunks that are not
 * there are the fill value. Needs `zarrita`, and `@zarrita/storage` for folders and URLs.
 * @param source the path of a folder, the URL of one on a server (also of a bucket that answers to HTTP), or a store
 * @throws {FileRefused} when there is none, or it holds something else than numbers; in `compute` when a chunk is damaged, or what is read at once takes more
 *   than `memoryLimit`
 * @example
 * const temperature = await loadZarr('climate.zarr/temperature')
 * const first = await temperature.get(0).mean().compute()      // reads the chunks of the first day
 */
export async function loadZarr(
  source: string | URL | ZarrStore,
  options: LoadOptions & MemoryOptions = {},
): Promise<NDArray<DType, 'array'>> {
  const optionRules = { chunks: rules.whole(1, ['auto']), memoryLimit: memoryLimitRule }
  checkOptions<LoadOptions & MemoryOptions>(options, optionRules, 'loadZarr')
  const { name, folder, store } = await openStore(source)
  const { open } = await loadLibrary()
  try {
    const array = await open(withBoundedMetadata(store as RangedStore) as never, { kind: 'array' })
    const dtype = dtypeOfLongName.get(array.dtype)
    if (!dtype) throw new FileRefused(`${name} holds ${array.dtype}, which an array cannot hold`)
    const { shape, chunks } = array
    checkShapes(name, shape, chunks, dtype)
    const fill = (array.fillValue ?? 0) as Value
    const grid = shape.map((length, axis) => new EqualBlocks(length, chunks[axis] as number))
    const many = blockCount(grid) > askedChunks || sizeOf(shape) * bytesPer(dtype) > askedBytes
    const present = folder !== undefined && many ? await presentChunks(folder, shape, chunks) : undefined
    if (present?.length === 0)
      return full(shape, fill, { dtype, ...(options.chunks !== undefined && { chunks: options.chunks }) })
    const maker: BlockMaker = {
      label: `chunks of ${name}`,
      present,
      fill: storedAs(dtype, rawOf(dtype, fill)),
      concurrency: fetchedAtOnce,
      check: (bytes) => checkBytes(name, bytes, options.memoryLimit),
      async make({ index, box }) {
        try {
          return chunkElements((await array.getChunk([...index])) as Chunk, index, shapeOfBox(box), dtype)
        } catch (cause) {
          throw refusal(name, cause)
        }
      },
    }
    const zeros = grid.map(() => 0)
    const node = makeNode({ kind: 'blocks', inputs: [], grid, maker, first: zeros, start: zeros, dtype, shape, chunk: undefined })
    return new NDArray(typeof options.chunks === 'number' ? build.regrid(node, gridOf(shape, options.chunks, 'loadZarr')) : node)
  } catch (cause) {
    throw refusal(name, cause)
  }
}

function refusal(name: string, cause: unknown): FileRefused {
  if (cause instanceof FileRefused) return cause
  return new FileRefused(`${name} could not be read as Zarr: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  })
}

/** @throws {InvalidOption} when it is neither a path, a URL nor a store */
async function openStore(
  source: unknown,
): Promise<{ readonly name: string; readonly folder: string | undefined; readonly store: unknown }> {
  if (source instanceof URL || (typeof source === 'string' && /^https?:\/\//.test(source))) {
    const { FetchStore } = await loadStorage()
    return { name: String(source), folder: undefined, store: new FetchStore(String(source)) }
  }
  if (typeof source === 'object' && source !== null && typeof (source as Partial<ZarrStore>).get === 'function') {
    return { name: 'the store', folder: undefined, store: source }
  }
  checkPath(source)
  const { FileSystemStore } = await loadStorage()
  return { name: source, folder: source, store: new FileSystemStore(source) }
}

interface RangedStore {
  get(key: string, options?: unknown): Promise<Uint8Array | undefined>
  getRange?(key: string, range: unknown, options?: unknown): Promise<Uint8Array | undefined>
}

/** Text of many megabytes as metadata would keep the parser busy for minutes. */
function withBoundedMetadata(store: RangedStore): RangedStore {
  return {
    async get(key, options) {
      const bytes = await store.get(key, options)
      if (bytes && bytes.byteLength > mostMetadataBytes && /(?:^|\/)(?:zarr\.json|\.z(?:array|attrs|group|metadata))$/.test(key))
        throw new FileRefused(
          `${key} has ${formatBytes(bytes.byteLength)}, and metadata may have ${formatBytes(mostMetadataBytes)}`,
        )
      return bytes
    },
    ...(typeof store.getRange === 'function' && {
      getRange: async (key: string, range: unknown, options?: unknown) => store.getRange?.(key, range, options),
    }),
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

/**
 * The coordinates of the chunks that lie in the folder: a claim to have millions of them costs nothing so. In files of a sharded array lie
 * several.
 */
async function presentChunks(path: string, shape: Shape, chunks: Shape): Promise<number[][]> {
  const inFile = await chunksPerFile(path, chunks)
  const found: number[][] = []
  const turns = new Yielding()
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

const purpose = 'Reading Zarr arrays'
const loadLibrary = () => optionalPackage(purpose, 'zarrita', () => import('zarrita'))
const loadStorage = () => optionalPackage(purpose, '@zarrita/storage', () => import('@zarrita/storage'))
