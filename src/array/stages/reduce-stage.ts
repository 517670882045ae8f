/** Reductions as jobs: over rows of consecutive elements, or side by side over the outer axes. */
import type { DType } from '../expression/dtype.ts'
import { foldStage } from './fold-stage.ts'
import type { ReduceJob } from '../jobs/job.ts'
import type { Measure } from '../reductions/measure.ts'
import { wordsOf, wordsOfAll } from '../reductions/measure.ts'
import { mergeSegments, segmentCount } from '../jobs/reduce.ts'
import { blockLength } from '../kernel/ir.ts'
import { type Computed, Lowering } from './lower.ts'
import type { ReduceNode } from '../expression/node.ts'
import { finished, stateNode } from '../reductions/reduce-finish.ts'
import { type Layout, layOut } from './layout.ts'
import { chunkLengthFor, describeNode, expressionOf, type Prepared, type Stage } from './stage.ts'

/** Reductions over the same axes of inputs of one shape, in one pass. */
export function prepareReductions(nodes: readonly ReduceNode[], computed: Computed): Prepared {
  const layout = layOut(nodes[0] as ReduceNode)
  const lowering = new Lowering(computed, layout.outer === 1)
  const values = nodes.map((node) => lowering.lower(node.input, layout.view))
  if (lowering.needs.size > 0) return { needs: lowering.needs }
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
  const measures = nodes.map((node, i) => addMeasure(node, lowering, values[i] as number))
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
        label: `${nodes.map(({ name }) => name).join(', ')} of ${describeNode((nodes[0] as ReduceNode).input)}`,
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
          const words = Array.from({ length: wordsOf(measure.kind) }, (_, w) =>
            stateNode(states, wordType(measure, w), node.shape, at + w, stride),
          )
          at += words.length
          return [node, finished(node, words, count)]
        }),
      )
    },
  }
}

const wordType = ({ kind, dtype }: Measure, word: number): DType =>
  dtype === 'i64' && kind !== 'sum' && kind !== 'moments' && word === 0 ? 'i64' : 'f64'

function addMeasure(node: ReduceNode, { program, parameters }: Lowering, value: number): Measure {
  const dtype = program.dtype(value)
  const reduction = program.reductions.length
  switch (node.name) {
    case 'mean':
    case 'sum': {
      const wrapping = node.name === 'sum' && dtype === 'i64'
      const float = dtype === 'f32' || (dtype === 'i64' && !wrapping)
      program.reductions.push({ kind: wrapping ? 'wrap' : 'sum', value: float ? program.cast(value, 'f64') : value })
      return { kind: wrapping ? 'wrap' : 'sum', dtype: float ? 'f64' : dtype, reduction, extra: -1 }
    }
    case 'var':
    case 'std': {
      const shift = program.parameter('f64')
      parameters.push(0)
      const distance = program.operation('subtract', 'f64', 'f64', [program.cast(value, 'f64'), shift])
      program.reductions.push(
        { kind: 'sum', value: distance },
        { kind: 'sum', value: program.operation('square', 'f64', 'f64', [distance]) },
      )
      return { kind: 'moments', dtype: 'f64', reduction, extra: parameters.length - 1 }
    }
    case 'argmin':
    case 'argmax': {
      program.reductions.push({ kind: node.name === 'argmin' ? 'min' : 'max', value })
      program.outputs.push({ value })
      return { kind: node.name, dtype, reduction, extra: program.outputs.length - 1 }
    }
    default:
      program.reductions.push({ kind: node.name, value })
      return { kind: node.name, dtype, reduction, extra: -1 }
  }
}
