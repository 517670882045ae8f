/** How a rewrite gets at `map` of heddle, which bounds what runs at once. */
import type { Edit } from '../../findings/finding.ts'
import type { Node } from '../source/ast.ts'
import type { Sight } from './rule.ts'

export interface BoundedMap {
  /** What `map` is called in the file. */
  readonly name: string
  /** The import, where the file has none yet. */
  readonly edits: readonly Edit[]
}

/** Undefined where the package of the file does not depend on heddle, or nothing says that the file is a module. */
export function boundedMap({ file, dependsOnHeddle }: Sight): BoundedMap | undefined {
  const declarations = file.nodes('ImportDeclaration')
  const ours = declarations.filter(({ source, importKind }) => source.value === 'heddle' && importKind !== 'type')
  for (const { specifiers } of ours) {
    for (const specifier of specifiers) {
      if (specifier.type === 'ImportSpecifier' && specifier.imported.type === 'Identifier' && specifier.imported.name === 'map')
        return { name: specifier.local.name, edits: [] }
    }
  }
  const last = declarations.at(-1)
  if (!last || !(ours.length > 0 || dependsOnHeddle())) return undefined
  const name = isTaken(file.nodes('Identifier'), 'map') ? 'boundedMap' : 'map'
  if (name !== 'map' && isTaken(file.nodes('Identifier'), name)) return undefined
  const specifier = name === 'map' ? 'map' : `map as ${name}`
  const named = ours.find(({ specifiers }) => specifiers[0]?.type === 'ImportSpecifier')
  const [first] = named?.specifiers ?? []
  if (first) return { name, edits: [{ start: first.start, end: first.start, text: `${specifier}, ` }] }
  const end = file.text[last.end - 1] === ';' ? ';' : ''
  const quote = file.text[last.source.start] === '"' ? '"' : "'"
  return {
    name,
    edits: [{ start: last.end, end: last.end, text: `\nimport { ${specifier} } from ${quote}heddle${quote}${end}` }],
  }
}

/** A variable has the name, somewhere in the file. The name of a property takes nothing. */
function isTaken(identifiers: readonly Extract<Node, { type: 'Identifier' }>[], name: string): boolean {
  return identifiers.some((node) => {
    if (node.name !== name) return false
    const { parent } = node
    const isProperty =
      (parent?.type === 'MemberExpression' && parent.property === node && !parent.computed) ||
      (parent?.type === 'Property' && parent.key === node && !parent.computed && !parent.shorthand) ||
      ((parent?.type === 'MethodDefinition' || parent?.type === 'PropertyDefinition') && parent.key === node)
    return !isProperty
  })
}
