/** Expressions evaluated into memory or into a file, and arrays put together from parts. */
import { bytesPer, type DType } from '../expression/dtype.ts'
import type { MapJob } from '../jobs/job.ts'
import { type Computed, Lowering } from './lower.ts'
import { sharedMemory } from '../memory/memory.ts'
import type { ConcatNode, Node } from '../expression/node.ts'
import type { Target } from '../jobs/reader.ts'
import { contiguousStrides, type Shape, sizeOf } from '../expression/shape.ts'
import { coalesce, denseAccess } from '../memory/source.ts'
import { chunkLengthFor, denseNode, describeNode, expressionOf, type Prepared } from './stage.ts'

export function mapJob(lowering: Lowering, roots: readonly number[], targets: readonly Target[], node: Node): MapJob {
  for (const value of roots) lowering.program.outputs.push({ value })
  const length = sizeOf(node.shape)
  const chunkLength = chunkLengthFor(length, node.chunk)
  return {
    kind: 'map',
    label: describeNode(node),
    tasks: Math.ceil(length / chunkLength),
    expression: expressionOf(lowering),
    targets,
    length,
    chunkLength,
  }
}

export function allocate(dtype: DType, shape: Shape): SharedArrayBuffer {
  return sharedMemory(sizeOf(shape) * bytesPer(dtype))
}

/** Nodes of one shape, evaluated in one pass into memory of their own. */
export function prepareMaps(nodes: readonly Node[], computed: Computed): Prepared {
  const lowering = new Lowering(computed, true)
  const roots = nodes.map((node) => lowering.lower(node))
  if (lowering.needs.size > 0) return { needs: lowering.needs }
  const bytes = nodes.reduce((sum, node) => sum + sizeOf(node.shape) * bytesPer(node.dtype), 0)
  const results = (): Map<Node, Node> =>
    new Map(nodes.map((node, i) => [node, denseNode(node.dtype, node.shape, buffers[i] as SharedArrayBuffer)]))
  const buffers: SharedArrayBuffer[] = []
  return {
    stage: {
      nodes,
      bytes,
      jobs() {
        for (const { dtype, shape } of nodes) buffers.push(allocate(dtype, shape))
        const targets = nodes.map(({ dtype, shape }, i): Target => ({
          kind: 'memory',
          access: denseAccess(buffers[i] as SharedArrayBuffer, dtype, shape),
        }))
        return sizeOf((nodes[0] as Node).shape) === 0 ? [] : [mapJob(lowering, roots, targets, nodes[0] as Node)]
      },
      finish: results,
    },
  }
}

/** Each part is evaluated straight into its place. */
export function prepareConcat(node: ConcatNode, computed: Computed): Prepared {
  const parts = node.inputs.map((input) => {
    const lowering = new Lowering(computed, true)
    return { input, lowering, root: lowering.lower(input) }
  })
  const needs = new Set(parts.flatMap(({ lowering }) => [...lowering.needs]))
  if (needs.size > 0) return { needs }
  let result = new SharedArrayBuffer(0)
  return {
    stage: {
      nodes: [node],
      bytes: sizeOf(node.shape) * bytesPer(node.dtype),
      *jobs() {
        result = allocate(node.dtype, node.shape)
        const strides = contiguousStrides(node.shape)
        let at = 0
        for (const { input, lowering, root } of parts) {
          const offset = at * (strides[node.axis] as number)
          at += input.shape[node.axis] as number
          if (sizeOf(input.shape) === 0) continue
          const source = { kind: 'memory', buffer: result } as const
          const access = { source, dtype: node.dtype, offset, ...coalesce(input.shape, strides) }
          yield mapJob(lowering, [root], [{ kind: 'memory', access }], input)
        }
      },
      finish: () => new Map([[node, denseNode(node.dtype, node.shape, result)]]),
    },
  }
}

/** Evaluates a node into a file, block by block. */
export function prepareFile(node: Node, path: string, offsetBytes: number, computed: Computed): Prepared {
  const lowering = new Lowering(computed, true)
  const root = lowering.lower(node)
  if (lowering.needs.size > 0) return { needs: lowering.needs }
  const jobs = (): MapJob[] =>
    sizeOf(node.shape) === 0 ? [] : [mapJob(lowering, [root], [{ kind: 'file', path, offsetBytes, dtype: node.dtype }], node)]
  return { stage: { nodes: [node], jobs, bytes: 0, finish: () => new Map() } }
}
