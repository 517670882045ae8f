/**
 * The expression graph. A node says what an array is, never how it is computed; nodes are immutable and share their
 * inputs, and a graph is acyclic because a node is made from nodes that exist.
 */
import type { Cancellation } from '../../base/abort.ts'
import type { DType, TypedArray } from './dtype.ts'
import type { OperationName } from './elementwise.ts'
import type { Box, Grid } from './grid.ts'
import type { Shape } from './shape.ts'
import type { View } from './view.ts'

interface Common {
  /** Unique in this thread; the order of creation. */
  readonly id: number
  readonly dtype: DType
  /** NaN stands for a length that only the computation can find. */
  readonly shape: Shape
  /** Elements per chunk that the user asked for; chosen by the size where undefined. */
  readonly chunk: number | undefined
  /** The blocks that functions of blocks see; where undefined, by the size. */
  readonly grid?: Grid | undefined
}

/** Elements in memory, at `offset + Σ coordinate × stride`, in elements. */
export interface DenseNode extends Common {
  readonly kind: 'dense'
  readonly buffer: SharedArrayBuffer
  readonly offset: number
  readonly strides: readonly number[]
}

/** One value, in every place. */
export interface FullNode extends Common {
  readonly kind: 'full'
  readonly value: number | bigint
}

/** `start + i × step`; f64. */
export interface RangeNode extends Common {
  readonly kind: 'range'
  readonly start: number
  readonly step: number
}

export interface RandomNode extends Common {
  readonly kind: 'random'
  readonly distribution: 'uniform' | 'normal'
  /** 64 bits from the seed. */
  readonly key: bigint
}

/** Elements of a file, in C order from byte `offsetBytes`. */
export interface FileNode extends Common {
  readonly kind: 'file'
  readonly path: string
  readonly offsetBytes: number
  readonly bigEndian: boolean
}

/** One elementwise operation; the inputs are broadcast to the shape and converted to `operand`. */
export interface MapNode extends Common {
  readonly kind: 'map'
  readonly name: OperationName
  readonly operand: DType
  readonly inputs: readonly Node[]
}

export interface CastNode extends Common {
  readonly kind: 'cast'
  readonly input: Node
}

export interface ViewNode extends Common {
  readonly kind: 'view'
  readonly input: Node
  readonly view: View
}

/** The same elements in C order under another shape. */
export interface ReshapeNode extends Common {
  readonly kind: 'reshape'
  readonly input: Node
}

export interface ConcatNode extends Common {
  readonly kind: 'concat'
  readonly inputs: readonly Node[]
  readonly axis: number
}

/** What an expression must know of a reduction; the rest is in `reductions`. */
export interface ReduceRule {
  readonly name: string
  /** What its elements are cast to first. */
  readonly takes?: DType
  /** No elements have no value. */
  readonly needsElements?: boolean
  resultType(input: DType): DType
}

export interface ReduceNode extends Common {
  readonly kind: 'reduce'
  readonly rule: ReduceRule
  readonly input: Node
  /** Ascending; removed from the shape (`keepdims` is a reshape above). */
  readonly axes: readonly number[]
  /** Degrees of freedom taken off the divisor of var and std. */
  readonly ddof: number
  /**
   * Of one box of a larger array, whose states are merged: the result has the words of the state of each element, one after the other, as doubles (or bits of
   * whole numbers of 64 bits).
   */
  readonly partial?: { readonly rows: boolean }
}

/** What was computed: elements in memory, or in a file where they did not fit. */
export type HeldNode = DenseNode | FileNode

/** What has an algorithm of its own. Inputs are flattened where the algorithm knows one axis only. */
export interface AlgorithmNode extends Common {
  readonly kind: 'algorithm'
  readonly name: AlgorithmName
  readonly inputs: readonly Node[]
  readonly attributes: Readonly<Record<string, number | string | readonly number[]>>
}

export type AlgorithmName =
  | 'argsort'
  | 'assign'
  | 'bincount'
  | 'bounds'
  | 'compress'
  | 'cumsum'
  | 'factor'
  | 'gather'
  | 'histogram'
  | 'partition'
  | 'product'
  | 'quantile'
  | 'rowQuantile'
  | 'scatter'
  | 'search'
  | 'sort'
  | 'topk'
  | 'unique'
  | 'windows'

