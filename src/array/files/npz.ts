/**
 * `.npz` files: several `.npy` files in a ZIP archive (APPNOTE 6.3.10, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). What lies there
 * uncompressed, as NumPy's `savez` writes it, is read when it is needed; what is compressed is read at once.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import { crc32, inflateRawSync } from 'node:zlib'
import { describe, FileRefused, InvalidOption } from '../../base/errors.ts'
import { checkOptions } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import { bytesPer, type DType } from '../expression/dtype.ts'
import { makeNode, type Node } from '../expression/node.ts'
import { sizeOf } from '../expression/shape.ts'
import { transposeView } from '../expression/view.ts'
import { memoryLimitRule, type MemoryOptions } from '../memory/limit.ts'
import { sharedMemory } from '../memory/memory.ts'
import { checkArray, NDArray, type Rank } from '../ndarray/array.ts'
import { type ComputeOptions, openSession, wrapBuffer } from '../ndarray/compute.ts'
import { checkBytes, checkPath, checkRegularFile } from './bounds.ts'
import { encodeHeader, headerBytes, type NpyHeader, parseHeader } from './npy-header.ts'
import { writeWhole } from './write-whole.ts'

const localSignature = 0x04034b50
const centralSignature = 0x02014b50
const endSignature = 0x06054b50
const end64Signature = 0x06064b50
/** A directory of this size has a million names. */
const mostDirectoryBytes = 1 << 26
const wide = 0xffff_ffff

interface Entry {
  readonly name: string
  readonly method: number
  readonly compressed: number
  readonly size: number
  readonly at: number
}

/**
 * The arrays of a `.npz` file, by name.
 *
 * @param path of a file that NumPy's `savez`, `savez_compressed` or {@link saveNpz} has written
 * @throws {FileRefused} when it is not such a file, is damaged, or what is compressed needs more than `memoryLimit`
 * @throws {InvalidOption} for a wrong option
 * @example
 * const { x, y } = await loadNpz('measurements.npz')
 */
export async function loadNpz(path: string, options: MemoryOptions = {}): Promise<Record<string, NDArray<DType, 'array'>>> {
  checkOptions<MemoryOptions>(options, { memoryLimit: memoryLimitRule }, 'loadNpz')
  await checkRegularFile(path)
  const file = await open(path, 'r')
  try {
    const entries = await readDirectory(file, path)
    const large = entries.filter(({ method }) => method !== 0).reduce((sum, { size }) => sum + size, 0)
    checkBytes(path, large, options.memoryLimit)
    const arrays: [string, NDArray<DType, 'array'>][] = []
    for (const entry of entries) {
      if (!entry.name.endsWith('.npy')) continue
      arrays.push([entry.name.slice(0, -4), new NDArray(await readEntry(file, path, entry))])
    }
    return Object.fromEntries(arrays)
  } finally {
    await file.close()
  }
}

const refused = (path: string, why: string): FileRefused => new FileRefused(`${path} cannot be read as a .npz file: ${why}`)

async function readAt(file: FileHandle, path: string, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes)
  const { bytesRead } = await file.read(buffer, 0, bytes, at)
  if (bytesRead < bytes) throw refused(path, 'it is cut off')
  return buffer
}

async function readDirectory(file: FileHandle, path: string): Promise<Entry[]> {
  const { size } = await file.stat()
  const tail = await readAt(file, path, Math.max(0, size - 65_557), Math.min(size, 65_557))
  const at = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]))
  if (at < 0 || tail.length - at < 22 || tail.readUInt32LE(at) !== endSignature)
    throw refused(path, 'it does not end as a ZIP archive does')
  let [bytes, start] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)]
  if (start === wide || bytes === wide) {
    // The record of 64 bits stands before its locator of 20 bytes.
    const locator = at - 20
    if (locator < 0) throw refused(path, 'its directory cannot be found')
    const record = await readAt(file, path, checkPlace(tail.readBigUInt64LE(locator + 8), size, path), 56)
    if (record.readUInt32LE(0) !== end64Signature) throw refused(path, 'its directory cannot be found')
    bytes = checkPlace(record.readBigUInt64LE(40), size, path)
    start = checkPlace(record.readBigUInt64LE(48), size, path)
  }
  if (start + bytes > size || bytes > mostDirectoryBytes) throw refused(path, 'its directory lies beyond its end')
  return parseDirectory(await readAt(file, path, start, bytes), path, size)
}

function checkPlace(value: bigint, size: number, path: string): number {
  if (value <= BigInt(size)) return Number(value)
  throw refused(path, 'its directory lies beyond its end')
}

