/**
 * Writes code that runs things at once as a person would have written it one after the other.
 *
 * | at once | one after the other |
 * |---|---|
 * | `const [a, b] = await Promise.all([f(), g()])` | `const a = await f(); const b = await g()` |
 * | `const all = await Promise.all(items.map(async (item) => …))` | `const all = []; for (const item of items) { all.push(await …) }` |
 *
 * `await`, `return` and statements that drop the result are understood; `p-map` counts as `Promise.all` of a map. What is started elsewhere
 * (`Promise.all(started)`) stays, because its sequence would be a guess.
 */
import { parseSync, visitorKeys } from 'oxc-parser'

/** @typedef {{ kind: 'calls' | 'rounds', start: number, end: number, line: number }} Site a rewritten place, in offsets of the new text */

/** @returns {{ text: string, sites: Site[] }} */
export function sequential(path, text) {
  const lang = /\.[cm]?ts$/.test(path) ? 'ts' : path.endsWith('.tsx') ? 'tsx' : 'jsx'
  const { program, errors } = parseSync(path, text, { astType: 'ts', range: true, preserveParens: false, lang })
  if (errors.some(({ severity }) => severity === 'Error')) return { text, sites: [] }
  const edits = []
  visit(program, (node) => {
    if (node.type !== 'BlockStatement' && node.type !== 'Program') return
    for (const statement of node.body) {
      const edit = ofStatement(statement, text)
      if (edit) edits.push(edit)
    }
  })
  edits.sort((a, b) => a.start - b.start || b.end - a.end)
  const sites = []
  let result = ''
  let from = 0
  for (const { start, end, replacement, kind } of edits) {
    if (start < from) continue
    result += text.slice(from, start)
    sites.push({ kind, start: result.length, end: result.length + replacement.length, line: lineAt(text, start) })
    result += replacement
    from = end
  }
  return { text: result + text.slice(from), sites }
}

function ofStatement(statement, text) {
  const parts = partsOf(statement)
  const call = parts && bare(parts.value)
  if (call?.type !== 'CallExpression') return undefined
  const source = (node) => text.slice(node.start, node.end)
  const callee = source(call.callee)
  const [argument, second] = call.arguments
  let made
  if (callee === 'Promise.all' && argument) {
    const list = bare(argument)
    made =
      list.type === 'ArrayExpression'
        ? calls(list, parts, source)
        : list.type === 'CallExpression' && list.callee.type === 'MemberExpression' && list.callee.property.name === 'map'
          ? rounds(source(list.callee.object), list.arguments[0], parts, source, text)
          : undefined
  } else if (callee === 'pMap' && second) made = rounds(source(argument), second, parts, source, text)
  return made && { start: statement.start, end: statement.end, ...made }
}

/** What a statement waits for, and what becomes of the result. */
function partsOf(statement) {
  if (statement.type === 'ExpressionStatement' && statement.expression.type === 'AwaitExpression')
    return { use: 'drop', value: statement.expression.argument }
  if (statement.type === 'ReturnStatement' && statement.argument) {
    const { argument } = statement
    return { use: 'return', value: argument.type === 'AwaitExpression' ? argument.argument : argument }
  }
  if (statement.type !== 'VariableDeclaration' || statement.declarations.length !== 1) return undefined
  const [{ id, init }] = statement.declarations
  return init?.type === 'AwaitExpression' ? { use: 'declare', kind: statement.kind, id, value: init.argument } : undefined
}

function calls(list, { use, kind, id }, source) {
  const { elements } = list
  if (elements.length < 2 || !elements.every((element) => element && bare(element).type === 'CallExpression')) return undefined
  const lines = []
  const names = elements.map((element, i) => {
    if (use === 'drop') lines.push(`await ${source(element)}`)
    else if (use === 'declare' && id.type === 'ArrayPattern') {
      const target = id.elements[i]
      lines.push(target ? `${kind} ${source(target)} = await ${source(element)}` : `await ${source(element)}`)
    } else lines.push(`const part${i} = await ${source(element)}`)
    return `part${i}`
  })
  if (use === 'declare' && id.type === 'ArrayPattern' && id.elements.length > elements.length) return undefined
  if (use === 'return') lines.push(`return [${names.join(', ')}]`)
  if (use === 'declare' && id.type !== 'ArrayPattern') lines.push(`${kind} ${source(id)} = [${names.join(', ')}]`)
  return { kind: 'calls', replacement: `${lines.join(';\n')};` }
}

