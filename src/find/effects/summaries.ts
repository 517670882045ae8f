/**
 * The effects of functions, each computed once: a summary over its parameters and its receiver. Calls in a circle are iterated until nothing is
 * added. What is local to a function is not part of its summary.
 */
import { type Callable, functionAround, isCallable, isInside, type Node } from '../source/ast.ts'
import type { SourceFile } from '../source/source-file.ts'
import { declaredBefore } from './declared.ts'
import { below, Effect, extend, isParameter, type Place, rootOf } from './effect.ts'
import { patternPath } from './origin.ts'
import type { Places } from './places.ts'
import { isNowAndThen, nameOfFunction, statementOf } from './syntax.ts'
import type { Walk } from './walk.ts'

/** Functions are followed this deep; beyond it a call counts as unknown. */
const deepest = 24
const mostRounds = 4

export class Summaries {
  readonly #places: Places
  readonly #walk: Walk
  readonly #known = new Map<Callable, Effect>()
  readonly #active = new Map<Callable, { effect: Effect; asked: boolean }>()

  constructor(places: Places, walk: Walk) {
    this.#places = places
    this.#walk = walk
  }

  /** The effect of a function in terms of its parameters and its receiver. */
  of(file: SourceFile, fn: Callable, depth: number): Effect {
    const known = this.#known.get(fn)
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
      this.#known.set(fn, said)
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
    if (this.#active.size === 0 || !entry.asked) this.#known.set(fn, entry.effect)
    return entry.effect
  }

  #bodyOf(file: SourceFile, fn: Callable, depth: number): Effect {
    const all = new Effect()
    const context = { file, into: all, depth }
    for (const parameter of fn.params) this.#walk.declare(parameter, context)
    if (fn.body) this.#walk.visit(fn.body, context)
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
      if (outer && !(isParameter(outer) && !outer.includes('.') && this.#places.variableAt(place))) summary.write(outer, node)
      else if (outer && changesInPlace(node)) summary.write(outer, node)
    }
    return summary
  }

  /** A place inside a function as its callers see it; undefined for what is local to it. */
  #outward(place: Place, fn: Callable): Place | undefined {
    const variable = this.#places.variableAt(place)
    if (!variable) return place
    const block = variable.scope.variableScope.block as unknown as Node
    const owner = isCallable(block) ? block : functionAround(block)
    if (!owner || !isInside(owner, fn)) return place
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

/** A method that changes its receiver, not an assignment to the name. */
function changesInPlace(node: Node): boolean {
  return node.type === 'MemberExpression'
}
