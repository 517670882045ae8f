/**
 * A loop as `map` of heddle, or as `Promise.all` over a short list that is written out.
 *
 * What rounds add to a list comes from what they return, so that it has the order of the rounds. There is no rewrite where that cannot be told
 * from the source: additions in the middle of a round, or in a `try` whose handler would find the list half filled.
 */
import type { Edit } from '../../findings/finding.ts'
import { bare, functionAround, isCallable, isInside, isLoop, type Node, propertyName, walk } from '../source/ast.ts'
import type { Variable } from '../source/source-file.ts'
import { boundedMap } from './bounded-map.ts'
import type { Sight } from './rule.ts'
import { indentBefore } from './steps.ts'

type ForOf = Extract<Node, { type: 'ForOfStatement' }>
type Block = Extract<Node, { type: 'BlockStatement' }>
type Call = Extract<Node, { type: 'CallExpression' }>

/** Lists that are written out with at most this many parts need no bound. Chosen. */
const shortList = 10

export function isShortList(loop: Node): boolean {
  if (loop.type !== 'ForOfStatement') return false
  const list = bare(loop.right)
  return (
    list.type === 'ArrayExpression' &&
    list.elements.length <= shortList &&
    !list.elements.some((element) => element?.type === 'SpreadElement')
  )
}

export function rewriteLoop(sight: Sight, loop: Node): readonly Edit[] | undefined {
  if (loop.type !== 'ForOfStatement' || loop.left.type !== 'VariableDeclaration') return undefined
  const [declarator] = loop.left.declarations
  if (!declarator || losesNarrowing(sight, loop)) return undefined
  const { text } = sight.file
  const pattern = text.slice(declarator.id.start, declarator.id.end)
  const list = text.slice(loop.right.start, loop.right.end)
  const short = isShortList(loop)
  const map = short ? undefined : boundedMap(sight)
  if (!short && !map) return undefined
  const round = roundOf(sight, loop)
  if (!round) return undefined
  const callback = `async (${pattern}) => ${round.body}`
  // `[…] as const` binds less tightly than the dot.
  const receiver = loop.right.type === 'ArrayExpression' ? list : `(${list})`
  const all = map
    ? `await ${map.name}(${list}, ${callback}, { concurrency: 8 })`
    : `await Promise.all(${receiver}.map(${callback}))`
  const end = usesSemicolons(sight) ? ';' : ''
  const { collected } = round
  if (!collected) return [{ start: loop.start, end: loop.end, text: `${all}${end}` }, ...(map?.edits ?? [])]
  const values = collected.severalEach ? `(${all}).flat()` : all
  const made = declaredBefore(loop, collected.name)
  if (made) {
    const comments = text.slice(made.statement.end, loop.start).trim()
    const left = `${made.statement.kind} ${text.slice(made.name.start, made.name.end)}`
    const before = comments === '' ? '' : `${comments}\n${indentBefore(text, loop.start)}`
    return [{ start: made.statement.start, end: loop.end, text: `${before}${left} = ${values}${end}` }, ...(map?.edits ?? [])]
  }
  // `list.push(...values)` has as many arguments as there are values, and more than the stack holds end the program.
  const each = text.includes('value') ? 'ofRound' : 'value'
  const added = `for (const ${each} of ${values}) ${collected.name}.${collected.method}(${each})${end}`
  return [{ start: loop.start, end: loop.end, text: added }, ...(map?.edits ?? [])]
}

/** `const list = []` right before the loop. */
function declaredBefore(
  loop: Node,
  name: string,
): { readonly statement: Extract<Node, { type: 'VariableDeclaration' }>; readonly name: Node } | undefined {
  const statement = nextTo(loop, -1)
  if (statement?.type !== 'VariableDeclaration' || statement.declarations.length !== 1 || statement.kind === 'var')
    return undefined
  const [declarator] = statement.declarations
  if (declarator?.id.type !== 'Identifier' || declarator.id.name !== name) return undefined
  return declarator.init?.type === 'ArrayExpression' && declarator.init.elements.length === 0
    ? { statement, name: declarator.id }
    : undefined
}

interface Round {
  /** What stands behind the arrow: a block that returns what the round adds, or that value. */
  readonly body: string
  readonly collected: { readonly name: string; readonly method: string; readonly severalEach: boolean } | undefined
}

function roundOf(sight: Sight, loop: ForOf): Round | undefined {
  const { text } = sight.file
  const additions = additionsIn(loop.body)
  if (loop.body.type !== 'BlockStatement') {
    const plain = text.slice(loop.body.start, loop.body.end)
    return additions.length === 0 ? { body: `{ ${plain} }`, collected: undefined } : fromBlock(sight, loop, additions)
  }
  return fromBlock(sight, loop, additions)
}

