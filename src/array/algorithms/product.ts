/** The matrix product: tiles of the result, each a task; the inner length is cut too where there are few tiles. */
import type { ProductJob } from '../jobs/job.ts'
import type { Computed } from '../stages/lower.ts'
import type { AlgorithmNode, Node } from '../expression/node.ts'
import { denseNode, describeNode, type Prepared } from '../stages/stage.ts'
import { matrixOf } from './matrix-of.ts'
import { type ProductType, tileLength } from '../wasm/product.ts'
import { bytesPer, typedArray } from '../expression/dtype.ts'
import { sizeOf } from '../expression/shape.ts'
import { sharedMemory } from '../memory/memory.ts'

/** Tasks that a product should have at least, so that threads share it evenly. */
const wantedTasks = 16
/** The shortest part of the inner length that is a task of its own. */
const shortestSegment = 4 * tileLength

/** Multiplications that a task should have at least. */
const taskMultiplications = 1 << 20

export function prepareProduct(node: AlgorithmNode, computed: Computed): Prepared {
  const needs = new Set<Node>()
  const [left, right] = node.inputs.map((input) => matrixOf(input, computed) ?? (needs.add(input), undefined))
  if (!left || !right) return { needs }
  const dtype = node.dtype as ProductType
  const batch = node.shape.slice(0, -2)
  const [rows, columns] = node.shape.slice(-2) as [number, number]
  const inner = (node.inputs[0] as Node).shape.at(-1) as number
  const products = sizeOf(batch)
  const tile = tileFor(rows, columns, products)
  const tiles = Math.ceil(rows / tile) * Math.ceil(columns / tile)
  const wanted = Math.max(1, Math.min(Math.ceil(wantedTasks / (tiles * products)), Math.floor(inner / shortestSegment)))
  const segmentLength = Math.max(1, Math.ceil(inner / wanted))
  const segments = Math.max(1, Math.ceil(inner / segmentLength))
  const perTask = Math.max(
    1,
    Math.floor(taskMultiplications / Math.max(1, Math.min(tile, rows) * Math.min(tile, columns) * inner)),
  )
  const size = rows * columns
  const bytes = bytesPer(dtype) * products * segments * size
  let result = new SharedArrayBuffer(0)
  return {
    stage: {
      nodes: [node],
      bytes,
      jobs() {
        result = sharedMemory(bytes)
        const job: ProductJob = {
          kind: 'product',
          label: `product of ${describeNode(node.inputs[0] as Node)} and ${describeNode(node.inputs[1] as Node)}`,
          tasks: Math.ceil((products * segments * tiles) / perTask),
          perTask,
          dtype,
          batch,
          left,
          right,
          rows,
          columns,
          inner,
          tile,
          segmentLength,
          result,
        }
        return products * size === 0 || inner === 0 ? [] : [job]
      },
      finish() {
        // Only a single product is cut.
        if (segments > 1) addSegments(typedArray(dtype, result, 0, segments * size) as Float64Array, size, segments)
        return new Map([[node, denseNode(dtype, node.shape, result)]])
      },
    },
  }
}

/** The largest tile that leaves enough of them. Depends on the shape alone, because sums follow it. */
function tileFor(rows: number, columns: number, products: number): number {
  let tile = tileLength
  while (tile > 64 && products * Math.ceil(rows / tile) * Math.ceil(columns / tile) < wantedTasks) tile /= 2
  return tile
}

function addSegments(sums: Float64Array, length: number, segments: number): void {
  for (let segment = 1; segment < segments; segment++) {
    for (let i = 0; i < length; i++) sums[i] = (sums[i] as number) + (sums[segment * length + i] as number)
  }
}
