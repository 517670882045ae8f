/** What holds the thread on the path of a request: synchronous input and output, and heavy computing. Every other request waits meanwhile. */
import { bare, type Callable, isCallable, literalText, type Node, nameOf, propertyName, walk } from '../source/ast.ts'
import type { SourceFile } from '../source/source-file.ts'
import type { Rule, Sight } from './rule.ts'

const verbs = new Set(['get', 'post', 'put', 'patch', 'delete', 'all', 'use', 'route', 'on', 'addHook', 'options', 'head'])
const servers =
  /^(?:node:)?(?:http|https|http2|express|express-promise-router|fastify|koa|@koa\/router|koa-router|hono|polka|restify|@hapi\/hapi|h3)$/
/** Decorators of methods that answer requests: Nest, routing-controllers, tsoa. */
const routes = /^(?:Get|Post|Put|Patch|Delete|All|Head|Options|Query|Mutation|MessagePattern|EventPattern)$/
/** Files whose exports answer requests, by what the export is called: Next. */
const routeFiles: readonly (readonly [RegExp, RegExp])[] = [
  [/^(?=(?:.*\/)?app\/).*\/route\.[jt]sx?$/, /^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)$/],
  [/(?:^|\/)pages\/api\/.*\.[jt]sx?$/, /^default$/],
]
/** Calls that hold the thread, by module. */
const blocking: Readonly<Record<string, RegExp>> = {
  fs: /Sync$/,
  'fs-extra': /Sync$/,
  'graceful-fs': /Sync$/,
  child_process: /Sync$/,
  execa: /Sync$/,
  crypto: /^(?:pbkdf2|scrypt|generateKeyPair|generateKey|generatePrime|checkPrime)Sync$/,
  zlib: /Sync$/,
  bcrypt: /Sync$/,
  bcryptjs: /Sync$/,
  argon2: /Sync$/,
  glob: /Sync$|^sync$/i,
  'fast-glob': /^(?:globSync|sync)$/,
  globby: /Sync$|^sync$/,
  xlsx: /^(?:readFile|read|writeFile|write)$/,
}
/** Cheap in every case, or only there to look once. */
const cheap = /^(?:existsSync|accessSync|statSync|lstatSync|realpathSync)$/

/** How far calls are followed from a handler. */
const deepest = 8

export const blockingRequest: Rule = {
  name: 'blocking-request',
  *find(sight) {
    for (const { handler, at } of handlersOf(sight)) {
      const held = firstBlocking(sight, sight.file, handler, new Set())
      if (!held) continue
      yield {
        node: held.node,
        cause: held.cause,
        tier: sight.ordered ? 'info' : held.elsewhere ? 'likely' : 'proven',
        question: held.elsewhere ? `Does every request come as far as ${held.name}?` : undefined,
        message: `${held.name} holds the thread while a request is answered: every other request waits`,
        proof: [
          `line ${sight.file.position(at.start).line} answers requests with this function`,
          held.through.length > 0
            ? `it calls ${held.through.join(', which calls ')}, which calls ${held.name}`
            : `${held.name} returns when it is done, and nothing else runs until then`,
        ],
        saving: 'Other requests go on while this one waits.',
        remedy: /^(?:fs|fs-extra|graceful-fs|child_process|execa|bcrypt|bcryptjs|argon2|glob|fast-glob|globby)$/.test(held.module)
          ? `the asynchronous form: await ${held.name.replace(/Sync$/, '')}(…)`
          : 'a worker function, or the asynchronous form',
      }
    }
  },
}

type MethodNode = Extract<Node, { decorators: unknown; value: unknown; kind: unknown }>

interface Handler {
  readonly handler: Callable
  /** What makes it a handler. */
  readonly at: Node
}

function* handlersOf(sight: Sight): Iterable<Handler> {
  for (const call of sight.file.nodes('CallExpression')) yield* registered(sight, call)
  for (const member of sight.file.nodes<MethodNode['type']>('MethodDefinition') as readonly MethodNode[]) {
    const decorator = member.decorators.find(({ expression }) => {
      const name = expression.type === 'CallExpression' ? expression.callee : expression
      return routes.test(nameOf(name) ?? '')
    })
    if (decorator && member.value.body) yield { handler: member.value as Callable, at: decorator }
  }
  for (const [file, name] of routeFiles) {
    if (!file.test(sight.file.path)) continue
    for (const [exported, { node }] of sight.exports()) {
      const origin = name.test(exported) ? sight.evaluator.origins.of(sight.file, node) : undefined
      if (origin?.kind === 'function' && origin.file === sight.file) yield { handler: origin.node, at: origin.node }
    }
  }
}