function fromBlock(sight: Sight, loop: ForOf, additions: readonly Addition[]): Round | undefined {
  const { text } = sight.file
  const continues = continuesIn(loop.body)
  if (additions.length === 0) {
    const edits = continues.map((node) => ({ start: node.start, end: node.start + 'continue'.length, text: 'return' }))
    return { body: edit(text, loop.body, edits), collected: undefined }
  }
  const [{ name, method }] = additions as [Addition]
  const variable = sight.file.variableOf(additions[0]?.list as Node)
  if (!variable || additions.some((other) => sight.file.variableOf(other.list) !== variable || other.method !== method))
    return undefined
  if (usedOtherwise(sight, loop.body, variable, additions) || isSeenHalfFilled(loop, variable)) return undefined
  const ends = endsOf(loop.body)
  if (!additions.every(({ statement }) => ends.has(statement))) return undefined
  const [only, ...more] = additions
  const single =
    only &&
    more.length === 0 &&
    continues.length === 0 &&
    only.call.arguments.length === 1 &&
    only.call.arguments[0]?.type !== 'SpreadElement' &&
    (only.statement.parent === loop.body || only.statement === loop.body)
  if (single && (only.statement === loop.body || loop.body.type !== 'BlockStatement' || loop.body.body.length === 1)) {
    const [value] = only.call.arguments
    const source = value ? text.slice(value.start, value.end) : ''
    const plain = !text.slice(loop.body.start, loop.body.end).includes('//')
    if (plain)
      return {
        body: value?.type === 'ObjectExpression' ? `(${source})` : source,
        collected: { name, method, severalEach: false },
      }
  }
  const semicolon = additions.some(({ statement }) => text[statement.end - 1] === ';') ? ';' : ''
  const edits: Edit[] = additions.map(({ call, statement }) => {
    const [first, last] = [call.arguments[0], call.arguments.at(-1)]
    const values = first && last ? text.slice(first.start, last.end) : ''
    // A `continue` right behind it has nothing left to skip.
    const next = nextTo(statement)
    const end = next?.type === 'ContinueStatement' ? next.end : statement.end
    return { start: statement.start, end, text: single ? `return ${values}${semicolon}` : `return [${values}]${semicolon}` }
  })
  for (const node of continues) {
    if (edits.some(({ start, end }) => node.start >= start && node.end <= end)) continue
    edits.push({ start: node.start, end: node.end, text: `return []${semicolon}` })
  }
  let body = edit(text, loop.body, edits)
  if (loop.body.type !== 'BlockStatement') body = `{ ${body} }`
  if (!single && mayReachEnd(loop.body, additions)) {
    const closing = body.lastIndexOf('}')
    const lines = body.slice(0, closing)
    const indent = /\n([ \t]*)$/.exec(lines)?.[1]
    body = `${lines.trimEnd()}${indent === undefined ? '; ' : `\n${indent}  `}return []${semicolon}${indent === undefined ? ' ' : `\n${indent}`}}`
  }
  return { body, collected: { name, method, severalEach: !single } }
}

interface Addition {
  readonly call: Call
  readonly statement: Node
  readonly list: Node
  readonly name: string
  readonly method: 'push' | 'add'
}

/** `list.push(…)` and `set.add(…)` of a variable, as a statement. */
function additionsIn(body: Node): Addition[] {
  const found: Addition[] = []
  walk(body, (node) => {
    if (isCallable(node)) return false
    if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return true
    const { object } = node.callee
    const method = propertyName(node.callee)
    const statement = node.parent
    if (object.type !== 'Identifier' || statement?.type !== 'ExpressionStatement') return true
    if (method === 'push' || method === 'add') found.push({ call: node, statement, list: object, name: object.name, method })
    return true
  })
  // A list of the round itself is nobody else's.
  return found.filter(({ name }) => !declares(body, name))
}

function declares(body: Node, name: string): boolean {
  let found = false
  walk(body, (node) => {
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier' && node.id.name === name) found = true
    return !found
  })
  return found
}

/** `continue` of this loop. Labels are another rule's reason not to come here. */
function continuesIn(body: Node): Node[] {
  const found: Node[] = []
  walk(body, (node) => {
    if (isCallable(node) || (isLoop(node) && node !== body)) return false
    if (node.type === 'ContinueStatement') found.push(node)
    return true
  })
  return found
}

/** Something else is done with the list in a round, or another list than those of the additions is added to. */
function usedOtherwise(sight: Sight, body: Node, variable: Variable, additions: readonly Addition[]): boolean {
  let found = false
  walk(body, (node) => {
    if (node.type === 'Identifier' && sight.file.variableOf(node) === variable && !additions.some(({ list }) => list === node))
      found = true
    return !found
  })
  return found
}

/** A handler around the loop would see what rounds before a failure have added. */
function isSeenHalfFilled(loop: Node, variable: Variable): boolean {
  const declared = variable.defs[0]?.name as unknown as Node | undefined
  if (!declared) return true
  const around = functionAround(loop)
  // A list of somebody else may be looked at whenever a round waits.
  if (functionAround(declared) !== around || (variable.defs[0]?.type as string) === 'Parameter') return true
  for (let above = loop.parent; above && above !== around; above = above.parent) {
    if (above.type === 'TryStatement' && isInside(loop, above.block) && !isInside(declared, above.block)) return true
  }
  return false
}

