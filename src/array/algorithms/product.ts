/** The matrix product: tiles of the result, each a task; the inner length is cut too where there are few tiles. */
import type { Matrix, ProductJob } from '../jobs/job.ts'
import type { Computed } from '../stages/lower.ts'
import type { AlgorithmNode, Node } from '../expression/node.ts'
import { stridesThrough } from '../memory/source.ts'
import { denseNode, describeNode, type Prepared } from '../stages/stage.ts'
import { identityView } from '../expression/view.ts'
import { tileLength } from '../wasm/product.ts'

/** Tasks that a product should have at least, so that threads share it evenly. */
const wantedTasks = 16
/** The shortest part of the inner length that is a task of its own. */
const shortestSegment = 4 * tileLength

export function prepareProduct(node: AlgorithmNode, computed: Computed): Prepared {
  const needs = new Set<Node>()
  const [left, right] = node.inputs.map((input) => matrixOf(input, computed) ?? (needs.add(input), undefined))
  if (!left || !right) return { needs }
  const [rows, columns] = node.shape as [number, number]
  const inner = (node.inputs[0] as Node).shape[1] as number
  const tile = tileFor(rows, columns)
  const tiles = Math.ceil(rows / tile) * Math.ceil(columns / tile)
  const segments = Math.max(1, Math.min(Math.ceil(wantedTasks / tiles), Math.floor(inner / shortestSegment)))
  const bytes = 8 * segments * rows * columns
  let job: ProductJob | undefined
  return {
    stage: {
      nodes: [node],
      bytes,
      jobs() {
        job = {
          kind: 'product',
          label: `product of ${describeNode(node.inputs[0] as Node)} and ${describeNode(node.inputs[1] as Node)}`,
          tasks: segments * tiles,
          left,
          right,
          rows,
          columns,
          inner,
          tile,
          segmentLength: Math.ceil(inner / segments),
          result: new SharedArrayBuffer(bytes),
        }
        return rows === 0 || columns === 0 ? [] : [job]
      },
      finish() {
        const { result } = job as ProductJob
        if (segments > 1) addSegments(new Float64Array(result), rows * columns, segments)
        const sums = denseNode('f64', node.shape, result)
        return new Map([[node, sums]])
      },
    },
  }
}

/** The elements in memory, also through a view of them; undefined where they have to be computed first. */
function matrixOf(node: Node, computed: Computed): Matrix | undefined {
  const view = node.kind === 'view' && !computed.has(node) ? node.view : identityView(node.shape)
  const source = computed.get(node) ?? (node.kind === 'view' ? (computed.get(node.input) ?? node.input) : node)
  if (source.kind !== 'dense') return undefined
  const { offset, strides } = stridesThrough(view, source.strides, source.offset)
  return { buffer: source.buffer, dtype: source.dtype, offset, outer: strides[0] as number, inner: strides[1] as number }
}

/** The largest tile that leaves enough of them. Depends on the shape alone, because sums follow it. */
function tileFor(rows: number, columns: number): number {
  let tile = tileLength
  while (tile > 64 && Math.ceil(rows / tile) * Math.ceil(columns / tile) < wantedTasks) tile /= 2
  return tile
}

function addSegments(sums: Float64Array, length: number, segments: number): void {
  for (let segment = 1; segment < segments; segment++) {
    for (let i = 0; i < length; i++) sums[i] = (sums[i] as number) + (sums[segment * length + i] as number)
  }
}
