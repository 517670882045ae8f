/** Work that nobody waits for: `forEach(async …)`, and `Promise.race` that lets the losers go on. */
import { bare, type Callable, holds, isCallable, type Node, propertyName, walk } from '../source/ast.ts'
import { functionOf, gatherOf } from './concurrency.ts'
import { describeEffect, type Rule, type Sight } from './rule.ts'

export const leftRunning: Rule = {
  name: 'left-running',
  *find(sight) {
    for (const call of sight.file.nodes('CallExpression')) {
      const callee = bare(call.callee)
      if (callee.type === 'MemberExpression' && propertyName(callee) === 'forEach' && call.arguments[0]) {
        const fn = functionOf(sight, call.arguments[0])
        if (!fn?.async || !isAwaitedInside(sight, fn)) continue
        const handled = handlesFailures(fn)
        yield {
          node: call,
          tier: sight.ordered || (handled && isLast(call)) ? 'info' : handled ? 'likely' : 'proven',
          question: handled ? 'May what follows run before the calls are done?' : undefined,
          message: `forEach does not wait for its async function: what follows runs before it is done${handled ? '' : ', and its failures are lost'}`,
          proof: [
            `the function ${describeEffect(sight, sight.evaluator.effectOf(sight.file, fn.body as Node))}`,
            'forEach drops the promises that it gets',
          ],
          saving: 'Failures arrive, and what follows sees the results.',
          remedy:
            'await Promise.all(items.map(async …)) for a short list, await map(items, fn, { concurrency: 8 }) for a long one',
        }
      } else if (gatherOf(call) === 'race') {
        const list = call.arguments[0] && bare(call.arguments[0])
        if (list?.type !== 'ArrayExpression') continue
        const writers = list.elements.filter((element): element is NonNullable<typeof element> => {
          if (!element) return false
          const effect = sight.evaluator.effectOf(sight.file, element)
          return effect.outsideWrites.length > 0
        })
        if (writers.length === 0) continue
        yield {
          node: call,
          tier: 'likely',
          message: 'Promise.race leaves the slower calls running: what they write is written all the same',
          proof: writers.map(
            (writer) => `${sight.file.text.slice(writer.start, Math.min(writer.end, writer.start + 50))} goes on after the race`,
          ),
          question: 'Must the slower calls be cancelled?',
          saving: 'A call that lost the race changes nothing any more.',
          remedy: 'Pass an AbortSignal to each call and abort it when the race is decided.',
        }
      }
    }
  },
}

/** All that it waits for stands in a `try` whose handler throws nothing: nobody who starts it needs to hear of a failure. */
function handlesFailures(fn: Callable): boolean {
  let handled = true
  walk(fn.body as Node, (node) => {
    if (isCallable(node)) return false
    if (node.type === 'TryStatement' && node.handler && endsFailures(node.handler.body)) {
      if (node.finalizer && holds(node.finalizer, ({ type }) => type === 'AwaitExpression')) handled = false
      return false
    }
    if (node.type === 'AwaitExpression' || node.type === 'ThrowStatement') handled = false
    return handled
  })
  return handled
}

function endsFailures(handler: Node): boolean {
  return !holds(handler, ({ type }) => type === 'ThrowStatement' || type === 'AwaitExpression')
}

/** Nothing of the function around comes after it. */
function isLast(call: Node): boolean {
  const statement = call.parent?.type === 'ChainExpression' ? call.parent.parent : call.parent
  const block = statement?.parent
  return block?.type === 'BlockStatement' && block.body.at(-1) === statement && isCallable(block.parent)
}

function isAwaitedInside(sight: Sight, fn: Node): boolean {
  return sight.file.nodes('AwaitExpression').some((node) => node.start >= fn.start && node.end <= fn.end)
}
