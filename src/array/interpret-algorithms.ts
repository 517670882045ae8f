/** The reference for operations with an algorithm of their own. */
import type { Raw } from './elementwise.ts'
import type { AlgorithmNode } from './node.ts'

export function interpretAlgorithm(node: AlgorithmNode, inputs: readonly (readonly Raw[])[]): readonly Raw[] {
  void inputs
  throw new TypeError(`unknown algorithm ${node.name}`)
}
