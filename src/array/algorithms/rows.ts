/** Algorithms over the rows of the last axis: sort, argsort, partition, quantiles. */
import type { DType } from '../expression/dtype.ts'
import { bytesPer } from '../expression/dtype.ts'
import type { AlgorithmNode, Node } from '../expression/node.ts'
import { sizeOf } from '../expression/shape.ts'
import type { BlockAlgorithm } from '../jobs/job.ts'
import type { Computed } from '../stages/lower.ts'
import { allocate } from '../stages/map-stage.ts'
import { denseNode, describeNode, type Prepared } from '../stages/stage.ts'
import { blockJob, flatten } from './blocks.ts'
import { longRow, prepareLongSort } from './long-sort.ts'

/** What the algorithm writes, and the numbers behind the length of a row. */
interface RowAlgorithm {
  readonly algorithm: BlockAlgorithm
  dtypeOf(node: AlgorithmNode): DType
  numbers(node: AlgorithmNode): readonly number[]
}

const listOf = (node: AlgorithmNode, name: string): readonly number[] => node.attributes[name] as readonly number[]

export const sortRows: RowAlgorithm = { algorithm: 'sort', dtypeOf: ({ dtype }) => dtype, numbers: () => [] }
export const argsortRows: RowAlgorithm = { algorithm: 'argsort', dtypeOf: () => 'f64', numbers: () => [] }
export const partitionRows: RowAlgorithm = {
  algorithm: 'partition',
  dtypeOf: ({ dtype }) => dtype,
  numbers: (node) => listOf(node, 'places'),
}
export const quantileRows: RowAlgorithm = {
  algorithm: 'rowQuantile',
  dtypeOf: () => 'f64',
  numbers: (node) => [node.attributes['method'] as number, node.attributes['leaveOut'] as number, ...listOf(node, 'q')],
}

export const prepareRows =
  ({ algorithm, dtypeOf, numbers }: RowAlgorithm) =>
  (node: AlgorithmNode, computed: Computed): Prepared => {
    const [input] = node.inputs as [Node]
    const rowLength = input.shape.at(-1) as number
    if (algorithm === 'sort' && node.dtype === 'f64' && rowLength >= longRow && rowLength === sizeOf(input.shape))
      return prepareLongSort(node, computed)
    const flat = flatten([input], computed, rowLength)
    if ('needs' in flat) return flat
    const dtype = dtypeOf(node)
    const size = sizeOf(node.shape)
    let result = new SharedArrayBuffer(0)
    return {
      stage: {
        nodes: [node],
        bytes: size * bytesPer(dtype),
        jobs() {
          result = allocate(dtype, node.shape)
          const label = `${node.name} of ${describeNode(input)}`
          if (flat.length > 0) return [blockJob(algorithm, label, flat, [result], [rowLength, ...numbers(node)])]
          // Of no elements there is nothing to sort; a quantile is not a number.
          if (algorithm === 'rowQuantile') new Float64Array(result).fill(Number.NaN)
          return []
        },
        finish: () => new Map([[node, denseNode(dtype, node.shape, result)]]),
      },
    }
  }
