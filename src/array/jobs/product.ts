/** Runs the tasks of a {@link ProductJob}: each some (product of the batch, segment of the inner length, tile of the result) triples. */
import { typedArray } from '../expression/dtype.ts'
import { type Floats, pack } from '../wasm/pack.ts'
import { panelColumns, panelRows, productTiles, tileLength } from '../wasm/product.ts'
import type { Matrix, ProductJob, Stop } from './job.ts'

const elements = ({ buffer, dtype }: Matrix): Floats => typedArray(dtype, buffer) as Floats

export function openProduct(job: ProductJob): { run(task: number, stop: Stop): void; close(): void } {
  const across = Math.ceil(job.columns / job.tile)
  const perSegment = across * Math.ceil(job.rows / job.tile)
  const segments = Math.max(1, Math.ceil(job.inner / job.segmentLength))
  const perProduct = segments * perSegment
  const end = perProduct * job.batch.reduce((a, b) => a * b, 1)
  return {
    run(task, stop) {
      const last = Math.min(end, (task + 1) * job.perTask)
      for (let part = task * job.perTask; part < last && !stop(); part++) {
        const product = Math.floor(part / perProduct)
        const segment = Math.floor((part % perProduct) / perSegment)
        const tile = part % perSegment
        multiplyTile(job, product, segments, segment, Math.floor(tile / across) * job.tile, (tile % across) * job.tile, stop)
      }
    },
    close() {},
  }
}

/** Where the matrix of this number begins. */
export function startOf({ offset, steps }: Matrix, batch: readonly number[], product: number): number {
  let start = offset
  for (let axis = batch.length - 1, left = product; axis >= 0; axis--) {
    const length = batch[axis] as number
    start += (left % length) * (steps[axis] as number)
    left = Math.floor(left / length)
  }
  return start
}

function multiplyTile(
  job: ProductJob,
  product: number,
  segments: number,
  segment: number,
  row: number,
  column: number,
  stop: Stop,
): void {
  const { left, right, inner, segmentLength, batch, dtype } = job
  const tiles = productTiles(dtype)
  const rows = Math.min(job.tile, job.rows - row)
  const columns = Math.min(job.tile, job.columns - column)
  const rowPanels = Math.ceil(rows / panelRows)
  const [a, b] = [startOf(left, batch, product), startOf(right, batch, product)]
  tiles.c.fill(0, 0, rowPanels * panelRows * tileLength)
  const end = Math.min(inner, (segment + 1) * segmentLength)
  const wide = panelColumns[dtype]
  for (let at = segment * segmentLength; at < end && !stop(); at += tileLength) {
    const depth = Math.min(tileLength, end - at)
    pack(elements(left), a + row * left.outer + at * left.inner, left.outer, left.inner, rows, depth, panelRows, tiles.a)
    pack(elements(right), b + column * right.inner + at * right.outer, right.inner, right.outer, columns, depth, wide, tiles.b)
    tiles.multiply(depth, rowPanels, Math.ceil(columns / wide))
  }
  const size = job.rows * job.columns
  const result = typedArray(dtype, job.result, (product * segments + segment) * size, size)
  for (let r = 0; r < rows; r++) {
    const line = tiles.c.subarray(r * tileLength, r * tileLength + columns)
    result.set(line as never, (row + r) * job.columns + column)
  }
}
