/** Sequences without a loop of `await`s: `reduce` over promises, recursion over a list, `for await` with a slow body. */
import { Effect } from '../effects/effect.ts'
import { bare, type Callable, functionAround, isCallable, isInside, type Node, propertyName, walk } from '../source/ast.ts'
import type { Variable } from '../source/source-file.ts'
import { leavesEarly } from './await-in-loop.ts'
import { judgeRounds } from './rounds.ts'
import type { Found, Rule, Sight } from './rule.ts'

type CallNode = Extract<Node, { type: 'CallExpression' }>
type Shape = Pick<Found, 'message' | 'remedy'>

const saving = 'As many rounds run at once as the bound allows. The first failure no longer keeps later rounds from starting.'
const asMap = 'await map(items, async (item) => { … }, { concurrency: 8 })'

export const serialIteration: Rule = {
  name: 'serial-iteration',
  *find(sight) {
    for (const call of sight.file.nodes('CallExpression')) {
      const found = ofReduce(sight, call)
      if (found) yield found
    }
    for (const type of ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'] as const) {
      for (const fn of sight.file.nodes(type)) {
        const found = fn.async ? ofRecursion(sight, fn) : undefined
        if (found) yield found
      }
    }
    for (const loop of sight.file.nodes('ForOfStatement')) {
      const found = loop.await ? ofAsyncSource(sight, loop) : undefined
      if (found) yield found
    }
  },
}

/** `items.reduce(async (before, item) => { await before; await save(item) }, Promise.resolve())`. */
function ofReduce(sight: Sight, call: CallNode): Found | undefined {
  const callee = bare(call.callee)
  if (callee.type !== 'MemberExpression' || propertyName(callee) !== 'reduce') return undefined
  const fn = call.arguments[0] && bare(call.arguments[0])
  if (!isCallable(fn) || !fn.body) return undefined
  const [before] = fn.params
  const variable = before?.type === 'Identifier' ? sight.file.variableOf(before) : undefined
  if (!variable || !chainsPromises(sight, fn, variable)) return undefined
  const list = sight.file.text.slice(callee.object.start, callee.object.end)
  return judged(sight, call, fn, fn.body, sight.evaluator.effectOf(sight.file, callee.object), list, {
    message: 'reduce over promises runs one round after the other without need',
    remedy: asMap,
  })
}

/** The accumulator is a promise, and nothing is done with its value but adding to it. */
function chainsPromises(sight: Sight, fn: Callable, accumulator: Variable): boolean {
  let chained = false
  const onlyAdds = (variable: Variable): boolean =>
    usesOf(sight, fn, variable).every((use) => {
      const { parent } = use
      if (parent?.type === 'SpreadElement' || parent?.type === 'ReturnStatement') return true
      return parent?.type === 'MemberExpression' && propertyName(parent) === 'push'
    })
  for (const use of usesOf(sight, fn, accumulator)) {
    const { parent } = use
    if (parent?.type === 'AwaitExpression') {
      chained = true
      const around = parent.parent
      if (around?.type === 'ExpressionStatement' || around?.type === 'SpreadElement') continue
      const name = around?.type === 'VariableDeclarator' && around.id.type === 'Identifier' ? around.id : undefined
      const value = name && sight.file.variableOf(name)
      if (value && onlyAdds(value)) continue
      return false
    }
    if (parent?.type !== 'MemberExpression' || propertyName(parent) !== 'then' || parent.parent?.type !== 'CallExpression')
      return false
    const next = parent.parent.arguments[0] && bare(parent.parent.arguments[0])
    if (!isCallable(next)) return false
    chained = true
    const [value] = next.params
    const taken = value?.type === 'Identifier' ? sight.file.variableOf(value) : undefined
    if (value && !(taken && onlyAdds(taken))) return false
  }
  return chained
}

/** `async function each(list, i) { if (i === list.length) return; await save(list[i]); return each(list, i + 1) }`. */
function ofRecursion(sight: Sight, fn: Callable): Found | undefined {
  const name = fn.type === 'ArrowFunctionExpression' || !fn.id ? nameOfConstant(fn) : fn.id
  const variable = name && sight.file.variableOf(name)
  if (!variable || !fn.body || fn.body.type !== 'BlockStatement') return undefined
  const own = usesOf(sight, fn, variable).find((use) => use !== name && isNextRound(sight, fn, use))
  if (!own) return undefined
  const head = new Effect()
  return judged(sight, fn, fn, fn.body, head, variable.name, {
    message: `${variable.name} calls itself for the rest of a list, one item after the other without need`,
    remedy: asMap,
  })
}

