/**
 * Reductions of arrays that are not in memory, and large: box by box, in memory for a few boxes. The states of the boxes are merged in their order, so the
 * result follows from the shape and the blocks alone. Where the blocks lie is said by {@link boxesOf}.
 */
import * as build from '../expression/build.ts'
import { bytesPer, type DType } from '../expression/dtype.ts'
import {
  blockCount,
  blockIndex,
  blocksOf,
  type Box,
  boxOfBlock,
  EqualBlocks,
  type Grid,
  ListedBlocks,
  shapeOfBox,
  viewOfBox,
} from '../expression/grid.ts'
import { type DenseNode, makeNode, type Node, type ReduceNode } from '../expression/node.ts'
import { contiguousStrides, sizeOf } from '../expression/shape.ts'
import type { ValueId } from '../kernel/ir.ts'
import { Carrying } from '../reductions/carrying.ts'
import type { Accumulator } from '../reductions/reduction.ts'
import { States } from '../reductions/states.ts'
import { accumulatorOf } from '../reductions/table.ts'
import { addFold } from './fold-stage.ts'
import type { Layout } from './layout.ts'
import type { Lowering } from './lower.ts'
import { describeNode, type Prepared, type StageContext } from './stage.ts'
import { finished, outerShape, reductionOf, stateNode } from './state-node.ts'

/** What would be made in memory first: below this it costs less to have it there than to begin anew for each box. */
const streamedFromBytes = 64 << 20
/** Bytes of a box, where the blocks are smaller: enough that starting jobs for it costs nothing. Chosen. */
const boxBytes = 16 << 20
/** Boxes under way: while one is reduced the next one is read. */
const boxesAtOnce = 3

/** How the states of one reduction merge. */
interface Merging {
  readonly dtype: DType
  readonly accumulator: Accumulator
  readonly states: States
  readonly buffer: SharedArrayBuffer
  readonly cells: number
  /** The second word is an index along the axes that are reduced. */
  readonly indexed: boolean
}

/** @returns undefined where the inputs are better made in memory first */
export function streamedReductions(
  nodes: readonly ReduceNode[],
  lowering: Lowering,
  values: readonly ValueId[],
  layout: Layout,
): Prepared | undefined {
  const [{ input, axes }] = nodes as [ReduceNode]
  const streamed = [...lowering.needs].filter(({ kind }) => kind === 'blocks' || kind === 'file' || kind === 'random')
  const bytes = streamed.reduce((sum, { shape, dtype }) => sum + sizeOf(shape) * bytesPer(dtype), 0)
  if (bytes < streamedFromBytes || nodes.some(({ partial }) => partial)) return undefined
  const needs = new Set([...lowering.needs].filter((need) => !streamed.includes(need)))
  if (needs.size > 0) return { needs }
  const grid = boxesOf(input, nodes.some(({ rule }) => rule.name.startsWith('arg')) && axes.length === input.shape.length)
  const shape = outerShape(nodes[0] as ReduceNode)
  const cells = sizeOf(shape)
  let merging: readonly Merging[] = []
  const words = nodes.map((node, i) => mergedBy(node, lowering, values[i] as ValueId, layout))
  return {
    stage: {
      nodes,
      bytes: words.reduce((sum, { accumulator }) => sum + 8 * accumulator.words * cells, 0),
      about: {
        label: `${nodes.map(({ rule }) => rule.name).join(', ')} of ${describeNode(input)}, box by box`,
        tasks: blockCount(grid),
        bytesRead: bytes,
      },
      jobs: () => [],
      async work(context) {
        merging = words.map((one) => started(one, cells))
        await merge(nodes, merging, grid, layout, context)
      },
      finish() {
        return new Map(
          nodes.map((node, i) => {
            const { dtype, accumulator, buffer } = merging[i] as Merging
            const all = Array.from({ length: accumulator.words }, (_, w) =>
              stateNode(buffer, dtype === 'i64' && w === 0 ? 'i64' : 'f64', shape, w, accumulator.words),
            )
            return [node, finished(node, all, layout.count)]
          }),
        )
      },
    },
  }
}

/**
 * The blocks of an array, of which small ones are taken together, the last axes first.
 * @param whole whether boxes must have all of every axis but the first
 */
function boxesOf(node: Node, whole: boolean): Grid {
  const grid = blocksOf(node, 'a reduction')
  let bytes = bytesPer(node.dtype)
  const together: Grid[number][] = []
  for (let axis = grid.length - 1; axis >= 0; axis--) {
    const along = grid[axis] as Grid[number]
    const block = Math.max(1, along.largest)
    const wanted = whole && axis > 0 ? along.count : Math.min(along.count, Math.max(1, Math.floor(boxBytes / (bytes * block))))
    together.unshift(joined(along, wanted))
    bytes *= Math.min(along.length, wanted * block)
  }
  return together
}

