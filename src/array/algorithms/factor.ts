/** Factorizations: each matrix of a batch is a task, small ones together. */
import type { AlgorithmNode, Node } from '../expression/node.ts'
import { factorizations, type FactorName } from '../factor/table.ts'
import type { FactorJob, Matrix } from '../jobs/job.ts'
import { sizeOf } from '../expression/shape.ts'
import { sharedMemory } from '../memory/memory.ts'
import type { Computed } from '../stages/lower.ts'
import { denseNode, describeNode, type Prepared } from '../stages/stage.ts'
import { matrixOf } from './matrix-of.ts'

/** Multiplications that a task should have at least. */
const taskWork = 1 << 20

export function prepareFactor(node: AlgorithmNode, computed: Computed): Prepared {
  const needs = new Set<Node>()
  const found = node.inputs.map((input) => matrixOf(input, computed) ?? (needs.add(input), undefined))
  if (needs.size > 0) return { needs }
  const operation = node.attributes['operation'] as FactorName
  const numbers = node.attributes['numbers'] as readonly number[]
  const batch = node.shape.slice(0, -1)
  const size = node.shape.at(-1) as number
  const matrices = node.inputs.map(({ shape }, i) => {
    const [rows, columns] = shape.slice(-2) as [number, number]
    return { matrix: found[i] as Matrix, rows, columns }
  })
  const perTask = Math.max(1, Math.floor(taskWork / Math.max(1, factorizations[operation].work(matrices))))
  const bytes = 8 * sizeOf(node.shape)
  let result = new SharedArrayBuffer(0)
  return {
    stage: {
      nodes: [node],
      bytes,
      jobs() {
        result = sharedMemory(bytes)
        const label = `${operation} of ${describeNode(node.inputs[0] as Node)}`
        const tasks = Math.ceil(sizeOf(batch) / perTask)
        const job: FactorJob = { kind: 'factor', label, tasks, operation, numbers, batch, perTask, matrices, result, size }
        return bytes === 0 ? [] : [job]
      },
      finish: () => new Map([[node, denseNode('f64', node.shape, result)]]),
    },
  }
}
