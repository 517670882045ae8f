/**
 * A row that does not fit in memory, sorted into a file: parts that fit are sorted and written, as runs; then the values are cut so that what lies between two
 * cuts fits, too, in all runs together, and each such range is gathered, sorted and written to its place. Every range is sorted by all threads, which a merge of
 * runs would not be. (Cuts as in sample sort: Frazer and McKellar 1970.)
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { algorithm, view } from '../expression/build.ts'
import { bytesPer, type DType, typedArray, type TypedArray } from '../expression/dtype.ts'
import { viewOfBox } from '../expression/grid.ts'
import type { AlgorithmNode, DenseNode, Node } from '../expression/node.ts'
import { sizeOf } from '../expression/shape.ts'
import { before } from '../jobs/gather.ts'
import { allocate } from '../stages/map-stage.ts'
import { denseNode } from '../stages/stage.ts'

/** Everything that the sort asks of the computation that it is part of. */
export interface SortContext {
  evaluate(nodes: readonly Node[]): Promise<DenseNode[]>
  takeTurns(): Promise<void>
  /** An empty file. */
  file(): string
  /** Elements that are sorted at once. */
  readonly length: number
}

/** One in this many elements of a run is kept in memory, to cut by. */
const sampleStep = 1_024
/** Bytes that are written or read in one go. */
const pieceBytes = 8 << 20

/** A run in the file, and a sample of its elements. */
interface Run {
  readonly start: number
  readonly length: number
  readonly samples: TypedArray
}

/** Whether the node is one row, whose sort can go through files. */
export const isOneRow = ({ inputs }: AlgorithmNode): boolean => {
  const [{ shape }] = inputs as [Node]
  return shape.at(-1) === sizeOf(shape)
}

/** @returns the path of a file with the sorted elements */
export async function sortIntoFile(node: AlgorithmNode, context: SortContext): Promise<string> {
  const [runsPath, path] = [context.file(), context.file()]
  const [from, to] = [new ElementFile(runsPath, node.dtype), new ElementFile(path, node.dtype)]
  try {
    const runs = await writeRuns(node, from, context)
    const cuts = cutsOf(runs, context.length)
    const sorting = new Ranges(node.dtype, runs, from, to, context)
    for (const cut of cuts) {
      await sorting.below(cut)
      await sorting.equalTo(cut)
    }
    await sorting.rest()
    return path
  } finally {
    from.close()
    to.close()
  }
}

async function writeRuns(node: AlgorithmNode, file: ElementFile, context: SortContext): Promise<Run[]> {
  const [input] = node.inputs as [Node]
  const axis = input.shape.length - 1
  const size = sizeOf(input.shape)
  const runs: Run[] = []
  for (let start = 0; start < size; start += context.length) {
    await context.takeTurns()
    const length = Math.min(context.length, size - start)
    const box = { start: input.shape.map((_, i) => (i === axis ? start : 0)), stop: [...input.shape] }
    box.stop[axis] = start + length
    const part = view(input, viewOfBox(box))
    const [sorted] = await context.evaluate([algorithm('sort', [part], node.dtype, part.shape)])
    const elements = elementsOf(sorted as DenseNode)
    await file.write(elements, start, context)
    const samples = typedArray(node.dtype, new ArrayBuffer(8 * Math.ceil(length / sampleStep)), 0, Math.ceil(length / sampleStep))
    for (let i = 0; i < samples.length; i++) samples[i] = elements[i * sampleStep] as never
    runs.push({ start, length, samples })
  }
  return runs
}

const elementsOf = ({ dtype, buffer, offset, shape }: DenseNode): TypedArray => typedArray(dtype, buffer, offset, sizeOf(shape))

/** Values between which at most about `length` elements lie. */
function cutsOf(runs: readonly Run[], length: number): (number | bigint)[] {
  const all = runs.flatMap(({ samples }) => Array.from(samples as Float64Array))
  all.sort((a, b) => (before(a, b) ? -1 : before(b, a) ? 1 : 0))
  const step = Math.max(1, Math.floor(length / sampleStep) - runs.length)
  const cuts: (number | bigint)[] = []
  for (let i = step; i < all.length; i += step) {
    const value = all[i] as number
    if (cuts.length === 0 || before(cuts.at(-1) as number, value)) cuts.push(value)
  }
  return cuts
}

