/**
 * The effect of running a piece of code: a walk over it that follows calls into functions of the project.
 *
 * A function's effect is computed once, as a summary over its parameters and its receiver, and put in terms of the caller at each call. Calls in
 * a circle are iterated until nothing is added. What is local to a function is not an effect of it.
 *
 * The file is long because the walk, calls and summaries call one another: any cut would be a circle of imports.
 */
import {
  bare,
  type Callable,
  eachChild,
  functionAround,
  isCallable,
  isInside,
  literalText,
  nameOf,
  type Node,
  propertyName,
  walk,
} from '../source/ast.ts'
import type { Project } from '../source/project.ts'
import type { SourceFile, Variable } from '../source/source-file.ts'
import { below, Effect, type Place, rootOf } from './effect.ts'
import { builtinMethods, changesReceiver, changingMethods, knownGlobal } from './globals.ts'
import { type Known, type KnownCall, nothing, pauses } from './known.ts'
import { knownCall } from './libraries.ts'
import { declaredBefore, type Declarations } from './declared.ts'
import { knownByShape, looksHarmless, soundsLikeWriting } from './guess.ts'
import { type Origin, Origins, patternPath } from './origin.ts'
import { hole, shown } from './pattern.ts'

/** Methods of promises: what they are called on runs, and so do their callbacks. */
const settling = new Set(['then', 'catch', 'finally'])

/** Methods of a Map that concern one key. */
const keyed = new Set(['get', 'set', 'has', 'delete'])
/** Methods of a response that wait for its body. */
const answers = new Set(['json', 'text', 'arrayBuffer', 'blob', 'formData', 'bytes'])

type CallNode = Extract<Node, { type: 'CallExpression' | 'NewExpression' }>

/** Functions are followed this deep; beyond it a call counts as unknown. */
const deepest = 24
const mostRounds = 4

interface Context {
  readonly file: SourceFile
  readonly into: Effect
  readonly depth: number
}

export class Evaluator {
  readonly origins: Origins
  readonly #summaries = new Map<Callable, Effect>()
  readonly #effects = new WeakMap<Node, Effect>()
  readonly #active = new Map<Callable, { effect: Effect; asked: boolean }>()
  readonly #numbers = new Map<Variable, number>()
  readonly #places = new Map<string, Variable>()

  readonly #declared: Declarations

