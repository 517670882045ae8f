/** Arrays that come block by block: makes the blocks, several at once, and puts their elements to their place. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { HeddleError } from '../../base/errors.ts'
import { bytesPer, typedArray, type TypedArray } from '../expression/dtype.ts'
import { type AxisGrid, blockCount, blockIndex, type Box, boxOfBlock, shapeOfBox } from '../expression/grid.ts'
import { type BlocksNode, type BlockPart, type BlockRequest, type DenseNode, inputsFirst, type Node } from '../expression/node.ts'
import { type Computed, Lowering } from './lower.ts'
import { contiguousStrides, sizeOf } from '../expression/shape.ts'
import { identityView } from '../expression/view.ts'
import { accessThrough, isRun } from '../memory/source.ts'
import { allocate } from './map-stage.ts'
import { denseNode, type Prepared, type StageContext } from './stage.ts'

export function prepareBlocks(node: BlocksNode, computed: Computed): Prepared {
  const needs = sharedNeeds(node, computed)
  if (needs.size > 0) return { needs }
  const bytes = sizeOf(node.shape) * bytesPer(node.dtype)
  let result = new SharedArrayBuffer(0)
  return {
    stage: {
      nodes: [node],
      bytes,
      about: { label: node.maker.label, tasks: blockCount(node.grid), bytesRead: bytes },
      jobs: () => [],
      async work(context) {
        node.maker.check?.(bytes)
        result = allocate(node.dtype, node.shape)
        await new Making(node, new InMemory(node, result), context).run()
      },
      finish: () => new Map([[node, denseNode(node.dtype, node.shape, result)]]),
    },
  }
}

/** Facts that all blocks need, such as a mean: computed from the first block, once. */
function sharedNeeds({ maker, grid, inputs, first, start, shape }: BlocksNode, computed: Computed): Set<Node> {
  if (!maker.parts || sizeOf(shape) === 0) return new Set()
  const within = boxOfBlock(
    grid,
    grid.map(() => 0),
  )
  const shift = (list: readonly number[]): number[] => list.map((n, axis) => n + (start[axis] as number))
  const lowering = new Lowering(computed, false)
  const lower = (node: Node): void => {
    // Edges are put together from parts.
    if (node.kind === 'concat') node.inputs.forEach(lower)
    else lowering.lower(node)
  }
  maker.parts(inputs, { start: shift(within.start), stop: shift(within.stop) }, first).forEach(lower)
  if (lowering.needs.size === 0) return lowering.needs
  const below = new Set(inputsFirst(inputs, () => true))
  return new Set([...lowering.needs].filter((need) => below.has(need)))
}

/** Makes all blocks into an empty file, in C order. */
export async function blocksIntoFile(node: BlocksNode, path: string, context: StageContext): Promise<void> {
  const file = new InFile(node, path)
  try {
    await new Making(node, file, context).run()
  } finally {
    file.close()
  }
}

/** Where the blocks go. */
interface Destination {
  /** Where the maker may put the elements of a block itself. */
  into(within: Box): BlockRequest['into']
  /** @param made undefined where the maker has done so */
  put(within: Box, into: BlockRequest['into'], made: ArrayLike<number | bigint> | undefined): void
  fill(value: number, from: number, to: number): void
}

const offsetOf = ({ start }: Box, strides: readonly number[]): number =>
  start.reduce((sum, n, axis) => sum + n * (strides[axis] as number), 0)

class InMemory implements Destination {
  readonly #data: TypedArray
  readonly #strides: readonly number[]

  constructor({ dtype, shape }: BlocksNode, buffer: SharedArrayBuffer) {
    this.#data = typedArray(dtype, buffer, 0, sizeOf(shape))
    this.#strides = contiguousStrides(shape)
  }

