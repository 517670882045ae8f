/** Zarr arrays, read through zarrita: chunk by chunk into shared memory. */
import { FileRefused, HeddleError } from '../../base/errors.ts'
import { checkOptions, checkValue, rules } from '../../base/options.ts'
import type { NDArray } from '../array.ts'
import { wrapped } from '../create.ts'
import type { DType } from '../dtype.ts'
import { sharedElements } from '../memory.ts'
import { sizeOf } from '../shape.ts'
import type { LoadOptions } from './index.ts'

/** Zarr's names of the dtypes that arrays here have; shorter whole numbers become i32. */
const dtypes: Readonly<Record<string, DType>> = {
  float64: 'f64',
  float32: 'f32',
  int64: 'i64',
  int32: 'i32',
  int16: 'i32',
  int8: 'i32',
  uint32: 'u32',
  uint16: 'i32',
  uint8: 'u8',
  bool: 'bool',
}

/**
 * A Zarr array (version 2 or 3) in a folder, as an array in memory. Needs `zarrita`.
 * @throws {FileRefused} when there is none, it is damaged, or it holds something else than numbers
 */
export async function loadZarr(path: string, options: LoadOptions = {}): Promise<NDArray<DType, 'array'>> {
  checkOptions<LoadOptions>(options, { chunks: rules.whole(1, ['auto']) }, 'loadZarr')
  checkValue(path, rules.string, 'path')
  const { zarr, FileSystemStore } = await loadLibrary()
  try {
    const array = await zarr.open(new FileSystemStore(path), { kind: 'array' })
    const dtype = dtypes[array.dtype]
    if (!dtype) throw new FileRefused(`${path} holds ${array.dtype}, which an array cannot hold`)
    const data = sharedElements(dtype, sizeOf(array.shape))
    const { data: values } = await zarr.get(array)
    const numbers = values as ArrayLike<number>
    if (numbers.length !== data.length) throw new FileRefused(`${path} has ${numbers.length} elements instead of ${data.length}`)
    // Its bool is no typed array.
    if (ArrayBuffer.isView(numbers)) data.set(numbers as never)
    else for (let i = 0; i < data.length; i++) data[i] = Number((numbers as unknown as { get(i: number): boolean }).get(i))
    return wrapped(dtype, array.shape, data.buffer, options.chunks)
  } catch (cause) {
    if (cause instanceof FileRefused) throw cause
    throw new FileRefused(`${path} could not be read as Zarr: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
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