  /** @param declared what the project's settings say of functions */
  constructor(project: Project, declared: Declarations = new Map()) {
    this.#declared = declared
    this.origins = new Origins(project)
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

  /** What a place is called in the source. */
  describe(place: Place): string {
    const root = rootOf(place)
    const name = this.#places.get(root)?.name ?? (root.startsWith('@') ? outsideNames[root] : root)
    if (root === '@fs') return shown(`files ${place.slice(4).replaceAll('.', '/').replaceAll('·', '.')}`.replace(/ \*?$/, ''))
    const rest = shown(place.slice(root.length)).replaceAll('.*', '[…]').replaceAll('·', '.')
    return root.startsWith('@') ? `${name ?? root}${rest && rest !== '[…]' ? ` ${rest.slice(1)}` : ''}` : `${name ?? root}${rest}`
  }

  variableAt(place: Place): Variable | undefined {
    return this.#places.get(rootOf(place))
  }

  placeOf(variable: Variable): Place {
    let number = this.#numbers.get(variable)
    if (number === undefined) {
      number = this.#numbers.size + 1
      this.#numbers.set(variable, number)
      this.#places.set(`v${number}`, variable)
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
        return this.#call(node, context)
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
        this.#tag(node, context)
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
    const place = this.pathOf(file, node)
    if (place && !(node.type === 'Identifier' && node.name === 'undefined')) into.read(place, node)
  }

  #write(target: Node, context: Context): void {
    const node = bare(target)
    if (node.type === 'Identifier' || node.type === 'MemberExpression') {
      const place = node.type === 'Identifier' ? this.#assignedPlace(context.file, node) : this.pathOf(context.file, node)
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

  #assignedPlace(file: SourceFile, node: Node & { name: string }): Place {
    const variable = file.variableOf(node)
    return variable ? this.placeOf(variable) : `global.${node.name}`
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

  #call(node: CallNode, context: Context): void {
    const { file, into } = context
    const callee = bare(node.callee)
    for (const argument of node.arguments) this.#visit(argument, context)
    if (callee.type === 'MemberExpression') this.#visitBase(callee.object, context)
    if (callee.type === 'Super') return
    if (takesTransaction(node)) into.ordered ??= 'it is part of a transaction'
    const origin = this.origins.of(file, callee)
    const declared = this.#declaredFor(file, callee, origin)
    if (declared) return this.#apply(node, declared, context)
    const receiver = callee.type === 'MemberExpression' ? callee.object : undefined
    if (origin?.kind === 'function') {
      if (receiver) this.#readIfPath(receiver, context)
      return this.#follow(node, origin, receiver, context)
    }
    if (origin?.kind === 'class' && node.type === 'NewExpression') return this.#construct(node, origin, context)
    if (callee.type === 'MemberExpression' && settling.has(propertyName(callee) ?? '') && node.arguments.length > 0) {
      this.#visit(callee.object, context)
      return this.#runCallbacks(node, context)
    }
    const known = this.#known(node, origin, context)
    if (known) return this.#apply(node, known, context)
    if (callee.type === 'MemberExpression' && this.#builtin(node, callee, context)) return
    this.#guess(node, callee, origin, context)
    into.throws = true
    this.#runCallbacks(node, context)
  }

  /** `sql\`…\``, `css\`…\``: a tag makes a value of its text, unless it is one that runs it. */
  #tag(node: Extract<Node, { type: 'TaggedTemplateExpression' }>, { file, into }: Context): void {
    const name = sourceName(file, node.tag)
    const awaited = isAwaited(node)
    if (awaited) into.waits.set(name, node)
    into.throws = true
    const runs = awaited || name === '$' || soundsLikeWriting(name)
    ;(runs ? into.unknown : into.assumed).set(name, node)
  }

  /** What the settings of the project say of a call, by the name in the source or in its module. */
  #declaredFor(file: SourceFile, callee: Node, origin: Origin | undefined): Known | undefined {
    // A function that is only declared here has no body that could be followed: its comment is all there is.
    const definition =
      callee.type === 'Identifier' && !origin
        ? (file.variableOf(callee)?.defs[0]?.node as unknown as Node | undefined)
        : undefined
    if (definition?.type === 'TSDeclareFunction') {
      const start = definition.parent?.type === 'ExportNamedDeclaration' ? definition.parent.start : definition.start
      const said = declaredBefore(file.text, start)
      if (said) return said
    }
    if (this.#declared.size === 0) return undefined
    const inModule = origin?.kind === 'module' || origin?.kind === 'made' ? `${origin.module}#${origin.path.join('.')}` : ''
    return this.#declared.get(chainOf(callee).join('.')) ?? this.#declared.get(inModule)
  }

  /** Of a call that nobody knows: what its shape, its kind and its name say. None of it is ever part of a proof. */
  #guess(node: CallNode, callee: Node, origin: Origin | undefined, context: Context): void {
    const { file, into } = context
    if (callee.type === 'Identifier' && settlesExecutor(file, callee)) return
    const name = sourceName(file, callee)
    const awaited = isAwaited(node)
    if (awaited) into.waits.set(name, node)
    const chain = this.#chainOf(file, callee)
    const shaped = knownByShape({ ...this.#callOf(node, chain, file), chain })
    if (shaped) {
      into.assumed.set(name, node)
      return this.#apply(node, shaped, context)
    }
    const receiver = callee.type === 'MemberExpression' ? callee.object : undefined
    const local = receiver !== undefined && !awaited && this.#isLocal(file, receiver, node)
    const library = origin?.kind === 'module' || origin?.kind === 'made'
    const harmless = local || looksHarmless(name, { awaited, constructed: node.type === 'NewExpression', library })
    ;(harmless ? into.assumed : into.unknown).set(name, node)
    // A result that is used is most often a new value, as of query builders; one that is dropped is made for what it changes.
    const place = local && node.parent?.type === 'ExpressionStatement' && this.pathOf(file, receiver)
    if (place) into.write(place, callee)
  }

  /** The names that lead to a call, through a constant that holds the beginning of a chain: `const query = db.selectFrom('a'); query.execute()`. */
  #chainOf(file: SourceFile, callee: Node): string[] {
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

  /** Declared in the function that makes the call: what a call changes there stays there. */
  #isLocal(file: SourceFile, expression: Node, call: Node): boolean {
    let node = bare(expression)
    while (node.type === 'MemberExpression' || node.type === 'CallExpression') {
      node = bare(node.type === 'MemberExpression' ? node.object : node.callee)
    }
    if (node.type === 'NewExpression') return true
    const variable = node.type === 'Identifier' ? file.variableOf(node) : undefined
    const [definition] = variable?.defs ?? []
    if (!variable || (definition?.type as string) !== 'Variable') return false
    const owner = functionAround(definition?.name as unknown as Node)
    return owner !== undefined && owner === functionAround(call)
  }

  #readIfPath(node: Node, { file, into }: Context): void {
    const place = this.pathOf(file, node)
    // A receiver is looked at, not read as a whole.
    if (place && place !== 'this') into.read(below(place, '()'), node)
  }

  #known(node: CallNode, origin: Origin | undefined, { file }: Context): Known | undefined {
    if (!origin || !('path' in origin)) return undefined
    const call = this.#callOf(node, origin.path, file)
    if (origin.kind !== 'global') return knownCall(origin.module, call)
    return origin.path[0] === 'setTimeout' && settlesInTime(file, node) ? pauses : knownGlobal(call)
  }