function nameOfConstant(fn: Callable): Node | undefined {
  const { parent } = fn
  return parent?.type === 'VariableDeclarator' && parent.id.type === 'Identifier' ? parent.id : undefined
}

/** The last thing that the function does is to call itself with the next index of a list, or with the rest of it. */
function isNextRound(sight: Sight, fn: Callable, use: Node): boolean {
  const call = use.parent
  if (call?.type !== 'CallExpression' || call.callee !== use || functionAround(call) !== fn || isCaught(call, fn)) return false
  const around = call.parent?.type === 'AwaitExpression' ? call.parent.parent : call.parent
  if (around?.type !== 'ReturnStatement' && around?.type !== 'ExpressionStatement') return false
  return call.arguments.some((argument) => isNextIndex(sight, fn, argument) || isRest(sight, fn, argument))
}

function isCaught(node: Node, fn: Callable): boolean {
  for (let above = node.parent; above && above !== fn; above = above.parent) if (above.type === 'CatchClause') return true
  return false
}

/** `i + 1`, where the body takes `list[i]`. */
function isNextIndex(sight: Sight, fn: Callable, argument: Node): boolean {
  if (argument.type !== 'BinaryExpression' || argument.operator !== '+' || argument.left.type !== 'Identifier') return false
  const index = sight.file.variableOf(argument.left)
  return (
    index !== undefined &&
    usesOf(sight, fn, index).some(
      ({ parent, start }) => parent?.type === 'MemberExpression' && parent.computed && parent.property.start === start,
    )
  )
}

/** `list.slice(1)`, or `rest` of `const [first, ...rest] = list`. */
function isRest(sight: Sight, fn: Callable, argument: Node): boolean {
  const node = bare(argument)
  if (node.type === 'CallExpression' && node.callee.type === 'MemberExpression' && propertyName(node.callee) === 'slice') {
    const [from] = node.arguments
    return from?.type === 'Literal' && from.value === 1 && node.arguments.length === 1
  }
  if (node.type !== 'Identifier') return false
  const declared = sight.file.variableOf(node)?.defs[0]?.name as unknown as Node | undefined
  return (
    declared !== undefined &&
    isInside(declared, fn) &&
    declared.parent?.type === 'RestElement' &&
    declared.parent.parent?.type === 'ArrayPattern'
  )
}

/** `for await (const line of source) { await save(line) }`: reading goes on only when the body is done. */
function ofAsyncSource(sight: Sight, loop: Extract<Node, { type: 'ForOfStatement' }>): Found | undefined {
  if (leavesEarly(loop)) return undefined
  const list = sight.file.text.slice(loop.right.start, loop.right.end)
  const found = judged(sight, loop, loop, loop.body, sight.evaluator.effectOf(sight.file, loop.right), list, {
    message: 'The next item is read only when the body is done with the one before',
    remedy: 'await stream(source).map(async (item) => { … }, { concurrency: 8 }).toArray()',
  })
  if (!found) return undefined
  // What the source does between two items is not seen here.
  return found.tier === 'proven'
    ? { ...found, tier: 'likely', question: 'May the source be read on while earlier items are worked on?' }
    : found
}

function judged(sight: Sight, node: Node, scope: Node, body: Node, head: Effect, list: string, shape: Shape): Found | undefined {
  const verdict = judgeRounds(sight, { node: scope, body, head, list })
  return verdict && { node, ...verdict, ...shape, saving }
}

function usesOf(sight: Sight, within: Node, variable: Variable): Node[] {
  const uses: Node[] = []
  walk(within, (node) => {
    const isKey = node.parent?.type === 'MemberExpression' && node.parent.property === node && !node.parent.computed
    if (
      node.type === 'Identifier' &&
      !isKey &&
      sight.file.variableOf(node) === variable &&
      variable.defs[0]?.name !== (node as unknown)
    )
      uses.push(node)
  })
  return uses
}
