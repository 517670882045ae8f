/** Matrices where their elements lie. */
import type { DenseNode, Node } from '../expression/node.ts'
import { contiguousStrides } from '../expression/shape.ts'
import { identityView } from '../expression/view.ts'
import type { Matrix } from '../jobs/job.ts'
import { accessThrough, isRun, stridesThrough } from '../memory/source.ts'
import type { Computed } from '../stages/lower.ts'
import { checkInMemory } from './blocks.ts'

/** The elements in memory, also through a view of them or under another shape; undefined where they have to be computed first. */
export function matrixOf(node: Node, computed: Computed): Matrix | undefined {
  const place = placeOf(node, computed)
  if (!place) return undefined
  const { source, offset, strides } = place
  const [outer, inner] = strides.slice(-2) as [number, number]
  return { buffer: source.buffer, dtype: source.dtype, offset, steps: strides.slice(0, -2), outer, inner }
}

interface Place {
  readonly source: DenseNode
  readonly offset: number
  readonly strides: readonly number[]
}

function placeOf(node: Node, computed: Computed): Place | undefined {
  const known = computed.get(node) ?? node
  checkInMemory(node, computed)
  if (known.kind === 'dense') return { source: known, offset: known.offset, strides: known.strides }
  if (known.kind !== 'view' && known.kind !== 'reshape') return undefined
  const input = placeOf(known.input, computed)
  if (!input) return undefined
  if (known.kind === 'view') return { source: input.source, ...stridesThrough(known.view, input.strides, input.offset) }
  const access = accessThrough(identityView(known.input.shape), input.strides, input.offset)
  return isRun(access) ? { ...input, strides: contiguousStrides(known.shape) } : undefined
}
