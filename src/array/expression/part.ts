/** Parts of arrays that come block by block: the blocks that a view reads, as an array of their own. */
import { type AxisGrid, boxOfView, type Grid, shapeOfGrid } from './grid.ts'
import { type BlocksNode, makeNode, type Node } from './node.ts'
import { isIdentity, type View } from './view.ts'

/** The same part is the same node, so that it is made once in a computation. */
const parts = new WeakMap<BlocksNode, Map<string, WeakRef<BlocksNode>>>()

/** @returns the blocks that the view reads, and the view of them; the node itself where it reads all */
export function partOf(node: BlocksNode, view: View): { readonly part: BlocksNode; readonly view: View } {
  const box = isIdentity(view, node.shape) ? undefined : boxOfView(view)
  if (!box) return { part: node, view }
  const from = node.grid.map((axis, i) => axis.indexOf(box.start[i] as number))
  const to = node.grid.map((axis, i) => axis.indexOf((box.stop[i] as number) - 1) + 1)
  if (node.grid.every(({ count }, i) => from[i] === 0 && to[i] === count)) return { part: node, view }
  const part = known(node, from, to)
  const starts = node.grid.map((axis, i) => axis.startOf(from[i] as number))
  const axes = view.axes.map((axis, i) => ({ ...axis, start: axis.start - (starts[i] as number) }))
  return { part, view: { shape: view.shape, axes } }
}

const withoutId = <N extends BlocksNode>(node: N): Omit<N, 'id'> => ({ ...node, id: undefined })

function known(node: BlocksNode, from: readonly number[], to: readonly number[]): BlocksNode {
  let ofNode = parts.get(node)
  if (!ofNode) parts.set(node, (ofNode = new Map()))
  const key = `${from.join()} ${to.join()}`
  const there = ofNode.get(key)?.deref()
  if (there) return there
  const grid: Grid = node.grid.map((axis: AxisGrid, i) => axis.part(from[i] as number, to[i] as number))
  const part = makeNode({
    ...withoutId(node),
    grid,
    shape: shapeOfGrid(grid),
    first: node.first.map((n, i) => n + (from[i] as number)),
    start: node.start.map((n, i) => n + (node.grid[i] as AxisGrid).startOf(from[i] as number)),
    chunk: undefined,
    whole: node,
  })
  // Of nobody's parts nothing stays but their names; a streamed array has many.
  if (ofNode.size > 1_024) ofNode.clear()
  ofNode.set(key, new WeakRef(part))
  return part
}

/** Whether a result is still needed: of a part, whether the whole is. */
export function isNeeded(node: Node, reached: ReadonlySet<Node>): boolean {
  return reached.has(node) || (node.kind === 'blocks' && node.whole !== undefined && reached.has(node.whole))
}
