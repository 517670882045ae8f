/** Functions of blocks: one call for each block of the result. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkFunction, checkOptions, rules } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import { checkDType, type DType, dtypeRule } from '../expression/dtype.ts'
import {
  type AxisGrid,
  blocksOf,
  type Box,
  type Chunks,
  EqualBlocks,
  type Grid,
  gridOf,
  ListedBlocks,
  shapeOfGrid,
  viewOfBox,
} from '../expression/grid.ts'
import { type BlockMaker, type BlocksNode, makeNode, type Node } from '../expression/node.ts'
import { axesRule, normalizeAxes } from '../expression/axes.ts'
import { broadcastShapes, type Shape, showShape } from '../expression/shape.ts'
import { checkArray, NDArray, type Rank } from '../ndarray/array.ts'
import { type Block, type BlockInfo, type BlockResult, callBlock, concurrencyOf, infoOf } from './block-function.ts'

/** Options of {@link mapBlocks}. */
export interface MapBlocksOptions<E extends DType = DType> {
  /** What the function gives. @default that of the first array */
  readonly dtype?: E
  /** The blocks of the result, where they differ: for each axis their length, or a list of lengths. @default those of the first array */
  readonly chunks?: Chunks
  /** Axes of the blocks that the result does not have; each must be one block. @default none */
  readonly dropAxis?: number | readonly number[]
  /** Axes of the result that the blocks do not have, of length 1 unless `chunks` says otherwise. @default none */
  readonly newAxis?: number | readonly number[]
  /** Calls at once at most. @default twice the threads of a worker function, at least 4 */
  readonly concurrency?: number
}

type Fn1 = (block: Block, info: BlockInfo) => BlockResult | PromiseLike<BlockResult>
type FnN = (...blocks: never[]) => BlockResult | PromiseLike<BlockResult>

/**
 * Calls `fn` for each block of an array, or of several that are broadcast together, and puts together what it gives. Lazy: blocks are made when they are
 * needed, and only those that are. A worker function runs on the threads, and gets the elements without a copy.
 *
 * @param arrays one, or a list of them
 * @param fn gets the blocks in C order, then which block it is; gives the elements of the block of the result in C order, as a typed array of the
 *   result's dtype or a list
 * @throws {InvalidOption} when an operand is not an array, shapes do not go together, a length is unknown, or for a wrong option; in `compute` when what
 *   `fn` gives does not fit
 * @example
 * const clipped = mapBlocks(x, ({ data }) => data.map((v) => Math.min(v, 1)))
 */
export function mapBlocks<D extends DType, E extends DType = D>(
  arrays: NDArray<D, Rank>,
  fn: Fn1,
  options?: MapBlocksOptions<E>,
): NDArray<E, 'array'>
export function mapBlocks<E extends DType = DType>(
  arrays: readonly NDArray<DType, Rank>[],
  fn: FnN,
  options?: MapBlocksOptions<E>,
): NDArray<E, 'array'>
export function mapBlocks(
  arrays: NDArray<DType, Rank> | readonly NDArray<DType, Rank>[],
  fn: FnN,
  options: MapBlocksOptions = {},
): NDArray<DType, 'array'> {
  const where = 'mapBlocks'
  const list = Array.isArray(arrays) ? (arrays as readonly NDArray[]) : [arrays as NDArray]
  for (const array of list) checkArray(array, where)
  const [first] = list
  if (!first)
    throw new InvalidOption('Expected `mapBlocks` to get at least one array, got none', {
      hint: 'fromDelayed makes blocks from nothing.',
    })
  checkFunction(fn, 'fn', where)
  checkOptions<MapBlocksOptions>(
    options,
    { dtype: dtypeRule, chunks: rules.any, dropAxis: axesRule, newAxis: axesRule, concurrency: rules.whole(1) },
    where,
  )
  const shape = broadcastShapes(...list.map((array) => array.shape))
  const model = list.find((array) => String(array.shape) === String(shape)) ?? first
  const grid = String(model.shape) === String(shape) ? blocksOf(model.node, where) : gridOf(shape, -1, where)
  const frame = axesOf(grid, options, where)
  const dtype = checkDType(options.dtype ?? first.dtype, 'dtype')
  const maker: BlockMaker = {
    label: `${fn.name || 'function'} of blocks of ${showShape(shape)} ${first.dtype}`,
    concurrency: options.concurrency ?? concurrencyOf(fn),
    parts: (inputs, _, index) => inputs.map((input) => partOfInput(input, shape, frame.inputBox(index))),
    make: ({ index, box, parts, cancellation }) => callBlock({ fn, where, dtype }, parts, infoOf(index, box), cancellation),
  }
  return blocksArray(
    maker,
    list.map(({ node }) => node),
    frame.grid,
    dtype,
  )
}