  /** A call as the tables see it. */
  #callOf(node: CallNode, path: readonly string[], file: SourceFile): KnownCall {
    return {
      path,
      chain: chainOf(bare(node.callee)),
      text: (index) => this.#text(file, node.arguments[index]),
      source: (index) => {
        const argument = node.arguments[index]
        return argument ? file.text.slice(argument.start, argument.end) : ''
      },
      constructed: (index) => {
        const argument = node.arguments[index]
        return argument?.type === 'NewExpression' ? nameOf(argument.callee) : undefined
      },
      option: (index, name) => {
        const argument = node.arguments[index]
        if (argument?.type !== 'ObjectExpression') return undefined
        const property = argument.properties.find((candidate) => candidate.type === 'Property' && nameOf(candidate.key) === name)
        return property?.type === 'Property' ? (literalText(property.value) ?? '*') : undefined
      },
    }
  }

  /** The text of a literal, a template, a joined path, or of a constant that holds one. */
  #text(file: SourceFile, argument: Node | undefined): string | undefined {
    if (!argument) return undefined
    const node = bare(argument)
    const text = literalText(node)
    if (text !== undefined) return text
    const partOf = (part: Node): string => this.#text(file, part) ?? hole(sourceName(file, part))
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
    return isConstant(variable) ? this.#text(file, declared.init) : undefined
  }

  #apply(node: CallNode, known: Known, context: Context): void {
    const { into, file } = context
    for (const place of known.reads ?? []) into.read(place, node)
    for (const place of known.writes ?? []) into.write(place, node)
    const changed = known.changes === undefined ? undefined : node.arguments[known.changes]
    const place = changed && this.pathOf(file, changed)
    if (place) into.write(below(place, '*'), node)
    const name = sourceName(file, node.callee)
    if (known.waits) into.waits.set(name, node)
    // What is said to be pure and yet awaited takes its time somewhere.
    else if (known === nothing && isAwaited(node)) {
      into.waits.set(name, node)
      into.assumed.set(name, node)
    }
    into.ordered ??= known.ordered
    if (known.pauses) into.pause ??= node
    into.throws ||= known.throws ?? false
    this.#runCallbacks(node, context)
  }

  /** Methods of arrays, texts, maps and sets. */
  #builtin(node: CallNode, callee: Extract<Node, { type: 'MemberExpression' }>, context: Context): boolean {
    const name = propertyName(callee)
    if (name === undefined) return false
    const origin = this.origins.of(context.file, callee.object)
    const type = origin?.kind === 'builtin' ? origin.type : undefined
    if (!type && !builtinMethods.has(name)) return false
    const changes = type
      ? (changesReceiver[type]?.has(name) ?? false) && !this.#isStateless(context.file, callee.object)
      : changingMethods.has(name)
    const base = this.pathOf(context.file, callee.object)
    // A Map is read and written by key: which one is not known.
    const place = base && type === 'Map' && keyed.has(name) ? below(base, '*') : base
    if (place) {
      context.into.read(place, callee)
      if (changes) context.into.write(place, callee)
    }
    // The body of an answer is there soon after its head: nothing is gained by reading it beside something else.
    if (answers.has(name)) context.into.throws = true
    this.#runCallbacks(node, context)
    return true
  }

  /** A regular expression moves its `lastIndex` only with the flags g and y. */
  #isStateless(file: SourceFile, expression: Node): boolean {
    const node = bare(expression)
    if (node.type === 'Literal' && 'regex' in node) return !/[gy]/.test(node.regex.flags)
    if (node.type !== 'Identifier') return false
    const variable = file.variableOf(node)
    const [definition] = variable?.defs ?? []
    const declared = definition?.node as unknown as Node | undefined
    if ((definition?.type as string) === 'ImportBinding')
      return this.origins.of(file, node)?.kind === 'builtin' && !/g|global/i.test(node.name)
    return declared?.type === 'VariableDeclarator' && declared.init ? this.#isStateless(file, declared.init) : false
  }

  /** Functions among the arguments run, once or many times, before the call is over. */
  #runCallbacks(node: CallNode, context: Context): void {
    for (const argument of node.arguments) {
      const inner = bare(argument)
      if (inner.type === 'SpreadElement') continue
      const origin =
        isCallable(inner) || inner.type === 'Identifier' || inner.type === 'MemberExpression'
          ? this.origins.of(context.file, inner)
          : undefined
      if (origin?.kind !== 'function') continue
      const summary = this.#summary(origin.file, origin.node, context.depth + 1)
      // Its parameters are what the caller hands out: nobody knows which.
      for (const [place, at] of summary.reads) if (!isParameter(place)) context.into.read(place, at)
      for (const [place, at] of summary.writes) {
        if (!isParameter(place)) context.into.write(place, at)
        else if (node.callee.type === 'MemberExpression') this.#writeElements(node.callee.object, at, context)
      }
      for (const [name, at] of summary.unknown) context.into.unknown.set(name, at)
      for (const [name, at] of summary.assumed) context.into.assumed.set(name, at)
      for (const [name, at] of summary.waits) context.into.waits.set(name, at)
      context.into.ordered ??= summary.ordered
      context.into.pause ??= summary.pause
      context.into.throws ||= summary.throws
    }
  }

  /** A callback that changes its argument changes the elements of what it is called for. */
  #writeElements(object: Node, at: Node, { file, into }: Context): void {
    const place = this.pathOf(file, object)
    if (place) into.write(below(place, '*'), at)
  }

  #construct(node: CallNode, origin: Extract<Origin, { kind: 'class' }>, context: Context): void {
    const constructor = origin.node.body.body.find(
      (member) => member.type === 'MethodDefinition' && member.kind === 'constructor',
    )
    if (constructor?.type === 'MethodDefinition' && constructor.value.body) {
      this.#follow(node, { kind: 'function', file: origin.file, node: constructor.value as Callable }, undefined, context)
    } else if (origin.node.superClass) context.into.unknown.set(sourceName(context.file, node.callee), node)
  }

  #follow(node: CallNode, callee: Extract<Origin, { kind: 'function' }>, receiver: Node | undefined, context: Context): void {
    const summary = this.#summary(callee.file, callee.node, context.depth + 1)
    const translate = (place: Place): Place | undefined => {
      const root = rootOf(place)
      const rest = place.slice(root.length)
      if (root === 'this') {
        if (!receiver) return callee.receiver || callee.node.type !== 'ArrowFunctionExpression' ? undefined : place
        const base = this.pathOf(context.file, receiver)
        return base && extend(base, rest)
      }
      if (!isParameter(root)) return place
      const argument = node.arguments[Number(root.slice(1))]
      if (!argument || argument.type === 'SpreadElement') return undefined
      const base = this.pathOf(context.file, argument)
      return base && extend(base, rest)
    }
    for (const [place] of summary.reads) {
      const here = translate(place)
      if (here) context.into.read(here, node)
    }
    for (const [place] of summary.writes) {
      const here = translate(place)
      if (here) context.into.write(here, node)
    }
    for (const [name] of summary.unknown) context.into.unknown.set(name, node)
    for (const [name] of summary.assumed) context.into.assumed.set(name, node)
    const open = summary.unknown.size + summary.assumed.size > 0
    // A function that is not async may return the promise of a call that nobody knows.
    if (summary.waits.size > 0 || (open && !callee.node.async && isAwaited(node)))
      context.into.waits.set(sourceName(context.file, node.callee), node)
    context.into.ordered ??= summary.ordered
    if (summary.pause) context.into.pause ??= node
    context.into.throws ||= summary.throws
    this.#runCallbacks(node, context)
  }

  #summary(file: SourceFile, fn: Callable, depth: number): Effect {
    const known = this.#summaries.get(fn)
    if (known) return known
    const active = this.#active.get(fn)
    if (active) {
      active.asked = true
      return active.effect
    }
    const declared = declaredBefore(file.text, statementOf(fn).start)
    if (declared) {
      const said = new Effect()
      for (const place of declared.reads ?? []) said.read(place, fn)
      for (const place of declared.writes ?? []) said.write(place, fn)
      said.ordered = declared.ordered
      said.throws = true
      if (fn.async || !fn.body) said.waits.set(nameOfFunction(fn), fn)
      this.#summaries.set(fn, said)
      return said
    }
    if (depth > deepest || !fn.body) {
      const unknown = new Effect()
      unknown.unknown.set(nameOfFunction(fn), fn)
      return unknown
    }
    const entry = { effect: new Effect(), asked: false }
    this.#active.set(fn, entry)
    for (let round = 0; round < mostRounds; round++) {
      const before = entry.effect.size
      entry.asked = false
      entry.effect = this.#bodyOf(file, fn, depth)
      if (!entry.asked || entry.effect.size === before) break
    }
    this.#active.delete(fn)
    // What was computed while a caller above was not known yet may lack that caller's part.
    if (this.#active.size === 0 || !entry.asked) this.#summaries.set(fn, entry.effect)
    return entry.effect
  }

  #bodyOf(file: SourceFile, fn: Callable, depth: number): Effect {
    const all = new Effect()
    const context = { file, into: all, depth }
    for (const parameter of fn.params) this.#declare(parameter, context)
    if (fn.body) this.#visit(fn.body, context)
    const summary = new Effect()
    summary.ordered = all.ordered
    // A pause that a function makes now and then, between two attempts, is its own affair.
    if (all.pause && !isNowAndThen(all.pause, fn)) summary.pause = all.pause
    summary.throws = all.throws || fn.async
    for (const [name, node] of all.unknown) summary.unknown.set(name, node)
    for (const [name, node] of all.assumed) summary.assumed.set(name, node)
    for (const [name, node] of all.waits) summary.waits.set(name, node)
    for (const [place, node] of all.reads) {
      const outer = this.#outward(place, fn)
      if (outer) summary.read(outer, node)
    }
    for (const [place, node] of all.writes) {
      const outer = this.#outward(place, fn)
      // To assign a parameter itself changes nothing outside.
      if (outer && !(isParameter(outer) && !outer.includes('.') && this.variableAt(place))) summary.write(outer, node)
      else if (outer && changesInPlace(node)) summary.write(outer, node)
    }
    return summary
  }

  /** A place inside a function as its callers see it; undefined for what is local to it. */
  #outward(place: Place, fn: Callable): Place | undefined {
    const variable = this.variableAt(place)
    if (!variable) return place
    const block = variable.scope.variableScope.block as unknown as Node
    const owner = isCallable(block) ? block : functionAround(block)
    if (!owner || !isInside(owner, fn) || ((owner === fn) === false && !isInside(owner, fn))) return place
    if (owner !== fn) return undefined
    const [definition] = variable.defs
    if ((definition?.type as string | undefined) !== 'Parameter') return undefined
    const rest = place.slice(rootOf(place).length)
    const name = definition?.name as unknown as Node
    for (let i = 0; i < fn.params.length; i++) {
      const path = patternPath(fn.params[i] as Node, name)
      if (path) return extend(path.reduce<Place>(below, `p${i}`), rest)
    }
    return undefined
  }
}