/** Elements that come block by block: from a file in parts, or from a function of blocks. Each is made when it is needed. */
export interface BlocksNode extends Common {
  readonly kind: 'blocks'
  /** The source of the blocks. */
  readonly inputs: readonly Node[]
  readonly grid: Grid
  readonly maker: BlockMaker
  /** The block of the maker that is the first one here, and its first element: a part of an array is one, too. */
  readonly first: readonly number[]
  readonly start: readonly number[]
  /** Of which it is a part: then its neighbours may want the same blocks. No other node refers to a part. */
  readonly whole?: BlocksNode
}

/** One block, as its maker sees it. */
export interface BlockRequest {
  readonly index: readonly number[]
  readonly box: Box
  /** Where its elements go: element (i, j, …) to `offset + Σ coordinate × stride` of `data`. */
  readonly into: { readonly data: TypedArray; readonly offset: number; readonly strides: readonly number[] }
  /** What {@link BlockMaker.parts} asked for, computed. */
  readonly parts: readonly BlockPart[]
  readonly cancellation: Cancellation
  /** Threads to use at most; 0: this one. */
  readonly threads: number
  /** Whether it may be wanted again: then its elements are better given than put to their place. */
  readonly keep: boolean
}

/** Elements in C order. */
export interface BlockPart {
  readonly data: TypedArray
  readonly shape: Shape
  readonly dtype: DType
}

export interface BlockMaker {
  /** What people see of it, such as `price of orders.parquet`. */
  readonly label: string
  /** The only blocks that there are; the rest of the elements has the value `fill`. */
  readonly present?: readonly (readonly number[])[] | undefined
  readonly fill?: number | bigint | undefined
  /** Blocks made at once at most; `Infinity`: as many as there are threads. */
  readonly concurrency: number
  /** The block as expressions over the inputs. */
  parts?(inputs: readonly Node[], box: Box, index: readonly number[]): readonly Node[]
  /**
   * Makes a block. @returns its elements in C order, or undefined when it has put them to their place
   * @throws {RangeError} or an error of its own when it cannot
   */
  make(request: BlockRequest): Promise<ArrayLike<number | bigint> | undefined>
  /** Before anything is allocated. @throws {FileRefused} when so many bytes are too many */
  check?(bytes: number): void
}

export type Node =
  | BlocksNode
  | DenseNode
  | FullNode
  | RangeNode
  | RandomNode
  | FileNode
  | MapNode
  | CastNode
  | ViewNode
  | ReshapeNode
  | ConcatNode
  | ReduceNode
  | AlgorithmNode

let lastId = 0
export const nextNodeId = (): number => ++lastId

/** A node without its number: `makeNode` gives it. */
type Unnumbered<N> = N extends Node ? Omit<N, 'id'> : never

export function makeNode<N extends Unnumbered<Node>>(node: N): N & { readonly id: number } {
  return { ...node, id: nextNodeId() }
}

export function inputsOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'map':
    case 'concat':
    case 'algorithm':
    case 'blocks':
      return node.inputs
    case 'cast':
    case 'view':
    case 'reshape':
    case 'reduce':
      return [node.input]
    default:
      return []
  }
}

/**
 * The nodes below (and among) the targets, each once, after all of its inputs. Walks with a list of its own: an expression may be deeper than the
 * stack of calls.
 * @param enters whether the inputs of a node are wanted
 */
export function inputsFirst(targets: readonly Node[], enters: (node: Node) => boolean): Node[] {
  const order: Node[] = []
  const seen = new Set<Node>()
  const open: { readonly node: Node; readonly inputs: readonly Node[]; next: number }[] = []
  const visit = (node: Node): void => {
    if (seen.has(node)) return
    seen.add(node)
    open.push({ node, inputs: enters(node) ? inputsOf(node) : [], next: 0 })
  }
  for (const target of targets) {
    visit(target)
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const input = top.inputs[top.next++]
      if (input) visit(input)
      else order.push((open.pop() as typeof top).node)
    }
  }
  return order
}
