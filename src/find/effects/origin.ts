/** Where a value comes from: a function or class of the project, something of a module, a builtin. What is not known is undefined. */
import {
  bare,
  type Callable,
  classAround,
  type ClassNode,
  functionAround,
  isCallable,
  isClass,
  nameOf,
  type Node,
  propertyName,
} from '../source/ast.ts'
import type { Exported, Project } from '../source/project.ts'
import type { SourceFile, Variable } from '../source/source-file.ts'

export type Origin =
  | { readonly kind: 'function'; readonly file: SourceFile; readonly node: Callable; readonly receiver?: ClassNode }
  | { readonly kind: 'class'; readonly file: SourceFile; readonly node: ClassNode }
  /** An object made by a class of the project. */
  | { readonly kind: 'object'; readonly file: SourceFile; readonly node: ClassNode }
  | { readonly kind: 'literal'; readonly file: SourceFile; readonly node: Extract<Node, { type: 'ObjectExpression' }> }
  /** What a module exports, and the path from there: `import fs from 'fs'; fs.promises` is `fs`, `['promises']`. */
  | { readonly kind: 'module'; readonly module: string; readonly path: readonly string[] }
  /** What calling or constructing something of a module gives. */
  | {
      readonly kind: 'made'
      readonly module: string
      readonly path: readonly string[]
      readonly call: Node
      readonly from: SourceFile
    }
  | { readonly kind: 'global'; readonly path: readonly string[] }
  | {
      readonly kind: 'builtin'
      readonly type: 'Array' | 'String' | 'Map' | 'Set' | 'Promise' | 'RegExp' | 'Date' | 'Number' | 'URL'
    }

const deepest = 12

export class Origins {
  readonly #project: Project
  readonly #known = new Map<Node, Origin | undefined>()

  constructor(project: Project) {
    this.#project = project
  }

  of(file: SourceFile, expression: Node, depth = 0): Origin | undefined {
    const node = bare(expression)
    if (this.#known.has(node)) return this.#known.get(node)
    if (depth > deepest) return undefined
    // A value that is made of itself has no origin that anybody knows.
    this.#known.set(node, undefined)
    const origin = this.#find(file, node, depth + 1)
    this.#known.set(node, origin)
    return origin
  }

  #find(file: SourceFile, node: Node, depth: number): Origin | undefined {
    if (isCallable(node)) return { kind: 'function', file, node }
    if (isClass(node)) return { kind: 'class', file, node }
    switch (node.type) {
      case 'Identifier': {
        const variable = file.variableOf(node)
        return variable ? this.ofVariable(file, variable, depth) : { kind: 'global', path: [node.name] }
      }
      case 'ThisExpression': {
        const around = classAround(node)
        return around && { kind: 'object', file, node: around }
      }
      case 'MemberExpression': {
        const name = propertyName(node)
        return name === undefined ? undefined : this.member(this.of(file, node.object, depth), name, depth)
      }
      case 'NewExpression':
      case 'CallExpression':
        return this.#made(file, node, depth)
      case 'AwaitExpression': {
        const promised = this.of(file, node.argument, depth)
        // What a call of a library promises is data, unless it opened something: a connection, a client.
        return promised?.kind === 'made' && !/^(?:open|connect|create|launch|new|init)/i.test(promised.path.at(-1) ?? '')
          ? undefined
          : promised
      }
      // `key ? new Client(key) : undefined`, `shared.client ?? new Client()`
      case 'ConditionalExpression':
        return this.#either(file, node.consequent, node.alternate, depth)
      case 'LogicalExpression':
        return node.operator === '&&' ? undefined : this.#either(file, node.left, node.right, depth)
      case 'ArrayExpression':
        return { kind: 'builtin', type: 'Array' }
      case 'TemplateLiteral':
        return { kind: 'builtin', type: 'String' }
      case 'Literal':
        return { kind: 'builtin', type: typeof node.value === 'string' ? 'String' : 'regex' in node ? 'RegExp' : 'Number' }
      case 'ObjectExpression':
        return { kind: 'literal', file, node }
      default:
        return undefined
    }
  }

