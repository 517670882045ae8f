/** Reductions as jobs: over rows of consecutive elements, or side by side over the outer axes. */
import { foldStage } from './fold-stage.ts'
import type { ReduceJob } from '../jobs/job.ts'
import type { Measure } from '../reductions/reduction.ts'
import { accumulatorOf, wordsOfAll } from '../reductions/table.ts'
import { mergeSegments, segmentCount } from '../jobs/reduce.ts'
import { blockLength } from '../kernel/ir.ts'
import { type Computed, Lowering } from './lower.ts'
import type { ReduceNode } from '../expression/node.ts'
import { finished, outerShape, partialNode, reductionOf, stateNode } from './state-node.ts'
import { streamedReductions } from './streamed-reductions.ts'
import { type Layout, layOut } from './layout.ts'
import { chunkLengthFor, describeNode, expressionOf, type Prepared, type Stage } from './stage.ts'

/** Reductions over the same axes of inputs of one shape, in one pass. */
export function prepareReductions(nodes: readonly ReduceNode[], computed: Computed): Prepared {
  const layout = layOut(nodes[0] as ReduceNode)
  const lowering = new Lowering(computed, layout.outer === 1)
  const values = nodes.map((node) => lowering.lower(node.input, layout.view))
  if (lowering.needs.size > 0) return streamedReductions(nodes, lowering, values, layout) ?? { needs: lowering.needs }
  return { stage: layout.rows ? rowStage(nodes, lowering, values, layout) : foldStage(nodes, lowering, values, layout) }
}

/**
 * A part of a chunk: elements are reduced where they are made, so that a large chunk takes no more memory than a small one, and of large ones
 * the last would keep one thread busy while the others have nothing left.
 */
function segmentLengthFor(count: number, chunk: number | undefined): number {
  const chunkLength = chunkLengthFor(count, chunk)
  return chunkLengthFor(count, chunkLength / Math.ceil(chunkLength / (256 * blockLength)))
}

function rowStage(nodes: readonly ReduceNode[], lowering: Lowering, values: readonly number[], { outer, count }: Layout): Stage {
  const measures = nodes.map((node, i) => reductionOf(node).overRows(lowering, values[i] as number))
  const segmentLength =
    outer === 1 ? segmentLengthFor(count, nodes[0]?.input.chunk) : Math.max(chunkLengthFor(count, undefined), 64 * blockLength)
  const segments = segmentCount({ rowLength: count, segmentLength })
  // A row's segments are tasks of their own; of many short rows a task takes some 260,000 elements.
  const perTask = outer === 1 ? 1 : Math.max(1, Math.floor((64 * blockLength) / Math.max(1, Math.min(count, segmentLength))))
  const bytes = 8 * outer * segments * wordsOfAll(measures)
  let states = new SharedArrayBuffer(0)
  const layout = { measures, rows: outer, rowLength: count, segmentLength }
  return {
    nodes,
    bytes,
    jobs() {
      states = new SharedArrayBuffer(bytes)
      if (outer === 0) return []
      const job: ReduceJob = {
        kind: 'reduce',
        label: `${nodes.map(({ rule }) => rule.name).join(', ')} of ${describeNode((nodes[0] as ReduceNode).input)}`,
        tasks: Math.ceil((outer * segments) / perTask),
        expression: expressionOf(lowering),
        ...layout,
        states,
        perTask,
      }
      return [job]
    },
    finish() {
      mergeSegments({ ...layout, states })
      let at = 0
      return new Map(
        nodes.map((node, i) => {
          const measure = measures[i] as Measure
          const stride = segments * wordsOfAll(measures)
          // Whole numbers of 64 bits are so in the first word only.
          const words = Array.from({ length: accumulatorOf(measure.kind).words }, (_, w) =>
            stateNode(states, measure.dtype === 'i64' && w === 0 ? 'i64' : 'f64', outerShape(node), at + w, stride),
          )
          at += words.length
          return [node, node.partial ? partialNode(node, words) : finished(node, words, count)]
        }),
      )
    },
  }
}
