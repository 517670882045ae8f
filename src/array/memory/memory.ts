/**
 * Shared memory for the elements of arrays. Large ones lie in a memory of WebAssembly, so that a kernel can read them where they are:
 * a copy into the kernel's own memory costs as much time as a sum. Behind the elements lies scratch space, in which each thread that
 * runs a kernel over them takes a place for its parameters and results.
 */
import { availableParallelism } from 'node:os'
import { type ArrayOf, bytesPer, type DType, typedArray } from '../expression/dtype.ts'
import { Memory, pageBytes, type WasmMemory } from '../wasm/runtime.ts'

/** What a kernel needs to read elements in place; crosses to workers. */
export interface Home {
  readonly memory: WasmMemory
  /** The address behind the elements, where flags for the places stand; the places follow. */
  readonly scratch: number
}

/** A place has room for the parameters and the results of reductions. */
export const placeBytes = 4_096
/** Below this the elements stay in the caches, where a copy costs little, and a memory of its own is not worth its pages. */
const fromBytes = 4 << 20
/** The most bytes of a WebAssembly memory with 32-bit addresses. */
const maxBytes = 65_536 * pageBytes

const homes = new WeakMap<SharedArrayBuffer, Home>()

/** More would say no more. */
const mostCounted = 1 << 30

/**
 * V8 does not count shared memory when it decides whether to collect garbage: forty results of 160 MB, none of which anybody holds, would
 * all stay. So each has an ordinary buffer of its size that lives as long; nobody touches it, so it takes addresses only.
 */
const counted = new WeakMap<SharedArrayBuffer, ArrayBuffer>()

/** Zeroed shared memory of at least `bytes` bytes; the buffer may be longer. */
export function sharedMemory(bytes: number): SharedArrayBuffer {
  if (bytes < fromBytes) return new SharedArrayBuffer(bytes)
  const buffer = largeMemory(bytes)
  counted.set(buffer, new ArrayBuffer(Math.min(bytes, mostCounted)))
  return buffer
}

function largeMemory(bytes: number): SharedArrayBuffer {
  const scratch = Math.ceil(bytes / placeBytes) * placeBytes
  // A place for each thread of the pool, this one and a few more, behind the flags.
  const places = availableParallelism() + 6
  const pages = Math.ceil((scratch + (1 + places) * placeBytes) / pageBytes)
  if (pages * pageBytes > maxBytes) return new SharedArrayBuffer(bytes)
  let memory: WasmMemory
  try {
    memory = new Memory({ initial: pages, maximum: pages, shared: true })
  } catch (error) {
    // Each such memory reserves some 10 GB of addresses, which a system may limit.
    if (error instanceof RangeError) return new SharedArrayBuffer(bytes)
    throw error
  }
  const buffer = memory.buffer as unknown as SharedArrayBuffer
  homes.set(buffer, { memory, scratch })
  return buffer
}

/** Zeroed shared memory as `count` elements. */
export const sharedElements = <D extends DType>(dtype: D, length: number): ArrayOf[D] =>
  typedArray(dtype, sharedMemory(length * bytesPer(dtype)), 0, length) as ArrayOf[D]

/** Where the buffer's elements can be read in place. */
export const homeOf = (buffer: SharedArrayBuffer): Home | undefined => homes.get(buffer)

/** A place that a thread has for itself until it gives it back. */
export interface Place {
  readonly address: number
  release(): void
}

/** Takes a free place; undefined when there is none. */
export function takePlace({ memory, scratch }: Home): Place | undefined {
  const { buffer } = memory
  const count = Math.floor((buffer.byteLength - scratch) / placeBytes) - 1
  const flags = new Int32Array(buffer, scratch, Math.min(count, placeBytes / 4))
  for (let i = 0; i < flags.length; i++) {
    if (Atomics.compareExchange(flags, i, 0, 1) !== 0) continue
    return { address: scratch + (1 + i) * placeBytes, release: () => void Atomics.store(flags, i, 0) }
  }
  return undefined
}