function rounds(items, fn, { use, kind, id }, source, text) {
  const callback = fn && bare(fn)
  if (!callback || (use === 'declare' && id.type !== 'Identifier')) return undefined
  const all = use === 'declare' ? id.name : use === 'return' ? 'all' : undefined
  const take = (value) => (all ? `${all}.push(${value});` : `${value};`)
  let body
  let head = `const item of ${items}`
  if (callback.type === 'ArrowFunctionExpression' || callback.type === 'FunctionExpression') {
    const [item, index, third] = callback.params
    if (!item || third || item.type === 'RestElement' || item.type === 'AssignmentPattern') return undefined
    const pattern = item.typeAnnotation ? text.slice(item.start, item.typeAnnotation.start) : source(item)
    head = index ? `const [${source(index)}, ${pattern}] of ${items}.entries()` : `const ${pattern} of ${items}`
    body =
      callback.body.type === 'BlockStatement'
        ? block(callback.body, take, all, source, text)
        : take(awaited(callback.body, source))
  } else if (callback.type === 'Identifier' || callback.type === 'MemberExpression')
    body = take(`await ${source(callback)}(item)`)
  // A callback that waits for nothing was never work at once.
  if (body === undefined || !/\bawait\b/.test(body)) return undefined
  const loop = `for (${head}) {\n${body}\n}`
  const annotation = use === 'declare' && id.typeAnnotation ? source(id.typeAnnotation) : ''
  return {
    kind: 'rounds',
    replacement: `${all ? `${kind === 'const' || !kind ? 'const' : kind} ${all}${annotation} = [];\n` : ''}${loop}${use === 'return' ? `\nreturn all;` : ''}`,
  }
}

/** What a callback gives back, waited for where it may be a promise. */
function awaited(value, source) {
  const { type } = bare(value)
  if (type === 'CallExpression') return `await ${source(value)}`
  return type === 'ConditionalExpression' || type === 'LogicalExpression' ? `await (${source(value)})` : source(value)
}

/** The statements of a callback, with `continue` in place of `return`; undefined where a `return` stands within a loop of its own. */
function block(node, take, all, source, text) {
  const edits = []
  let nested = false
  visit(node, (inner, above) => {
    if (inner !== node && /Function/.test(inner.type)) return false
    if (inner.type !== 'ReturnStatement') return true
    if (above.some(({ type }) => /^(?:For|While|DoWhile|Switch)/.test(type))) nested = true
    const value = inner.argument
    const last = node.body.at(-1) === inner
    const taken = value
      ? all || bare(value).type === 'CallExpression' || bare(value).type === 'AwaitExpression'
        ? take(awaited(value, source))
        : ''
      : all
        ? take('undefined')
        : ''
    edits.push({ start: inner.start, end: inner.end, text: last ? taken : `{ ${taken} continue; }` })
    return false
  })
  if (nested) return undefined
  let result = ''
  let from = node.start + 1
  for (const { start, end, text: replacement } of edits) {
    result += text.slice(from, start) + replacement
    from = end
  }
  return result + text.slice(from, node.end - 1)
}

function bare(node) {
  return /^(?:TSAs|TSSatisfies|TSNonNull|TSTypeAssertion|Chain|Parenthesized)/.test(node.type) ? bare(node.expression) : node
}

function visit(node, enter, above = []) {
  if (enter(node, above) === false) return
  for (const key of visitorKeys[node.type] ?? []) {
    for (const child of [node[key]].flat()) if (typeof child?.type === 'string') visit(child, enter, [...above, node])
  }
}

function lineAt(text, offset) {
  return text.slice(0, offset).split('\n').length
}
