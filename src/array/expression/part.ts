/** Parts of arrays that are not in memory: the blocks, or the box, that a view reads, as an array of their own. */
import { type AxisGrid, type Box, boxOfView, type Grid, shapeOfBox, shapeOfGrid, viewOfBox } from './grid.ts'
import { type BlocksNode, makeNode, type Node, type ViewNode } from './node.ts'
import { type Shape, sizeOf } from './shape.ts'
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

/** Boxes of files and of random numbers, and of which array each is a part. */
const boxes = new WeakMap<Node, Map<string, WeakRef<ViewNode>>>()
const wholes = new WeakMap<Node, Node>()

/**
 * @param of what the node stands for in the computation
 * @returns the box that the view reads as an array, and the view of it; undefined where that is most of the node
 */
export function boxPartOf(node: Node, of: Node, view: View): { readonly part: ViewNode; readonly view: View } | undefined {
  const box = readInRuns(boxOfView(view), node.shape)
  if (!box || 2 * sizeOf(shapeOfBox(box)) > sizeOf(node.shape)) return undefined
  const axes = view.axes.map((axis, i) => ({ ...axis, start: axis.start - (box.start[i] as number) }))
  return { part: knownBox(node, of, box), view: { shape: view.shape, axes } }
}

/** A column alone would be read element by element: the rows that it crosses are read whole. */
function readInRuns(box: Box | undefined, shape: Shape): Box | undefined {
  const last = shape.findLastIndex((length) => length > 1)
  if (!box || last < 0 || (box.stop[last] as number) - (box.start[last] as number) > 1) return box
  const whole = (list: readonly number[], end: number): number[] => list.map((n, axis) => (axis === last ? end : n))
  return { start: whole(box.start, 0), stop: whole(box.stop, shape[last] as number) }
}

function knownBox(node: Node, of: Node, box: Box): ViewNode {
  let ofNode = boxes.get(node)
  if (!ofNode) boxes.set(node, (ofNode = new Map()))
  const key = `${box.start.join()} ${box.stop.join()}`
  const there = ofNode.get(key)?.deref()
  if (there) return there
  const shown = viewOfBox(box)
  const part = makeNode({ kind: 'view', input: node, view: shown, dtype: node.dtype, shape: shown.shape, chunk: undefined })
  if (ofNode.size > 1_024) ofNode.clear()
  ofNode.set(key, new WeakRef(part))
  wholes.set(part, of)
  return part
}

/** Of which array the node is a part; a part is not needed longer than whoever asked for it. */
export function wholeOf(node: Node): Node | undefined {
  return (node.kind === 'blocks' ? node.whole : undefined) ?? wholes.get(node)
}

/** Whether a result is still needed: of a part, whether the whole is. */
export function isNeeded(node: Node, reached: ReadonlySet<Node>): boolean {
  const whole = wholeOf(node)
  return reached.has(node) || (whole !== undefined && reached.has(whole))
}