/** Statements after which a round is over, whatever happens. */
function endsOf(body: Node): Set<Node> {
  const ends = new Set<Node>()
  const visit = (node: Node | null | undefined): void => {
    if (!node) return
    ends.add(node)
    if (node.type === 'BlockStatement') {
      visit(node.body.at(-1))
      // What stands before a `continue` is over with it.
      for (const [i, statement] of node.body.entries()) if (node.body[i + 1]?.type === 'ContinueStatement') visit(statement)
    } else if (node.type === 'IfStatement') {
      visit(node.consequent)
      visit(node.alternate)
    } else if (node.type === 'TryStatement' && !node.finalizer) {
      visit(node.block)
      visit(node.handler?.body)
    }
  }
  visit(body)
  // A `continue` deeper inside ends the round too, with what stands right before it.
  walk(body, (node) => {
    if (isCallable(node) || (isLoop(node) && node !== body)) return false
    if (node.type === 'ContinueStatement') {
      const before = nextTo(node, -1)
      if (before) ends.add(before)
    }
    return true
  })
  return ends
}

function nextTo(statement: Node, step = 1): Node | undefined {
  const block = statement.parent
  if (block?.type !== 'BlockStatement' && block?.type !== 'Program') return undefined
  return block.body[block.body.indexOf(statement as Block['body'][number]) + step]
}

/** Not every way through the round ends with an addition at its end. */
function mayReachEnd(body: Node, additions: readonly Addition[]): boolean {
  const returns = (node: Node | null | undefined): boolean => {
    if (!node) return false
    if (additions.some(({ statement }) => statement === node)) return true
    if (node.type === 'ContinueStatement' || node.type === 'ThrowStatement') return true
    if (node.type === 'BlockStatement') return returns(node.body.at(-1))
    if (node.type === 'IfStatement') return returns(node.consequent) && returns(node.alternate)
    if (node.type === 'TryStatement') return returns(node.block) && returns(node.handler?.body)
    return false
  }
  return !returns(body)
}

/**
 * What a condition around the loop has found out about a property (`if (options.filter)`) the types forget inside a function. Such code would no
 * longer pass the type check.
 */
function losesNarrowing(sight: Sight, loop: ForOf): boolean {
  const { text } = sight.file
  const around = functionAround(loop)
  const tested: string[] = []
  walk(around ?? sight.file.program, (node) => {
    if (node.start >= loop.start) return false
    if (node.type === 'IfStatement' || node.type === 'ConditionalExpression')
      tested.push(text.slice(node.test.start, node.test.end))
    if (node.type === 'CallExpression' && /^(?:assert|invariant)/.test(text.slice(node.callee.start, node.callee.end)))
      tested.push(text.slice(node.start, node.end))
    return true
  })
  if (tested.length === 0) return false
  let lost = false
  walk(loop.body, (node) => {
    if (node.type === 'MemberExpression' && !isOfLoop(sight, loop, node)) {
      const path = text.slice(node.start, node.end).replace(/\?\./g, '.')
      if (tested.some((test) => test.replace(/\?\./g, '.').includes(path))) lost = true
    } else if (node.type === 'Identifier' && isReassigned(sight, node) && tested.some((test) => mentions(test, node.name))) {
      lost = true
    }
    return !lost
  })
  return lost
}

function mentions(test: string, name: string): boolean {
  return new RegExp(`(?<![\\w$.])${name.replaceAll('$', '\\$')}(?![\\w$])`).test(test)
}

function isOfLoop(sight: Sight, loop: Node, member: Node): boolean {
  let root: Node = member
  while (root.type === 'MemberExpression') root = bare(root.object)
  if (root.type !== 'Identifier') return false
  const declared = sight.file.variableOf(root)?.defs[0]?.name as unknown as Node | undefined
  return declared !== undefined && isInside(declared, loop)
}

/** A `let` or a parameter that is assigned: closures do not keep what was found out about it. */
function isReassigned(sight: Sight, identifier: Node): boolean {
  return sight.file.variableOf(identifier)?.references.some((reference) => reference.isWrite() && !reference.init) ?? false
}

function usesSemicolons({ file }: Sight): boolean {
  const [first] = file.program.body.filter(({ type }) => /^(?:Import|Variable|Expression)/.test(type))
  return first === undefined || file.text[first.end - 1] === ';'
}

function edit(text: string, node: Node, edits: readonly Edit[]): string {
  let result = text.slice(node.start, node.end)
  for (const { start, end, text: replacement } of edits.toSorted((a, b) => b.start - a.start))
    result = result.slice(0, start - node.start) + replacement + result.slice(end - node.start)
  return result
}
