/** A call as the tables of libraries and globals see it: its names, and the texts of its arguments. */
import { bare, literalText, nameOf, type Node } from '../source/ast.ts'
import type { SourceFile } from '../source/source-file.ts'
import type { KnownCall } from './known.ts'
import { hole } from './pattern.ts'
import { type CallNode, chainOf, isConstant, sourceName } from './syntax.ts'

/** A call as the tables see it. */
export function asKnownCall(node: CallNode, path: readonly string[], file: SourceFile): KnownCall {
  return {
    path,
    chain: chainOf(bare(node.callee)),
    text: (index) => textOf(file, node.arguments[index]),
    source: (index) => {
      const argument = node.arguments[index]
      return argument ? file.text.slice(argument.start, argument.end) : ''
    },
    constructed: (index) => {
      const argument = node.arguments[index]
      return argument?.type === 'NewExpression' ? nameOf(argument.callee) : undefined
    },
    option: (index, name) => {
      const argument = objectOf(file, node.arguments[index])
      const property = argument?.properties.find((candidate) => candidate.type === 'Property' && nameOf(candidate.key) === name)
      return property?.type === 'Property' ? (literalText(property.value) ?? '*') : undefined
    },
    hides: (index) => {
      const argument = node.arguments[index]
      if (!argument) return false
      const object = objectOf(file, argument)
      return !object || object.properties.some(({ type }) => type === 'SpreadElement')
    },
  }
}

/** An object that is written out, here or where a constant gets it. */
function objectOf(file: SourceFile, argument: Node | undefined): Extract<Node, { type: 'ObjectExpression' }> | undefined {
  if (!argument) return undefined
  const node = bare(argument)
  if (node.type === 'ObjectExpression') return node
  const variable = node.type === 'Identifier' ? file.variableOf(node) : undefined
  const declared = variable?.defs[0]?.node as unknown as Node | undefined
  if (!variable || declared?.type !== 'VariableDeclarator' || !declared.init || declared.id.type !== 'Identifier')
    return undefined
  const init = bare(declared.init)
  return isConstant(variable) && init.type === 'ObjectExpression' ? init : undefined
}

/** The names that lead to a call, through a constant that holds the beginning of a chain: `const query = db.selectFrom('a'); query.execute()`. */
export function wholeChainOf(file: SourceFile, callee: Node): string[] {
  const chain = chainOf(callee)
  let root = bare(callee)
  while (root.type === 'MemberExpression' || root.type === 'CallExpression') {
    root = bare(root.type === 'MemberExpression' ? root.object : root.callee)
  }
  if (root.type !== 'Identifier') return chain
  const declared = file.variableOf(root)?.defs[0]?.node as unknown as Node | undefined
  const init = declared?.type === 'VariableDeclarator' && declared.init ? bare(declared.init) : undefined
  return init?.type === 'CallExpression' ? [...chainOf(init.callee), ...chain.slice(1)] : chain
}

/** The text of a literal, a template, a joined path, or of a constant that holds one. */
function textOf(file: SourceFile, argument: Node | undefined): string | undefined {
  if (!argument) return undefined
  const node = bare(argument)
  const text = literalText(node)
  if (text !== undefined) return text
  const partOf = (part: Node): string => textOf(file, part) ?? hole(sourceName(file, part))
  if (node.type === 'TemplateLiteral')
    return node.quasis
      .map(({ value }, i) => (value.cooked ?? '') + (node.expressions[i] ? partOf(node.expressions[i]) : ''))
      .join('')
  if (
    (node.type === 'CallExpression' && nameOf(node.callee) === 'join') ||
    (node.type === 'CallExpression' && chainOf(node.callee).join('.') === 'path.join')
  )
    return node.arguments.map(partOf).join('/')
  if (node.type !== 'Identifier') return undefined
  const variable = file.variableOf(node)
  const declared = variable?.defs[0]?.node as unknown as Node | undefined
  if (!variable || declared?.type !== 'VariableDeclarator' || !declared.init || declared.id.type !== 'Identifier')
    return undefined
  return isConstant(variable) ? textOf(file, declared.init) : undefined
}