  into(within: Box): BlockRequest['into'] {
    return { data: this.#data, offset: offsetOf(within, this.#strides), strides: this.#strides }
  }

  put(within: Box, into: BlockRequest['into'], made: ArrayLike<number | bigint> | undefined): void {
    if (made) putBlock(made, shapeOfBox(within), into)
  }

  fill(value: number, from: number, to: number): void {
    ;(this.#data as Float64Array).fill(value, from, to)
  }
}

class InFile implements Destination {
  readonly #shape: readonly number[]
  readonly #dtype: BlocksNode['dtype']
  readonly #fd: number

  constructor({ dtype, shape }: BlocksNode, path: string) {
    this.#shape = shape
    this.#dtype = dtype
    this.#fd = openSync(path, 'r+')
    ftruncateSync(this.#fd, sizeOf(shape) * bytesPer(dtype))
  }

  into(within: Box): BlockRequest['into'] {
    const shape = shapeOfBox(within)
    const data = typedArray(this.#dtype, allocate(this.#dtype, shape), 0, sizeOf(shape))
    return { data, offset: 0, strides: contiguousStrides(shape) }
  }

  put(within: Box, into: BlockRequest['into'], made: ArrayLike<number | bigint> | undefined): void {
    const shape = shapeOfBox(within)
    if (made) putBlock(made, shape, into)
    const strides = contiguousStrides(this.#shape)
    // Axes that the block has whole are one run with the one before them.
    let axis = shape.length - 1
    while (axis > 0 && shape[axis] === this.#shape[axis]) axis--
    const run = sizeOf(shape.slice(Math.max(0, axis)))
    const rows = run === 0 ? 0 : sizeOf(shape) / run
    for (let row = 0; row < rows; row++) {
      let to = offsetOf(within, strides)
      for (let i = axis - 1, left = row; i >= 0; i--) {
        to += (left % (shape[i] as number)) * (strides[i] as number)
        left = Math.floor(left / (shape[i] as number))
      }
      this.#write(into.data.subarray(row * run, (row + 1) * run) as TypedArray, to)
    }
  }

  fill(value: number, from: number, to: number): void {
    const end = Math.min(to, sizeOf(this.#shape))
    const values = typedArray(this.#dtype, new ArrayBuffer(8 * (end - from)), 0, end - from) as Float64Array
    values.fill(value)
    this.#write(values, from)
  }

  #write(values: ArrayBufferView, at: number): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    const start = at * bytesPer(this.#dtype)
    for (let done = 0; done < bytes.length;) done += writeSync(this.#fd, bytes, done, bytes.length - done, start + done)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** One array whose blocks are being made. */
class Making {
  readonly #node: BlocksNode
  readonly #to: Destination
  readonly #context: StageContext

  constructor(node: BlocksNode, to: Destination, context: StageContext) {
    this.#node = node
    this.#to = to
    this.#context = context
  }

  async run(): Promise<void> {
    const { maker, grid } = this.#node
    if (sizeOf(this.#node.shape) === 0) return
    if (maker.present && Number(maker.fill ?? 0) !== 0) await this.#fill(maker.fill as number)
    const blocks = this.#indices(maker.present, blockCount(grid))
    const atOnce = Number.isFinite(maker.concurrency) ? maker.concurrency : Math.max(1, this.#context.threads)
    const lanes = Array.from({ length: Math.min(atOnce, blockCount(grid)) }, async () => {
      for (let next = blocks.next(); !next.done; next = blocks.next()) {
        await this.#context.takeTurns()
        await this.#make(next.value)
      }
    })
    const outcomes = await Promise.allSettled(
      lanes.map((lane) =>
        lane.catch((error: unknown) => {
          // The other lanes find nothing more to do.
          blocks.return(undefined)
          throw error
        }),
      ),
    )
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  /** Coordinates within this node, of all blocks or of those that are there. */
  *#indices(present: readonly (readonly number[])[] | undefined, count: number): Generator<readonly number[], void, undefined> {
    const { grid, first } = this.#node
    if (present === undefined) {
      for (let n = 0; n < count; n++) yield blockIndex(grid, n)
      return
    }
    for (const index of present) {
      const here = index.map((n, axis) => n - (first[axis] as number))
      if (here.every((n, axis) => n >= 0 && n < (grid[axis] as AxisGrid).count)) yield here
    }
  }

  async #fill(value: number): Promise<void> {
    const step = 1 << 20
    for (let at = 0; at < sizeOf(this.#node.shape); at += step) {
      await this.#context.takeTurns()
      this.#to.fill(value, at, at + step)
    }
  }

  async #make(here: readonly number[]): Promise<void> {
    const { grid, first, start } = this.#node
    const within = boxOfBlock(grid, here)
    const index = here.map((n, axis) => n + (first[axis] as number))
    const shift = (list: readonly number[]): number[] => list.map((n, axis) => n + (start[axis] as number))
    const box: Box = { start: shift(within.start), stop: shift(within.stop) }
    const into = this.#to.into(within)
    const make = (): Promise<ArrayLike<number | bigint> | undefined> => this.#call(box, index, into)
    const { maker } = this.#node
    const made = this.#node.whole ? await this.#context.blocks.once(maker, index, make) : await make()
    const size = sizeOf(shapeOfBox(box))
    if (made && made.length !== size)
      throw new HeddleError(`Block [${index.join(', ')}] of ${maker.label} has ${made.length} elements, not ${size}`)
    this.#to.put(within, into, made)
  }

  async #call(box: Box, index: readonly number[], into: BlockRequest['into']): Promise<ArrayLike<number | bigint> | undefined> {
    const { maker, inputs, whole } = this.#node
    const { cancellation, threads } = this.#context
    const parts = maker.parts ? (await this.#context.evaluate(maker.parts(inputs, box, index))).map(partOfDense) : []
    return maker.make({ index, box, into, parts, cancellation, threads, keep: whole !== undefined })
  }
}

/** The elements in C order: where they lie, if they lie so. */
export function partOfDense(node: DenseNode): BlockPart {
  const { shape, dtype, strides, buffer, offset } = node
  const access = accessThrough(identityView(shape), strides, offset)
  if (!isRun(access)) throw new TypeError('what was computed lies in C order')
  return { shape, dtype, data: typedArray(dtype, buffer, access.offset, sizeOf(shape)) }
}

/** Copies a block in C order to its place, row by row. */
export function putBlock(
  elements: ArrayLike<number | bigint>,
  shape: readonly number[],
  { data, offset, strides }: { readonly data: TypedArray; readonly offset: number; readonly strides: readonly number[] },
): void {
  const row = shape.at(-1) ?? 1
  const rows = row === 0 ? 0 : elements.length / row
  const view = ArrayBuffer.isView(elements) ? (elements as unknown as Float64Array) : undefined
  for (let r = 0; r < rows; r++) {
    let to = offset
    for (let axis = shape.length - 2, left = r; axis >= 0; axis--) {
      const length = shape[axis] as number
      to += (left % length) * (strides[axis] as number)
      left = Math.floor(left / length)
    }
    if (view) (data as Float64Array).set(view.subarray(r * row, (r + 1) * row), to)
    else for (let i = 0; i < row; i++) data[to + i] = elements[r * row + i] as never
  }
}
