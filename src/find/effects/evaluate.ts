/**
 * The effect of running a piece of code: a walk over it. Calls (calls.ts) lead into the functions of the project, whose effects are summaries
 * (summaries.ts), put in terms of the caller at each call.
 */
import { bare, eachChild, type Node } from '../source/ast.ts'
import type { Project } from '../source/project.ts'
import type { SourceFile } from '../source/source-file.ts'
import { Calls } from './calls.ts'
import type { Declarations } from './declared.ts'
import { Effect } from './effect.ts'
import { Origins } from './origin.ts'
import { Places } from './places.ts'
import { Summaries } from './summaries.ts'
import { isFirstUse, isInTransaction, sourceName } from './syntax.ts'
import type { Context, Walk } from './walk.ts'

export class Evaluator {
  readonly origins: Origins
  readonly places = new Places()
  readonly #calls: Calls
  readonly #effects = new WeakMap<Node, Effect>()

  /** @param declared what the project's settings say of functions */
  constructor(project: Project, declared: Declarations = new Map()) {
    const walk: Walk = {
      visit: (node, context) => this.#visit(node, context),
      visitBase: (node, context) => this.#visitBase(node, context),
      declare: (pattern, context) => this.#declare(pattern, context),
    }
    this.origins = new Origins(project)
    const summaries = new Summaries(this.places, walk)
    this.#calls = new Calls({ origins: this.origins, places: this.places, summaries, declared }, walk)
  }

  /** The effect of evaluating `node` where it stands, in places of the code around it. */
  effectOf(file: SourceFile, node: Node): Effect {
    let into = this.#effects.get(node)
    if (!into) {
      into = new Effect()
      this.#visit(node, { file, into, depth: 0 })
      if (isInTransaction(node)) into.ordered ??= 'it is part of a transaction'
      this.#effects.set(node, into)
    }
    return into
  }

  #visit(node: Node, context: Context): void {
    switch (node.type) {
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
      case 'ClassDeclaration':
        return
      case 'Identifier':
        return this.#read(node, context)
      case 'MemberExpression':
        this.#read(node, context)
        if (node.computed) this.#visit(node.property, context)
        return this.#visitBase(node.object, context)
      case 'AssignmentExpression':
        this.#visit(node.right, context)
        if (node.operator !== '=') this.#visit(node.left, context)
        // A value that is made at first use is the same whoever comes first, if making it always gives the same.
        if (isFirstUse(context.file, node)) {
          context.into.assumed.set(sourceName(context.file, node.left), node)
          return
        }
        return this.#write(node.left, context)
      case 'UpdateExpression':
        this.#visit(node.argument, context)
        return this.#write(node.argument, context)
      case 'UnaryExpression':
        if (node.operator === 'delete') this.#write(node.argument, context)
        return this.#visit(node.argument, context)
      case 'VariableDeclarator':
        if (node.init) this.#visit(node.init, context)
        return this.#declare(node.id, context)
      case 'CallExpression':
      case 'NewExpression':
        return this.#calls.add(node, context)
      case 'ThrowStatement':
        context.into.throws = true
        return this.#visit(node.argument, context)
      case 'YieldExpression':
        context.into.ordered ??= 'it yields'
        break
      case 'ImportExpression':
        context.into.waits.set('import', node)
        break
      case 'Property':
        if (node.computed) this.#visit(node.key, context)
        return this.#visit(node.value, context)
      case 'TSTypeAnnotation':
      case 'TSTypeReference':
      case 'TSInterfaceDeclaration':
      case 'TSTypeAliasDeclaration':
        return
      case 'TaggedTemplateExpression':
        this.#calls.tag(node, context)
        break
      case 'ForOfStatement':
      case 'ForInStatement':
        if (node.left.type !== 'VariableDeclaration') this.#write(node.left, context)
        this.#visit(node.right, context)
        return this.#visit(node.body, context)
    }
    eachChild(node, (child) => this.#visit(child, context))
  }

  /** `a.b.c` reads that one path, not `a` as a whole. */
  #visitBase(node: Node, context: Context): void {
    const inner = bare(node)
    if (inner.type === 'Identifier' || inner.type === 'ThisExpression') return
    if (inner.type === 'MemberExpression') {
      if (inner.computed) this.#visit(inner.property, context)
      return this.#visitBase(inner.object, context)
    }
    this.#visit(inner, context)
  }

  #read(node: Node, { file, into }: Context): void {
    const place = this.places.pathOf(file, node)
    if (place && !(node.type === 'Identifier' && node.name === 'undefined')) into.read(place, node)
  }

  #write(target: Node, context: Context): void {
    const node = bare(target)
    if (node.type === 'Identifier' || node.type === 'MemberExpression') {
      const place = node.type === 'Identifier' ? this.places.assigned(context.file, node) : this.places.pathOf(context.file, node)
      if (place) context.into.write(place, node)
      else if (node.type === 'MemberExpression') this.#visitBase(node.object, context)
      return
    }
    if (node.type === 'ArrayPattern') for (const element of node.elements) if (element) this.#write(element, context)
    if (node.type === 'ObjectPattern') {
      for (const property of node.properties)
        this.#write(property.type === 'Property' ? property.value : property.argument, context)
    }
    if (node.type === 'AssignmentPattern') this.#write(node.left, context)
    if (node.type === 'RestElement') this.#write(node.argument, context)
  }

  /** Defaults within a pattern are evaluated; the names themselves are new. */
  #declare(pattern: Node, context: Context): void {
    if (pattern.type === 'AssignmentPattern') {
      this.#visit(pattern.right, context)
      return this.#declare(pattern.left, context)
    }
    if (pattern.type === 'ObjectPattern') {
      for (const property of pattern.properties)
        this.#declare(property.type === 'Property' ? property.value : property.argument, context)
    } else if (pattern.type === 'ArrayPattern') {
      for (const element of pattern.elements) if (element) this.#declare(element, context)
    }
  }
}
