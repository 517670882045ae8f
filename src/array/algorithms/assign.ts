/** A copy of an array in which the part that a view shows is another one. Inputs: the elements, the new part. */
import { bytesPer } from '../expression/dtype.ts'
import type { AlgorithmNode, Node } from '../expression/node.ts'
import { contiguousStrides, sizeOf } from '../expression/shape.ts'
import type { AxisMap } from '../expression/view.ts'
import { coalesce, denseAccess, stridesThrough } from '../memory/source.ts'
import { type Computed, Lowering } from '../stages/lower.ts'
import { allocate, mapJob } from '../stages/map-stage.ts'
import { denseNode, type Prepared } from '../stages/stage.ts'

/** A view as the attribute of a node. */
export const axesAsNumbers = (axes: readonly AxisMap[]): number[] => axes.flatMap(({ start, step, from }) => [start, step, from])

export function prepareAssign(node: AlgorithmNode, computed: Computed): Prepared {
  const [input, part] = node.inputs as [Node, Node]
  const numbers = node.attributes['axes'] as readonly number[]
  const axes = node.shape.map((_, i) => {
    const [start, step, from] = numbers.slice(3 * i, 3 * i + 3) as [number, number, number]
    return { start, step, from }
  })
  const [whole, put] = [new Lowering(computed, true), new Lowering(computed, true)]
  const roots = [whole.lower(input), put.lower(part)] as const
  if (whole.needs.size + put.needs.size > 0) return { needs: new Set([...whole.needs, ...put.needs]) }
  let result = new SharedArrayBuffer(0)
  return {
    stage: {
      nodes: [node],
      bytes: sizeOf(node.shape) * bytesPer(node.dtype),
      *jobs() {
        result = allocate(node.dtype, node.shape)
        if (sizeOf(node.shape) === 0) return
        const all = denseAccess(result, node.dtype, node.shape)
        yield mapJob(whole, [roots[0]], [{ kind: 'memory', access: all }], input)
        if (sizeOf(part.shape) === 0) return
        const { offset, strides } = stridesThrough({ shape: part.shape, axes }, contiguousStrides(node.shape), 0)
        const access = { source: all.source, dtype: node.dtype, offset, ...coalesce(part.shape, strides) }
        yield mapJob(put, [roots[1]], [{ kind: 'memory', access }], part)
      },
      finish: () => new Map([[node, denseNode(node.dtype, node.shape, result)]]),
    },
  }
}