const handleNames = /^(?:transaction|trx|tx|queryRunner|lock)$/

/** `find({ where, transaction })`: one connection runs one statement after the other. */
function takesTransaction(call: CallNode): boolean {
  return call.arguments.some((argument) => {
    if (argument.type === 'Identifier') return /^(?:trx|tx|transaction)$/.test(argument.name)
    return (
      argument.type === 'ObjectExpression' &&
      argument.properties.some((property) => property.type === 'Property' && handleNames.test(nameOf(property.key) ?? ''))
    )
  })
}

/** Within the callback of `db.transaction(async (tx) => …)`. */
function isInTransaction(node: Node): boolean {
  for (let fn = functionAround(node); fn; fn = functionAround(fn)) {
    const call = fn.parent
    if (call?.type === 'CallExpression' && /transaction$/i.test(chainOf(call.callee).at(-1) ?? '')) return true
  }
  return false
}

/** The names that lead to what is called: `this.users.repository.find` is `['this', 'users', 'repository', 'find']`. */
function chainOf(node: Node): string[] {
  const inner = bare(node)
  if (inner.type === 'MemberExpression') return [...chainOf(inner.object), propertyName(inner) ?? '*']
  if (inner.type === 'CallExpression') return chainOf(inner.callee)
  if (inner.type === 'ThisExpression') return ['this']
  return inner.type === 'Identifier' ? [inner.name] : []
}

