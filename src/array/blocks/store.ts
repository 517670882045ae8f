/** Blocks as they are computed, to where one wants them. */
import { checkFunction } from '../../base/options.ts'
import type { DType } from '../expression/dtype.ts'
import { checkArray, type NDArray, type Rank } from '../ndarray/array.ts'
import type { ComputeOptions } from '../ndarray/compute.ts'
import type { ComputedBlock } from '../ndarray/iterate-blocks.ts'

/**
 * Computes an array block by block and hands each to `target`, in C order, while the next one is computed: to a database, a socket, a format of your own. Only
 * two blocks are in memory at a time, unless the expression itself needs more.
 *
 * @param x its blocks are those of `rechunk`
 * @param target gets each block; the next one waits for its promise
 * @throws {InvalidOption} when `x` is not an array or `target` not a function; whatever `target` throws
 * @throws {BudgetExceeded} when a result does not fit into `memoryLimit`
 * @throws {Cancelled} when `signal` aborts
 * @example
 * await store(x.rechunk(1_000_000), ({ data, start }) => upload(start, data))
 */
export async function store<D extends DType>(
  x: NDArray<D, Rank>,
  target: (block: ComputedBlock<D>) => unknown,
  options: ComputeOptions = {},
): Promise<void> {
  checkArray(x, 'store')
  checkFunction(target, 'target', 'store')
  for await (const block of x.blocks(options)) await target(block)
}
