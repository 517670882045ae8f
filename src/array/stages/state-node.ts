/** The words of merged states as nodes, and what a reduction makes of them. */
import { cast, inOrder } from '../expression/build.ts'
import type { DType } from '../expression/dtype.ts'
import { type DenseNode, makeNode, type Node, type ReduceNode } from '../expression/node.ts'
import { contiguousStrides, type Shape } from '../expression/shape.ts'
import type { Reduction } from '../reductions/reduction.ts'

/** Nodes of reductions are made of nothing else. */
export const reductionOf = ({ rule }: ReduceNode): Reduction => rule as Reduction

/** One word of every row's state. */
export function stateNode(buffer: SharedArrayBuffer, dtype: DType, shape: Shape, offset: number, stride: number): DenseNode {
  const strides = contiguousStrides(shape).map((s) => s * stride)
  return makeNode({ kind: 'dense', dtype, shape, buffer, offset, strides, chunk: undefined })
}

/** The result as an expression over the words of the merged states, so that it is computed (and fused) like any other. */
export function finished(node: ReduceNode, words: readonly Node[], count: number): Node {
  const result = cast(reductionOf(node).finish(words, count, node.ddof), node.dtype)
  return result.kind === 'dense' ? inOrder(result) : result
}
