/** Functions of blocks that see some of their neighbours. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkFunction, checkOptions, rules } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import { checkDType, type DType, typedArray, type Value, dtypeRule } from '../expression/dtype.ts'
import { rawOf } from '../expression/elementwise.ts'
import { blocksOf, type Box, shapeOfBox } from '../expression/grid.ts'
import type { BlockMaker, BlockRequest, Node } from '../expression/node.ts'
import { contiguousStrides, type Shape, showShape, sizeOf } from '../expression/shape.ts'
import type { AxisMap } from '../expression/view.ts'
import { checkArray, type NDArray, type Rank } from '../ndarray/array.ts'
import { type Block, type BlockInfo, type BlockResult, callBlock, concurrencyOf } from './block-function.ts'
import { blocksArray } from './map-blocks.ts'

/**
 * What lies beyond the ends of the array: its elements mirrored, the first ones twice (`'reflect'`), the other end (`'periodic'`), the last element again and
 * again (`'nearest'`), a value, or nothing (`'none'`): then blocks at the ends are shorter.
 */
export type Boundary = 'reflect' | 'periodic' | 'nearest' | 'none' | number | bigint | boolean

/** Options of {@link mapOverlap}. */
export interface MapOverlapOptions<E extends DType = DType> {
  /** Elements of its neighbours that a block sees on each side: for all axes, or for each. */
  readonly depth: number | readonly number[]
  /** @default 'reflect' */
  readonly boundary?: Boundary
  /** Whether what lies beyond the block is cut off of what the function gives, which then has as many elements as it got. @default true */
  readonly trim?: boolean
  /** What the function gives. @default that of the array */
  readonly dtype?: E
  /** Calls at once at most. @default twice the threads of a worker function, at least 4 */
  readonly concurrency?: number
}

const modes = ['reflect', 'periodic', 'nearest', 'none']
const boundary = {
  expected: `${modes.map((mode) => `'${mode}'`).join(', ')} or a value`,
  accepts: (v: unknown) =>
    modes.includes(v as string) || typeof v === 'number' || typeof v === 'bigint' || typeof v === 'boolean',
}

/**
 * Calls `fn` for each block with elements of its neighbours around it, as filters and stencils need them. (A filter that is a sum of shifted arrays is quicker
 * written as such: slices are fused into one pass.)
 *
 * @param x an array of known lengths
 * @param fn gets the block with its neighbours, then which block it is; gives as many elements, or those of the block alone with `trim: false`
 * @throws {InvalidOption} when `x` is not an array, the depth is larger than a block's axis has elements, or for a wrong option; in `compute` when what `fn`
 *   gives does not fit
 * @example
 * const smooth = mapOverlap(image, blur, { depth: 1, boundary: 'nearest' })
 */
export function mapOverlap<D extends DType, E extends DType = D>(
  x: NDArray<D, Rank>,
  fn: (block: Block, info: BlockInfo) => BlockResult | PromiseLike<BlockResult>,
  options: MapOverlapOptions<E>,
): NDArray<E, 'array'> {
  const where = 'mapOverlap'
  checkArray(x, where)
  checkFunction(fn, 'fn', where)
  checkOptions<MapOverlapOptions<E>>(
    options,
    { depth: rules.any, boundary, trim: rules.boolean, dtype: dtypeRule, concurrency: rules.whole(1) },
    where,
  )
  const grid = blocksOf(x.node, where)
  const edge = options.boundary ?? 'reflect'
  const depths = depthsOf(options.depth, x.shape, edge)
  const dtype = checkDType(options.dtype ?? x.dtype, 'dtype') as E
  const trim = options.trim ?? true
  const maker: BlockMaker = {
    label: `${(fn as { name?: string }).name || 'function'} of overlapping blocks of ${showShape(x.shape)} ${x.dtype}`,
    concurrency: options.concurrency ?? concurrencyOf(fn),
    parts: ([input], box) => [padded(input as Node, box, depths, edge)],
    async make({ index, box, into, parts, cancellation, keep }) {
      const shape = (parts[0] as Block).shape
      const info = { index, start: box.start, stop: box.stop, shape: trim ? shape : shapeOfBox(box) }
      const made = await callBlock({ fn, where, dtype }, parts, info, cancellation)
      if (!trim) return made
      const before = box.start.map((start, axis) =>
        edge === 'none' ? Math.min(start, depths[axis] as number) : (depths[axis] as number),
      )
      const inner = shapeOfBox(box)
      if (String(shape) === String(inner)) return made
      const size = sizeOf(inner)
      if (!keep) return void copyInner(made, shape, before, inner, into)
      const data = typedArray(dtype, new ArrayBuffer(8 * size), 0, size)
      copyInner(made, shape, before, inner, { data, offset: 0, strides: contiguousStrides(inner) })
      return data
    },
  }
  return blocksArray(maker, [x.node], grid, dtype)
}