/** What a call gives is waited for: by `await`, by a `return` of an async function, by `then`, within `Promise.all`. */
function isAwaited(call: Node): boolean {
  let node = call
  let above = node.parent
  while (above && above.type !== 'AwaitExpression' && bare(above) !== above) [node, above] = [above, above.parent]
  if (!above) return false
  if (above.type === 'AwaitExpression') return true
  if (above.type === 'ReturnStatement') return functionAround(above)?.async ?? false
  if (above.type === 'ArrowFunctionExpression') return above.body === node && (above.async || isThenCallback(above))
  if (above.type === 'MemberExpression' && above.object === node) return settling.has(propertyName(above) ?? '')
  if (above.type === 'ArrayExpression') {
    const around = above.parent
    return around?.type === 'CallExpression' && chainOf(around.callee)[0] === 'Promise'
  }
  return false
}

/** `promise.then((value) => call(value))` waits for the call. */
function isThenCallback(fn: Node): boolean {
  const call = fn.parent
  return (
    call?.type === 'CallExpression' && call.callee.type === 'MemberExpression' && settling.has(propertyName(call.callee) ?? '')
  )
}

/** `resolve` and `reject` of `new Promise((resolve, reject) => …)`. */
function settlesExecutor(file: SourceFile, name: Node): boolean {
  const [definition] = file.variableOf(name)?.defs ?? []
  if ((definition?.type as string | undefined) !== 'Parameter') return false
  const parent = (definition?.node as unknown as Node | undefined)?.parent
  return parent?.type === 'NewExpression' && nameOf(parent.callee) === 'Promise'
}

