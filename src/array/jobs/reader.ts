/** Fills blocks of a kernel's inputs from their sources, and writes blocks of its outputs to memory or to a file. */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { FileRefused } from '../../base/errors.ts'
import { bytesPer, type DType, typedArray, type TypedArray } from '../expression/dtype.ts'
import { compileKernel } from '../kernel/compile.ts'
import { instantiateApart, type KernelInstance } from '../kernel/instance.ts'
import { blockLength, KernelProgram } from '../kernel/ir.ts'
import type { Access, Source } from '../memory/source.ts'

/** Reads one input; made for one job on one thread, and closed after it. */
export class Reader {
  readonly #access: Access
  readonly #run: RunReader
  readonly #contiguous: boolean

  constructor(access: Access) {
    this.#access = access
    this.#run = openRun(access.source, access.dtype)
    this.#contiguous = access.strides.length === 1 && access.strides[0] === 1
  }

  /** Puts elements `first` to `first + count` in C order into the block, from `at` on. */
  read(first: number, count: number, block: TypedArray, at = 0): void {
    if (this.#contiguous) return this.#run.copy(this.#access.offset + first, count, block, at)
    const { shape, strides } = this.#access
    const last = shape.length - 1
    const length = shape[last] as number
    const stride = strides[last] as number
    let done = 0
    while (done < count) {
      const position = first + done
      const inner = position % length
      const run = Math.min(length - inner, count - done)
      const start = this.#rowStart(Math.floor(position / length)) + inner * stride
      if (stride === 1) this.#run.copy(start, run, block, at + done)
      else this.#run.gather(start, stride, run, block, at + done)
      done += run
    }
  }

  /** Where the row with this number, counted over all axes but the last, starts in the source. */
  #rowStart(row: number): number {
    const { shape, strides, offset } = this.#access
    let start = offset
    let left = row
    for (let axis = shape.length - 2; axis >= 0; axis--) {
      const length = shape[axis] as number
      start += (left % length) * (strides[axis] as number)
      left = Math.floor(left / length)
    }
    return start
  }

  close(): void {
    this.#run.close()
  }
}

interface RunReader {
  copy(start: number, count: number, block: TypedArray, at: number): void
  gather(start: number, stride: number, count: number, block: TypedArray, at: number): void
  close(): void
}

function openRun(source: Source, dtype: DType): RunReader {
  switch (source.kind) {
    case 'memory':
      return new MemoryRun(typedArray(dtype, source.buffer))
    case 'file':
      return new FileRun(source, dtype)
    case 'random':
      return new RandomRun(source)
  }
}

/** Elements from which on a call into Node pays. */
const nativeCopy = 512

const bytesOf = (data: TypedArray, start: number, count: number): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset + start * data.BYTES_PER_ELEMENT, count * data.BYTES_PER_ELEMENT)

class MemoryRun implements RunReader {
  readonly #data: TypedArray

  constructor(data: TypedArray) {
    this.#data = data
  }

