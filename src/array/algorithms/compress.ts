/** Boolean masks: one pass counts what each chunk keeps, another writes it to its place. */
import { bytesPer } from '../expression/dtype.ts'
import type { ReduceJob } from '../jobs/job.ts'
import { type Computed, Lowering } from '../stages/lower.ts'
import { reshape } from '../expression/build.ts'
import { sharedElements } from '../memory/memory.ts'
import type { AlgorithmNode, Node } from '../expression/node.ts'
import { sizeOf } from '../expression/shape.ts'
import { denseNode, describeNode, expressionOf, type Prepared } from '../stages/stage.ts'
import { blockJob, flatten } from './blocks.ts'

export function prepareCompress(node: AlgorithmNode, computed: Computed): Prepared {
  const [input, mask] = node.inputs as [Node, Node]
  const flat = flatten([input, mask], computed)
  if ('needs' in flat) return flat
  const { length, chunkLength, tasks } = flat
  const counting = new Lowering(computed, true)
  counting.program.reductions.push({ kind: 'sum', value: counting.lower(reshape(mask, [length])) })
  const countJob = (): ReduceJob => ({
    kind: 'reduce',
    label: `count of ${describeNode(mask)}`,
    tasks,
    expression: expressionOf(counting),
    measures: [{ kind: 'sum', dtype: 'bool', reduction: 0, extra: -1 }],
    rows: 1,
    rowLength: length,
    segmentLength: chunkLength,
    states: new SharedArrayBuffer(16 * Math.max(1, tasks)),
    perTask: 1,
  })
  let result = sharedElements(node.dtype, 0)
  return {
    stage: {
      nodes: [node],
      bytes: sizeOf(input.shape) * bytesPer(node.dtype),
      *jobs() {
        const count = countJob()
        yield count
        const counts = new Float64Array(count.states)
        const starts = new Float64Array(new SharedArrayBuffer(8 * (tasks + 1)))
        for (let task = 0; task < tasks; task++) starts[task + 1] = (starts[task] as number) + (counts[2 * task] as number)
        result = sharedElements(node.dtype, starts[tasks] as number)
        yield blockJob('compress', `mask of ${describeNode(input)}`, flat, [result.buffer as SharedArrayBuffer, starts.buffer])
      },
      finish: () => new Map([[node, denseNode(node.dtype, [result.length], result.buffer as SharedArrayBuffer)]]),
    },
  }
}
