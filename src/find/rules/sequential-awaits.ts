/** Awaits next to each other that do not depend on one another. */
import { conflict, type Effect } from '../effects/effect.ts'
import { soundsLikeReading } from '../effects/guess.ts'
import { sourceName } from '../effects/evaluate.ts'
import { bare, isCallable, type Node, walk } from '../source/ast.ts'
import type { Edit } from '../../findings/finding.ts'
import { describeEffect, type Found, isSlow, openCalls, type Rule, type Sight, soundsHarmless, soundsLikeGuard } from './rule.ts'

interface Step {
  readonly statement: Node
  /** What is awaited. */
  readonly expression: Node
  /** The pattern or name that gets the result. */
  readonly target: Node | undefined
  readonly kind: 'const' | 'let' | 'var' | 'assign' | 'drop'
  readonly effect: Effect
}

export const sequentialAwaits: Rule = {
  name: 'sequential-awaits',
  *find(sight) {
    for (const type of ['BlockStatement', 'Program', 'SwitchCase'] as const) {
      for (const block of sight.file.nodes(type)) {
        const statements: readonly Node[] = block.type === 'SwitchCase' ? block.consequent : block.body
        for (const group of groups(sight, statements)) {
          const found = judge(sight, group)
          if (found) yield found
        }
      }
    }
  },
}

/** Runs of steps in which each is independent of all before it. */
function* groups(sight: Sight, statements: readonly Node[]): Iterable<Step[]> {
  let group: Step[] = []
  for (const statement of statements) {
    const step = stepOf(sight, statement)
    if (step && group.every((earlier) => independent(earlier, step))) group.push(step)
    else {
      if (group.length > 1) yield group
      group = step ? [step] : []
    }
  }
  if (group.length > 1) yield group
}

function stepOf(sight: Sight, statement: Node): Step | undefined {
  const parts = partsOf(statement)
  if (!parts) return undefined
  const { expression } = parts
  if (bare(expression).type !== 'CallExpression') return undefined
  const effect = sight.evaluator.effectOf(sight.file, statement)
  if (effect.ordered || !isSlow(effect)) return undefined
  const name = sourceName(sight.file, (bare(expression) as Extract<Node, { type: 'CallExpression' }>).callee)
  if (soundsLikeGuard(name)) return undefined
  return { statement, ...parts, effect }
}

function partsOf(statement: Node): Pick<Step, 'expression' | 'target' | 'kind'> | undefined {
  if (statement.type === 'VariableDeclaration') {
    const [declarator] = statement.declarations
    if (statement.declarations.length !== 1 || declarator?.init?.type !== 'AwaitExpression') return undefined
    const { kind } = statement
    if (kind !== 'const' && kind !== 'let' && kind !== 'var') return undefined
    return { expression: declarator.init.argument, target: declarator.id, kind }
  }
  if (statement.type !== 'ExpressionStatement') return undefined
  const { expression } = statement
  if (expression.type === 'AwaitExpression') return { expression: expression.argument, target: undefined, kind: 'drop' }
  if (expression.type !== 'AssignmentExpression' || expression.operator !== '=' || expression.right.type !== 'AwaitExpression')
    return undefined
  return { expression: expression.right.argument, target: expression.left, kind: 'assign' }
}

/** The later step neither takes the result of the earlier one nor touches what that one changes. */
function independent(earlier: Step, later: Step): boolean {
  if (earlier.target) {
    const names = namesIn(earlier.target)
    let used = false
    walk(later.statement, (node) => {
      if (node.type === 'Identifier' && names.includes(node.name) && !isOnlyAName(node)) used = true
      return !used
    })
    if (used) return false
  }
  return !conflict(withoutLog(earlier.effect), withoutLog(later.effect))
}

/** Names of variables and roots of properties that a pattern assigns. */
function namesIn(pattern: Node): string[] {
  const names: string[] = []
  walk(pattern, (node) => {
    if (node.type === 'Identifier' && !isOnlyAName(node)) names.push(node.name)
    return !isCallable(node) && !node.type.startsWith('TS')
  })
  return names
}

/** `data` in `{ data: users }` and in `response.data` is not a variable. */
function isOnlyAName(node: Node): boolean {
  const { parent } = node
  if (parent?.type === 'Property') return parent.key === node && parent.value !== node && !parent.computed
  return parent?.type === 'MemberExpression' && parent.property === node && !parent.computed
}

function withoutLog(effect: Effect): Effect {
  const copy = Object.create(effect) as Effect
  const keep = (places: ReadonlyMap<string, Node>): Map<string, Node> =>
    new Map(
      [...places].filter(
        ([place]) => !place.startsWith('@console') && !place.startsWith('@random') && !place.startsWith('@clock'),
      ),
    )
  return Object.assign(copy, { reads: keep(effect.reads), writes: keep(effect.writes) })
}

