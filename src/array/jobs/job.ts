/**
 * A job is a pass over elements that threads share: cut into tasks that are claimed one by one, each independent of the
 * others, so that the result does not depend on who ran what. Jobs are plain data and cross to workers.
 */
import { bytesPer, type DType, type TypedArray } from '../expression/dtype.ts'
import type { FactorName } from '../factor/table.ts'
import type { Kernel } from '../kernel/compile.ts'
import { instantiate, instantiateInPlace, type KernelInstance } from '../kernel/instance.ts'
import { blockLength } from '../kernel/ir.ts'
import type { Carried, RoundParameter } from '../reductions/carrying.ts'
import type { Measure } from '../reductions/reduction.ts'
import { type Place, takePlace } from '../memory/memory.ts'
import type { ProductType } from '../wasm/product.ts'
import { Reader, type Target } from './reader.ts'
import type { Access } from '../memory/source.ts'

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
  /** Rounds are cut into this many segments, whose states are merged afterwards. */
  readonly segments: number
  /** Carried values: the slots, after those of the inputs, with the value they start from. */
  readonly carried: readonly Carried[]
  readonly roundParameters: readonly RoundParameter[]
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
  /** Of what the algorithm reads beside the expression. */
  readonly dtype?: DType
  /** Elements that it works on, where they are more than those of the expression. */
  readonly elements?: number
}

export type BlockAlgorithm =
  | 'argsort'
  | 'compress'
  | 'gather'
  | 'histogram'
  | 'keys'
  | 'partition'
  | 'rowQuantile'
  | 'scan'
  | 'scatter'
  | 'search'
  | 'select'
  | 'sort'
  | 'sortParts'
  | 'spread'
  | 'topk'
  | 'unique'
  | 'weigh'

/** One task of one algorithm: sees its blocks in order. */
export interface BlockTask {
  block(outputs: readonly TypedArray[], first: number, count: number): void
  end?(): void
}

/** The dtype of an output of the job's expression. */
export const dtypeOf = ({ expression }: BlockJob, output: number): DType =>
  (expression.kernel.outputs[output] as { dtype: DType }).dtype

/** Matrices: element (i, k) of the one at batch coordinates c lies at `offset + Σ c × steps + i × outer + k × inner`. */
export interface Matrix {
  readonly buffer: SharedArrayBuffer
  readonly dtype: DType
  readonly offset: number
  readonly steps: readonly number[]
  readonly outer: number
  readonly inner: number
}

/** Multiplies matrices tile by tile. */
export interface ProductJob extends Common {
  readonly kind: 'product'
  /** What is multiplied in, and the result. */
  readonly dtype: ProductType
  /** Lengths of the axes before the last two. */
  readonly batch: readonly number[]
  /** Parts of a task: (product, segment, tile) triples. */
  readonly perTask: number
  readonly left: Matrix
  readonly right: Matrix
  readonly rows: number
  readonly columns: number
  readonly inner: number
  /** Rows and columns of a tile. */
  readonly tile: number
  /** The inner length is cut into segments of this length, whose products are added afterwards. */
  readonly segmentLength: number
  /** (batch × segments × rows × columns) elements. */
  readonly result: SharedArrayBuffer
}

/** Factorizes matrices, each by itself. */
export interface FactorJob extends Common {
  readonly kind: 'factor'
  readonly operation: FactorName
  readonly numbers: readonly number[]
  /** Lengths of the axes before the last two. */
  readonly batch: readonly number[]
  /** Matrices of the batch per task. */
  readonly perTask: number
  readonly matrices: readonly { readonly matrix: Matrix; readonly rows: number; readonly columns: number }[]
  /** (batch × size) doubles. */
  readonly result: SharedArrayBuffer
  readonly size: number
}

/** Runs expressions block by block on this thread. */
export class ExpressionRunner {
  readonly instance: KernelInstance
  readonly #inputs: readonly Input[]

  constructor({ kernel, parameters, inputs }: Expression) {
    const [input] = inputs
    const home = kernel.inPlace && input?.source.kind === 'memory' ? input.source.home : undefined
    const place = home && takePlace(home)
    this.instance = home && place ? instantiateInPlace(kernel, home, place) : instantiate(kernel)
    this.instance.setParameters(parameters)
    if (input && place) this.#inputs = [new InPlace(this.instance, input, place)]
    else if (input && kernel.inPlace) this.#inputs = [new Window(this.instance, input)]
    else this.#inputs = inputs.map((access, i) => new Slotted(this.instance, i, access))
  }

  /**
   * Reads the inputs of the block at `first` and runs the kernel over it; at most as many elements as a call of the kernel takes.
   * @param until how far this thread will go on, in blocks without a gap
   */
  run(first: number, count: number, until = first + count): void {
    this.load(first, count, until)
    this.instance.run(count, first)
  }

  load(first: number, count: number, until = first + count): void {
    for (let i = 0; i < this.#inputs.length; i++) (this.#inputs[i] as Input).load(first, count, until)
  }

  close(): void {
    for (const input of this.#inputs) input.close()
  }
}

/** Brings blocks of one input to where the kernel looks for them. */
interface Input {
  load(first: number, count: number, until: number): void
  close(): void
}

/** Blocks are copied into the input's slot. */
class Slotted implements Input {
  readonly #instance: KernelInstance
  readonly #index: number
  readonly #reader: Reader

  constructor(instance: KernelInstance, index: number, access: Access) {
    this.#instance = instance
    this.#index = index
    this.#reader = new Reader(access)
  }

  load(first: number, count: number): void {
    this.#reader.read(first, count, this.#instance.input(this.#index))
  }

  close(): void {
    this.#reader.close()
  }
}

/** The kernel runs in the memory where the elements lie. */
class InPlace implements Input {
  readonly #instance: KernelInstance
  readonly #start: number
  readonly #width: number
  readonly #place: Place

  constructor(instance: KernelInstance, { dtype, offset }: Access, place: Place) {
    this.#instance = instance
    this.#width = bytesPer(dtype)
    this.#start = offset * this.#width
    this.#place = place
  }

  load(first: number): void {
    this.#instance.at(this.#start + first * this.#width)
  }

  close(): void {
    this.#place.release()
  }
}

/** Several blocks are fetched at once, and the kernel runs over one after the other where they are. */
class Window implements Input {
  readonly #instance: KernelInstance
  readonly #window: TypedArray
  readonly #address: number
  readonly #reader: Reader
  /** Elements from `#from` up to `#to` are there. */
  #from = 0
  #to = 0

  constructor(instance: KernelInstance, access: Access) {
    this.#instance = instance
    this.#window = instance.window()
    this.#address = this.#window.byteOffset
    this.#reader = new Reader(access)
  }

  load(first: number, count: number, until: number): void {
    if (first < this.#from || first + count > this.#to) {
      const length = Math.min(this.#window.length, until - first)
      this.#reader.read(first, length, this.#window)
      this.#from = first
      this.#to = first + length
    }
    this.#instance.at(this.#address + (first - this.#from) * this.#window.BYTES_PER_ELEMENT)
  }

  close(): void {
    this.#reader.close()
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
