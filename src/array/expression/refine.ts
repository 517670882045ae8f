/** Lengths that only a computation can find: finds what has to run first, and rebuilds what stands on it with the lengths known. */
import * as build from './build.ts'
import { type HeldNode, inputsFirst, inputsOf, makeNode, type Node } from './node.ts'

type Computed = ReadonlyMap<Node, HeldNode>

const ownUnknown = (node: Node): boolean => node.shape.some(Number.isNaN)

/** The nodes of unknown length below (and among) the targets that were not computed yet; those deepest down. */
export function unknownBelow(targets: readonly Node[], computed: Computed): Node[] {
  const found: Node[] = []
  const unknown = new Set<Node>()
  for (const node of inputsFirst(targets, (each) => !computed.has(each))) {
    if (computed.has(node)) continue
    if (inputsOf(node).some((input) => unknown.has(input))) unknown.add(node)
    else if (node.kind === 'algorithm' && ownUnknown(node)) {
      found.push(node)
      unknown.add(node)
    }
  }
  return found
}

/** The same expressions with computed nodes of once unknown length in their place; the same objects where nothing changes. */
export function rebuilt(targets: readonly Node[], computed: Computed): Node[] {
  const after = new Map<Node, Node>()
  for (const node of inputsFirst(targets, (each) => !computed.has(each))) {
    const there = computed.get(node)
    if (there) after.set(node, ownUnknown(node) ? there : node)
    else
      after.set(
        node,
        rebuild(
          node,
          inputsOf(node).map((input) => after.get(input) as Node),
        ),
      )
  }
  return targets.map((node) => after.get(node) as Node)
}

function rebuild(node: Node, after: readonly Node[]): Node {
  const inputs = inputsOf(node)
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
      return build.reduce(node.rule, first, node.axes, node.ddof)
    case 'algorithm':
      return rebuildAlgorithm(node, after)
    case 'blocks':
      return makeNode({ ...withoutId(node), inputs: after })
    default:
      return node
  }
}

/** What was not known to be wrong may turn out to be. */
function rebuildAlgorithm(node: Extract<Node, { kind: 'algorithm' }>, after: readonly Node[]): Node {
  const [first, second] = after as [Node, Node]
  switch (node.name) {
    case 'compress':
      return build.compress(first, second)
    case 'product':
      return build.product(first, second)
    case 'topk':
      return build.topk(first, node.attributes['k'] as number)
    case 'gather':
    case 'search':
      return build.algorithm(node.name, after, node.dtype, second.shape, node.attributes)
    case 'argsort':
    case 'cumsum':
    case 'partition':
    case 'scatter':
    case 'sort':
      return build.algorithm(node.name, after, node.dtype, first.shape, node.attributes)
    case 'rowQuantile':
      return build.algorithm(
        node.name,
        after,
        node.dtype,
        [node.shape[0] as number, ...first.shape.slice(0, -1)],
        node.attributes,
      )
    default:
      return build.algorithm(node.name, after, node.dtype, node.shape, node.attributes)
  }
}

/** What `makeNode` numbers anew. */
const withoutId = <N extends Node>(node: N): Omit<N, 'id'> => ({ ...node, id: undefined })

/** An axis of unknown length is only ever shown whole by a view. */
function lengthOf(length: number, axis: number, node: Extract<Node, { kind: 'view' }>, input: Node): number {
  if (!Number.isNaN(length)) return length
  return input.shape[node.view.axes.findIndex(({ from }) => from === axis)] as number
}
