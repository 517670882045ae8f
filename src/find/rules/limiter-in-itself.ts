/** A limiter or mutex that is taken inside itself: when all of its places are held by callers that wait for a place, nothing goes on. */
import { bare, type Callable, isCallable, type Node, propertyName, walk } from '../source/ast.ts'
import { functionOf } from './concurrency.ts'
import type { Rule, Sight } from './rule.ts'

/** What makes a limiter, and the method that runs a function inside it; '' is a call of the limiter itself. */
const makers: Readonly<Record<string, readonly string[]>> = {
  'p-limit': [''],
  'p-queue': ['add'],
  'async-mutex': ['runExclusive'],
  bottleneck: ['schedule'],
  'async-lock': ['acquire'],
  heddle: ['runExclusive', 'run', ''],
  'heddle/sync': ['runExclusive', 'run'],
}

/** Locks that are held between two calls: `await mutex.acquire()` until the release. */
const held: Readonly<Record<string, readonly string[]>> = {
  'async-mutex': ['acquire'],
  'async-sema': ['acquire'],
  'heddle/sync': ['acquire'],
}

export const limiterInItself: Rule = {
  name: 'limiter-in-itself',
  *find(sight) {
    for (const outer of sight.file.nodes('CallExpression')) {
      const taken = takenBy(sight, outer)
      if (!taken) continue
      const inner = innerTake(sight, taken.fn, taken.limiter, new Set())
      if (!inner) continue
      const name = sight.evaluator.places.describe(taken.limiter)
      yield {
        node: outer,
        tier: 'proven',
        message: `${name} is taken inside itself: when every place is held by a call that waits for another place, nothing goes on`,
        proof: [
          `line ${sight.file.position(outer.start).line} takes a place of ${name}, and keeps it until its function has settled`,
          `line ${sight.file.position(inner.start).line} waits for another place of ${name} inside that function`,
        ],
        saving: 'The program cannot hang here.',
        remedy: 'Take the place around the innermost call only, or use a second limiter for the inner calls.',
      }
    }
  },
}

function takenBy(sight: Sight, call: Extract<Node, { type: 'CallExpression' }>): { limiter: string; fn: Callable } | undefined {
  const callee = bare(call.callee)
  const [object, method] = callee.type === 'MemberExpression' ? [bare(callee.object), propertyName(callee)] : [callee, '']
  if (method === undefined) return undefined
  // The same place is the same limiter: a variable, or a property of this object.
  const limiter = sight.evaluator.places.pathOf(sight.file, object)
  const origin = sight.evaluator.origins.of(sight.file, object)
  if (!limiter || origin?.kind !== 'made' || !makers[origin.module]?.includes(method)) return undefined
  for (const argument of call.arguments) {
    const fn = functionOf(sight, argument)
    if (fn) return { limiter, fn }
  }
  return undefined
}

/** A take of the same limiter that the function waits for, directly or through functions of the file. */
function innerTake(sight: Sight, fn: Callable, limiter: string, seen: Set<Callable>): Node | undefined {
  if (seen.has(fn) || !fn.body) return undefined
  seen.add(fn)
  let found: Node | undefined
  walk(fn.body, (node) => {
    if (found) return false
    if (node.type !== 'CallExpression') return !isCallable(node) || isMapped(node)
    const taken = takenBy(sight, node)
    if (taken?.limiter === limiter || holds(sight, node, limiter)) {
      if (isWaitedFor(node, fn)) found = node
      return false
    }
    const origin = sight.evaluator.origins.of(sight.file, node.callee)
    if (origin?.kind === 'function' && origin.file === sight.file && isWaitedFor(node, fn)) {
      if (innerTake(sight, origin.node, limiter, seen)) found = node
    }
    return true
  })
  return found
}

/** `await mutex.acquire()` of the same mutex. */
function holds(sight: Sight, call: Extract<Node, { type: 'CallExpression' }>, limiter: string): boolean {
  const callee = bare(call.callee)
  if (callee.type !== 'MemberExpression' || sight.evaluator.places.pathOf(sight.file, callee.object) !== limiter) return false
  const origin = sight.evaluator.origins.of(sight.file, callee.object)
  return origin?.kind === 'made' && (held[origin.module]?.includes(propertyName(callee) ?? '') ?? false)
}

function isMapped(fn: Node): boolean {
  return fn.parent?.type === 'CallExpression'
}

/** Awaited or returned, so that the outer place is held as long. */
function isWaitedFor(node: Node, fn: Callable): boolean {
  for (let above: Node | null | undefined = node; above && above !== fn; above = above.parent) {
    if (above.type === 'AwaitExpression' || above.type === 'ReturnStatement') return true
    if (above.parent === fn && fn.body === above) return true
    if (above.type === 'ArrowFunctionExpression' && above.body.type !== 'BlockStatement') continue
  }
  return false
}
