/** The range of a histogram that follows from the elements: found in one pass, and checked when it is known. */
import { checkEdges } from '../expression/edges.ts'
import type { ReduceJob } from '../jobs/job.ts'
import { mergeSegments } from '../jobs/reduce.ts'
import { type Computed, Lowering } from '../stages/lower.ts'
import type { AlgorithmNode, Node } from '../expression/node.ts'
import { sizeOf } from '../expression/shape.ts'
import { chunkLengthFor, denseNode, describeNode, expressionOf, type Prepared } from '../stages/stage.ts'

export function prepareBounds(node: AlgorithmNode, computed: Computed): Prepared {
  const [input] = node.inputs as [Node]
  const lowering = new Lowering(computed, true)
  const value = lowering.lower(input)
  if (lowering.needs.size > 0) return { needs: lowering.needs }
  lowering.program.reductions.push({ kind: 'min', value }, { kind: 'max', value })
  const length = sizeOf(input.shape)
  const segmentLength = chunkLengthFor(length, input.chunk)
  const tasks = Math.ceil(length / segmentLength)
  const layout = {
    measures: [
      { kind: 'min', dtype: 'f64', reduction: 0, extra: -1 },
      { kind: 'max', dtype: 'f64', reduction: 1, extra: -1 },
    ],
    rows: 1,
    rowLength: length,
    segmentLength,
  } as const
  let states = new SharedArrayBuffer(0)
  return {
    stage: {
      nodes: [node],
      bytes: 16 * tasks,
      jobs() {
        states = new SharedArrayBuffer(16 * Math.max(1, tasks))
        const label = `range of ${describeNode(input)}`
        const job: ReduceJob = { kind: 'reduce', label, tasks, expression: expressionOf(lowering), ...layout, states, perTask: 1 }
        return length === 0 ? [] : [job]
      },
      finish() {
        const found = new Float64Array(new SharedArrayBuffer(16))
        if (length > 0) mergeSegments({ ...layout, states })
        // Of no elements it is NumPy's.
        const [low, high] = length === 0 ? [0, 1] : (new Float64Array(states) as unknown as [number, number])
        found.set(checkEdges(low, high, node.attributes['bins'] as number))
        return new Map([[node, denseNode('f64', node.shape, found.buffer)]])
      },
    },
  }
}