function depthsOf(depth: unknown, shape: Shape, edge: Boundary): readonly number[] {
  const list: unknown[] = Array.isArray(depth) ? depth : shape.map(() => depth)
  if (list.length !== shape.length || !list.every((n) => Number.isSafeInteger(n) && (n as number) >= 0)) {
    throw new InvalidOption(
      `Expected \`depth\` of mapOverlap to be a whole number from 0 up, or one for each of ${shape.length} axes, got ${Array.isArray(depth) ? `[${depth.map(String).join(', ')}]` : describe(depth)}`,
    )
  }
  shape.forEach((length, axis) => {
    if (
      (list[axis] as number) <= length ||
      length === 0 ||
      edge === 'none' ||
      edge === 'nearest' ||
      !modes.includes(edge as string)
    )
      return
    throw new InvalidOption(
      `Expected \`depth\` of mapOverlap to be at most ${length}, the length of axis ${axis}, got ${list[axis] as number} (number)`,
    )
  })
  return list as number[]
}

/** Part of an axis of the padded block: elements of the input, or a value. */
type Segment =
  | { readonly length: number; readonly start: number; readonly step: number }
  | { readonly length: number; readonly value: Value }

/** The block with what lies around it, put together from views: inside the array it is one. */
function padded(input: Node, box: Box, depths: readonly number[], edge: Boundary): Node {
  const segments = input.shape.map((length, axis) =>
    segmentsOf(length, box.start[axis] as number, box.stop[axis] as number, depths[axis] as number, edge),
  )
  const compose = (axis: number, chosen: readonly Segment[]): Node => {
    if (axis === segments.length) return piece(input, chosen)
    const parts = (segments[axis] as Segment[]).map((segment) => compose(axis + 1, [...chosen, segment]))
    return parts.length === 1 ? (parts[0] as Node) : build.concat(parts, axis)
  }
  return compose(0, [])
}

function segmentsOf(length: number, start: number, stop: number, depth: number, edge: Boundary): Segment[] {
  const [low, high] = [Math.max(0, start - depth), Math.min(length, stop + depth)]
  const [before, after] = edge === 'none' ? [0, 0] : [depth - (start - low), depth - (high - stop)]
  const inside: Segment = { length: high - low, start: low, step: 1 }
  const outside = (count: number, front: boolean): Segment => {
    switch (edge) {
      case 'reflect':
        return { length: count, start: front ? count - 1 : length - 1, step: -1 }
      case 'periodic':
        return { length: count, start: front ? length - count : 0, step: 1 }
      case 'nearest':
        return { length: count, start: front ? 0 : length - 1, step: 0 }
      default:
        return { length: count, value: edge as Value }
    }
  }
  return [...(before > 0 ? [outside(before, true)] : []), inside, ...(after > 0 ? [outside(after, false)] : [])]
}

function piece(input: Node, chosen: readonly Segment[]): Node {
  const shape = chosen.map(({ length }) => length)
  const constant = chosen.find((segment) => 'value' in segment)
  if (constant && 'value' in constant) return build.full(shape, input.dtype, rawOf(input.dtype, constant.value))
  const axes = chosen.map((segment, from): AxisMap => {
    const { start, step } = segment as Extract<Segment, { start: number }>
    return { start, step, from }
  })
  return build.view(input, { shape, axes })
}

/** Copies a box within a block, in C order, to its place. */
function copyInner(
  elements: ArrayLike<number | bigint>,
  shape: Shape,
  before: readonly number[],
  inner: Shape,
  { data, offset, strides }: BlockRequest['into'],
): void {
  const from = elements as Float64Array
  const to = data as Float64Array
  const run = inner.at(-1) ?? 1
  const rows = run === 0 ? 0 : sizeOf(inner) / run
  for (let row = 0; row < rows; row++) {
    let [at, place, stride, left] = [before.at(-1) ?? 0, offset, shape.at(-1) ?? 1, row]
    for (let axis = inner.length - 2; axis >= 0; axis--) {
      const length = inner[axis] as number
      at += ((left % length) + (before[axis] as number)) * stride
      place += (left % length) * (strides[axis] as number)
      stride *= shape[axis] as number
      left = Math.floor(left / length)
    }
    to.set(from.subarray(at, at + run), place)
  }
}
