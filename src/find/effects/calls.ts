/**
 * What a call does, by what is known of the function, best first: a declaration of the project, its body, the table of libraries, a method of a
 * builtin, and at last the shape of the call and its name.
 */
import { bare, type Callable, isCallable, type Node, propertyName } from '../source/ast.ts'
import type { SourceFile } from '../source/source-file.ts'
import { asKnownCall, wholeChainOf } from './call.ts'
import { declaredBefore, type Declarations } from './declared.ts'
import { below, extend, isParameter, type Place, rootOf } from './effect.ts'
import { builtinMethods, changesReceiver, changingMethods, knownGlobal } from './globals.ts'
import { knownByShape, looksHarmless, soundsLikeWriting } from './guess.ts'
import { type Known, nothing, pauses } from './known.ts'
import { knownCall } from './libraries.ts'
import type { Origin, Origins } from './origin.ts'
import type { Places } from './places.ts'
import type { Summaries } from './summaries.ts'
import {
  type CallNode,
  chainOf,
  isAwaited,
  isLocal,
  settlesExecutor,
  settlesInTime,
  settling,
  sourceName,
  takesTransaction,
} from './syntax.ts'
import type { Context, Walk } from './walk.ts'

/** Methods of a Map that concern one key. */
const keyed = new Set(['get', 'set', 'has', 'delete'])
/** Methods of a response that wait for its body. */
const answers = new Set(['json', 'text', 'arrayBuffer', 'blob', 'formData', 'bytes'])

/** What calls are looked up in. */
export interface Knowledge {
  readonly origins: Origins
  readonly places: Places
  readonly summaries: Summaries
  /** What the project's settings say of functions. */
  readonly declared: Declarations
}

export class Calls {
  readonly #origins: Origins
  readonly #places: Places
  readonly #summaries: Summaries
  readonly #declared: Declarations
  readonly #walk: Walk

  constructor({ origins, places, summaries, declared }: Knowledge, walk: Walk) {
    this.#origins = origins
    this.#places = places
    this.#summaries = summaries
    this.#declared = declared
    this.#walk = walk
  }

  /** Adds what a call does to the effect of the code around it. */
  add(node: CallNode, context: Context): void {
    const { file, into } = context
    const callee = bare(node.callee)
    for (const argument of node.arguments) this.#walk.visit(argument, context)
    if (callee.type === 'MemberExpression') this.#walk.visitBase(callee.object, context)
    if (callee.type === 'Super') return
    if (takesTransaction(node)) into.ordered ??= 'it is part of a transaction'
    const origin = this.#origins.of(file, callee)
    const declared = this.#declaredFor(file, callee, origin)
    if (declared) return this.#apply(node, declared, context)
    const receiver = callee.type === 'MemberExpression' ? callee.object : undefined
    if (origin?.kind === 'function') {
      if (receiver) this.#readIfPath(receiver, context)
      return this.#follow(node, origin, receiver, context)
    }
    if (origin?.kind === 'class' && node.type === 'NewExpression') return this.#construct(node, origin, context)
    if (callee.type === 'MemberExpression' && settling.has(propertyName(callee) ?? '') && node.arguments.length > 0) {
      this.#walk.visit(callee.object, context)
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
  tag(node: Extract<Node, { type: 'TaggedTemplateExpression' }>, { file, into }: Context): void {
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
    const chain = wholeChainOf(file, callee)
    const shaped = knownByShape({ ...asKnownCall(node, chain, file), chain })
    if (shaped) {
      into.assumed.set(name, node)
      return this.#apply(node, shaped, context)
    }
    const receiver = callee.type === 'MemberExpression' ? callee.object : undefined
    const local = receiver !== undefined && !awaited && isLocal(file, receiver, node)
    const library = origin?.kind === 'module' || origin?.kind === 'made'
    const harmless = local || looksHarmless(name, { awaited, constructed: node.type === 'NewExpression', library })
    ;(harmless ? into.assumed : into.unknown).set(name, node)
    // A result that is used is most often a new value, as of query builders; one that is dropped is made for what it changes.
    const place = local && node.parent?.type === 'ExpressionStatement' && this.#places.pathOf(file, receiver)
    if (place) into.write(place, callee)
  }

  #readIfPath(node: Node, { file, into }: Context): void {
    const place = this.#places.pathOf(file, node)
    // A receiver is looked at, not read as a whole.
    if (place && place !== 'this') into.read(below(place, '()'), node)
  }

  #known(node: CallNode, origin: Origin | undefined, { file }: Context): Known | undefined {
    if (!origin || !('path' in origin)) return undefined
    const call = asKnownCall(node, origin.path, file)
    if (origin.kind !== 'global') return knownCall(origin.module, call)
    return origin.path[0] === 'setTimeout' && settlesInTime(file, node) ? pauses : knownGlobal(call)
  }

  #apply(node: CallNode, known: Known, context: Context): void {
    const { into, file } = context
    for (const place of known.reads ?? []) into.read(place, node)
    for (const place of known.writes ?? []) into.write(place, node)
    const changed = known.changes === undefined ? undefined : node.arguments[known.changes]
    const place = changed && this.#places.pathOf(file, changed)
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
    const origin = this.#origins.of(context.file, callee.object)
    const type = origin?.kind === 'builtin' ? origin.type : undefined
    if (!type && !builtinMethods.has(name)) return false
    const changes = type
      ? (changesReceiver[type]?.has(name) ?? false) && !this.#isStateless(context.file, callee.object)
      : changingMethods.has(name)
    const base = this.#places.pathOf(context.file, callee.object)
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
      return this.#origins.of(file, node)?.kind === 'builtin' && !/g|global/i.test(node.name)
    return declared?.type === 'VariableDeclarator' && declared.init ? this.#isStateless(file, declared.init) : false
  }

  /** Functions among the arguments run, once or many times, before the call is over. */
  #runCallbacks(node: CallNode, context: Context): void {
    for (const argument of node.arguments) {
      const inner = bare(argument)
      if (inner.type === 'SpreadElement') continue
      const origin =
        isCallable(inner) || inner.type === 'Identifier' || inner.type === 'MemberExpression'
          ? this.#origins.of(context.file, inner)
          : undefined
      if (origin?.kind !== 'function') continue
      const summary = this.#summaries.of(origin.file, origin.node, context.depth + 1)
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
    const place = this.#places.pathOf(file, object)
    if (place) into.write(below(below(place, '*'), '*'), at)
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
    const summary = this.#summaries.of(callee.file, callee.node, context.depth + 1)
    const translate = (place: Place): Place | undefined => {
      const root = rootOf(place)
      const rest = place.slice(root.length)
      if (root === 'this') {
        if (!receiver) return callee.receiver || callee.node.type !== 'ArrowFunctionExpression' ? undefined : place
        const base = this.#places.pathOf(context.file, receiver)
        return base && extend(base, rest)
      }
      if (!isParameter(root)) return place
      const argument = node.arguments[Number(root.slice(1))]
      if (!argument || argument.type === 'SpreadElement') return undefined
      const base = this.#places.pathOf(context.file, argument)
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
}
