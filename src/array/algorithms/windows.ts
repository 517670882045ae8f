/** Moving windows: the elements where they lie, seen once for each window that they are in. Nothing is copied. */
import { type AlgorithmNode, makeNode, type Node } from '../expression/node.ts'
import type { Computed } from '../stages/lower.ts'
import type { Prepared } from '../stages/stage.ts'
import { inMemory } from './blocks.ts'

/** The axes of the windows stand behind those of the array. */
export function prepareWindows(node: AlgorithmNode, computed: Computed): Prepared {
  const [input] = node.inputs as [Node]
  const needs = new Set<Node>()
  const from = inMemory(input, computed, needs)
  if (!from) return { needs }
  const axes = node.attributes['axes'] as readonly number[]
  const strides = [...from.strides, ...axes.map((axis) => from.strides[axis] as number)]
  const { buffer, offset } = from
  const seen = makeNode({ kind: 'dense', dtype: node.dtype, shape: node.shape, buffer, offset, strides, chunk: undefined })
  return { stage: { nodes: [node], bytes: 0, jobs: () => [], finish: () => new Map([[node, seen]]) } }
}
