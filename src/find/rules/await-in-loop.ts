/** An `await` in a loop whose rounds do not depend on one another. */
import { bare, isCallable, isLoop, type Node, walk } from '../source/ast.ts'
import { isShortList, rewriteLoop } from './loop-rewrite.ts'
import { judgeRounds } from './rounds.ts'
import { type Found, holdsUp, type Rule, type Sight } from './rule.ts'

type Loop = Extract<Node, { type: 'ForOfStatement' | 'ForInStatement' | 'ForStatement' }>

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
    fix: verdict.tier === 'info' ? undefined : rewriteLoop(sight, loop),
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