function parseDirectory(directory: Buffer, path: string, fileSize: number): Entry[] {
  const entries: Entry[] = []
  for (let at = 0; at < directory.length;) {
    if (directory.length - at < 46 || directory.readUInt32LE(at) !== centralSignature)
      throw refused(path, `its directory is damaged at byte ${at}`)
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => directory.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ]
    const next = at + 46 + nameLength + extraLength + commentLength
    if (next > directory.length) throw refused(path, `its directory is damaged at byte ${at}`)
    const name = directory.toString('utf8', at + 46, at + 46 + nameLength)
    const extra = directory.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength)
    const given = [24, 20, 42].map((offset) => directory.readUInt32LE(at + offset)) as [number, number, number]
    const [size, compressed, place] = widened(given, extra, path)
    if (place + compressed > fileSize) throw refused(path, `${JSON.stringify(name)} lies beyond its end`)
    if (directory.readUInt16LE(at + 8) & 1) throw refused(path, `${JSON.stringify(name)} is encrypted`)
    entries.push({ name, method: directory.readUInt16LE(at + 10), compressed, size, at: place })
    at = next
  }
  return entries
}

/** Numbers that do not fit 32 bits stand in an extra field, in this order. */
function widened(given: readonly [number, number, number], extra: Buffer, path: string): [number, number, number] {
  let field = 0
  while (field + 4 <= extra.length && extra.readUInt16LE(field) !== 1) field += 4 + extra.readUInt16LE(field + 2)
  let at = field + 4
  return given.map((value) => {
    if (value !== wide) return value
    if (at + 8 > extra.length) throw refused(path, 'a length of 64 bits is missing')
    at += 8
    const found = Number(extra.readBigUInt64LE(at - 8))
    if (Number.isSafeInteger(found)) return found
    throw refused(path, 'it has a length that no file has')
  }) as [number, number, number]
}

async function readEntry(file: FileHandle, path: string, { name, method, compressed, size, at }: Entry): Promise<Node> {
  const local = await readAt(file, path, at, 30)
  if (local.readUInt32LE(0) !== localSignature)
    throw refused(path, `${JSON.stringify(name)} does not lie where the directory says`)
  const start = at + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
  const where = `${name} of ${path}`
  if (method === 0) {
    const header = parseHeader(await readAt(file, path, start, Math.min(size, headerBytes)), where)
    checkLength(header, size, where)
    const { dtype, bigEndian, dataOffset } = header
    const offsetBytes = start + dataOffset
    return turned(
      header,
      makeNode({ kind: 'file', path: resolve(path), dtype, shape: stored(header), offsetBytes, bigEndian, chunk: undefined }),
    )
  }
  if (method !== 8) throw refused(path, `${JSON.stringify(name)} is compressed by method ${method}; only deflate can be read`)
  const bytes = inflated(await readAt(file, path, start, compressed), size, where)
  const header = parseHeader(bytes.subarray(0, headerBytes), where)
  checkLength(header, bytes.length, where)
  return turned(header, inMemory(header, bytes))
}

function inflated(bytes: Buffer, size: number, where: string): Buffer {
  try {
    return inflateRawSync(bytes, { maxOutputLength: Math.max(1, size) })
  } catch (cause) {
    throw new FileRefused(`${where} cannot be read as a .npy file: it cannot be decompressed`, { cause })
  }
}

function checkLength({ dtype, shape, dataOffset }: NpyHeader, size: number, where: string): void {
  if (dataOffset + sizeOf(shape) * bytesPer(dtype) > size) throw new FileRefused(`${where} is cut off: it has ${size} bytes`)
}

const stored = ({ fortranOrder, shape }: NpyHeader): readonly number[] => (fortranOrder ? shape.toReversed() : shape)

function turned(header: NpyHeader, node: Node): Node {
  const order = [...header.shape.keys()].reverse()
  return header.fortranOrder ? build.view(node, transposeView(node.shape, order)) : node
}

function inMemory(header: NpyHeader, bytes: Buffer): Node {
  const { dtype, bigEndian, dataOffset, shape } = header
  const length = sizeOf(shape) * bytesPer(dtype)
  const buffer = sharedMemory(length)
  const copy = Buffer.from(buffer, 0, length)
  copy.set(bytes.subarray(dataOffset, dataOffset + length))
  const width = bytesPer(dtype)
  if (bigEndian && width === 8) copy.swap64()
  else if (bigEndian && width === 4) copy.swap32()
  else if (bigEndian && width === 2) copy.swap16()
  return wrapBuffer(dtype, stored(header), buffer)
}

/**
 * Computes arrays into a `.npz` file, uncompressed, one after the other and chunk by chunk. The file at the path is replaced only when the new one is
 * complete.
 *
 * @param arrays by name; names are those of files in the archive
 * @throws {InvalidOption} when `arrays` is not a record of arrays, or for a wrong option
 * @throws {BudgetExceeded} when an intermediate result does not fit into `memoryLimit`
 * @throws {Cancelled} when `signal` aborts
 * @example
 * await saveNpz('results.npz', { mean: x.mean({ axis: 0 }), std: x.std({ axis: 0 }) })
 */