/** Groups of this many blocks along an axis, each as one block. */
function joined(axis: Grid[number], count: number): Grid[number] {
  if (count <= 1) return axis
  if (axis instanceof EqualBlocks) return new EqualBlocks(axis.length, count * axis.largest)
  const starts = Array.from({ length: Math.ceil(axis.count / count) + 1 }, (_, i) =>
    axis.startOf(Math.min(axis.count, i * count)),
  )
  return new ListedBlocks(starts.slice(1).map((stop, i) => stop - (starts[i] as number)))
}

type Rule = Pick<Merging, 'dtype' | 'accumulator' | 'indexed'>

function mergedBy(node: ReduceNode, lowering: Lowering, value: ValueId, { rows }: Layout): Rule {
  const indexed = node.rule.name.startsWith('arg')
  if (!rows) return { ...addFold(new Carrying(lowering), node, value), indexed }
  const { kind, dtype } = reductionOf(node).overRows(lowering, value)
  return { dtype, accumulator: accumulatorOf(kind), indexed }
}

function started(rule: Rule, cells: number): Merging {
  const { accumulator, dtype } = rule
  const buffer = new SharedArrayBuffer(8 * accumulator.words * cells)
  const states = new States(buffer)
  for (let cell = 0; cell < cells; cell++) accumulator.start(dtype, states, cell * accumulator.words)
  return { ...rule, states, buffer, cells }
}

async function merge(
  nodes: readonly ReduceNode[],
  merging: readonly Merging[],
  grid: Grid,
  { rows }: Layout,
  context: StageContext,
): Promise<void> {
  const count = blockCount(grid)
  const boxAt = (n: number): Box => boxOfBlock(grid, blockIndex(grid, n))
  const compute = (n: number): Promise<DenseNode[]> =>
    context.evaluate(nodes.map((node, i) => partOfReduction(node, boxAt(n), rows, (merging[i] as Merging).accumulator.words)))
  const ahead: Promise<DenseNode[]>[] = []
  try {
    for (let n = 0; n < count; n++) {
      while (ahead.length < Math.max(1, Math.min(boxesAtOnce, context.threads)) && n + ahead.length < count) {
        const next = compute(n + ahead.length)
        // Of several failures the first is told.
        next.catch(() => {})
        ahead.push(next)
      }
      const found = await (ahead.shift() as Promise<DenseNode[]>)
      await context.takeTurns()
      found.forEach((states, i) => mergeBox(nodes[i] as ReduceNode, merging[i] as Merging, states, boxAt(n)))
    }
  } finally {
    await Promise.allSettled(ahead)
  }
}

function partOfReduction(node: ReduceNode, box: Box, rows: boolean, words: number): ReduceNode {
  const left = shapeOfBox(box).filter((_, axis) => !node.axes.includes(axis))
  const { id: _, ...rest } = node
  return makeNode({
    ...rest,
    input: build.view(node.input, viewOfBox(box)),
    partial: { rows },
    dtype: 'f64',
    shape: [...left, words],
  })
}

function mergeBox(node: ReduceNode, { dtype, accumulator, states, indexed }: Merging, found: DenseNode, box: Box): void {
  const { words } = accumulator
  const other = new States(found.buffer)
  const kept = node.input.shape.map((_, axis) => axis).filter((axis) => !node.axes.includes(axis))
  const strides = contiguousStrides(kept.map((axis) => node.input.shape[axis] as number))
  const lengths = kept.map((axis) => (box.stop[axis] as number) - (box.start[axis] as number))
  const first = kept.reduce((sum, axis, i) => sum + (box.start[axis] as number) * (strides[i] as number), 0)
  // An index counts from the first element of the box; boxes have all of the axes behind the first that is reduced.
  const [axis] = node.axes as [number]
  const before = (box.start[axis] as number) * (node.axes.length === 1 ? 1 : sizeOf(node.input.shape.slice(1)))
  const cells = sizeOf(lengths)
  for (let cell = 0; cell < cells; cell++) {
    let place = first
    for (let i = lengths.length - 1, rest = cell; i >= 0; i--) {
      const length = lengths[i] as number
      place += (rest % length) * (strides[i] as number)
      rest = Math.floor(rest / length)
    }
    const at = cell * words
    if (indexed && other.f[at + 1] !== -1) other.f[at + 1] = (other.f[at + 1] as number) + before
    accumulator.merge(dtype, states, place * words, other, at)
  }
}
