/** Functions of blocks: how one is called, here or on a worker, and what it may give. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { call } from '../../run/call.ts'
import { reachOf, refOf } from '../../run/executor.ts'
import type { Cancellation } from '../../base/abort.ts'
import { type DType, dtypeOf, storedAs, typedArray } from '../expression/dtype.ts'
import { rawOf } from '../expression/elementwise.ts'
import type { Box } from '../expression/grid.ts'
import { shapeOfBox } from '../expression/grid.ts'
import type { BlockPart } from '../expression/node.ts'
import { type Shape, showShape, sizeOf } from '../expression/shape.ts'

/** A block of an array as its function gets it: plain data, so that it crosses to workers; the elements are not copied. */
export interface Block {
  /** The elements in C order, which must not be changed: they may be those of the array itself. */
  readonly data: BlockPart['data']
  readonly shape: Shape
  readonly dtype: DType
}

/** Which block it is. */
export interface BlockInfo {
  /** Its coordinates among the blocks. */
  readonly index: readonly number[]
  /** Its first element in the whole array, and the first behind it, along each axis. */
  readonly start: readonly number[]
  readonly stop: readonly number[]
  /** The shape that the block must have. */
  readonly shape: Shape
}

/** What a function of blocks gives: the elements of the block, in C order. A value stands for a block of one element. */
export type BlockResult = ArrayBufferView | readonly (number | bigint | boolean)[] | number | bigint | boolean | Block

/** Where a function comes from, and what its blocks must be. */
export interface BlockFunction {
  readonly fn: (...args: never[]) => BlockResult | PromiseLike<BlockResult>
  readonly where: string
  readonly dtype: DType
}

/** Calls at once: enough to keep every thread busy, and a few that wait for I/O. */
export const concurrencyOf = (fn: unknown): number => Math.max(4, 2 * (refOf(fn)?.executor.slots ?? 1))

export const infoOf = (index: readonly number[], box: Box): BlockInfo => ({
  index,
  start: box.start,
  stop: box.stop,
  shape: shapeOfBox(box),
})

/**
 * Calls the function with its blocks, and then the info.
 * @throws {InvalidOption} when what it gives is not such a block
 */
export async function callBlock(
  { fn, where, dtype }: BlockFunction,
  parts: readonly BlockPart[],
  info: BlockInfo,
  cancellation: Cancellation,
): Promise<ArrayLike<number | bigint>> {
  const ref = refOf(fn)
  let result: unknown
  if (ref) {
    // Elsewhere than on threads shared memory cannot cross.
    const shares = reachOf(ref.executor).sharesMemory
    const blocks = shares ? parts : parts.map((part) => ({ ...part, data: part.data.slice() }))
    result = await call(ref, [...blocks, info], { cancellation })
  } else result = await (fn as (...args: readonly unknown[]) => unknown)(...parts, info)
  return elementsOf(result, dtype, info, where)
}

function elementsOf(result: unknown, dtype: DType, { index, shape }: BlockInfo, where: string): ArrayLike<number | bigint> {
  const refuse = (what: string, hint?: string): InvalidOption =>
    new InvalidOption(
      `Expected the function of ${where} to give ${sizeOf(shape)} elements of ${dtype} for block [${index.join(', ')}], got ${what}`,
      hint === undefined ? {} : { hint },
    )
  const given =
    typeof result === 'object' && result !== null && !Array.isArray(result) && !ArrayBuffer.isView(result) && 'data' in result
      ? (result as { readonly data: unknown; readonly shape?: unknown })
      : { data: result }
  if (Array.isArray(given.shape) && String(given.shape) !== String(shape)) {
    throw refuse(
      `a block of shape ${showShape(given.shape as number[])} instead of ${showShape(shape)}`,
      'Say with `chunks` which blocks the result has.',
    )
  }
  const { data } = given
  const list = Array.isArray(data) ? (data as readonly unknown[]) : isValue(data) ? [data] : undefined
  if (list) {
    if (list.length !== sizeOf(shape)) throw refuse(`${list.length} elements`)
    const elements = typedArray(dtype, new ArrayBuffer(8 * list.length), 0, list.length)
    list.forEach((value, i) => {
      if (!isValue(value)) throw refuse(describe(value))
      elements[i] = storedAs(dtype, rawOf(dtype, value)) as never
    })
    return elements
  }
  if (!ArrayBuffer.isView(data)) throw refuse(describe(data))
  const got = dtypeOf(data)
  // Halves are kept as their bits.
  if (got === 'f16' && dtype === 'f16') return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)
  if (got !== dtype && !(got === 'u8' && dtype === 'bool') && !(got === 'u16' && dtype === 'f16')) {
    throw refuse(describe(data), got ? `Say \`dtype: '${got}'\`, or convert before you return.` : undefined)
  }
  const elements = data as unknown as ArrayLike<number | bigint>
  if (elements.length !== sizeOf(shape)) {
    throw refuse(`${elements.length} elements`, 'Say with `chunks` which blocks the result has.')
  }
  return elements
}

const isValue = (value: unknown): value is number | bigint | boolean =>
  typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
