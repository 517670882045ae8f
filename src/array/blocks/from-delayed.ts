/** Arrays whose blocks a function of one's own makes. */
import { checkFunction, checkOptions, rules } from '../../base/options.ts'
import { checkDType, type DType, dtypeRule } from '../expression/dtype.ts'
import { blocksOf, type Chunks, gridOf } from '../expression/grid.ts'
import type { BlockMaker } from '../expression/node.ts'
import { checkShape, type Shape, showShape } from '../expression/shape.ts'
import type { NDArray } from '../ndarray/array.ts'
import { type BlockInfo, type BlockResult, callBlock, concurrencyOf, infoOf } from './block-function.ts'
import { blocksArray } from './map-blocks.ts'

/** Options of {@link fromDelayed}. */
export interface FromDelayedOptions<E extends DType = 'f64'> {
  /** What the function gives. @default 'f64' */
  readonly dtype?: E
  /** The blocks: a length for the first axis, or for each axis a length, a list of lengths, or −1 for all. @default about 8 MB each */
  readonly chunks?: Chunks
  /** Calls at once at most. @default twice the threads of a worker function, at least 4 */
  readonly concurrency?: number
}

/**
 * An array whose blocks `fn` makes when they are needed, and only those: from a database, a service, a format of your own. A worker function makes them
 * on the threads.
 *
 * @param shape a length, or one per axis
 * @param fn gets which block it is; gives its elements in C order, as a typed array of the dtype or a list
 * @throws {InvalidOption} when the shape or an option is wrong; in `compute` when what `fn` gives does not fit
 * @example
 * const frames = fromDelayed([1_000, 480, 640], ({ start }) => decodeFrame(start[0]), { chunks: [1, -1, -1], dtype: 'u8' })
 */
export function fromDelayed<E extends DType = 'f64'>(
  shape: Shape | number,
  fn: (info: BlockInfo) => BlockResult | PromiseLike<BlockResult>,
  options: FromDelayedOptions<E> = {},
): NDArray<E, 'array'> {
  const where = 'fromDelayed'
  checkOptions<FromDelayedOptions<E>>(options, { dtype: dtypeRule, chunks: rules.any, concurrency: rules.whole(1) }, where)
  checkFunction(fn, 'fn', where)
  const lengths = checkShape(shape, where)
  const dtype = checkDType(options.dtype ?? 'f64', 'dtype') as E
  const grid =
    options.chunks === undefined ? blocksOf({ shape: lengths, chunk: undefined }, where) : gridOf(lengths, options.chunks, where)
  const maker: BlockMaker = {
    label: `${(fn as { name?: string }).name || 'blocks'} for ${showShape(lengths)} ${dtype}`,
    concurrency: options.concurrency ?? concurrencyOf(fn),
    make: ({ index, box, cancellation }) => callBlock({ fn, where, dtype }, [], infoOf(index, box), cancellation),
  }
  return blocksArray(maker, [], grid, dtype)
}
