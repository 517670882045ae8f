/** Statements that await one call: what rules about sequences are made of. */
import { conflict, type Effect } from '../effects/effect.ts'
import { sourceName } from '../effects/syntax.ts'
import { bare, isCallable, type Node, walk } from '../source/ast.ts'
import { isSlow, type Sight, soundsLikeGuard } from './rule.ts'

export interface Step {
  readonly statement: Node
  /** What is awaited. */
  readonly expression: Node
  /** The pattern or name that gets the result. */
  readonly target: Node | undefined
  readonly kind: 'const' | 'let' | 'var' | 'assign' | 'drop'
  readonly effect: Effect
}

/** @returns undefined for statements that do anything else, keep their place or guard what follows */
export function stepOf(sight: Sight, statement: Node): Step | undefined {
  const parts = partsOf(statement)
  if (!parts) return undefined
  const { expression } = parts
  if (bare(expression).type !== 'CallExpression') return undefined
  const effect = sight.evaluator.effectOf(sight.file, statement)
  if (effect.keepsItsPlace || !isSlow(effect)) return undefined
  const name = sourceName(sight.file, (bare(expression) as Extract<Node, { type: 'CallExpression' }>).callee)
  if (soundsLikeGuard(name)) return undefined
  return { statement, ...parts, effect }
}

/** A statement that could be a step, at a glance: most blocks have none next to each other. */
export function looksLikeStep(statement: Node): boolean {
  return partsOf(statement) !== undefined
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
export function independent(earlier: Step, later: Step): boolean {
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

export function withoutLog(effect: Effect): Effect {
  const copy = Object.create(effect) as Effect
  const keep = (places: ReadonlyMap<string, Node>): Map<string, Node> =>
    new Map(
      [...places].filter(
        ([place]) => !place.startsWith('@console') && !place.startsWith('@random') && !place.startsWith('@clock'),
      ),
    )
  return Object.assign(copy, { reads: keep(effect.reads), writes: keep(effect.writes) })
}

export function called(sight: Sight, { expression }: Step): string {
  const call = bare(expression)
  return `${sourceName(sight.file, call.type === 'CallExpression' ? call.callee : call)}()`
}

/** The blanks between the start of a line and `offset`. */
export function indentBefore(text: string, offset: number): string {
  let from = offset
  while (text[from - 1] === ' ' || text[from - 1] === '\t') from--
  return text.slice(from, offset)
}