/** What an input shows of a box of the shape that all inputs are broadcast to; lengths of 1 stay. */
export function partOfInput(input: Node, shape: Shape, box: Box): Node {
  const lead = shape.length - input.shape.length
  const start = input.shape.map((length, axis) => (length === 1 ? 0 : (box.start[axis + lead] as number)))
  const stop = input.shape.map((length, axis) => (length === 1 ? 1 : (box.stop[axis + lead] as number)))
  return build.view(input, viewOfBox({ start, stop }))
}

/** An array whose blocks the maker makes. */
export function blocksArray<E extends DType>(
  maker: BlockMaker,
  inputs: readonly Node[],
  grid: Grid,
  dtype: E,
): NDArray<E, 'array'> {
  const zeros = grid.map(() => 0)
  const node: BlocksNode = makeNode({
    kind: 'blocks',
    inputs,
    grid,
    maker,
    first: zeros,
    start: zeros,
    dtype,
    shape: shapeOfGrid(grid),
    chunk: undefined,
  })
  return new NDArray(node)
}

/** The blocks of the result, and which box of the inputs each of them is made from. */
function axesOf(
  input: Grid,
  { chunks, dropAxis, newAxis }: MapBlocksOptions,
  where: string,
): { readonly grid: Grid; inputBox(index: readonly number[]): Box } {
  const dropped = dropAxis === undefined ? [] : normalizeAxes(dropAxis, input.length)
  for (const axis of dropped) {
    const { count } = input[axis] as AxisGrid
    if (count > 1) {
      throw new InvalidOption(`Expected the dropped axis ${axis} of ${where} to be one block, got ${count}`, {
        hint: 'Make it one first: `x.rechunk([…, -1, …])`.',
      })
    }
  }
  const kept = input.map((_, axis) => axis).filter((axis) => !dropped.includes(axis))
  const added = newAxis === undefined ? [] : normalizeAxes(newAxis, kept.length + (Array.isArray(newAxis) ? newAxis.length : 1))
  /** For each axis of the result the axis of the input; −1 for a new one. */
  const from = [...kept]
  for (const axis of added) from.splice(axis, 0, -1)
  const grid = from.map((axis, i) =>
    axisOfResult(axis < 0 ? undefined : (input[axis] as AxisGrid), chunks, i, from.length, where),
  )
  return {
    grid,
    inputBox(index) {
      const at = input.map((_, axis) => (from.includes(axis) ? (index[from.indexOf(axis)] as number) : 0))
      return {
        start: input.map((axis, i) => axis.startOf(at[i] as number)),
        stop: input.map((axis, i) => axis.startOf((at[i] as number) + 1)),
      }
    },
  }
}

/** As many blocks as the input has, of the lengths that were asked for. */
function axisOfResult(
  input: AxisGrid | undefined,
  chunks: Chunks | undefined,
  axis: number,
  rank: number,
  where: string,
): AxisGrid {
  const count = input?.count ?? 1
  if (chunks === undefined) return input ?? new EqualBlocks(1, 1)
  const list = Array.isArray(chunks) ? chunks : Array.from({ length: rank }, (_, i) => (i === 0 ? (chunks as number) : -1))
  const wanted = list[axis] as number | readonly number[] | undefined
  const ok = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0
  if (list.length === rank && typeof wanted === 'number') {
    if (wanted === -1) return input ?? new EqualBlocks(1, 1)
    if (ok(wanted))
      return wanted === 0 ? new ListedBlocks(Array.from({ length: count }, () => 0)) : new EqualBlocks(wanted * count, wanted)
  }
  if (list.length === rank && Array.isArray(wanted) && wanted.every(ok)) {
    if (wanted.length === count) return new ListedBlocks(wanted)
    throw new InvalidOption(`Expected \`chunks\` of ${where} to list ${count} blocks for axis ${axis}, got ${wanted.length}`)
  }
  throw new InvalidOption(
    `Expected \`chunks\` of ${where} to have a length or a list of lengths for each of ${rank} axes, got ${describe(Array.isArray(chunks) ? `[${chunks.map(String).join(', ')}]` : chunks)}`,
  )
}
