/** The words of merged states as nodes, and what a reduction makes of them. */
import { cast, inOrder } from '../expression/build.ts'
import type { DType } from '../expression/dtype.ts'
import { type DenseNode, makeNode, type Node, type ReduceNode } from '../expression/node.ts'
import { contiguousStrides, type Shape, sizeOf } from '../expression/shape.ts'
import type { Reduction } from '../reductions/reduction.ts'

/** Nodes of reductions are made of nothing else. */
export const reductionOf = ({ rule }: ReduceNode): Reduction => rule as Reduction

/** One word of every row's state. */
export function stateNode(buffer: SharedArrayBuffer, dtype: DType, shape: Shape, offset: number, stride: number): DenseNode {
  const strides = contiguousStrides(shape).map((s) => s * stride)
  return makeNode({ kind: 'dense', dtype, shape, buffer, offset, strides, chunk: undefined })
}

/** The shape of what the reduction leaves: one state for each element. */
export const outerShape = ({ input, axes }: ReduceNode): Shape => input.shape.filter((_, axis) => !axes.includes(axis))

/** The same count for every row. */
export function countNode(shape: Shape, count: number): DenseNode {
  const buffer = new SharedArrayBuffer(8)
  new Float64Array(buffer)[0] = count
  const strides = shape.map(() => 0)
  return makeNode({ kind: 'dense', dtype: 'f64', shape, buffer, offset: 0, strides, chunk: undefined })
}

/** The words of a box's states, one state after the other; whole numbers of 64 bits as their bits. */
export function partialNode(node: ReduceNode, words: readonly DenseNode[]): DenseNode {
  const cells = sizeOf(node.shape.slice(0, -1))
  const bits = new BigInt64Array(new SharedArrayBuffer(8 * cells * words.length))
  words.forEach(({ buffer, offset, strides }, w) => {
    const from = new BigInt64Array(buffer)
    const stride = strides.at(-1) ?? 1
    for (let cell = 0; cell < cells; cell++) bits[cell * words.length + w] = from[offset + cell * stride] as bigint
  })
  return makeNode({
    kind: 'dense',
    dtype: 'f64',
    shape: node.shape,
    buffer: bits.buffer,
    offset: 0,
    strides: contiguousStrides(node.shape),
    chunk: undefined,
  })
}

/** The result as an expression over the words of the merged states, so that it is computed (and fused) like any other. */
export function finished(node: ReduceNode, words: readonly Node[], count: number): Node {
  const result = cast(reductionOf(node).finish(words, count, node.ddof), node.dtype)
  return result.kind === 'dense' ? inOrder(result) : result
}
