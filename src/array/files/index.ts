/** Arrays in files, larger than memory: opened lazily, read and written chunk by chunk. */
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { FileRefused } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { checkArray, NDArray, type Rank } from '../ndarray/array.ts'
import * as build from '../expression/build.ts'
import { type ComputeOptions, openSession } from '../ndarray/compute.ts'
import { formatBytes } from '../../base/bytes.ts'
import { chunkOf } from '../ndarray/create.ts'
import { bytesPer, checkDType, type DType, dtypeRule } from '../expression/dtype.ts'
import { makeNode, type Node } from '../expression/node.ts'
import { checkShape, type Shape, showShape, sizeOf } from '../expression/shape.ts'
import { transposeView } from '../expression/view.ts'
import { checkPath, checkRegularFile } from './bounds.ts'
import { encodeHeader, headerBytes, parseHeader } from './npy-header.ts'
import { writeWhole } from './write-whole.ts'

const wholeOffset = {
  expected: 'a whole number from 0 up',
  accepts: (v: unknown) => Number.isSafeInteger(v) && (v as number) >= 0,
}

/** Options of {@link load}. */
export interface LoadOptions {
  /** Length of a chunk along the first axis. @default 'auto' */
  readonly chunks?: number | 'auto'
}

/** Options of {@link fromfile}. */
export interface FromFileOptions extends LoadOptions {
  /** @default 'f64' */
  readonly dtype?: DType
  /** @default one axis, to the end of the file */
  readonly shape?: Shape
  /** Bytes before the first element. @default 0 */
  readonly offset?: number
}

/**
 * The `.npy` file at `path` as a lazy array: only the header is read now, the elements chunk by chunk when they are needed.
 *
 * @throws {FileRefused} when it is not such a file, has a dtype that arrays here do not have, or is shorter than its header says
 * @throws {InvalidOption} for a wrong option
 * @example
 * const x = await load('measurements.npy')
 * const mean = await x.mean().compute()
 */
export async function load(path: string, options: LoadOptions = {}): Promise<NDArray<DType, 'array'>> {
  checkOptions<LoadOptions>(options, { chunks: rules.whole(1, ['auto']) }, 'load')
  const { start, size } = await readStart(path, headerBytes)
  const { dtype, bigEndian, fortranOrder, shape, dataOffset } = parseHeader(start, path)
  checkSize(path, dataOffset + sizeOf(shape) * bytesPer(dtype), size, shape, dtype)
  const stored = fortranOrder ? shape.toReversed() : shape
  const node = fileNode(path, dtype, stored, dataOffset, bigEndian, options.chunks)
  return new NDArray(fortranOrder ? build.view(node, transposeView(stored, [...stored.keys()].reverse())) : node)
}

/**
 * Elements of the file at `path` without a header, in C order and the machine's byte order (little-endian).
 *
 * @throws {FileRefused} when the file cannot be read, or has fewer elements than `shape` asks for
 * @throws {InvalidOption} for a wrong option
 * @example
 * const x = await fromfile('samples.f32', { dtype: 'f32' })
 */
export async function fromfile(path: string, options: FromFileOptions = {}): Promise<NDArray<DType, 'array'>> {
  checkOptions<FromFileOptions>(
    options,
    { chunks: rules.whole(1, ['auto']), dtype: dtypeRule, shape: rules.any, offset: wholeOffset },
    'fromfile',
  )
  const { offset = 0, chunks } = options
  const dtype = checkDType(options.dtype ?? 'f64', 'dtype')
  const { size } = await readStart(path, 0)
  const rest = (size - offset) / bytesPer(dtype)
  if (options.shape === undefined && !(Number.isInteger(rest) && rest >= 0)) {
    throw new FileRefused(`${path} has ${size} bytes, which is not a whole number of ${dtype} after byte ${offset}`)
  }
  const shape = options.shape === undefined ? [rest] : checkShape(options.shape, 'fromfile')
  checkSize(path, offset + sizeOf(shape) * bytesPer(dtype), size, shape, dtype)
  return new NDArray(fileNode(path, dtype, shape, offset, false, chunks))
}

/**
 * Computes an array into a `.npy` file. The file at the path is replaced only when the new one is complete.
 *
 * @throws {InvalidOption} when `array` is not an array, or for a wrong option
 * @throws {FileRefused} when the path is not one that a file can have
 * @throws {BudgetExceeded} when an intermediate result does not fit into `memoryLimit`
 * @throws {Cancelled} when `signal` aborts
 * @example
 * await save('scaled.npy', x.multiply(2))
 */
export async function save(path: string, array: NDArray<DType, Rank>, options: ComputeOptions = {}): Promise<void> {
  await write(path, array, options, 'save', ({ dtype, shape }) => encodeHeader(dtype, shape))
}

/**
 * Computes an array into the file at `path`, without a header; see {@link fromfile}.
 *
 * @throws as {@link save} does
 * @example
 * await tofile('scaled.f64', x.multiply(2))
 */
export async function tofile(path: string, array: NDArray<DType, Rank>, options: ComputeOptions = {}): Promise<void> {
  await write(path, array, options, 'tofile', () => new Uint8Array(0))
}

async function write(
  path: string,
  array: NDArray<DType, Rank>,
  options: ComputeOptions,
  where: string,
  headerOf: (node: Node) => Uint8Array,
): Promise<void> {
  checkPath(path)
  checkArray(array, where)
  const session = openSession(options, where)
  try {
    await writeWhole(path, async (temporary) => {
      const [whole] = (await session.settleLengths([array.node])) as [Node]
      const header = headerOf(whole)
      await session.writeInto(whole, resolve(temporary), header.length)
      await writeStart(temporary, header)
    })
  } finally {
    session.close()
  }
}

function fileNode(
  path: string,
  dtype: DType,
  shape: Shape,
  offsetBytes: number,
  bigEndian: boolean,
  chunks: number | 'auto' | undefined,
): Node {
  return makeNode({ kind: 'file', path: resolve(path), dtype, shape, offsetBytes, bigEndian, chunk: chunkOf(shape, chunks) })
}

async function readStart(path: string, bytes: number): Promise<{ start: Uint8Array; size: number }> {
  await checkRegularFile(path)
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0)
    return { start: buffer.subarray(0, bytesRead), size }
  } finally {
    await file.close()
  }
}

async function writeStart(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.write(bytes, 0, bytes.length, 0)
  } finally {
    await file.close()
  }
}

function checkSize(path: string, needed: number, size: number, shape: Shape, dtype: DType): void {
  if (needed <= size) return
  throw new FileRefused(
    `${path} is cut off: ${showShape(shape)} ${dtype} needs ${formatBytes(needed)} (${needed} bytes), and the file has ${size}`,
  )
}
