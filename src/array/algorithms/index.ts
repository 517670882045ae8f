/** Operations with an algorithm of their own: one table from the name to the code that prepares them. */
import type { Computed } from '../lower.ts'
import type { AlgorithmNode } from '../node.ts'
import type { Prepared } from '../stage.ts'

export function prepareAlgorithm(node: AlgorithmNode, computed: Computed): Prepared {
  void computed
  throw new TypeError(`unknown algorithm ${node.name}`)
}
