/** `Promise.all` over a list of unknown length, with input and output in each call: the other side gets them all at once. */
import type { Edit } from '../../findings/finding.ts'
import { bare, type Callable, isInside, type Node, propertyName, walk } from '../source/ast.ts'
import { boundedMap } from './bounded-map.ts'
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
      const outside = [...effect.reads.keys(), ...effect.writes.keys()].some((place) => /^@(?:net|db)/.test(place))
      if (effect.waits.size === 0 && effect.unknown.size === 0) continue
      yield {
        node: call,
        tier: outside && !sight.ordered && isFetched(sight, mapped.list) ? 'likely' : 'info',
        message: `Promise.${gather} starts every call at once, however long the list is`,
        proof: [`each call ${describeEffect(sight, effect)}`],
        question: 'Can the list be long?',
        saving:
          'The other side gets a bounded number of calls at once. A long list no longer ends in refusals or lack of memory.',
        remedy: 'await map(items, fn, { concurrency: 8 })',
        fix: gather === 'all' ? rewrite(sight, call, mapped.fn) : undefined,
      }
    }
  },
}

/** `Promise.all(items.map(fn))` as `map(items, fn, …)`, where `fn` takes the item and nothing else. */
function rewrite(sight: Sight, call: Node, fn: Callable): readonly Edit[] | undefined {
  const mapping = call.type === 'CallExpression' && call.arguments.length === 1 ? call.arguments[0] : undefined
  if (mapping?.type !== 'CallExpression' || mapping.arguments.length !== 1 || fn.params.length > 1) return undefined
  const { callee } = mapping
  if (callee.type !== 'MemberExpression' || callee.optional || propertyName(callee) !== 'map') return undefined
  const map = boundedMap(sight)
  if (!map) return undefined
  const { text } = sight.file
  const source = (node: Node | undefined): string => (node ? text.slice(node.start, node.end) : '')
  const made = `${map.name}(${source(callee.object)}, ${source(mapping.arguments[0])}, { concurrency: 8 })`
  return [{ start: call.start, end: call.end, text: made }, ...map.edits]
}

/** Rows, files or answers of another system: their number is not up to this code. A part of one record is short most of the time. */
function isFetched(sight: Sight, list: Node, depth = 0): boolean {
  const inner = bare(list)
  if (depth > 4) return false
  if (inner.type === 'AwaitExpression') {
    const effect = sight.evaluator.effectOf(sight.file, inner)
    return [...effect.reads.keys()].some((place) => /^@(?:net|db|fs)/.test(place))
  }
  if (inner.type === 'CallExpression') {
    const callee = bare(inner.callee)
    if (callee.type !== 'MemberExpression') return false
    const isObject = callee.object.type === 'Identifier' && callee.object.name === 'Object'
    return isFetched(sight, isObject && inner.arguments[0] ? inner.arguments[0] : callee.object, depth + 1)
  }
  if (inner.type !== 'Identifier') return false
  const [definition] = sight.file.variableOf(inner)?.defs ?? []
  // Who calls with a list knows how long it is as little as this function does.
  if ((definition?.type as string | undefined) === 'Parameter') return false
  const declared = definition?.node as unknown as Node | undefined
  return declared?.type === 'VariableDeclarator' && declared.id.type === 'Identifier' && declared.init
    ? isFetched(sight, declared.init, depth + 1)
    : false
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
