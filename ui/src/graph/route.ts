/** Ways of edges that pass over layers: through the gaps between the boxes that stand there, as near to the straight line as possible. */
import type { Box, Edge, Node, Placing } from './place.ts'

/** Where an edge passes a layer: at this height, from the left to the right end of its boxes. */
export interface Pass {
  readonly left: number
  readonly right: number
  readonly y: number
}

/** More edges than this are a texture: nobody follows one of them. Chosen. */
const edgesMax = 1_500

/** By edge, the layers that it passes, from its start to its end. */
export function routeEdges(
  nodes: readonly Node[],
  edges: readonly Edge[],
  placing: Placing,
  box: Box,
): readonly (readonly Pass[])[] {
  if (edges.length > edgesMax) return edges.map(() => [])
  const layers = new Map<number, { left: number; right: number; tops: number[] }>()
  for (const [n, { layer }] of nodes.entries()) {
    const [x, y] = [placing.x[n] as number, placing.y[n] as number]
    const known = layers.get(layer)
    if (!known) layers.set(layer, { left: x, right: x + box.width, tops: [y] })
    else {
      known.left = Math.min(known.left, x)
      known.right = Math.max(known.right, x + box.width)
      known.tops.push(y)
    }
  }
  for (const { tops } of layers.values()) tops.sort((a, b) => a - b)
  return edges.map(({ from, to }) => {
    const [first, last] = [nodes[from]?.layer ?? 0, nodes[to]?.layer ?? 0]
    const [x1, y1] = [(placing.x[from] as number) + box.width, (placing.y[from] as number) + box.height / 2]
    const [x2, y2] = [placing.x[to] as number, (placing.y[to] as number) + box.height / 2]
    const passes: Pass[] = []
    for (let l = first + 1; l < last; l++) {
      const layer = layers.get(l)
      if (!layer) continue
      const straight = y1 + ((y2 - y1) * ((layer.left + layer.right) / 2 - x1)) / Math.max(1, x2 - x1)
      passes.push({ left: layer.left, right: layer.right, y: nearestGap(layer.tops, box.height, straight) })
    }
    return passes
  })
}

const air = 6

/** The height nearest to `wish` at which no box stands. */
export function nearestGap(tops: readonly number[], height: number, wish: number): number {
  let [above, below] = [wish, wish]
  // Boxes that stand close leave no gap between them: go on past them, in both directions.
  for (const top of tops) if (below > top - air && below < top + height + air) below = top + height + air
  for (const top of tops.toReversed()) if (above > top - air && above < top + height + air) above = top - air
  return wish - above <= below - wish ? above : below
}