/** A timer that resolves a promise: `new Promise((resolve) => setTimeout(resolve, 100))`. One that rejects it is a limit of time. */
function settlesInTime(file: SourceFile, timer: CallNode): boolean {
  let found = false
  const [callback] = timer.arguments
  if (callback)
    walk(callback, (node) => {
      if (node.type === 'Identifier' && settlesExecutor(file, node)) {
        const executor = file.variableOf(node)?.defs[0]?.node as unknown as Node
        const [resolve] = isCallable(executor) ? executor.params : []
        if (resolve?.type === 'Identifier' && resolve.name === node.name) found = true
      }
      return !found
    })
  return found
}

/** Within a condition, a loop or a handler of a function: not each time that it runs. */
function isNowAndThen(node: Node, fn: Node): boolean {
  for (let inner = node.parent; inner && inner !== fn; inner = inner.parent) {
    if (
      /^(?:If|While|DoWhile|For|ForOf|ForIn)Statement$|^(?:Conditional|Logical)Expression$|^(?:CatchClause|SwitchCase)$/.test(
        inner.type,
      )
    )
      return true
  }
  return false
}

/** `client ??= open()`, `if (!client) client = open()`, `if (!client) { client = open() }`. */
function isFirstUse(file: SourceFile, node: Extract<Node, { type: 'AssignmentExpression' }>): boolean {
  if (node.operator === '??=' || node.operator === '||=') return true
  if (node.operator !== '=' || node.right.type === 'AwaitExpression') return false
  const statement = node.parent
  const block = statement?.parent
  const test = block?.type === 'BlockStatement' ? block.parent : block
  if (test?.type !== 'IfStatement' || (test.consequent !== statement && test.consequent !== block)) return false
  const name = file.text.slice(node.left.start, node.left.end)
  const condition = file.text.slice(test.test.start, test.test.end)
  return [`!${name}`, `${name} === undefined`, `${name} === null`, `${name} == null`, `typeof ${name} === 'undefined'`].includes(
    condition,
  )
}

