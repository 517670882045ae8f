/** Runs the tasks of a {@link ProductJob}: (segment of the inner length, tile of the result) pairs. */
import { typedArray } from '../expression/dtype.ts'
import { panelLength, productTiles, tileLength } from '../wasm/product.ts'
import type { Matrix, ProductJob, Stop } from './job.ts'

export function openProduct(job: ProductJob): { run(task: number, stop: Stop): void; close(): void } {
  const across = Math.ceil(job.columns / job.tile)
  const perSegment = across * Math.ceil(job.rows / job.tile)
  return {
    run(task, stop) {
      const segment = Math.floor(task / perSegment)
      const tile = task % perSegment
      multiplyTile(job, segment, Math.floor(tile / across) * job.tile, (tile % across) * job.tile, stop)
    },
    close() {},
  }
}

function multiplyTile(job: ProductJob, segment: number, row: number, column: number, stop: Stop): void {
  const { left, right, inner, segmentLength } = job
  const tiles = productTiles()
  const rows = Math.min(job.tile, job.rows - row)
  const columns = Math.min(job.tile, job.columns - column)
  const rowPanels = Math.ceil(rows / panelLength)
  tiles.c.fill(0, 0, rowPanels * panelLength * tileLength)
  const end = Math.min(inner, (segment + 1) * segmentLength)
  for (let from = segment * segmentLength; from < end && !stop(); from += tileLength) {
    const depth = Math.min(tileLength, end - from)
    pack(left, row, rows, from, depth, tiles.a)
    pack({ ...right, outer: right.inner, inner: right.outer }, column, columns, from, depth, tiles.b)
    tiles.multiply(depth, rowPanels, Math.ceil(columns / panelLength))
  }
  const result = new Float64Array(job.result, 8 * segment * job.rows * job.columns, job.rows * job.columns)
  for (let r = 0; r < rows; r++) {
    result.set(tiles.c.subarray(r * tileLength, r * tileLength + columns), (row + r) * job.columns + column)
  }
}

/** Lays `lines` lines out in panels of four: the first elements of all four, then the second ones, and so on; zeros fill what is missing. */
function pack(
  { buffer, dtype, offset, outer, inner }: Matrix,
  line: number,
  lines: number,
  from: number,
  depth: number,
  into: Float64Array,
): void {
  const data = typedArray(dtype, buffer) as Float64Array
  const panelSize = panelLength * depth
  for (let first = 0, at = 0; first < lines; first += panelLength, at += panelSize) {
    const start = offset + (line + first) * outer + from * inner
    if (first + panelLength <= lines) packFour(data, start, outer, inner, depth, into, at)
    else packSome(data, start, outer, inner, depth, into, at, lines - first)
  }
}

function packFour(
  data: Float64Array,
  start: number,
  outer: number,
  inner: number,
  depth: number,
  into: Float64Array,
  at: number,
): void {
  const [second, third, fourth] = [start + outer, start + 2 * outer, start + 3 * outer]
  for (let k = 0, to = at, by = 0; k < depth; k++, to += 4, by += inner) {
    into[to] = data[start + by] as number
    into[to + 1] = data[second + by] as number
    into[to + 2] = data[third + by] as number
    into[to + 3] = data[fourth + by] as number
  }
}

function packSome(
  data: Float64Array,
  start: number,
  outer: number,
  inner: number,
  depth: number,
  into: Float64Array,
  at: number,
  lines: number,
): void {
  for (let k = 0; k < depth; k++) {
    for (let r = 0; r < panelLength; r++)
      into[at + panelLength * k + r] = r < lines ? (data[start + r * outer + k * inner] as number) : 0
  }
}
