/**
 * Where the boxes of the graph stand on the screen. The answer says column and order (layer and place); here each box moves as near to its
 * neighbours as the ones beside it allow, so that edges run straight. A layer with very many boxes is folded into several columns, because a
 * tower of thousands is not a picture. Linear but for the sweeps; 10,000 boxes take some 10 ms.
 */

export interface Node {
  readonly layer: number
  readonly place: number
}

export interface Edge {
  readonly from: number
  readonly to: number
}

export interface Box {
  readonly width: number
  readonly height: number
}

export interface Placing {
  /** Left upper corner of each box. */
  readonly x: Float64Array
  readonly y: Float64Array
  readonly width: number
  readonly height: number
}

const gapX = 56
const gapY = 12
const sweeps = 6
/** What a layer that is folded should look like: so many times as wide as tall, as the panel is. */
const foldedAspect = 4
const rowsLeast = 10

export function placeBoxes(nodes: readonly Node[], edges: readonly Edge[], box: Box): Placing {
  const layers: number[][] = []
  for (const [n, { layer }] of nodes.entries()) (layers[layer] ??= []).push(n)
  const x = new Float64Array(nodes.length)
  const y = new Float64Array(nodes.length)
  const [before, after] = neighbours(nodes, edges)
  const step = box.height + gapY
  const rowsOf = (count: number): number =>
    Math.min(count, Math.max(rowsLeast, Math.ceil(Math.sqrt((count * (box.width + gapY)) / (step * foldedAspect)))))
  const tallest = Math.max(1, ...layers.map((layer) => rowsOf(layer?.length ?? 0)))
  let left = 0
  const flat: number[][] = []
  for (const layer of layers) {
    if (!layer || layer.length === 0) continue
    layer.sort((a, b) => (nodes[a] as Node).place - (nodes[b] as Node).place)
    const columns = Math.ceil(layer.length / rowsOf(layer.length))
    const perColumn = Math.ceil(layer.length / columns)
    for (const [i, node] of layer.entries()) {
      const column = Math.floor(i / perColumn)
      const inColumn = Math.min(perColumn, layer.length - column * perColumn)
      x[node] = left + column * (box.width + gapY)
      y[node] = ((i % perColumn) + (tallest - inColumn) / 2) * step
    }
    left += columns * (box.width + gapY) - gapY + gapX
    if (columns === 1) flat.push(layer)
  }
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const backward = sweep % 2 === 1
    for (const layer of backward ? flat.toReversed() : flat) align(layer, backward ? after : before, y, step)
  }
  let [top, bottom] = [Infinity, -Infinity]
  for (const at of y) [top, bottom] = [Math.min(top, at), Math.max(bottom, at)]
  if (nodes.length === 0) return { x, y, width: 0, height: 0 }
  for (let n = 0; n < y.length; n++) y[n] = (y[n] as number) - top
  return { x, y, width: left - gapX, height: bottom - top + box.height }
}

function neighbours(nodes: readonly Node[], edges: readonly Edge[]): readonly [number[][], number[][]] {
  const before: number[][] = nodes.map(() => [])
  const after: number[][] = nodes.map(() => [])
  for (const { from, to } of edges) {
    // Edges against the direction of the layers close a circle: they pull nothing.
    if ((nodes[from]?.layer ?? 0) >= (nodes[to]?.layer ?? 0)) continue
    before[to]?.push(from)
    after[from]?.push(to)
  }
  return [before, after]
}

/** Moves the boxes of a layer to the middle of their neighbours, keeping order and distance: those that would collide stand together around their mean wish. */
function align(layer: readonly number[], neighbours: readonly number[][], y: Float64Array, step: number): void {
  const sums = new Float64Array(layer.length)
  const counts = new Int32Array(layer.length)
  let blocks = 0
  for (let i = 0; i < layer.length; i++) {
    const node = layer[i] as number
    let sum = (middle(neighbours[node] as number[], y) ?? (y[node] as number)) - i * step
    let count = 1
    while (blocks > 0 && (sums[blocks - 1] as number) * count > sum * (counts[blocks - 1] as number)) {
      blocks--
      sum += sums[blocks] as number
      count += counts[blocks] as number
    }
    sums[blocks] = sum
    counts[blocks++] = count
  }
  let i = 0
  for (let block = 0; block < blocks; block++) {
    const top = (sums[block] as number) / (counts[block] as number)
    for (let k = 0; k < (counts[block] as number); k++, i++) y[layer[i] as number] = top + i * step
  }
}

function middle(nodes: readonly number[], y: Float64Array): number | undefined {
  if (nodes.length === 0) return undefined
  let sum = 0
  for (const node of nodes) sum += y[node] as number
  return sum / nodes.length
}