function judge(sight: Sight, group: readonly Step[]): Found | undefined {
  const [first] = group
  const last = group.at(-1)
  if (!first || !last) return undefined
  const writers = group.filter(({ effect }) => effect.outsideWrites.length > 0)
  const unknown = group.filter(({ effect }) => effect.unknown.size > 0)
  const logs = group.filter(({ effect }) => [...effect.writes.keys()].some((place) => place.startsWith('@console')))
  // A result that nobody takes: the call is made for what it does, or to stop what follows.
  const dropped = group.slice(0, -1).some(({ kind }) => kind === 'drop')
  let tier: Found['tier'] = 'proven'
  let question: string | undefined
  const open = openCalls(group.map(({ effect }) => effect))
  if (unknown.length > 0) {
    const names = open
    tier =
      (unknown.every((step) => soundsHarmless(step.effect) || readsByName(sight, step)) && !dropped) ||
      sameCallOfOthers(sight, group)
        ? 'likely'
        : 'info'
    question = `Does ${names.slice(0, 2).join(' or ')} need what ran before it?`
  } else if (dropped) {
    tier = writers.length === 0 ? 'info' : 'likely'
    question = `Must ${called(sight, first)} have succeeded before ${called(sight, last)} starts?`
  } else if (writers.length > 0) {
    tier = 'likely'
    question = `May ${called(sight, writers.at(-1) as Step)} have an effect when another call fails?`
  } else if (open.length > 0) {
    tier = 'likely'
    question = `Does ${open.slice(0, 2).join(' or ')} need what ran before it?`
  } else if (logs.length > 1) {
    tier = 'likely'
    question = 'Does the order of the log lines matter?'
  }
  if (sight.ordered) tier = 'info'
  const fix = tier === 'info' ? undefined : rewrite(sight, group)
  return {
    node: first.statement,
    last: last.statement,
    tier,
    message: `${count(group.length)} awaits in a row that do not depend on one another`,
    proof: group.map((step) => `${called(sight, step)} ${describeEffect(sight, step.effect)}`),
    question,
    saving: 'The group takes as long as its slowest call. The first failure is thrown while the others still run.',
    remedy: 'await Promise.all([…])',
    fix,
  }
}

/** A function that says that it reads, and of which nothing known writes. */
function readsByName(sight: Sight, step: Step): boolean {
  return step.effect.outsideWrites.length === 0 && soundsLikeReading(called(sight, step).slice(0, -2))
}

/** Calls of one function that begin with different constants, like paths: each is about something of its own. */
function sameCallOfOthers(sight: Sight, group: readonly Step[]): boolean {
  const names = new Set(group.map((step) => called(sight, step)))
  const [name = ''] = names
  if (names.size !== 1 || inOrder.test(name)) return false
  const subjects = group.map(({ expression }) => {
    const call = bare(expression)
    const [argument] = call.type === 'CallExpression' ? call.arguments : []
    return argument && (argument.type === 'Literal' || argument.type === 'TemplateLiteral')
      ? sight.file.text.slice(argument.start, argument.end)
      : ''
  })
  return !subjects.includes('') && new Set(subjects).size === subjects.length
}

/** Functions of which the first constant is what to do, not what to do it with. */
const inOrder =
  /(?:^|\.)(?:exec\w*|run\w*|spawn\w*|\$|sh|git|npm|npx|pnpm|yarn|query|execute\w*|write|print|log|append|type|press|click|fill|goto|step|task|emit|dispatch|send\w*|call|request|command|test|it|describe|set\w*|say|ask|wait\w*)\(\)$/

function called(sight: Sight, { expression }: Step): string {
  const call = bare(expression)
  return `${sourceName(sight.file, call.type === 'CallExpression' ? call.callee : call)}()`
}

function count(n: number): string {
  return ['No', 'One', 'Two', 'Three', 'Four', 'Five', 'Six'][n] ?? String(n)
}

/** One statement with `Promise.all`. Undefined where names would have to be declared in two ways, or a comment would be lost. */
function rewrite(sight: Sight, group: readonly Step[]): Edit[] | undefined {
  const { text } = sight.file
  const kinds = new Set(group.map(({ kind }) => kind).filter((kind) => kind !== 'drop'))
  if (kinds.size > 1 || kinds.has('var')) return undefined
  const [kind] = kinds
  const [first] = group
  const last = group.at(-1)
  if (!first || !last) return undefined
  if (group.some(({ target }) => target && 'typeAnnotation' in target && target.typeAnnotation)) return undefined
  const indent = indentBefore(text, first.statement.start)
  const lines = group.map(({ statement, expression }, i) => {
    const before = i === 0 ? '' : text.slice((group[i - 1] as Step).statement.end, statement.start)
    const comments = before
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
    const source = text.slice(expression.start, expression.end).replaceAll('\n', '\n  ')
    return [...comments, `${source},`].map((line) => `${indent}  ${line}`).join('\n')
  })
  const semicolon = text[last.statement.end - 1] === ';' ? ';' : ''
  const targets = group.map(({ target }) => (target ? text.slice(target.start, target.end) : ''))
  while (targets.at(-1) === '') targets.pop()
  const all = `await Promise.all([\n${lines.join('\n')}\n${indent}])`
  const left = targets.length === 0 ? '' : kind === 'assign' ? `[${targets.join(', ')}] = ` : `${kind} [${targets.join(', ')}] = `
  // Without semicolons a line that begins with a bracket would go on the line before.
  const guard = left.startsWith('[') && semicolon === '' ? ';' : ''
  return [{ start: first.statement.start, end: last.statement.end, text: `${guard}${left}${all}${semicolon}` }]
}

/** The blanks between the start of a line and `offset`. */
function indentBefore(text: string, offset: number): string {
  let from = offset
  while (text[from - 1] === ' ' || text[from - 1] === '\t') from--
  return text.slice(from, offset)
}
