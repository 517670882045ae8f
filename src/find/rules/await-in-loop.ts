/** An `await` in a loop whose rounds do not depend on one another. */
import { Effect, isOutside, overlap, type Place, rootOf } from '../effects/effect.ts'
import { bare, isCallable, isInside, isLoop, type Node, propertyName, walk } from '../source/ast.ts'
import type { Edit } from '../../findings/finding.ts'
import { describeEffect, type Found, isSlow, type Rule, type Sight, soundsHarmless, soundsLikeGuard } from './rule.ts'

type Loop = Extract<Node, { type: 'ForOfStatement' | 'ForInStatement' | 'ForStatement' }>

/** Loops over a list that is written out with at most this many parts need no bound. Chosen. */
const shortList = 10

export const awaitInLoop: Rule = {
  name: 'await-in-loop',
  *find(sight) {
    for (const type of ['ForOfStatement', 'ForInStatement', 'ForStatement'] as const) {
      for (const loop of sight.file.nodes(type)) {
        const found = judge(sight, loop)
        if (found) yield found
      }
    }
  },
}

function judge(sight: Sight, loop: Loop): Found | undefined {
  if ((loop.type === 'ForOfStatement' && loop.await) || (loop.type === 'ForStatement' && !countsUp(loop))) return undefined
  const awaited = awaitsIn(loop.body)
  const [first] = awaited
  if (!first || leavesEarly(loop)) return undefined
  if (awaited.some(({ argument }) => isGuardCall(sight, argument))) return undefined
  const body = sight.evaluator.effectOf(sight.file, loop.body)
  if (body.ordered || !isSlow(body)) return undefined
  const carried = carriedBetweenRounds(sight, loop, body)
  if (carried === 'dependent') return undefined
  const names = [...body.unknown.keys()]
  const writes = body.outsideWrites
  const logs = [...body.writes.keys()].some((place) => place.startsWith('@console'))
  let tier: Found['tier'] = 'proven'
  let question: string | undefined
  if (names.length > 0) {
    tier = soundsHarmless(body) && writes.length === 0 ? 'likely' : 'info'
    question = `Does ${names.slice(0, 2).join(' or ')} need the rounds in this order?`
  } else if (writes.length > 0) {
    tier = writes.every((place) => place.startsWith('@fs.') && !place.endsWith('.*')) ? 'info' : 'likely'
    question = `Does each round write something of its own in ${[...new Set(writes.map((place) => sight.evaluator.describe(place)))].slice(0, 2).join(' and ')}?`
  } else if (carried === 'keyed') {
    tier = 'likely'
    question = 'Are the keys different in each round, or does the order not matter?'
  } else if (logs) {
    tier = 'likely'
    question = 'Does the order of the log lines matter?'
  }
  if (sight.ordered) tier = 'info'
  return {
    node: loop,
    tier,
    message: 'The rounds of this loop wait for one another without need',
    proof: [
      `each round ${describeEffect(sight, withoutLocals(sight, loop, body))}`,
      'no round reads what another one writes, and none leaves the loop early',
    ],
    question,
    saving: 'As many rounds run at once as the bound allows. The first failure no longer keeps later rounds from starting.',
    remedy: isShortList(loop)
      ? 'await Promise.all(list.map(async (item) => { … }))'
      : 'await map(items, async (item) => { … }, { concurrency: 8 })',
    fix: tier === 'info' ? undefined : rewrite(sight, loop, body),
  }
}

/** `for (let i = 0; i < items.length; i++)`. */
function countsUp(loop: Extract<Loop, { type: 'ForStatement' }>): boolean {
  const { init, test, update } = loop
  return (
    init?.type === 'VariableDeclaration' &&
    init.declarations.length === 1 &&
    test?.type === 'BinaryExpression' &&
    (test.operator === '<' || test.operator === '<=') &&
    update?.type === 'UpdateExpression' &&
    update.operator === '++'
  )
}

/** Awaits of the loop itself, not of functions or loops inside it. */
function awaitsIn(body: Node): Extract<Node, { type: 'AwaitExpression' }>[] {
  const found: Extract<Node, { type: 'AwaitExpression' }>[] = []
  walk(body, (node) => {
    if (isCallable(node) || isLoop(node)) return false
    if (node.type === 'AwaitExpression') found.push(node)
    return true
  })
  return found
}

/** A `return`, a `throw`, or a `break` decides by one round whether there is another. */
function leavesEarly(loop: Loop): boolean {
  let leaves = false
  const visit = (node: Node, nested: boolean): void => {
    walk(node, (inner) => {
      if (leaves || isCallable(inner)) return false
      if (inner.type === 'ReturnStatement' || inner.type === 'ThrowStatement' || inner.type === 'YieldExpression') leaves = true
      if (inner.type === 'BreakStatement' && (!nested || inner.label)) leaves = true
      if (inner.type === 'ContinueStatement' && inner.label) leaves = true
      if (inner !== node && (isLoop(inner) || inner.type === 'SwitchStatement')) {
        visit(inner, true)
        return false
      }
      return !leaves
    })
  }
  visit(loop.body, false)
  return leaves
}

