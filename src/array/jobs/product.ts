/** Runs the tasks of a {@link ProductJob}: each some (product of the batch, segment of the inner length, tile of the result) triples. */
import { typedArray } from '../expression/dtype.ts'
import { panelColumns, panelRows, productTiles, tileLength } from '../wasm/product.ts'
import type { Matrix, ProductJob, Stop } from './job.ts'

type Floats = Float64Array | Float32Array

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
function startOf({ offset, steps }: Matrix, batch: readonly number[], product: number): number {
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
  for (let from = segment * segmentLength; from < end && !stop(); from += tileLength) {
    const depth = Math.min(tileLength, end - from)
    pack(left, a + row * left.outer + from * left.inner, left.outer, left.inner, rows, depth, panelRows, tiles.a)
    pack(right, b + column * right.inner + from * right.outer, right.inner, right.outer, columns, depth, wide, tiles.b)
    tiles.multiply(depth, rowPanels, Math.ceil(columns / wide))
  }
  const size = job.rows * job.columns
  const result = typedArray(dtype, job.result, (product * segments + segment) * size, size)
  for (let r = 0; r < rows; r++) {
    const line = tiles.c.subarray(r * tileLength, r * tileLength + columns)
    result.set(line as never, (row + r) * job.columns + column)
  }
}

/**
 * Lays lines out in panels: the first elements of all lines of a panel, then the second ones, and so on; zeros fill what is missing.
 * @param apart between the beginnings of two lines
 * @param step between the elements of a line
 */
function pack(
  { buffer, dtype }: Matrix,
  start: number,
  apart: number,
  step: number,
  lines: number,
  depth: number,
  panel: number,
  into: Floats,
): void {
  const data = typedArray(dtype, buffer) as Floats
  const panelSize = panel * depth
  for (let first = 0, at = 0; first < lines; first += panel, at += panelSize) {
    const from = start + first * apart
    if (first + panel > lines) packSome(data, from, apart, step, depth, panel, into, at, lines - first)
    else if (apart === 1) packRuns(data, from, step, depth, panel, into, at)
    else
      for (let line = 0; line < panel; line += panelRows)
        packFour(data, from + line * apart, apart, step, depth, panel, into, at + line)
  }
}

/** Lines beside one another: each step is a run. */
function packRuns(data: Floats, start: number, step: number, depth: number, panel: number, into: Floats, at: number): void {
  if (panel === panelRows) return packFour(data, start, 1, step, depth, panel, into, at)
  for (let k = 0, to = at, from = start; k < depth; k++, to += 8, from += step) {
    into[to] = data[from] as number
    into[to + 1] = data[from + 1] as number
    into[to + 2] = data[from + 2] as number
    into[to + 3] = data[from + 3] as number
    into[to + 4] = data[from + 4] as number
    into[to + 5] = data[from + 5] as number
    into[to + 6] = data[from + 6] as number
    into[to + 7] = data[from + 7] as number
  }
}

function packFour(
  data: Floats,
  start: number,
  apart: number,
  step: number,
  depth: number,
  panel: number,
  into: Floats,
  at: number,
): void {
  const [second, third, fourth] = [start + apart, start + 2 * apart, start + 3 * apart]
  for (let k = 0, to = at, by = 0; k < depth; k++, to += panel, by += step) {
    into[to] = data[start + by] as number
    into[to + 1] = data[second + by] as number
    into[to + 2] = data[third + by] as number
    into[to + 3] = data[fourth + by] as number
  }
}

function packSome(
  data: Floats,
  start: number,
  apart: number,
  step: number,
  depth: number,
  panel: number,
  into: Floats,
  at: number,
  lines: number,
): void {
  for (let k = 0; k < depth; k++) {
    for (let line = 0; line < panel; line++)
      into[at + panel * k + line] = line < lines ? (data[start + line * apart + k * step] as number) : 0
  }
}
