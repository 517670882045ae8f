/** What a reduction's merged states mean: an expression over their words, so that it is computed (and fused) like any other. */
import { full, map } from '../expression/build.ts'
import type { DType } from '../expression/dtype.ts'
import { type DenseNode, makeNode, type Node, type ReduceNode } from '../expression/node.ts'
import { contiguousStrides, type Shape } from '../expression/shape.ts'

/** One word of every row's state. */
export function stateNode(buffer: SharedArrayBuffer, dtype: DType, shape: Shape, offset: number, stride: number): DenseNode {
  const strides = contiguousStrides(shape).map((s) => s * stride)
  return makeNode({ kind: 'dense', dtype, shape, buffer, offset, strides, chunk: undefined })
}

/** The result as an expression over the words of the merged states. */
export function finished(node: ReduceNode, words: readonly Node[], count: number): Node {
  const [a, b, c] = words as [Node, Node, Node]
  const total = (): Node => map('where', [map('isfinite', [a]), map('add', [a, b]), a])
  const constant = (value: number): Node => full([], 'f64', value)
  const result = ((): Node => {
    switch (node.name) {
      case 'sum':
        return words.length === 1 ? a : total()
      case 'mean':
        return map('divide', [total(), constant(count)])
      case 'var':
      case 'std': {
        const divided = map('divide', [c, constant(Math.max(0, count - node.ddof))])
        return node.name === 'std' ? map('sqrt', [divided]) : divided
      }
      case 'argmin':
      case 'argmax':
        return b
      default:
        return a
    }
  })()
  return result.dtype === node.dtype
    ? result
    : makeNode({ kind: 'cast', input: result, dtype: node.dtype, shape: node.shape, chunk: undefined })
}