/** The ranges of values, in their order; each is written behind the one before. */
class Ranges {
  readonly #dtype: DType
  readonly #runs: readonly Run[]
  readonly #from: ElementFile
  readonly #to: ElementFile
  readonly #context: SortContext
  /** How far each run has been taken. */
  readonly #taken: number[]
  #written = 0

  constructor(dtype: DType, runs: readonly Run[], from: ElementFile, to: ElementFile, context: SortContext) {
    this.#dtype = dtype
    this.#runs = runs
    this.#from = from
    this.#to = to
    this.#context = context
    this.#taken = runs.map(() => 0)
  }

  /** What stands before the value. */
  below(value: number | bigint): Promise<void> {
    return this.#sort(this.#runs.map((run) => this.#firstWhere(run, (there) => !before(there, value as number))))
  }

  /** The elements equal to it: there may be any number of them, and they are in order as they are. */
  async equalTo(value: number | bigint): Promise<void> {
    const ends = this.#runs.map((run) => this.#firstWhere(run, (there) => before(value as number, there)))
    const piece = pieceBytes / bytesPer(this.#dtype)
    for (const [i, run] of this.#runs.entries()) {
      while ((this.#taken[i] as number) < (ends[i] as number)) {
        const at = this.#taken[i] as number
        const elements = this.#from.read(run.start + at, Math.min(piece, (ends[i] as number) - at))
        await this.#to.write(elements, this.#written, this.#context)
        this.#written += elements.length
        this.#taken[i] = at + elements.length
      }
    }
  }

  rest(): Promise<void> {
    return this.#sort(this.#runs.map(({ length }) => length))
  }

  async #sort(ends: readonly number[]): Promise<void> {
    const count = ends.reduce((sum, end, i) => sum + end - (this.#taken[i] as number), 0)
    if (count === 0) return
    const buffer = allocate(this.#dtype, [count])
    const gathered = typedArray(this.#dtype, buffer, 0, count)
    let at = 0
    for (const [i, { start }] of this.#runs.entries()) {
      const taken = this.#taken[i] as number
      const length = (ends[i] as number) - taken
      await this.#context.takeTurns()
      this.#from.readInto(gathered, at, start + taken, length)
      at += length
      this.#taken[i] = ends[i] as number
    }
    const dense = denseNode(this.#dtype, [count], buffer)
    const [sorted] = await this.#context.evaluate([algorithm('sort', [dense], this.#dtype, [count])])
    await this.#to.write(elementsOf(sorted as DenseNode), this.#written, this.#context)
    this.#written += count
  }

  /** The place within the run of the first element for which the test is true, as it is for all behind it. */
  #firstWhere({ start, length, samples }: Run, test: (element: number) => boolean): number {
    const block = bisect(samples.length, (i) => test(samples[i] as number))
    if (block === 0) return 0
    const from = (block - 1) * sampleStep
    const elements = this.#from.read(start + from, Math.min(sampleStep, length - from))
    return from + bisect(elements.length, (i) => test(elements[i] as number))
  }
}

/** The first index below `length` for which the test is true, or `length`. */
function bisect(length: number, test: (index: number) => boolean): number {
  let [low, high] = [0, length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (test(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** A file of elements, by their places. */
class ElementFile {
  readonly #dtype: DType
  readonly #width: number
  readonly #fd: number

  constructor(path: string, dtype: DType) {
    this.#dtype = dtype
    this.#width = bytesPer(dtype)
    this.#fd = openSync(path, 'r+')
  }

  read(start: number, count: number): TypedArray {
    const elements = typedArray(this.#dtype, new ArrayBuffer(count * this.#width), 0, count)
    this.readInto(elements, 0, start, count)
    return elements
  }

  readInto(elements: TypedArray, at: number, start: number, count: number): void {
    const bytes = new Uint8Array(elements.buffer, elements.byteOffset + at * this.#width, count * this.#width)
    for (let done = 0; done < bytes.length;) {
      const got = readSync(this.#fd, bytes, done, Math.min(pieceBytes, bytes.length - done), start * this.#width + done)
      if (got === 0) throw new RangeError('a file of a computation was cut off by somebody else')
      done += got
    }
  }

  async write(elements: TypedArray, start: number, { takeTurns }: SortContext): Promise<void> {
    const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.length * this.#width)
    for (let done = 0; done < bytes.length;) {
      await takeTurns()
      done += writeSync(this.#fd, bytes, done, Math.min(pieceBytes, bytes.length - done), start * this.#width + done)
    }
  }

  close(): void {
    closeSync(this.#fd)
  }
}