function isGuardCall(sight: Sight, argument: Node): boolean {
  const call = bare(argument)
  if (call.type !== 'CallExpression') return false
  const { start, end } = call.callee
  return soundsLikeGuard(sight.file.text.slice(start, end))
}

/**
 * Does a round touch what another one changes? `collected`: rounds only add to a list; `keyed`: each writes a property that a key chooses.
 */
function carriedBetweenRounds(sight: Sight, loop: Loop, body: Effect): 'no' | 'collected' | 'keyed' | 'dependent' {
  const { evaluator } = sight
  let result: 'no' | 'collected' | 'keyed' = 'no'
  const head = evaluator.effectOf(sight.file, loop.type === 'ForStatement' ? (loop.test ?? loop) : loop.right)
  for (const [place, node] of body.writes) {
    if (isOutside(place) || isOfRound(sight, loop, place)) continue
    if (place.startsWith('global') || place.startsWith('this')) return 'dependent'
    if ([...head.reads.keys()].some((read) => overlap(read, place))) return 'dependent'
    const pushes = isPush(node)
    if (pushes && usesOf(sight, loop, place) === 1) {
      result = result === 'keyed' ? 'keyed' : 'collected'
      continue
    }
    if (place.endsWith('.*') && usesOf(sight, loop, place) === 1) {
      result = 'keyed'
      continue
    }
    return 'dependent'
  }
  return result
}

/** Declared within the loop, or part of what is. */
function isOfRound(sight: Sight, loop: Loop, place: Place): boolean {
  const variable = sight.evaluator.variableAt(place)
  const name = variable?.defs[0]?.name as unknown as Node | undefined
  return name !== undefined && isInside(name, loop)
}

function isPush(node: Node): boolean {
  return node.type === 'MemberExpression' && propertyName(node) === 'push'
}

/** How often the body names the root of a place. */
function usesOf(sight: Sight, loop: Loop, place: Place): number {
  const variable = sight.evaluator.variableAt(rootOf(place))
  let uses = 0
  walk(loop.body, (node) => {
    if (node.type === 'Identifier' && variable && sight.file.variableOf(node) === variable) uses++
  })
  return uses
}

function withoutLocals(sight: Sight, loop: Loop, body: Effect): Effect {
  const kept = new Effect().add(body)
  for (const places of [kept.reads, kept.writes]) {
    for (const place of places.keys()) if (isOfRound(sight, loop, place)) places.delete(place)
  }
  return kept
}

function isShortList(loop: Loop): boolean {
  if (loop.type !== 'ForOfStatement') return false
  const list = bare(loop.right)
  return (
    list.type === 'ArrayExpression' &&
    list.elements.length <= shortList &&
    !list.elements.some((element) => element?.type === 'SpreadElement')
  )
}

/**
 * Rounds over a short list that is written out become `Promise.all`. Everything else needs a bound, which only `map` of heddle has: it is
 * written where the file imports it.
 */
function rewrite(sight: Sight, loop: Loop, body: Effect): Edit[] | undefined {
  if (loop.type !== 'ForOfStatement' || loop.left.type !== 'VariableDeclaration' || loop.body.type !== 'BlockStatement')
    return undefined
  if ([...body.writes.values()].some(isPush)) return undefined
  if (awaitsIn(loop.body).length === 0 || containsContinue(loop.body)) return undefined
  const { text } = sight.file
  const [declarator] = loop.left.declarations
  if (!declarator) return undefined
  const pattern = text.slice(declarator.id.start, declarator.id.end)
  const list = text.slice(loop.right.start, loop.right.end)
  const block = text.slice(loop.body.start, loop.body.end)
  const map = importedMap(sight)
  if (map)
    return [
      { start: loop.start, end: loop.end, text: `await ${map}(${list}, async (${pattern}) => ${block}, { concurrency: 8 })` },
    ]
  if (isShortList(loop))
    return [{ start: loop.start, end: loop.end, text: `await Promise.all(${list}.map(async (${pattern}) => ${block}))` }]
  return undefined
}

function containsContinue(body: Node): boolean {
  let found = false
  walk(body, (node) => {
    if (isCallable(node) || isLoop(node)) return false
    if (node.type === 'ContinueStatement') found = true
    return !found
  })
  return found
}

/** The local name of heddle's `map`, where the file imports it. */
function importedMap(sight: Sight): string | undefined {
  for (const declaration of sight.file.nodes('ImportDeclaration')) {
    if (declaration.source.value !== 'heddle') continue
    for (const specifier of declaration.specifiers) {
      if (specifier.type === 'ImportSpecifier' && specifier.imported.type === 'Identifier' && specifier.imported.name === 'map')
        return specifier.local.name
    }
  }
  return undefined
}