/** The functions that a call registers for requests: `app.get('/', fn)`, also one that another file exports. */
function* registered(sight: Sight, call: Extract<Node, { type: 'CallExpression' }>): Iterable<Handler> {
  const callee = bare(call.callee)
  const name = callee.type === 'MemberExpression' ? propertyName(callee) : nameOf(callee)
  if (name === undefined || (name !== 'createServer' && !verbs.has(name))) return
  const origin = sight.evaluator.origins.of(sight.file, callee)
  if (!origin || !('module' in origin) || !servers.test(origin.module)) return
  // `https.get(url, (response) => …)` asks another server.
  if (/^(?:node:)?https?2?$/.test(origin.module) && name !== 'createServer' && !(name === 'on' && origin.kind === 'made')) return
  // `response.on('end', …)` belongs to one answer, `server.on('request', …)` to all.
  const event = name === 'on' && call.arguments[0] ? literalText(call.arguments[0]) : undefined
  if (event !== undefined && !/^(?:request|stream|upgrade|check\w+|on[A-Z]\w*)$/.test(event)) return
  for (const argument of call.arguments) {
    const found = bare(argument)
    const fn = isCallable(found) ? found : undefined
    if (fn) yield { handler: fn, at: call }
    else if (found.type === 'Identifier' || found.type === 'MemberExpression') {
      const named = sight.evaluator.origins.of(sight.file, found)
      if (named?.kind === 'function' && named.file === sight.file) yield { handler: named.node, at: call }
    }
  }
}

interface Held {
  /** In the file of the handler. */
  readonly node: Node
  readonly name: string
  readonly module: string
  /** The functions that lead there. */
  readonly through: readonly string[]
  /** In another file, where conditions may keep requests away from it. */
  readonly elsewhere: boolean
  /** The call that blocks, by its place. */
  readonly cause: string
}

function firstBlocking(sight: Sight, file: SourceFile, fn: Callable, seen: Set<Callable>): Held | undefined {
  if (seen.has(fn) || !fn.body || seen.size > deepest * 8) return undefined
  seen.add(fn)
  let found: Held | undefined
  walk(fn.body, (node) => {
    if (found) return false
    // What a function inside does happens when that is called.
    if (isCallable(node) && node.parent?.type !== 'CallExpression') return false
    if (node.type !== 'CallExpression') return true
    const origin = sight.evaluator.origins.of(file, node.callee)
    if (origin?.kind === 'module') {
      const module = origin.module.replace(/^node:/, '')
      const name = origin.path.at(-1) ?? ''
      if (blocking[module]?.test(name) && !cheap.test(name) && !isOnce(node))
        found = { node, name, module, through: [], elsewhere: file !== sight.file, cause: `${file.path}:${node.start}` }
    } else if (origin?.kind === 'function' && seen.size < deepest && !isOnce(node)) {
      const inner = firstBlocking(sight, origin.file, origin.node, seen)
      const name =
        nameOf(
          bare(node.callee).type === 'MemberExpression' ? (bare(node.callee) as { property: Node }).property : bare(node.callee),
        ) ?? 'a function'
      if (inner) found = { ...inner, node, through: [name, ...inner.through] }
    }
    return !found
  })
  return found
}

/** `cache ??= load()` and `if (!cache) cache = load()` hold the thread once only. */
function isOnce(call: Node): boolean {
  let above: Node | null | undefined = call.parent
  let assigned = false
  for (let i = 0; above && i < 6 && !isCallable(above); i++, above = above.parent) {
    if (above.type === 'AssignmentExpression') {
      if (/^(?:\?\?|\|\|)=$/.test(above.operator)) return true
      assigned = true
    }
    if (above.type === 'IfStatement' && assigned && above.test.type === 'UnaryExpression' && above.test.operator === '!')
      return true
  }
  return false
}
