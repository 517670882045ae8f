/** The syntax tree as the analyses see it: ESTree with TypeScript, each node with its parent. */
import type { Class, Function as FunctionNode, ArrowFunctionExpression, Node as AnyNode } from 'oxc-parser'
import { visitorKeys } from 'oxc-parser'

export type Node = AnyNode
export type Callable = FunctionNode | ArrowFunctionExpression
export type ClassNode = Class

const keys: Readonly<Record<string, readonly string[]>> = visitorKeys

/** Calls `enter` for each child node, in order of the source. */
export function eachChild(node: Node, enter: (child: Node) => void): void {
  const record = node as unknown as Record<string, unknown>
  for (const key of keys[node.type] ?? []) {
    const value = record[key]
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) enter(item)
    } else if (isNode(value)) enter(value)
  }
}

/** Calls `enter` for `node` and everything below it; what `enter` says no to is not entered. */
export function walk(node: Node, enter: (node: Node) => boolean | void): void {
  if (enter(node) === false) return
  eachChild(node, (child) => walk(child, enter))
}

/** Something below `node`, itself included, passes the test; functions inside it are code of another time. */
export function holds(node: Node, test: (node: Node) => boolean): boolean {
  let found = false
  walk(node, (inner) => {
    if (isCallable(inner)) return false
    found ||= test(inner)
    return !found
  })
  return found
}

export function isCallable(node: Node | null | undefined): node is Callable {
  return node?.type === 'FunctionDeclaration' || node?.type === 'FunctionExpression' || node?.type === 'ArrowFunctionExpression'
}

export function isClass(node: Node | null | undefined): node is ClassNode {
  return node?.type === 'ClassDeclaration' || node?.type === 'ClassExpression'
}

export function isLoop(node: Node): boolean {
  return /^(?:For|While|DoWhile)/.test(node.type)
}

/** The function around a node, itself not counted; undefined at the top of a module. */
export function functionAround(node: Node): Callable | undefined {
  let above: Node | null | undefined = node.parent
  while (above && !isCallable(above)) above = above.parent
  return above ?? undefined
}

export function classAround(node: Node): ClassNode | undefined {
  let above: Node | null | undefined = node.parent
  while (above && !isClass(above)) above = above.parent
  return above ?? undefined
}

export function isInside(node: Node, outer: Node): boolean {
  return node.start >= outer.start && node.end <= outer.end
}

/** Without what TypeScript and optional chaining put around an expression. */
export function bare(node: Node): Node {
  switch (node.type) {
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
    case 'TSTypeAssertion':
    case 'TSInstantiationExpression':
    case 'ChainExpression':
    case 'ParenthesizedExpression':
      return bare(node.expression)
    default:
      return node
  }
}

/** The name of a property where the source says it; undefined for what is computed. */
export function propertyName(node: Node): string | undefined {
  if (node.type === 'MemberExpression') return node.computed ? literalText(node.property) : nameOf(node.property)
  return undefined
}

export function nameOf(node: Node): string | undefined {
  if (node.type === 'Identifier') return node.name
  if (node.type === 'PrivateIdentifier') return `#${node.name}`
  return literalText(node)
}

export function literalText(node: Node): string | undefined {
  if (node.type === 'Literal') return node.value === null ? undefined : String(node.value)
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0) return node.quasis[0]?.value.cooked ?? undefined
  return undefined
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}
