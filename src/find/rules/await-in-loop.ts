/** An `await` in a loop whose rounds do not depend on one another. */
import { bare, isCallable, isLoop, type Node, propertyName, walk } from '../source/ast.ts'
import type { Edit } from '../../findings/finding.ts'
import { judgeRounds } from './rounds.ts'
import { type Found, holdsUp, type Rule, type Sight } from './rule.ts'

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
  if (awaited.some(({ argument }) => holdsUpOthers(sight, argument))) return undefined
  const head = sight.evaluator.effectOf(sight.file, loop.type === 'ForStatement' ? (loop.test ?? loop) : loop.right)
  const verdict = judgeRounds(sight, { node: loop, body: loop.body, head, list: listOf(sight, loop) })
  if (!verdict) return undefined
  return {
    node: loop,
    ...verdict,
    message: 'The rounds of this loop wait for one another without need',
    saving: 'As many rounds run at once as the bound allows. The first failure no longer keeps later rounds from starting.',
    remedy: isShortList(loop)
      ? 'await Promise.all(list.map(async (item) => { … }))'
      : 'await map(items, async (item) => { … }, { concurrency: 8 })',
    fix: verdict.tier === 'info' ? undefined : rewrite(sight, loop),
  }
}

/** What the list is called in the source. */
function listOf(sight: Sight, loop: Loop): string {
  const node = loop.type === 'ForStatement' ? loop.test : loop.right
  return node ? sight.file.text.slice(node.start, Math.min(node.end, node.start + 120)) : ''
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

/** A `return` or a `break` decides by one round whether there is another. A `throw` does what a failed call does. */
export function leavesEarly(loop: Loop): boolean {
  let leaves = false
  const visit = (node: Node, nested: boolean): void => {
    walk(node, (inner) => {
      if (leaves || isCallable(inner)) return false
      if (inner.type === 'ReturnStatement' || inner.type === 'YieldExpression') leaves = true
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

function holdsUpOthers(sight: Sight, argument: Node): boolean {
  const call = bare(argument)
  if (call.type !== 'CallExpression') return false
  const { start, end } = call.callee
  return holdsUp(sight.file.text.slice(start, end))
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
function rewrite(sight: Sight, loop: Loop): Edit[] | undefined {
  if (loop.type !== 'ForOfStatement' || loop.left.type !== 'VariableDeclaration' || loop.body.type !== 'BlockStatement')
    return undefined
  if (pushesIn(loop.body)) return undefined
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
  if (!isShortList(loop)) return undefined
  // `[…] as const` binds less tightly than the dot.
  const receiver = loop.right.type === 'ArrayExpression' ? list : `(${list})`
  return [{ start: loop.start, end: loop.end, text: `await Promise.all(${receiver}.map(async (${pattern}) => ${block}))` }]
}

/** The results of a list that is pushed to would come in another order. */
function pushesIn(body: Node): boolean {
  let found = false
  walk(body, (node) => {
    if (node.type === 'MemberExpression' && ['push', 'unshift'].includes(propertyName(node) ?? '')) found = true
    return !found
  })
  return found
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
