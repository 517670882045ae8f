/** Awaits next to each other that do not depend on one another. */
import { soundsLikeReading } from '../effects/guess.ts'
import { bare, type Node, walk } from '../source/ast.ts'
import type { Edit } from '../../findings/finding.ts'
import { gatherOf } from './concurrency.ts'
import { describeEffect, type Found, openCalls, type Rule, saysInOrder, type Sight, soundsHarmless } from './rule.ts'
import { called, independent, indentBefore, looksLikeStep, type Step, stepOf } from './steps.ts'

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
  for (const [i, statement] of statements.entries()) {
    const [before, after] = [statements[i - 1], statements[i + 1]]
    const alone = !(before && looksLikeStep(before)) && !(after && looksLikeStep(after))
    const step = alone ? undefined : stepOf(sight, statement)
    if (step && group.every((earlier) => independent(earlier, step))) group.push(step)
    else {
      if (group.length > 1) yield group
      group = step ? [step] : []
    }
  }
  if (group.length > 1) yield group
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
  if (sight.ordered || saysInOrder(sight, first.statement) || followsOn(sight, group)) tier = 'info'
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

/** A call whose result nobody takes and that writes: it is made because what stands before it has succeeded. */
function followsOn(sight: Sight, group: readonly Step[]): boolean {
  const acting = group.filter(({ effect }) => effect.outsideWrites.length > 0 || !soundsHarmless(effect))
  if (!acting.some(({ kind }) => kind === 'drop'))
    return group.some((step) => step.kind === 'drop' && called(sight, step).endsWith('OrThrow()'))
  // The same done to several things: `a.deleteMany(); b.deleteMany()`.
  const verbs = new Set(group.map((step) => called(sight, step).slice(0, -2).split('.').at(-1)))
  return (
    !(
      group.every(({ kind }) => kind === 'drop') &&
      verbs.size === 1 &&
      (acting.every(({ effect }) => effect.unknown.size === 0) || sameCallOfOthers(sight, group))
    ) && !group.every(({ expression }) => isGather(expression))
  )
}

function isGather(node: Node): boolean {
  const call = bare(node)
  return call.type === 'CallExpression' && gatherOf(call) !== undefined
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
  /(?:^|\.)(?:\w+(?:Run|Exec|Query|Sql)|exec\w*|run\w*|spawn\w*|\$|sh|git|npm|npx|pnpm|yarn|query|execute\w*|write|print|log|append|type|press|click|fill|goto|step|task|emit|dispatch|send\w*|call|request|command|test|it|describe|set\w*|say|ask|wait\w*)\(\)$/

function count(n: number): string {
  return ['No', 'One', 'Two', 'Three', 'Four', 'Five', 'Six'][n] ?? String(n)
}

/** A template literal over several lines, at any depth. */
function holdsLines(expression: Node): boolean {
  let found = false
  walk(expression, (node) => {
    if (node.type === 'TemplateElement' && node.value.raw.includes('\n')) found = true
    return !found
  })
  return found
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
    const plain = text.slice(expression.start, expression.end)
    // The lines of a template are text, and keep their place.
    const source = holdsLines(expression) ? plain : plain.replaceAll('\n', '\n  ')
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
