/** Reductions of one's own: each block by itself, then what came out, group by group. */
import { checkFunction, checkOptions, rules } from '../../base/options.ts'
import { checkDType, type DType, dtypeRule } from '../expression/dtype.ts'
import { type AxisGrid, blocksOf, EqualBlocks, type Grid, ListedBlocks } from '../expression/grid.ts'
import * as build from '../expression/build.ts'
import { axesRule, normalizeAxes } from '../expression/axes.ts'
import { checkArray, NDArray, type Rank } from '../ndarray/array.ts'
import type { Block, BlockInfo, BlockResult } from './block-function.ts'
import { mapBlocks } from './map-blocks.ts'

type BlockFn = (block: Block, info: BlockInfo) => BlockResult | PromiseLike<BlockResult>

/** The steps of a {@link reduction}. */
export interface ReductionSteps {
  /** Reduces a block: gives a block that is 1 long along the axes. */
  readonly chunk: BlockFn
  /** Reduces results of `chunk`, side by side in one block, to one that is 1 long along the axes. @default the function `aggregate` */
  readonly combine?: BlockFn
  /** The last step: as `combine`, for the final result. */
  readonly aggregate: BlockFn
}

/** Options of {@link reduction}. */
export interface ReductionOptions<E extends DType = DType> {
  /** Axis or axes to reduce over, from the end when negative. @default all of them */
  readonly axis?: number | readonly number[]
  /** Leaves the reduced axes in the shape, with length 1. @default false */
  readonly keepdims?: boolean
  /** What all steps give. @default that of the array */
  readonly dtype?: E
  /** Results that are combined at once, along each axis; at least 2. @default 8 */
  readonly splitEvery?: number
}

/**
 * A reduction of one's own over blocks: never more than a block of each thread is in memory, and the results are combined as a tree.
 *
 * @param x an array of known lengths
 * @param steps what is done with blocks, and with results
 * @throws {InvalidOption} when `x` is not an array, a step is not a function, or for a wrong option; in `compute` when what a step gives does not fit
 * @example
 * const logSumExp = reduction(x, { chunk: logSumExpOfRows, aggregate: logSumExpOfRows }, { axis: 1 })
 */
export function reduction<D extends DType, E extends DType = D>(
  x: NDArray<D, Rank>,
  steps: ReductionSteps,
  options: ReductionOptions<E> = {},
): NDArray<E, 'array'> {
  const where = 'reduction'
  checkArray(x, where)
  const { chunk, aggregate, combine = aggregate } = steps ?? {}
  for (const [name, fn] of Object.entries({ chunk, combine, aggregate })) checkFunction(fn, name, where)
  checkOptions<ReductionOptions<E>>(
    options,
    { axis: axesRule, keepdims: rules.boolean, dtype: dtypeRule, splitEvery: rules.whole(2) },
    where,
  )
  const over = normalizeAxes(options.axis, x.ndim)
  const dtype = checkDType(options.dtype ?? x.dtype, 'dtype') as E
  const { splitEvery = 8 } = options
  const first = blocksOf(x.node, where)
  const step = (input: NDArray, grid: Grid, fn: BlockFn): NDArray<E, 'array'> =>
    mapBlocks(new NDArray(build.regrid(input.node, grid)) as NDArray<E, 'array'>, fn, {
      dtype,
      chunks: grid.map((axis, i) => (over.includes(i) ? Array.from({ length: axis.count }, () => 1) : axis.lengths())),
    })
  let result = step(x, first, chunk)
  const countsOf = (array: NDArray): number => Math.max(1, ...over.map((axis) => array.shape[axis] as number))
  while (countsOf(result) > splitEvery) {
    result = step(result, grouped(result, over, splitEvery, first), combine)
  }
  const last = step(result, grouped(result, over, Number.POSITIVE_INFINITY, first), aggregate)
  if (options.keepdims === true) return last
  return last.reshape(last.shape.filter((_, axis) => !over.includes(axis)))
}

/** How many results a block has along the reduced axes; along the others as before. */
function grouped(x: NDArray, over: readonly number[], length: number, first: Grid): Grid {
  return x.shape.map((n, axis) =>
    over.includes(axis) ? new EqualBlocks(n, Math.min(n, length)) : new ListedBlocks((first[axis] as AxisGrid).lengths()),
  )
}
