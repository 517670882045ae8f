/**
 * Running sums and products along the last axis. One long row is cut into chunks: a first pass sums each chunk, so that in the second one all
 * chunks start at once; rows beside one another need one pass.
 */
import { bytesPer } from '../expression/dtype.ts'
import type { ReduceJob } from '../jobs/job.ts'
import { lostIn } from '../kernel/two-sum.ts'
import { roundedSum } from '../reductions/states.ts'
import { type Computed, Lowering } from '../stages/lower.ts'
import { sharedMemory } from '../memory/memory.ts'
import type { AlgorithmNode, Node } from '../expression/node.ts'
import { sizeOf } from '../expression/shape.ts'
import { denseNode, describeNode, expressionOf, type Prepared } from '../stages/stage.ts'
import { blockJob, flatten, type Flat } from './blocks.ts'

export function prepareCumsum(node: AlgorithmNode, computed: Computed): Prepared {
  const [input] = node.inputs as [Node]
  const rowLength = input.shape.at(-1) as number
  const size = sizeOf(input.shape)
  const flat = flatten([input], computed, rowLength < size ? rowLength : undefined)
  if ('needs' in flat) return flat
  const bytes = size * bytesPer(node.dtype)
  let result = new SharedArrayBuffer(0)
  return {
    stage: {
      nodes: [node],
      bytes,
      *jobs() {
        result = sharedMemory(bytes)
        if (size === 0) return
        const product = node.attributes['product'] as number | undefined
        const label = `${product ? 'cumprod' : 'cumsum'} of ${describeNode(input)}`
        const numbers = product ? [rowLength, 1] : [rowLength]
        // What a product starts from would have other bits for other chunks.
        if (product && rowLength === size) return yield blockJob('scan', label, alone(flat), [result], numbers)
        if (rowLength < size) return yield blockJob('scan', label, flat, [result], numbers)
        const sums = chunkSums(node, input, flat, computed)
        yield sums
        yield blockJob('scan', label, flat, [result, starts(node, sums)], numbers)
      },
      finish: () => new Map([[node, denseNode(node.dtype, node.shape, result)]]),
    },
  }
}

/** As one task. */
function alone(flat: Flat): Flat {
  const { expression, length } = flat
  return { expression, length, chunkLength: Math.max(1, length), tasks: 1 }
}

function chunkSums(node: AlgorithmNode, input: Node, { length, chunkLength, tasks }: Flat, computed: Computed): ReduceJob {
  const lowering = new Lowering(computed, true)
  const integer = node.dtype === 'i64'
  const value = lowering.lower(input)
  lowering.program.reductions.push({
    kind: integer ? 'wrap' : 'sum',
    value: integer ? value : lowering.program.cast(value, 'f64'),
  })
  return {
    kind: 'reduce',
    label: `sums of the chunks of ${describeNode(input)}`,
    tasks,
    expression: expressionOf(lowering),
    measures: [{ kind: integer ? 'wrap' : 'sum', dtype: integer ? 'i64' : 'f64', reduction: 0, extra: -1 }],
    rows: 1,
    rowLength: length,
    segmentLength: chunkLength,
    states: new SharedArrayBuffer(16 * tasks),
    perTask: 1,
  }
}

/** What comes before each chunk. */
function starts(node: AlgorithmNode, { states, tasks }: ReduceJob): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(8 * tasks)
  if (node.dtype === 'i64') {
    const [sums, into] = [new BigInt64Array(states), new BigInt64Array(buffer)]
    for (let task = 1; task < tasks; task++)
      into[task] = BigInt.asIntN(64, (into[task - 1] as bigint) + (sums[task - 1] as bigint))
    return buffer
  }
  const [sums, into] = [new Float64Array(states), new Float64Array(buffer)]
  let [sum, error] = [0, 0]
  for (let task = 1; task < tasks; task++) {
    const chunk = sums[2 * task - 2] as number
    const next = sum + chunk
    error += lostIn(next, sum, chunk) + (sums[2 * task - 1] as number)
    sum = next
    into[task] = roundedSum(sum, error)
  }
  return buffer
}
