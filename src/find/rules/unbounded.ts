/** `Promise.all` over a list of unknown length, with input and output in each call: the other side gets them all at once. */
import { bare, isInside, type Node, walk } from '../source/ast.ts'
import { gatherOf, mappedBy } from './concurrency.ts'
import { describeEffect, type Rule, type Sight } from './rule.ts'

export const unbounded: Rule = {
  name: 'unbounded',
  *find(sight) {
    for (const call of sight.file.nodes('CallExpression')) {
      const gather = gatherOf(call)
      if (!gather || gather === 'race') continue
      const mapped = call.arguments[0] && mappedBy(sight, call.arguments[0])
      if (!mapped || isBounded(sight, mapped.list) || usesLimiter(sight, mapped.fn)) continue
      const effect = sight.evaluator.effectOf(sight.file, mapped.fn.body as Node)
      const outside = [...effect.reads.keys(), ...effect.writes.keys()].some((place) => /^@(?:net|db|process)/.test(place))
      if (effect.waits.size === 0 && effect.unknown.size === 0) continue
      yield {
        node: call,
        tier: outside && !sight.ordered ? 'likely' : 'info',
        message: `Promise.${gather} starts every call at once, however long the list is`,
        proof: [`each call ${describeEffect(sight, effect)}`],
        question: 'Can the list be long?',
        saving:
          'The other side gets a bounded number of calls at once. A long list no longer ends in refusals or lack of memory.',
        remedy: 'await map(items, fn, { concurrency: 8 })',
      }
    }
  },
}

function isBounded(sight: Sight, list: Node): boolean {
  const inner = bare(list)
  if (inner.type === 'ArrayExpression') return !inner.elements.some((element) => element?.type === 'SpreadElement')
  if (inner.type === 'CallExpression') {
    const callee = bare(inner.callee)
    const object = callee.type === 'MemberExpression' ? bare(callee.object) : undefined
    // Object.keys({ … }), [a, b].filter(…), items.slice(0, 10)
    if (object?.type === 'Identifier' && object.name === 'Object' && inner.arguments[0])
      return bare(inner.arguments[0]).type === 'ObjectExpression'
    if (callee.type === 'MemberExpression' && callee.property.type === 'Identifier' && callee.property.name === 'slice')
      return inner.arguments.length === 2
    return object ? isBounded(sight, object) : false
  }
  if (inner.type === 'Identifier') {
    const declared = sight.file.variableOf(inner)?.defs[0]?.node as unknown as Node | undefined
    return declared?.type === 'VariableDeclarator' && declared.init ? bare(declared.init).type === 'ArrayExpression' : false
  }
  return false
}

/** The calls wait for a place of p-limit, a semaphore or a queue. */
function usesLimiter(sight: Sight, fn: Node): boolean {
  let found = false
  walk(fn, (node) => {
    if (node.type === 'CallExpression' && isInside(node, fn)) {
      const callee = sight.file.text.slice(node.callee.start, node.callee.end)
      if (/(?:^|\.)(?:limit\w*|\w*[lL]imiter?|acquire|queue|schedule|throttle\w*|semaphore\w*)(?:$|\.)/.test(callee)) found = true
    }
    return !found
  })
  return found
}
