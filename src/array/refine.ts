/** Lengths that only a computation can tell: finds what has to run first, and rebuilds what stands on it with the lengths known. */
import * as build from './build.ts'
import type { Shape } from './shape.ts'
import { type DenseNode, inputsOf, makeNode, type Node } from './node.ts'

type Computed = ReadonlyMap<Node, DenseNode>

const ownUnknown = (node: Node): boolean => node.shape.some(Number.isNaN)

/** The nodes of unknown length below (and among) the targets that were not computed yet; those deepest down. */
export function unknownBelow(targets: readonly Node[], computed: Computed): Node[] {
  const found = new Set<Node>()
  const seen = new Map<Node, boolean>()
  const visit = (node: Node): boolean => {
    if (computed.has(node)) return false
    const known = seen.get(node)
    if (known !== undefined) return known
    let unknown = inputsOf(node).map(visit).some(Boolean)
    if (!unknown && node.kind === 'algorithm' && ownUnknown(node)) {
      found.add(node)
      unknown = true
    }
    seen.set(node, unknown)
    return unknown
  }
  for (const target of targets) visit(target)
  return [...found]
}

/** The same expression with computed nodes of once unknown length in their place; the same object where nothing changes. */
export function rebuilt(node: Node, computed: Computed, memo: Map<Node, Node>): Node {
  const known = memo.get(node)
  if (known) return known
  const result = rebuild(node, computed, memo)
  memo.set(node, result)
  return result
}

function rebuild(node: Node, computed: Computed, memo: Map<Node, Node>): Node {
  const there = computed.get(node)
  if (there && ownUnknown(node)) return there
  const inputs = inputsOf(node)
  const after = inputs.map((input) => rebuilt(input, computed, memo))
  if (after.every((input, i) => input === inputs[i])) return node
  const [first] = after as [Node]
  switch (node.kind) {
    case 'map':
      return build.map(node.name, after)
    case 'cast':
      return build.cast(first, node.dtype)
    case 'view':
      return makeNode({
        ...withoutId(node),
        input: first,
        view: { ...node.view, shape: node.view.shape.map((n, axis) => lengthOf(n, axis, node, first)) },
        shape: node.shape.map((n, axis) => lengthOf(n, axis, node, first)),
      })
    case 'reshape':
      return build.reshape(
        first,
        node.shape.map((n) => (Number.isNaN(n) ? -1 : n)),
      )
    case 'concat':
      return build.concat(after, node.axis)
    case 'reduce':
      return build.reduce(node.name, first, node.axes, node.ddof)
    case 'algorithm':
      return build.algorithm(node.name, after, node.dtype, algorithmShape(node, after), node.attributes)
    default:
      return node
  }
}

function algorithmShape(node: Extract<Node, { kind: 'algorithm' }>, [first, second]: readonly Node[]): Shape {
  if (node.name === 'cumsum') return (first as Node).shape
  return node.name === 'product' ? [first?.shape[0] as number, second?.shape[1] as number] : node.shape
}

/** What `makeNode` numbers anew. */
const withoutId = <N extends Node>(node: N): Omit<N, 'id'> => ({ ...node, id: undefined })

/** An axis of unknown length is only ever shown whole by a view. */
function lengthOf(length: number, axis: number, node: Extract<Node, { kind: 'view' }>, input: Node): number {
  if (!Number.isNaN(length)) return length
  return input.shape[node.view.axes.findIndex(({ from }) => from === axis)] as number
}
