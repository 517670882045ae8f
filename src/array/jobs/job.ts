/**
 * A job is a pass over elements that threads share: cut into tasks that are claimed one by one, each independent of the
 * others, so that the result does not depend on who ran what. Jobs are plain data and cross to workers.
 */
import { bytesPer, type DType } from '../dtype.ts'
import type { Kernel } from '../kernel/compile.ts'
import { instantiate, instantiateInPlace, type KernelInstance } from '../kernel/instance.ts'
import { blockLength } from '../kernel/ir.ts'
import { type Place, takePlace } from '../memory.ts'
import { Reader, type Target } from '../reader.ts'
import type { Access } from '../source.ts'

/** A fused expression with its inputs. */
export interface Expression {
  readonly kernel: Kernel
  readonly parameters: readonly (number | bigint)[]
  readonly inputs: readonly Access[]
}

interface Common {
  /** Number of independent tasks. */
  readonly tasks: number
  /** What people see of it, such as `sum of 100,000,000 f64`. */
  readonly label: string
}

/** Evaluates an expression into its targets. */
export interface MapJob extends Common {
  readonly kind: 'map'
  readonly expression: Expression
  readonly targets: readonly Target[]
  readonly length: number
  readonly chunkLength: number
}

/** Reduces rows of consecutive elements; a row is cut into segments, and each gives a state. */
export interface ReduceJob extends Common {
  readonly kind: 'reduce'
  readonly expression: Expression
  readonly measures: readonly Measure[]
  readonly rows: number
  readonly rowLength: number
  readonly segmentLength: number
  /** (rows × segments) states, one after the other. */
  readonly states: SharedArrayBuffer
  /** (row, segment) pairs per task. */
  readonly perTask: number
}

/**
 * Reduces over the outer axis: `length` elements side by side, `rounds` times. The kernel carries the state of each in slots
 * of its own.
 */
export interface FoldJob extends Common {
  readonly kind: 'fold'
  readonly expression: Expression
  readonly rounds: number
  readonly length: number
  /** Rounds are cut into so many segments, whose states are merged afterwards. */
  readonly segments: number
  /** Carried values: the slots, after those of the inputs, with the value they start from. */
  readonly carried: readonly { readonly dtype: DType; readonly start: number | bigint }[]
  /** Parameters that are set in each round: its number from 0, its number from 1 within the segment. */
  readonly roundParameters: readonly { readonly index: number; readonly what: 'round' | 'count' }[]
  /** (segments × carried × length) elements of 8 bytes. */
  readonly states: SharedArrayBuffer
}

/** Evaluates an expression block by block, and hands the blocks to an algorithm; see `blocks.ts`. */
export interface BlockJob extends Common {
  readonly kind: 'block'
  readonly algorithm: BlockAlgorithm
  readonly expression: Expression
  readonly length: number
  readonly chunkLength: number
  /** What the algorithm reads and writes, and its numbers. */
  readonly buffers: readonly SharedArrayBuffer[]
  readonly numbers: readonly number[]
}

export type BlockAlgorithm = 'compress' | 'scan' | 'histogram' | 'keys' | 'select' | 'topk' | 'unique'

/** Elements with two axes: element (i, k) lies at `offset + i × outer + k × inner`. */
export interface Matrix {
  readonly buffer: SharedArrayBuffer
  readonly dtype: DType
  readonly offset: number
  readonly outer: number
  readonly inner: number
}

/** Multiplies matrices tile by tile. */
export interface ProductJob extends Common {
  readonly kind: 'product'
  readonly left: Matrix
  readonly right: Matrix
  readonly rows: number
  readonly columns: number
  readonly inner: number
  /** Rows and columns of a tile. */
  readonly tile: number
  /** The inner length is cut into segments of so many, whose products are added afterwards. */
  readonly segmentLength: number
  /** (segments × rows × columns) doubles. */
  readonly result: SharedArrayBuffer
}

/** What one reduction keeps between blocks. */
export interface Measure {
  readonly kind: 'sum' | 'wrap' | 'prod' | 'min' | 'max' | 'any' | 'all' | 'moments' | 'argmin' | 'argmax'
  readonly dtype: DType
  /** Its first reduction in the kernel. */
  readonly reduction: number
  /** For moments, the parameter that is subtracted first; for argmin and argmax, the output that holds the values. */
  readonly extra: number
}

/** Runs expressions block by block on this thread. */
export class ExpressionRunner {
  readonly instance: KernelInstance
  readonly #readers: readonly Reader[]
  /** Of a kernel that reads its input in place: where the input begins, and how wide its elements are, in bytes. */
  readonly #inPlace: { readonly place: Place; readonly start: number; readonly width: number } | undefined

  constructor({ kernel, parameters, inputs }: Expression) {
    const [input] = inputs
    const home = kernel.inPlace && input?.source.kind === 'memory' ? input.source.home : undefined
    const place = home && takePlace(home)
    if (input && home && place) {
      const width = bytesPer(input.dtype)
      this.#inPlace = { place, start: input.offset * width, width }
      this.instance = instantiateInPlace(kernel, home, place)
      this.#readers = []
    } else {
      this.instance = instantiate(kernel)
      this.#readers = inputs.map((access) => new Reader(access))
    }
    this.instance.setParameters(parameters)
  }

  /** Reads the inputs of the block at `first` and runs the kernel over it; at most as many elements as a call of the kernel takes. */
  run(first: number, count: number): void {
    this.load(first, count)
    this.instance.run(count, first)
  }

  load(first: number, count: number): void {
    if (this.#inPlace) this.instance.at(this.#inPlace.start + first * this.#inPlace.width)
    for (let i = 0; i < this.#readers.length; i++) (this.#readers[i] as Reader).read(first, count, this.instance.input(i))
  }

  close(): void {
    for (const reader of this.#readers) reader.close()
    this.#inPlace?.place.release()
  }
}

/** Whether to stop: asked between blocks. */
export type Stop = () => boolean

/** Calls `body` for each block of a range; stops early when asked to. */
export function forBlocks(
  from: number,
  to: number,
  stop: Stop,
  body: (first: number, count: number) => void,
  length: number = blockLength,
): void {
  for (let first = from; first < to && !stop(); first += length) body(first, Math.min(length, to - first))
}
