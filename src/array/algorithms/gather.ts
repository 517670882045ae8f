/** Elements by their positions, written to positions, and looked for among sorted ones. Positions come from a fused expression. */
import { InvalidOption } from '../../base/errors.ts'
import { bytesPer } from '../expression/dtype.ts'
import type { AlgorithmNode, Node } from '../expression/node.ts'
import { showShape, sizeOf } from '../expression/shape.ts'
import { allocate, mapJob } from '../stages/map-stage.ts'
import { type Computed, Lowering } from '../stages/lower.ts'
import { denseNode, describeNode, type Prepared } from '../stages/stage.ts'
import { denseAccess } from '../memory/source.ts'
import { blockJob, flatten, inMemory } from './blocks.ts'

/** Inputs: the elements, their positions in C order. */
export function prepareGather(node: AlgorithmNode, computed: Computed): Prepared {
  const [input, positions] = node.inputs as [Node, Node]
  const needs = new Set<Node>()
  const from = inMemory(input, computed, needs)
  const flat = flatten([positions], computed)
  if (!from || 'needs' in flat) return { needs: 'needs' in flat ? new Set([...needs, ...flat.needs]) : needs }
  let result = new SharedArrayBuffer(0)
  return {
    stage: {
      nodes: [node],
      bytes: flat.length * bytesPer(node.dtype),
      jobs() {
        result = allocate(node.dtype, [flat.length])
        const label = `${describeNode(node)} of ${describeNode(input)}`
        const numbers = [from.offset, sizeOf(from.shape)]
        return flat.length === 0 ? [] : [blockJob('gather', label, flat, [from.buffer, result], numbers, node.dtype)]
      },
      finish: () => new Map([[node, denseNode(node.dtype, positions.shape, result)]]),
    },
  }
}

/** Inputs: the elements, positions, the elements that are put there. */
export function prepareScatter(node: AlgorithmNode, computed: Computed): Prepared {
  const [input, positions, values] = node.inputs as [Node, Node, Node]
  if (sizeOf(positions.shape) !== sizeOf(values.shape)) {
    throw new InvalidOption(
      `Expected as many values as places that are selected, got shape ${showShape(values.shape)} for ${showShape(positions.shape)}`,
    )
  }
  const lowering = new Lowering(computed, true)
  const root = lowering.lower(input)
  const flat = flatten([positions, values], computed)
  if (lowering.needs.size > 0 || 'needs' in flat)
    return { needs: new Set([...lowering.needs, ...('needs' in flat ? flat.needs : [])]) }
  let result = new SharedArrayBuffer(0)
  // The last value for a position must be the last one written.
  const alone = { ...flat, expression: flat.expression, chunkLength: Math.max(1, flat.length), tasks: 1 }
  return {
    stage: {
      nodes: [node],
      bytes: sizeOf(node.shape) * bytesPer(node.dtype),
      *jobs() {
        result = allocate(node.dtype, node.shape)
        const access = denseAccess(result, node.dtype, node.shape)
        if (sizeOf(node.shape) > 0) yield mapJob(lowering, [root], [{ kind: 'memory', access }], input)
        const label = `${describeNode(values)} put into ${describeNode(input)}`
        if (flat.length > 0) yield blockJob('scatter', label, alone, [result], [sizeOf(node.shape)])
      },
      finish: () => new Map([[node, denseNode(node.dtype, node.shape, result)]]),
    },
  }
}

/** Inputs: sorted elements, those to look for. */
export function prepareSearch(node: AlgorithmNode, computed: Computed): Prepared {
  const [sorted, values] = node.inputs as [Node, Node]
  const needs = new Set<Node>()
  const from = inMemory(sorted, computed, needs)
  const flat = flatten([values], computed)
  if (!from || 'needs' in flat) return { needs: 'needs' in flat ? new Set([...needs, ...flat.needs]) : needs }
  let result = new SharedArrayBuffer(0)
  return {
    stage: {
      nodes: [node],
      bytes: 8 * flat.length,
      jobs() {
        result = allocate('f64', [flat.length])
        const label = `${describeNode(values)} among ${describeNode(sorted)}`
        const numbers = [from.offset, sizeOf(from.shape), node.attributes['behind'] as number]
        return flat.length === 0 ? [] : [blockJob('search', label, flat, [from.buffer, result], numbers)]
      },
      finish: () => new Map([[node, denseNode('f64', values.shape, result)]]),
    },
  }
}