export async function saveNpz(
  path: string,
  arrays: Readonly<Record<string, NDArray<DType, Rank>>>,
  options: ComputeOptions = {},
): Promise<void> {
  checkPath(path)
  if (Object.prototype.toString.call(arrays) !== '[object Object]')
    throw new InvalidOption(`Expected saveNpz to get a record of arrays, got ${describe(arrays)}`)
  const named = Object.entries(arrays).map(([name, array]) => [`${name}.npy`, checkArray(array, 'saveNpz').node] as const)
  const session = openSession(options, 'saveNpz')
  try {
    await writeWhole(path, async (temporary) => {
      const nodes = await session.settleLengths(named.map(([, node]) => node))
      const directory: Buffer[] = []
      let at = 0
      for (const [i, node] of nodes.entries()) {
        const name = Buffer.from((named[i] as (typeof named)[number])[0])
        const header = encodeHeader(node.dtype, node.shape)
        const start = at + 30 + name.length + 20
        await writeAt(temporary, start, header)
        await session.writeInto(node, resolve(temporary), start + header.length)
        const size = header.length + sizeOf(node.shape) * bytesPer(node.dtype)
        const sum = await checksum(temporary, start, size)
        await writeAt(temporary, at, localHeader(name, size, sum))
        directory.push(centralHeader(name, size, sum, at))
        at = start + size
      }
      const all = Buffer.concat(directory)
      await writeAt(temporary, at, Buffer.concat([all, endOf(directory.length, all.length, at)]))
    })
  } finally {
    session.close()
  }
}

async function writeAt(path: string, at: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.write(bytes, 0, bytes.length, at)
  } finally {
    await file.close()
  }
}

async function checksum(path: string, from: number, bytes: number): Promise<number> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(Math.min(bytes, 1 << 20))
    let sum = 0
    for (let done = 0; done < bytes;) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, bytes - done), from + done)
      if (bytesRead === 0) throw new FileRefused(`${path} ended while it was written`)
      sum = crc32(buffer.subarray(0, bytesRead), sum)
      done += bytesRead
    }
    return sum
  } finally {
    await file.close()
  }
}

/** Lengths stand in 64 bits always, so that no header changes its length. The date is the first one that ZIP has. */
function localHeader(name: Buffer, size: number, sum: number): Buffer {
  const fixed = Buffer.alloc(30)
  fixed.writeUInt32LE(localSignature, 0)
  fixed.writeUInt16LE(45, 4)
  fixed.writeUInt16LE(0x21, 12)
  fixed.writeUInt32LE(sum, 14)
  fixed.writeUInt32LE(wide, 18)
  fixed.writeUInt32LE(wide, 22)
  fixed.writeUInt16LE(name.length, 26)
  fixed.writeUInt16LE(20, 28)
  return Buffer.concat([fixed, name, lengths(size, size)])
}

function lengths(...values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(8 * values.length, 2)
  values.forEach((value, i) => extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i))
  return extra
}

function centralHeader(name: Buffer, size: number, sum: number, at: number): Buffer {
  const fixed = Buffer.alloc(46)
  fixed.writeUInt32LE(centralSignature, 0)
  fixed.writeUInt16LE(45, 4)
  fixed.writeUInt16LE(45, 6)
  fixed.writeUInt16LE(0x21, 14)
  fixed.writeUInt32LE(sum, 16)
  for (const place of [20, 24, 42]) fixed.writeUInt32LE(wide, place)
  fixed.writeUInt16LE(name.length, 28)
  fixed.writeUInt16LE(28, 30)
  return Buffer.concat([fixed, name, lengths(size, size, at)])
}

/** The record of 64 bits, its locator, and the end that old readers look for. */
function endOf(count: number, bytes: number, at: number): Buffer {
  const record = Buffer.alloc(56)
  record.writeUInt32LE(end64Signature, 0)
  record.writeBigUInt64LE(44n, 4)
  record.writeUInt16LE(45, 12)
  record.writeUInt16LE(45, 14)
  for (const place of [24, 32]) record.writeBigUInt64LE(BigInt(count), place)
  record.writeBigUInt64LE(BigInt(bytes), 40)
  record.writeBigUInt64LE(BigInt(at), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(at + bytes), 8)
  locator.writeUInt32LE(1, 16)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(endSignature, 0)
  for (const place of [8, 10]) end.writeUInt16LE(0xffff, place)
  for (const place of [12, 16]) end.writeUInt32LE(wide, place)
  return Buffer.concat([record, locator, end])
}