  /** V8 copies out of shared memory word by word; Node's `fill` with as many bytes as there is room for is a plain memcpy. */
  copy(start: number, count: number, block: TypedArray, at: number): void {
    if (count < nativeCopy) block.set(this.#data.subarray(start, start + count) as never, at)
    else Buffer.prototype.fill.call(bytesOf(block, at, count), bytesOf(this.#data, start, count))
  }

  gather(start: number, stride: number, count: number, block: TypedArray, at: number): void {
    if (stride === 0) {
      block.fill(this.#data[start] as never, at, at + count)
      return
    }
    gatherInto(block as Float64Array, this.#data as Float64Array, start, stride, count, at)
  }

  close(): void {}
}

function gatherInto(block: Float64Array, data: Float64Array, start: number, stride: number, count: number, at: number): void {
  for (let i = 0, from = start; i < count; i++, from += stride) block[at + i] = data[from] as number
}

/** Elements of a file. The file may be torn or shrink while it is read: then the error says where. */
class FileRun implements RunReader {
  readonly #source: Extract<Source, { kind: 'file' }>
  readonly #width: number
  readonly #fd: number

  constructor(source: Extract<Source, { kind: 'file' }>, dtype: DType) {
    this.#source = source
    this.#width = bytesPer(dtype)
    this.#fd = openSync(source.path, 'r')
  }

  copy(start: number, count: number, block: TypedArray, at: number): void {
    const bytes = new Uint8Array(block.buffer, block.byteOffset + at * this.#width, count * this.#width)
    const position = this.#source.offsetBytes + start * this.#width
    for (let done = 0; done < bytes.length;) {
      const got = readSync(this.#fd, bytes, done, bytes.length - done, position + done)
      if (got === 0) {
        throw new FileRefused(
          `${this.#source.path} ends at byte ${fstatSync(this.#fd).size}, in the middle of the array; it needs ${position + bytes.length}`,
        )
      }
      done += got
    }
    if (this.#source.bigEndian) swapBytes(bytes, this.#width)
  }

  gather(start: number, stride: number, count: number, block: TypedArray, at: number): void {
    for (let i = 0; i < count; i++) this.copy(start + i * stride, 1, block, at + i)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

function swapBytes(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (width === 8) buffer.swap64()
  else if (width === 4) buffer.swap32()
  else if (width === 2) buffer.swap16()
}

/** Random numbers out of order: the block that an element lies in is made, and kept for the next one. */
class RandomRun implements RunReader {
  readonly #instance: KernelInstance
  #block = -1

  constructor(source: Extract<Source, { kind: 'random' }>) {
    const program = new KernelProgram()
    program.outputs.push({ value: program.random(source.distribution) })
    this.#instance = instantiateApart(compileKernel(program))
    this.#instance.setParameters([source.key])
  }

  copy(start: number, count: number, block: TypedArray, at: number): void {
    for (let done = 0; done < count;) {
      const position = start + done
      const inner = position % blockLength
      const length = Math.min(blockLength - inner, count - done)
      this.#make(Math.floor(position / blockLength))
      block.set(this.#instance.output(0).subarray(inner, inner + length) as never, at + done)
      done += length
    }
  }

  gather(start: number, stride: number, count: number, block: TypedArray, at: number): void {
    for (let i = 0; i < count; i++) this.copy(start + i * stride, 1, block, at + i)
  }

  #make(block: number): void {
    if (block === this.#block) return
    this.#instance.run(blockLength, block * blockLength)
    this.#block = block
  }

  close(): void {}
}

/** Where a result goes. Files are written at their place, so that chunks may finish in any order. */
export type Target =
  | { readonly kind: 'memory'; readonly access: Access }
  | { readonly kind: 'file'; readonly path: string; readonly offsetBytes: number; readonly dtype: DType }

export class Writer {
  readonly #target: Target
  readonly #data: TypedArray | undefined
  readonly #fd: number | undefined

  constructor(target: Target) {
    this.#target = target
    if (target.kind === 'file') this.#fd = openSync(target.path, 'r+')
    else if (target.access.source.kind === 'memory') this.#data = typedArray(target.access.dtype, target.access.source.buffer)
  }

  /** Writes the first `count` elements of the block as elements `first` … of the result. */
  write(first: number, count: number, block: TypedArray): void {
    if (this.#target.kind === 'file') this.#writeFile(this.#target, first, count, block)
    else this.#writeMemory(this.#target.access, first, count, block)
  }

  #writeMemory({ offset, shape, strides }: Access, first: number, count: number, block: TypedArray): void {
    const data = this.#data as TypedArray
    const last = shape.length - 1
    const length = shape[last] as number
    const stride = strides[last] as number
    if (shape.length === 1 && stride === 1) {
      data.set(block.subarray(0, count) as never, offset + first)
      return
    }
    if (stride === 1) {
      for (let done = 0; done < count;) {
        const inner = (first + done) % length
        const run = Math.min(length - inner, count - done)
        let to = offset + inner
        for (let axis = last - 1, left = Math.floor((first + done) / length); axis >= 0; axis--) {
          to += (left % (shape[axis] as number)) * (strides[axis] as number)
          left = Math.floor(left / (shape[axis] as number))
        }
        data.set(block.subarray(done, done + run) as never, to)
        done += run
      }
      return
    }
    for (let done = 0; done < count; done++) {
      let left = first + done
      let to = offset + (left % length) * stride
      left = Math.floor(left / length)
      for (let axis = last - 1; axis >= 0; axis--) {
        to += (left % (shape[axis] as number)) * (strides[axis] as number)
        left = Math.floor(left / (shape[axis] as number))
      }
      data[to] = block[done] as never
    }
  }

  #writeFile({ offsetBytes, dtype }: Extract<Target, { kind: 'file' }>, first: number, count: number, block: TypedArray): void {
    const width = bytesPer(dtype)
    const bytes = new Uint8Array(block.buffer, block.byteOffset, count * width)
    for (let done = 0; done < bytes.length;) {
      done += writeSync(this.#fd as number, bytes, done, bytes.length - done, offsetBytes + first * width + done)
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
  }
}
