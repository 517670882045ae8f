/**
 * Where the boxes of a graph stand: layers from left to right by the longest way from a source, moved right as far as what needs them allows, so
 * that lines are short and seldom pass behind a box; and within a layer by the mean position of the
 * neighbours, swept a few times in both directions (Sugiyama, Tagawa and Toda 1981; barycentre heuristic). Linear per sweep but for the sorting.
 */
export interface Placed {
  readonly layer: number
  /** Place within its layer, from 0 up. */
  readonly place: number
}

const sweeps = 4

/** @param needs by node, the nodes that it needs; those that would close a circle are ignored */
export function layout(needs: readonly (readonly number[])[]): {
  readonly nodes: readonly Placed[]
  readonly layers: readonly (readonly number[])[]
} {
  const layerOf = longestWay(needs)
  const layers: number[][] = []
  for (const [node, layer] of layerOf.entries()) (layers[layer] ??= []).push(node)
  for (let l = 0; l < layers.length; l++) layers[l] ??= []
  const neededBy: number[][] = needs.map(() => [])
  for (const [node, list] of needs.entries()) for (const need of list) neededBy[need]?.push(node)
  const place = new Float64Array(needs.length)
  const wish = new Float64Array(needs.length)
  const settle = (layer: readonly number[]): void => {
    for (let i = 0; i < layer.length; i++) place[layer[i] as number] = layer.length > 1 ? i / (layer.length - 1) : 0.5
  }
  for (const layer of layers) settle(layer)
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const neighbours = sweep % 2 === 0 ? needs : neededBy
    for (const layer of sweep % 2 === 0 ? layers : layers.toReversed()) {
      for (const node of layer) wish[node] = mean(neighbours[node] ?? [], place) ?? (place[node] as number)
      layer.sort((a, b) => (wish[a] as number) - (wish[b] as number))
      settle(layer)
    }
  }
  const nodes: Placed[] = []
  for (const [l, layer] of layers.entries()) for (const [i, node] of layer.entries()) nodes[node] = { layer: l, place: i }
  return { nodes, layers }
}

/** By node, the length of the longest way to it (Kahn's algorithm); nodes of a circle stay where they were reached. */
function longestWay(needs: readonly (readonly number[])[]): number[] {
  const layer = needs.map(() => 0)
  const neededBy: number[][] = needs.map(() => [])
  const open = needs.map((list, node) => {
    const known = list.filter((need) => need >= 0 && need < needs.length && need !== node)
    for (const need of known) neededBy[need]?.push(node)
    return known.length
  })
  const ready = [...open.keys()].filter((node) => open[node] === 0)
  for (let at = 0; at < ready.length; at++) {
    const node = ready[at] as number
    for (const next of neededBy[node] ?? []) {
      layer[next] = Math.max(layer[next] as number, (layer[node] as number) + 1)
      if (--(open[next] as number) === 0) ready.push(next)
    }
  }
  // Backwards, so that what needs a node has its final layer already.
  for (const node of ready.toReversed()) {
    const last = (neededBy[node] ?? []).reduce((least, next) => Math.min(least, layer[next] as number), Number.POSITIVE_INFINITY)
    if (Number.isFinite(last)) layer[node] = Math.max(layer[node] as number, last - 1)
  }
  return layer
}

function mean(nodes: readonly number[], place: Float64Array): number | undefined {
  if (nodes.length === 0) return undefined
  let sum = 0
  for (const node of nodes) sum += place[node] as number
  return sum / nodes.length
}
