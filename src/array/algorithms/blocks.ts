/** What the algorithms share: an expression over flattened inputs as a block job. */
import { formatBytes } from '../../base/bytes.ts'
import { BudgetExceeded } from '../../base/errors.ts'
import { reshape } from '../expression/build.ts'
import type { BlockAlgorithm, BlockJob, Expression } from '../jobs/job.ts'
import { type Computed, Lowering } from '../stages/lower.ts'
import { bytesPer, type DType } from '../expression/dtype.ts'
import type { DenseNode, Node } from '../expression/node.ts'
import { blockLength } from '../kernel/ir.ts'
import { sizeOf } from '../expression/shape.ts'
import { chunkLengthFor, describeNode, expressionOf } from '../stages/stage.ts'

export interface Flat {
  readonly expression: Expression
  readonly length: number
  readonly chunkLength: number
  readonly tasks: number
}

/**
 * The inputs, flattened, as the outputs of one kernel; or what has to be computed first.
 * @param rowLength where a task takes whole rows
 */
export function flatten(
  inputs: readonly Node[],
  computed: Computed,
  rowLength?: number,
): Flat | { readonly needs: ReadonlySet<Node> } {
  const [first] = inputs as [Node]
  const length = sizeOf(first.shape)
  // Rows do not begin where blocks do.
  const lowering = new Lowering(computed, rowLength === undefined || rowLength === length)
  for (const input of inputs)
    lowering.program.outputs.push({ value: lowering.lower(input.shape.length === 1 ? input : reshape(input, [length])) })
  if (lowering.needs.size > 0) return { needs: lowering.needs }
  const chunkLength = rowLength === undefined ? chunkLengthFor(length, first.chunk) : rowsFor(rowLength, length)
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

/** Elements of whole rows for a task: some 260,000, and of fewer an eighth of them. */
function rowsFor(rowLength: number, length: number): number {
  const wanted = Math.min(64 * blockLength, length / 8)
  return Math.max(1, rowLength * Math.max(1, Math.floor(wanted / Math.max(1, rowLength))))
}

/**
 * The elements in memory, in C order; or undefined, and what has to be computed first.
 * @param needs gets it
 */
export function inMemory(node: Node, computed: Computed, needs: Set<Node>): DenseNode | undefined {
  const there = computed.get(node) ?? node
  if (there.kind === 'dense') return there
  checkInMemory(node, computed)
  needs.add(node)
  return undefined
}

/** @throws {BudgetExceeded} when it was computed into a file, because there is no room for it, and cannot be read from there */
export function checkInMemory(node: Node, computed: Computed): void {
  if (computed.get(node)?.kind !== 'file') return
  const bytes = formatBytes(sizeOf(node.shape) * bytesPer(node.dtype))
  throw new BudgetExceeded(`${describeNode(node)} with ${bytes} is needed in memory, in any order, and does not fit`, {
    hint: 'Raise `memoryLimit`, or take a smaller part of the array first.',
  })
}

export function blockJob(
  algorithm: BlockAlgorithm,
  label: string,
  flat: Flat,
  buffers: readonly SharedArrayBuffer[],
  numbers: readonly number[] = [],
  dtype?: DType,
): BlockJob {
  const { expression, length, chunkLength, tasks } = flat
  return {
    kind: 'block',
    algorithm,
    label,
    expression,
    length,
    chunkLength,
    tasks,
    buffers,
    numbers,
    ...(dtype && { dtype }),
  }
}
