/** The blocks of an array as an async iterator: computed one ahead of whoever takes them. */
import type { DType, ArrayOf } from '../expression/dtype.ts'
import { blockCount, blockIndex, blocksOf, boxOfBlock, viewOfBox } from '../expression/grid.ts'
import * as build from '../expression/build.ts'
import type { Node } from '../expression/node.ts'
import { type Shape, sizeOf } from '../expression/shape.ts'
import { typedArray } from '../expression/dtype.ts'
import { type ComputeOptions, openSession } from './compute.ts'

/** A block of an array with its elements. */
export interface ComputedBlock<D extends DType = DType> {
  /** The elements in C order, in shared memory. */
  readonly data: ArrayOf[D]
  readonly shape: Shape
  readonly dtype: D
  /** Its coordinates among the blocks. */
  readonly index: readonly number[]
  /** Its first element in the whole array, along each axis. */
  readonly start: readonly number[]
}

export async function* iterateBlocks<D extends DType>(
  node: Node,
  options: ComputeOptions,
): AsyncGenerator<ComputedBlock<D>, void> {
  const session = openSession(options, 'blocks')
  let next: Promise<ComputedBlock<D>> | undefined
  try {
    const [whole] = (await session.settleLengths([node])) as [Node]
    const grid = blocksOf(whole, 'blocks')
    const blockAt = async (n: number): Promise<ComputedBlock<D>> => {
      const index = blockIndex(grid, n)
      const box = boxOfBlock(grid, index)
      const [dense] = await session.evaluateParts([build.view(whole, viewOfBox(box))], [whole])
      if (!dense) throw new TypeError('one node gives one result')
      const { buffer, offset, shape } = dense
      const data = typedArray(whole.dtype, buffer, offset, sizeOf(shape)) as ArrayOf[D]
      return { data, shape, dtype: whole.dtype as D, index, start: box.start }
    }
    const count = blockCount(grid)
    for (let n = 0; n < count; n++) {
      const block = await (next ?? blockAt(n))
      next = n + 1 < count ? blockAt(n + 1) : undefined
      // A loop that leaves early does not hear of what went wrong ahead.
      next?.catch(() => {})
      yield block
    }
  } finally {
    session.abandon()
    await next?.catch(() => {})
    session.close()
  }
}