  /** One of two: what either is known to be, if the other is nothing, the same, or not known and this one is made here. */
  #either(file: SourceFile, left: Node, right: Node, depth: number): Origin | undefined {
    if (isNothing(left)) return this.of(file, right, depth)
    if (isNothing(right)) return this.of(file, left, depth)
    const [a, b] = [this.of(file, left, depth), this.of(file, right, depth)]
    if (a?.kind === 'made' && b?.kind === 'made') return a.module === b.module ? b : undefined
    if (a?.kind === 'builtin' && b?.kind === 'builtin') return a.type === b.type ? b : undefined
    // A client that is kept across reloads: `globalThis.client ?? new Client()`.
    return b?.kind === 'made' && (a === undefined || a.kind === 'global') ? b : undefined
  }

  ofVariable(file: SourceFile, variable: Variable, depth = 0): Origin | undefined {
    // `const Unit: Unit = …` is annotated with its own name.
    if (depth > deepest) return undefined
    const [definition] = variable.defs
    if (!definition) return { kind: 'global', path: [variable.name] }
    const node = definition.node as unknown as Node
    const name = definition.name as unknown as Node
    switch (definition.type as string) {
      case 'ImportBinding':
        return this.#imported(file, node, depth)
      case 'FunctionName':
        return isCallable(node) ? { kind: 'function', file, node } : undefined
      case 'ClassName':
        return isClass(node) ? { kind: 'class', file, node } : undefined
      case 'Variable': {
        if (node.type !== 'VariableDeclarator') return undefined
        const annotated = this.#annotated(file, name, depth)
        if (annotated) return annotated
        // What is assigned later may be something else.
        if (!node.init || variable.references.some((reference) => reference.isWrite() && !reference.init)) return undefined
        if (node.id === name) return this.of(file, node.init, depth)
        const path = patternPath(node.id, name)
        return path?.reduce<Origin | undefined>(
          (origin, part) => this.member(origin, part, depth),
          this.of(file, node.init, depth),
        )
      }
      case 'Parameter':
        return this.#annotated(file, name, depth)
      default:
        return undefined
    }
  }

  #imported(file: SourceFile, specifier: Node, depth: number): Origin | undefined {
    const declaration = specifier.parent
    if (declaration?.type !== 'ImportDeclaration') return undefined
    const module = declaration.source.value
    if (specifier.type === 'ImportNamespaceSpecifier') return { kind: 'module', module: this.#moduleKey(file, module), path: [] }
    const name = specifier.type === 'ImportSpecifier' ? (nameOf(specifier.imported) ?? '') : 'default'
    return this.#exported(this.#project.imported(file, module, name), depth)
  }

  /** A namespace of a file of the project is named by its path, any other module by its specifier. */
  #moduleKey(file: SourceFile, specifier: string): string {
    return this.#project.resolve(file.path, specifier) ?? specifier
  }

  #exported(exported: Exported, depth: number): Origin | undefined {
    if ('module' in exported) {
      return { kind: 'module', module: exported.module, path: exported.name === 'default' ? [] : [exported.name] }
    }
    return this.of(exported.file, exported.node, depth)
  }

  /** What a type annotation says of a variable or property. */
  #annotated(file: SourceFile, name: Node, depth: number): Origin | undefined {
    const annotation = 'typeAnnotation' in name ? name.typeAnnotation : undefined
    return annotation?.type === 'TSTypeAnnotation' ? this.#ofType(file, annotation.typeAnnotation, depth) : undefined
  }

  #ofType(file: SourceFile, type: Node, depth: number): Origin | undefined {
    if (type.type === 'TSArrayType' || type.type === 'TSTupleType') return { kind: 'builtin', type: 'Array' }
    if (type.type === 'TSStringKeyword') return { kind: 'builtin', type: 'String' }
    if (type.type === 'TSTypeOperator') return this.#ofType(file, type.typeAnnotation, depth)
    if (type.type === 'TSUnionType') {
      const present = type.types.filter(({ type: of }) => of !== 'TSUndefinedKeyword' && of !== 'TSNullKeyword')
      return present.length === 1 && present[0] ? this.#ofType(file, present[0], depth) : undefined
    }
    if (type.type !== 'TSTypeReference') return undefined
    const { typeName } = type
    if (typeName.type === 'Identifier') {
      const builtin = builtinTypes[typeName.name.replace(/^Readonly/, '')]
      const variable = file.variableOf(typeName)
      if (builtin && !variable) return { kind: 'builtin', type: builtin }
      return variable && instance(this.ofVariable(file, variable, depth + 1), type, file)
    }
    if (typeName.type === 'TSQualifiedName' && typeName.left.type === 'Identifier') {
      return instance(this.member(this.of(file, typeName.left, depth), typeName.right.name, depth), type, file)
    }
    return undefined
  }

  #made(file: SourceFile, node: Extract<Node, { type: 'NewExpression' | 'CallExpression' }>, depth: number): Origin | undefined {
    const callee = this.of(file, node.callee, depth)
    if (!callee) return undefined
    if (callee.kind === 'class' && node.type === 'NewExpression') return { ...callee, kind: 'object' }
    if (callee.kind === 'module') {
      if (callee.module === 'module' || callee.path.at(-1) === 'promisify') return undefined
      const [wrapped] = node.arguments
      if (wrapped && wrappers.has([callee.module, ...callee.path].join('#'))) return this.of(file, wrapped, depth)
      return { kind: 'made', module: callee.module, path: callee.path, call: node, from: file }
    }
    if (callee.kind === 'global') {
      const [name = ''] = callee.path
      if (name === 'require' && node.arguments[0]?.type === 'Literal') {
        return { kind: 'module', module: this.#moduleKey(file, String(node.arguments[0].value)), path: [] }
      }
      const builtin = builtinTypes[name]
      if (builtin) return { kind: 'builtin', type: builtin }
    }
    // A method of something that a library made gives something of that library too: `db.select().from(users)`.
    if (callee.kind === 'made') return callee
    if (callee.kind === 'function' && depth < 6) return this.#returned(callee, depth)
    return undefined
  }

  /** Of a function that consists of one expression, or returns one thing at its end. */
  #returned(callee: Extract<Origin, { kind: 'function' }>, depth: number): Origin | undefined {
    const { body } = callee.node
    if (!body) return undefined
    if (body.type !== 'BlockStatement') return this.of(callee.file, body, depth)
    const last = body.body.at(-1)
    return last?.type === 'ReturnStatement' && last.argument ? this.of(callee.file, last.argument, depth) : undefined
  }

  member(origin: Origin | undefined, name: string, depth = 0): Origin | undefined {
    if (!origin || depth > deepest) return undefined
    switch (origin.kind) {
      case 'module':
        return this.#memberOfModule(origin, name, depth)
      case 'global':
      case 'made':
        return { ...origin, path: [...origin.path, name] }
      case 'literal': {
        const property = origin.node.properties.find(
          (candidate) => candidate.type === 'Property' && nameOf(candidate.key) === name,
        )
        return property?.type === 'Property' ? this.of(origin.file, property.value, depth) : undefined
      }
      case 'object':
      case 'class':
        return this.#memberOfClass(origin, name, depth + 1)
      default:
        return undefined
    }
  }

  #memberOfModule(origin: Extract<Origin, { kind: 'module' }>, name: string, depth: number): Origin | undefined {
    if (origin.path.length === 0 && origin.module.startsWith('/')) {
      const file = this.#project.open(origin.module)
      const found = !('reason' in file) ? this.#project.exportsOf(file).get(name) : undefined
      if ('reason' in file || !found) return undefined
      return 'module' in found
        ? this.#exported(this.#project.imported(file, found.module, found.name), depth)
        : this.of(found.file, found.node, depth)
    }
    return name === 'default' ? origin : { ...origin, path: [...origin.path, name] }
  }

  #memberOfClass(origin: Extract<Origin, { kind: 'object' | 'class' }>, name: string, depth: number): Origin | undefined {
    const { file, node } = origin
    for (const member of node.body.body) {
      if (!('key' in member) || nameOf(member.key) !== name) continue
      if (member.type === 'MethodDefinition' && member.kind === 'method') {
        return member.value.body ? { kind: 'function', file, node: member.value as Callable, receiver: node } : undefined
      }
      if (member.type !== 'PropertyDefinition') return undefined
      const annotation = member.typeAnnotation && this.#ofType(file, member.typeAnnotation.typeAnnotation, depth)
      return annotation ?? (member.value ? this.of(file, member.value, depth) : this.#assignedInConstructor(origin, name, depth))
    }
    const parameter = parameterProperty(node, name)
    if (parameter) return this.#annotated(file, parameter, depth)
    if (!node.superClass) return undefined
    const above = this.of(file, node.superClass, depth)
    return this.member(origin.kind === 'object' ? instance(above, node, file) : above, name, depth)
  }

  #assignedInConstructor(origin: Extract<Origin, { kind: 'object' | 'class' }>, name: string, depth: number): Origin | undefined {
    for (const assignment of origin.file.nodes('AssignmentExpression')) {
      const { left, right } = assignment
      if (left.type !== 'MemberExpression' || left.object.type !== 'ThisExpression' || propertyName(left) !== name) continue
      if (classAround(assignment) === origin.node && functionAround(assignment)) return this.of(origin.file, right, depth)
    }
    return undefined
  }
}

