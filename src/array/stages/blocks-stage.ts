/** Arrays that come block by block: makes the blocks, several at once, and puts their elements to their place. */
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
        await new Making(node, typedArray(node.dtype, result, 0, sizeOf(node.shape)), context).run()
      },
      finish: () => new Map([[node, denseNode(node.dtype, node.shape, result)]]),
    },
  }
}

/** What the first block shows that all of them need, such as a mean: it is computed before, once. */
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

/** One array whose blocks are being made. */
class Making {
  readonly #node: BlocksNode
  readonly #result: TypedArray
  readonly #context: StageContext

  constructor(node: BlocksNode, result: TypedArray, context: StageContext) {
    this.#node = node
    this.#result = result
    this.#context = context
  }

  async run(): Promise<void> {
    const { maker, grid } = this.#node
    if (this.#result.length === 0) return
    if (maker.present && Number(maker.fill ?? 0) !== 0) await this.#fill(maker.fill as number)
    const blocks = this.#indices(maker.present, blockCount(grid))
    const lanes = Array.from(
      { length: Number.isFinite(maker.concurrency) ? maker.concurrency : Math.max(1, this.#context.threads) },
      async () => {
        for (let next = blocks.next(); !next.done; next = blocks.next()) {
          await this.#context.takeTurns()
          await this.#make(next.value)
        }
      },
    )
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
    for (let at = 0; at < this.#result.length; at += step) {
      await this.#context.takeTurns()
      ;(this.#result as Float64Array).fill(value, at, at + step)
    }
  }

  async #make(here: readonly number[]): Promise<void> {
    const { grid, first, start, shape } = this.#node
    const within = boxOfBlock(grid, here)
    const strides = contiguousStrides(shape)
    const offset = within.start.reduce((sum, n, axis) => sum + n * (strides[axis] as number), 0)
    const index = here.map((n, axis) => n + (first[axis] as number))
    const shift = (list: readonly number[]): number[] => list.map((n, axis) => n + (start[axis] as number))
    const box: Box = { start: shift(within.start), stop: shift(within.stop) }
    const into = { data: this.#result, offset, strides }
    const make = (): Promise<ArrayLike<number | bigint> | undefined> => this.#call(box, index, into)
    const { maker } = this.#node
    const made = this.#node.whole ? await this.#context.blocks.once(maker, index, make) : await make()
    if (!made) return
    const size = sizeOf(shapeOfBox(box))
    if (made.length !== size)
      throw new HeddleError(`Block [${index.join(', ')}] of ${maker.label} has ${made.length} elements, not ${size}`)
    putBlock(made, shapeOfBox(box), into)
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
