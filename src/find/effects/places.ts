/** The places that expressions denote, and what a place is called in the source. */
import { bare, type Node, propertyName } from '../source/ast.ts'
import type { SourceFile, Variable } from '../source/source-file.ts'
import { below, type Place, rootOf } from './effect.ts'
import { patternPath } from './origin.ts'
import { shown } from './pattern.ts'
import { isConstant } from './syntax.ts'

/** Expressions are followed this deep; beyond it a place is not known. */
const deepest = 24

export class Places {
  readonly #numbers = new Map<Variable, number>()
  readonly #variables = new Map<string, Variable>()

  /** What a place is called in the source. */
  describe(place: Place): string {
    const root = rootOf(place)
    const name = this.#variables.get(root)?.name ?? (root.startsWith('@') ? outsideNames[root] : root)
    if (root === '@fs') {
      const path = shown(place.slice(4).replaceAll('.', '/').replaceAll('·', '.'))
      return path === '' || path === '*' ? 'the file system' : `the file ${path}`
    }
    const rest = shown(place.slice(root.length)).replaceAll('.*', '[…]').replaceAll('·', '.')
    return root.startsWith('@') ? `${name ?? root}${rest && rest !== '[…]' ? ` ${rest.slice(1)}` : ''}` : `${name ?? root}${rest}`
  }

  variableAt(place: Place): Variable | undefined {
    return this.#variables.get(rootOf(place))
  }

  placeOf(variable: Variable): Place {
    let number = this.#numbers.get(variable)
    if (number === undefined) {
      number = this.#numbers.size + 1
      this.#numbers.set(variable, number)
      this.#variables.set(`v${number}`, variable)
    }
    return `v${number}`
  }

  /** The place that an expression denotes; undefined for values that were just made. */
  pathOf(file: SourceFile, expression: Node, depth = 0): Place | undefined {
    const node = bare(expression)
    if (depth > deepest) return undefined
    switch (node.type) {
      case 'ThisExpression':
        return 'this'
      case 'Identifier':
        return this.#pathOfVariable(file, node, depth + 1)
      case 'MemberExpression': {
        const base = this.pathOf(file, node.object, depth + 1)
        return base && below(base, propertyName(node) ?? '*')
      }
      case 'AwaitExpression':
        return this.pathOf(file, node.argument, depth + 1)
      default:
        return undefined
    }
  }

  #pathOfVariable(file: SourceFile, node: Node & { name: string }, depth: number): Place | undefined {
    const variable = file.variableOf(node)
    if (!variable) return `global.${node.name}`
    const [definition] = variable.defs
    const declared = definition?.node as unknown as Node | undefined
    const name = definition?.name as unknown as Node | undefined
    // A constant that names a part of something is that part.
    if (declared?.type === 'VariableDeclarator' && declared.init && name && isConstant(variable)) {
      const path = patternPath(declared.id, name)
      const base = path && this.pathOf(file, declared.init, depth)
      if (base) return path.reduce<Place>(below, base)
    }
    return this.placeOf(variable)
  }

  /** The place of a name that is assigned: the variable itself, not what it stands for. */
  assigned(file: SourceFile, node: Node & { name: string }): Place {
    const variable = file.variableOf(node)
    return variable ? this.placeOf(variable) : `global.${node.name}`
  }
}

const outsideNames: Readonly<Record<string, string>> = {
  '@net': 'the network',
  '@db': 'the database',
  '@process': 'the process',
  '@console': 'the console',
  '@clock': 'the clock',
  '@random': 'random numbers',
}