/** Functions of packages that give back a function which does what the one it is given does, now and then from memory. */
const wrappers: ReadonlySet<string> = new Set(
  `react#cache react#useCallback next/cache#unstable_cache lodash#memoize lodash#once lodash/memoize lodash/once p-memoize mem memoize
   memoizee memoize-one moize p-retry#wrap`.split(/\s+/),
)

function isNothing(node: Node): boolean {
  const inner = bare(node)
  return (inner.type === 'Literal' && inner.value === null) || (inner.type === 'Identifier' && inner.name === 'undefined')
}

const builtinTypes: Readonly<Record<string, Extract<Origin, { kind: 'builtin' }>['type']>> = {
  Array: 'Array',
  Map: 'Map',
  WeakMap: 'Map',
  Set: 'Set',
  WeakSet: 'Set',
  Promise: 'Promise',
  RegExp: 'RegExp',
  Date: 'Date',
  URL: 'URL',
  URLSearchParams: 'Map',
  String: 'String',
}

function instance(origin: Origin | undefined, call: Node, from: SourceFile): Origin | undefined {
  if (origin?.kind === 'class') return { ...origin, kind: 'object' }
  if (origin?.kind === 'module') return { kind: 'made', module: origin.module, path: origin.path, call, from }
  return origin?.kind === 'object' || origin?.kind === 'made' ? origin : undefined
}

/** `constructor(private readonly name: Type)`. */
function parameterProperty(node: ClassNode, name: string): Node | undefined {
  for (const member of node.body.body) {
    if (member.type !== 'MethodDefinition' || member.kind !== 'constructor') continue
    for (const parameter of member.value.params) {
      if (parameter.type !== 'TSParameterProperty') continue
      const inner = parameter.parameter.type === 'AssignmentPattern' ? parameter.parameter.left : parameter.parameter
      if (inner.type === 'Identifier' && inner.name === name) return inner
    }
  }
  return undefined
}

/** The properties that lead to `name` within a destructuring pattern; undefined through arrays and rests. */
export function patternPath(pattern: Node, name: Node): string[] | undefined {
  if (pattern === name) return []
  if (pattern.type === 'AssignmentPattern') return patternPath(pattern.left, name)
  if (pattern.type !== 'ObjectPattern') return undefined
  for (const property of pattern.properties) {
    if (property.type !== 'Property') continue
    const inner = patternPath(property.value, name)
    const key = nameOf(property.key)
    if (inner && key !== undefined) return [key, ...inner]
  }
  return undefined
}
