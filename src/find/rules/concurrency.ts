/** Code that a file starts at once: the callbacks and branches that run side by side. */
import { bare, type Callable, isCallable, type Node, propertyName } from '../source/ast.ts'
import type { Sight } from './rule.ts'

type CallNode = Extract<Node, { type: 'CallExpression' }>

const gathering = new Set(['all', 'allSettled', 'any', 'race'])

/** `Promise.all(…)` and its like. */
export function gatherOf(node: CallNode): string | undefined {
  const callee = bare(node.callee)
  if (callee.type !== 'MemberExpression' || callee.object.type !== 'Identifier' || callee.object.name !== 'Promise')
    return undefined
  const name = propertyName(callee)
  return name !== undefined && gathering.has(name) ? name : undefined
}

/** `items.map(async (item) => …)`: the list, and the function that runs for each item. */
export function mappedBy(sight: Sight, node: Node): { readonly list: Node; readonly fn: Callable } | undefined {
  const call = bare(node)
  if (call.type !== 'CallExpression') return undefined
  const callee = bare(call.callee)
  if (callee.type !== 'MemberExpression' || !['map', 'flatMap'].includes(propertyName(callee) ?? '')) return undefined
  const argument = call.arguments[0]
  const fn = argument && functionOf(sight, argument)
  return fn ? { list: callee.object, fn } : undefined
}

export function functionOf(sight: Sight, node: Node): Callable | undefined {
  const inner = bare(node)
  if (isCallable(inner)) return inner
  const origin =
    inner.type === 'Identifier' || (inner.type === 'MemberExpression' && inner.object.type === 'ThisExpression')
      ? sight.evaluator.origins.of(sight.file, inner)
      : undefined
  return origin?.kind === 'function' && origin.file === sight.file ? origin.node : undefined
}

/** Functions of which several calls are under way at once. */
export function concurrentCallbacks(sight: Sight): Map<Callable, Node> {
  const found = new Map<Callable, Node>()
  for (const call of sight.file.nodes('CallExpression')) {
    const callee = bare(call.callee)
    const name = callee.type === 'MemberExpression' ? propertyName(callee) : undefined
    if (gatherOf(call)) {
      const mapped = call.arguments[0] && mappedBy(sight, call.arguments[0])
      if (mapped) found.set(mapped.fn, call)
    } else if (name === 'forEach' && call.arguments[0]) {
      const fn = functionOf(sight, call.arguments[0])
      if (fn?.async) found.set(fn, call)
    } else if (isBoundedMap(sight, call) && call.arguments[1]) {
      const fn = functionOf(sight, call.arguments[1])
      if (fn) found.set(fn, call)
    }
  }
  return found
}

/** `map` of heddle, p-map and their like. */
function isBoundedMap(sight: Sight, call: CallNode): boolean {
  const origin = sight.evaluator.origins.of(sight.file, call.callee)
  if (origin?.kind !== 'module') return false
  return origin.module === 'p-map' || (origin.module === 'heddle' && origin.path[0] === 'map')
}
