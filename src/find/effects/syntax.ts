/** What the syntax of a piece of code and of its surroundings says: whether a call is awaited, made once, or part of a transaction. */
import { bare, type Callable, functionAround, isCallable, nameOf, type Node, propertyName, walk } from '../source/ast.ts'
import type { SourceFile, Variable } from '../source/source-file.ts'

/** Methods of promises: what they are called on runs, and so do their callbacks. */
export const settling = new Set(['then', 'catch', 'finally'])

export type CallNode = Extract<Node, { type: 'CallExpression' | 'NewExpression' }>

const handleNames = /^(?:transaction|trx|tx|queryRunner|sharedContext|transactionManager|lock)$/

/** `find({ where, transaction })`: one connection runs one statement after the other. */
export function takesTransaction(call: CallNode): boolean {
  return call.arguments.some((argument) => {
    if (argument.type === 'Identifier') return /^(?:trx|tx|transaction|sharedContext|transactionManager)$/.test(argument.name)
    return (
      argument.type === 'ObjectExpression' &&
      argument.properties.some((property) => property.type === 'Property' && handleNames.test(nameOf(property.key) ?? ''))
    )
  })
}

/** Within the callback of `db.transaction(async (tx) => …)`. */
export function isInTransaction(node: Node): boolean {
  for (let fn = functionAround(node); fn; fn = functionAround(fn)) {
    const call = fn.parent
    if (call?.type === 'CallExpression' && /transaction$/i.test(chainOf(call.callee).at(-1) ?? '')) return true
  }
  return false
}

/** The names that lead to what is called: `this.users.repository.find` is `['this', 'users', 'repository', 'find']`. */
export function chainOf(node: Node): string[] {
  const inner = bare(node)
  if (inner.type === 'MemberExpression') return [...chainOf(inner.object), propertyName(inner) ?? '*']
  if (inner.type === 'CallExpression') return chainOf(inner.callee)
  if (inner.type === 'ThisExpression') return ['this']
  return inner.type === 'Identifier' ? [inner.name] : []
}

/** What a call gives is waited for: by `await`, by a `return` of an async function, by `then`, within `Promise.all`. */
export function isAwaited(call: Node): boolean {
  let node = call
  let above = node.parent
  while (above && above.type !== 'AwaitExpression' && bare(above) !== above) [node, above] = [above, above.parent]
  if (!above) return false
  if (above.type === 'AwaitExpression') return true
  if (above.type === 'ReturnStatement') return functionAround(above)?.async ?? false
  if (above.type === 'ArrowFunctionExpression') return above.body === node && (above.async || isThenCallback(above))
  if (above.type === 'MemberExpression' && above.object === node) return settling.has(propertyName(above) ?? '')
  if (above.type === 'ArrayExpression') {
    const around = above.parent
    return around?.type === 'CallExpression' && chainOf(around.callee)[0] === 'Promise'
  }
  return false
}

/** `promise.then((value) => call(value))` waits for the call. */
function isThenCallback(fn: Node): boolean {
  const call = fn.parent
  return (
    call?.type === 'CallExpression' && call.callee.type === 'MemberExpression' && settling.has(propertyName(call.callee) ?? '')
  )
}

/** `resolve` and `reject` of `new Promise((resolve, reject) => …)`. */
export function settlesExecutor(file: SourceFile, name: Node): boolean {
  const [definition] = file.variableOf(name)?.defs ?? []
  if ((definition?.type as string | undefined) !== 'Parameter') return false
  const parent = (definition?.node as unknown as Node | undefined)?.parent
  return parent?.type === 'NewExpression' && nameOf(parent.callee) === 'Promise'
}

/** A timer that resolves a promise: `new Promise((resolve) => setTimeout(resolve, 100))`. One that rejects it is a limit of time. */
export function settlesInTime(file: SourceFile, timer: CallNode): boolean {
  let found = false
  const [callback] = timer.arguments
  if (callback)
    walk(callback, (node) => {
      if (node.type === 'Identifier' && settlesExecutor(file, node)) {
        const executor = file.variableOf(node)?.defs[0]?.node as unknown as Node
        const [resolve] = isCallable(executor) ? executor.params : []
        if (resolve?.type === 'Identifier' && resolve.name === node.name) found = true
      }
      return !found
    })
  return found
}

/** Declared in the function that makes the call: what a call changes there stays there. */
export function isLocal(file: SourceFile, expression: Node, call: Node): boolean {
  let node = bare(expression)
  while (node.type === 'MemberExpression' || node.type === 'CallExpression') {
    node = bare(node.type === 'MemberExpression' ? node.object : node.callee)
  }
  if (node.type === 'NewExpression') return true
  const variable = node.type === 'Identifier' ? file.variableOf(node) : undefined
  const [definition] = variable?.defs ?? []
  if (!variable || (definition?.type as string) !== 'Variable') return false
  const owner = functionAround(definition?.name as unknown as Node)
  return owner !== undefined && owner === functionAround(call)
}

/** Within a condition, a loop or a handler of a function: not each time that it runs. */
export function isNowAndThen(node: Node, fn: Node): boolean {
  for (let inner = node.parent; inner && inner !== fn; inner = inner.parent) {
    if (
      /^(?:If|While|DoWhile|For|ForOf|ForIn)Statement$|^(?:Conditional|Logical)Expression$|^(?:CatchClause|SwitchCase)$/.test(
        inner.type,
      )
    )
      return true
  }
  return false
}

/** `client ??= open()`, `if (!client) client = open()`, `if (!client) { client = open() }`. */
export function isFirstUse(file: SourceFile, node: Extract<Node, { type: 'AssignmentExpression' }>): boolean {
  if (node.operator === '??=' || node.operator === '||=') return true
  if (node.operator !== '=' || node.right.type === 'AwaitExpression') return false
  const statement = node.parent
  const block = statement?.parent
  const test = block?.type === 'BlockStatement' ? block.parent : block
  if (test?.type !== 'IfStatement' || (test.consequent !== statement && test.consequent !== block)) return false
  const name = file.text.slice(node.left.start, node.left.end)
  const condition = file.text.slice(test.test.start, test.test.end)
  return [`!${name}`, `${name} === undefined`, `${name} === null`, `${name} == null`, `typeof ${name} === 'undefined'`].includes(
    condition,
  )
}

export function isConstant(variable: Variable): boolean {
  return !variable.references.some((reference) => reference.isWrite() && !reference.init)
}

/** A callee as the source writes it, shortened. */
export function sourceName(file: SourceFile, node: Node): string {
  const text = file.text.slice(node.start, node.end).replace(/\s+/g, ' ')
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** What a comment on a function stands before: the statement or the member that holds it. */
export function statementOf(fn: Callable): Node {
  let node: Node = fn
  while (
    node.parent &&
    /^(?:VariableDeclarator|VariableDeclaration|Export\w*Declaration|MethodDefinition|PropertyDefinition|Property)$/.test(
      node.parent.type,
    )
  ) {
    node = node.parent
  }
  return node
}

export function nameOfFunction(fn: Callable): string {
  return fn.type === 'ArrowFunctionExpression' ? 'a function' : (fn.id?.name ?? 'a function')
}
