/** A promise that is started late though its inputs were there early: `const a = await f(); const b = use(a); const c = await g()`. */
import { conflict, Effect } from '../effects/effect.ts'
import { sourceName } from '../effects/syntax.ts'
import { leavesByName } from '../effects/guess.ts'
import { isCallable, isInside, type Node, walk } from '../source/ast.ts'
import type { Edit } from '../../findings/finding.ts'
import {
  describeEffect,
  type Found,
  isSlow,
  openCalls,
  type Rule,
  saysInOrder,
  type Sight,
  soundsHarmless,
  soundsLikeGuard,
} from './rule.ts'
import { called, independent, indentBefore, looksLikeStep, type Step, stepOf, withoutLog } from './steps.ts'

export const lateStart: Rule = {
  name: 'late-start',
  *find(sight) {
    for (const type of ['BlockStatement', 'Program'] as const) {
      for (const block of sight.file.nodes(type)) {
        const statements: readonly Node[] = block.body
        if (statements.filter(looksLikeStep).length < 2) continue
        for (let at = 2; at < statements.length; at++) {
          const found = judge(sight, statements, at)
          if (found) yield found
        }
      }
    }
  },
}

function judge(sight: Sight, statements: readonly Node[], at: number): Found | undefined {
  if (!statements.slice(0, at).some(looksLikeStep)) return undefined
  const late = stepOf(sight, statements[at] as Node)
  if (!late?.target || late.effect.outsideWrites.length > 0) return undefined
  const between = new Effect()
  let first: Step | undefined
  for (let i = at - 1; i >= 0; i--) {
    const statement = statements[i] as Node
    if (mayExit(sight, statement) || guards(sight, statement)) break
    const step = stepOf(sight, statement)
    // Neighbours that do not depend on one another are another rule's.
    if (step && i === at - 1 && independent(step, late)) return undefined
    const effect = sight.evaluator.effectOf(sight.file, statement)
    // What a write changes may be what the late call reads in another way: a relation, a trigger, a cache.
    if (
      effect.keepsItsPlace ||
      effect.outsideWrites.length > 0 ||
      !soundsHarmless(effect) ||
      usesNamesOf(sight, statement, late) ||
      conflict(withoutLog(effect), withoutLog(late.effect))
    )
      break
    between.add(effect)
    if (step && isSlow(effect)) first = step
  }
  if (!first) return undefined
  const open = openCalls([late.effect, between])
  const kept = sight.ordered || saysInOrder(sight, late.statement) || !soundsHarmless(late.effect)
  const tier = kept ? 'info' : open.length > 0 ? 'likely' : 'proven'
  return {
    node: late.statement,
    tier,
    message: `${called(sight, late)} starts late: everything that it needs was there before ${called(sight, first)} was awaited`,
    proof: [
      `${called(sight, late)} ${describeEffect(sight, late.effect)}`,
      `what runs before it, from line ${sight.file.position(first.statement.start).line}, ${describeEffect(sight, between)}`,
    ],
    question: tier === 'proven' ? undefined : `Does ${open[0] ?? called(sight, late)} need what runs before it?`,
    saving: 'It runs while the calls before it are waited for. When one of them fails, it has been started in vain.',
    remedy: 'const started = call(); started.catch(() => {}); …; const result = await started',
    fix: tier === 'info' ? undefined : rewrite(sight, first, late),
  }
}

/** Who leaves here does not need what comes later. */
function mayExit(sight: Sight, statement: Node): boolean {
  let exits = false
  walk(statement, (node) => {
    if (isCallable(node)) return false
    if (/^(?:Return|Throw|Break|Continue)Statement$|^Yield/.test(node.type)) exits = true
    if (node.type === 'CallExpression' && leavesByName(sourceName(sight.file, node.callee))) exits = true
    return !exits
  })
  return exits
}

/** A statement that calls a guard: `assertOwner(user)`, `await verify(request)`. */
function guards(sight: Sight, statement: Node): boolean {
  let found = false
  walk(statement, (node) => {
    if (isCallable(node)) return false
    if (node.type === 'CallExpression' && soundsLikeGuard(sourceName(sight.file, node.callee))) found = true
    return !found
  })
  return found
}

/** Variables that a statement declares or assigns, in what the late call needs. */
function usesNamesOf(sight: Sight, statement: Node, late: Step): boolean {
  const variables = new Set<unknown>()
  walk(statement, (node) => {
    const variable = node.type === 'Identifier' ? sight.file.variableOf(node) : undefined
    const declared = variable?.defs[0]?.name as unknown as Node | undefined
    if (variable && declared && (isInside(declared, statement) || isAssigned(node))) variables.add(variable)
  })
  let used = false
  walk(late.expression, (node) => {
    if (node.type === 'Identifier' && variables.has(sight.file.variableOf(node))) used = true
    return !used
  })
  return used
}

function isAssigned(node: Node): boolean {
  const { parent } = node
  return (parent?.type === 'AssignmentExpression' && parent.left === node) || parent?.type === 'UpdateExpression'
}

/** Starts the call before the first await. Its failure arrives where it is awaited; without a handler before that, it would end the program. */
function rewrite(sight: Sight, first: Step, late: Step): Edit[] | undefined {
  const { text } = sight.file
  if (late.target?.type !== 'Identifier' || late.kind === 'assign') return undefined
  const name = `${late.target.name}Started`
  if (text.includes(name)) return undefined
  const indent = indentBefore(text, first.statement.start)
  const end = text[late.statement.end - 1] === ';' ? ';' : ''
  const source = text.slice(late.expression.start, late.expression.end)
  // Queries of some libraries are sent again by each `then`: a promise of them is taken once.
  const started = isNative(sight, late) ? source : `Promise.resolve(${source})`
  return [
    {
      start: first.statement.start,
      end: first.statement.start,
      text: `const ${name} = ${started}${end}\n${indent}${name}.catch(() => {})${end}\n${indent}`,
    },
    { start: late.expression.start, end: late.expression.end, text: name },
  ]
}

/** An async function of the project gives a promise of the language. */
function isNative(sight: Sight, { expression }: Step): boolean {
  if (expression.type !== 'CallExpression') return false
  const origin = sight.evaluator.origins.of(sight.file, expression.callee)
  return (origin?.kind === 'function' && origin.node.async) || (origin?.kind === 'global' && origin.path[0] === 'fetch')
}
