/** What the algorithms share: an expression over flattened inputs as a block job. */
import { reshape } from '../expression/build.ts'
import type { BlockAlgorithm, BlockJob, Expression } from '../jobs/job.ts'
import { type Computed, Lowering } from '../stages/lower.ts'
import type { Node } from '../expression/node.ts'
import { sizeOf } from '../expression/shape.ts'
import { chunkLengthFor, expressionOf } from '../stages/stage.ts'

export interface Flat {
  readonly expression: Expression
  readonly length: number
  readonly chunkLength: number
  readonly tasks: number
}

/** The inputs, flattened, as the outputs of one kernel; or what has to be computed first. */
export function flatten(inputs: readonly Node[], computed: Computed): Flat | { readonly needs: ReadonlySet<Node> } {
  const [first] = inputs as [Node]
  const length = sizeOf(first.shape)
  const lowering = new Lowering(computed, true)
  for (const input of inputs)
    lowering.program.outputs.push({ value: lowering.lower(input.shape.length === 1 ? input : reshape(input, [length])) })
  if (lowering.needs.size > 0) return { needs: lowering.needs }
  const chunkLength = chunkLengthFor(length, first.chunk)
  return {
    // Compiled only when it is going to run.
    get expression() {
      return expressionOf(lowering)
    },
    length,
    chunkLength,
    tasks: Math.ceil(length / chunkLength),
  }
}

export function blockJob(
  algorithm: BlockAlgorithm,
  label: string,
  flat: Flat,
  buffers: readonly SharedArrayBuffer[],
  numbers: readonly number[] = [],
): BlockJob {
  return { kind: 'block', algorithm, label, ...flat, buffers, numbers }
}