function extend(base: Place, rest: string): Place {
  return rest === '' ? base : rest.slice(1).split('.').reduce<Place>(below, base)
}

function isParameter(place: Place): boolean {
  return /^p\d+(?:\.|$)/.test(place)
}

/** A method that changes its receiver, not an assignment to the name. */
function changesInPlace(node: Node): boolean {
  return node.type === 'MemberExpression'
}

export function isConstant(variable: Variable): boolean {
  return !variable.references.some((reference) => reference.isWrite() && !reference.init)
}

/** A callee as the source writes it, shortened. */
export function sourceName(file: SourceFile, node: Node): string {
  const text = file.text.slice(node.start, node.end).replace(/\s+/g, ' ')
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** What a comment on a function stands before: the statement or the member that holds it. */
function statementOf(fn: Callable): Node {
  let node: Node = fn
  while (
    node.parent &&
    /^(?:VariableDeclarator|VariableDeclaration|Export\w*Declaration|MethodDefinition|PropertyDefinition|Property)$/.test(
      node.parent.type,
    )
  ) {
    node = node.parent
  }
  return node
}

function nameOfFunction(fn: Callable): string {
  return fn.type === 'ArrowFunctionExpression' ? 'a function' : (fn.id?.name ?? 'a function')
}

const outsideNames: Readonly<Record<string, string>> = {
  '@fs': 'files',
  '@net': 'the network',
  '@db': 'the database',
  '@process': 'the process',
  '@console': 'the console',
  '@clock': 'the clock',
  '@random': 'random numbers',
}
