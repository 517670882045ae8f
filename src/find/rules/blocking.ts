/** Synchronous input and output on the path of a request: every other request waits meanwhile. */
import { bare, type Callable, isCallable, type Node, propertyName, walk } from '../source/ast.ts'
import { functionOf } from './concurrency.ts'
import type { Rule, Sight } from './rule.ts'

const verbs = new Set(['get', 'post', 'put', 'patch', 'delete', 'all', 'use', 'route', 'on', 'addHook'])
const servers = /^(?:node:)?(?:http|https|http2|express|fastify|koa|@koa\/router|hono|polka|restify|@hapi\/hapi)$/
/** Calls that hold the thread, by module. */
const blocking: Readonly<Record<string, RegExp>> = {
  fs: /Sync$/,
  child_process: /Sync$/,
  crypto: /^(?:pbkdf2|scrypt|generateKeyPair|generateKey)Sync$/,
  zlib: /Sync$/,
}

export const blockingRequest: Rule = {
  name: 'blocking-request',
  *find(sight) {
    for (const call of sight.file.nodes('CallExpression')) {
      for (const handler of handlersOf(sight, call)) {
        const held = firstBlocking(sight, handler, new Set())
        if (!held) continue
        yield {
          node: held.node,
          tier: sight.ordered ? 'info' : 'proven',
          message: `${held.name} holds the thread while a request is answered: every other request waits`,
          proof: [
            `line ${sight.file.position(call.start).line} answers requests with this function`,
            `${held.name} returns when it is done, and nothing else runs until then`,
          ],
          saving: 'Other requests go on while this one waits.',
          remedy: /^(?:fs|child_process)/.test(held.module)
            ? `the asynchronous form: await ${held.name.replace(/Sync$/, '')}(…)`
            : 'a worker function, or the asynchronous form',
        }
      }
    }
  },
}

/** The functions that a call registers for requests. */
function handlersOf(sight: Sight, call: Extract<Node, { type: 'CallExpression' }>): Callable[] {
  const callee = bare(call.callee)
  const origin = sight.evaluator.origins.of(sight.file, callee)
  const name = callee.type === 'MemberExpression' ? propertyName(callee) : undefined
  const served =
    origin &&
    'path' in origin &&
    'module' in origin &&
    servers.test(origin.module) &&
    (origin.path.at(-1) === 'createServer' || (name !== undefined && verbs.has(name)))
  if (!served) return []
  return call.arguments.flatMap((argument) => functionOf(sight, argument) ?? [])
}

function firstBlocking(
  sight: Sight,
  fn: Callable,
  seen: Set<Callable>,
): { node: Node; name: string; module: string } | undefined {
  if (seen.has(fn) || !fn.body) return undefined
  seen.add(fn)
  let found: { node: Node; name: string; module: string } | undefined
  walk(fn.body, (node) => {
    if (found) return false
    if (node.type !== 'CallExpression') return true
    const origin = sight.evaluator.origins.of(sight.file, node.callee)
    if (origin?.kind === 'module') {
      const module = origin.module.replace(/^node:/, '')
      const name = origin.path.at(-1) ?? ''
      if (blocking[module]?.test(name)) found = { node, name, module }
    } else if (origin?.kind === 'function' && origin.file === sight.file && !isCallable(node)) {
      const inner = firstBlocking(sight, origin.node, seen)
      if (inner) found = { ...inner, node }
    }
    return !found
  })
  return found
}
