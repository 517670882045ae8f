/** Rounds that run one after the other, whatever makes them: a loop, `reduce` over promises, recursion over a list. */
import { Effect, isOutside, overlap, type Place, rootOf } from '../effects/effect.ts'
import { sourceName } from '../effects/syntax.ts'
import { soundsLikeWriting, speaksInOrder } from '../effects/guess.ts'
import { bare, functionAround, isCallable, isInside, type Node, propertyName, walk } from '../source/ast.ts'
import { describeEffect, type Found, isSlow, openCalls, saysInOrder, type Sight } from './rule.ts'

export interface Rounds {
  /** What the variables of a round are declared in. */
  readonly node: Node
  readonly body: Node
  /** What deciding about another round reads. */
  readonly head: Effect
  /** The list as the source writes it. */
  readonly list: string
}

/** Lists whose order is a plan. */
const planned =
  /(?:step|migration|phase|stage|command|middleware|plugin|hook|queue|patch|statement|sequence|ordered|sorted|script|seed|change|operation|mutation|instruction|edit|quer(?=y|ies)|sql|ddl)(?:s|es|y|ies)?\b/i
/** Parts that somebody made so that not everything runs at once. What is in one part may well run at once. */
const throttled =
  /\b(?:chunk|batch|slices?|paginate|inGroups|partition)\w*\(|\b(?:batches|chunks|chunked\w*|batched\w*|pages|windows|groups?Of\w*|slices)\b|(?:Batches|Chunks|Pages)\b/i
/** What an unknown call may do to an item of its own. */
const itemVerb =
  /^(?:send|notify|publish|create|update|delete|del|remove|destroy|upsert|save|insert|close|revoke|invalidate|upload|archive|mark|increment|track|record|set|put|post|patch|persist|cancel|store|deactivate|disable|enable|copy|move|unlink|rename|refresh|restore|stop|terminate|unsubscribe|process|handle|enqueue|add|schedule|trigger|import|sync|register|verify|reconcile|refund|charge|assign|invite|deliver|ingest|index|publishJSON)(?:$|[A-Z0-9_])/

/** @returns undefined where a round needs what another one did, or waits on purpose */
export function judgeRounds(sight: Sight, rounds: Rounds): Pick<Found, 'tier' | 'question' | 'proof'> | undefined {
  const body = sight.evaluator.effectOf(sight.file, rounds.body)
  if (body.keepsItsPlace || !isSlow(body)) return undefined
  const carried = carriedBetweenRounds(sight, rounds, body)
  if (carried === 'dependent') return undefined
  const names = openCalls([body])
  const writes = body.outsideWrites
  let tier: Found['tier'] = 'proven'
  let question: string | undefined
  if (body.unknown.size > 0) {
    const plain = [...body.unknown].every(
      ([name, node]) =>
        !isHandedIn(sight, node) &&
        !speaksInOrder(name) &&
        (!soundsLikeWriting(name) || writesItsItem(sight, rounds, name, node)),
    )
    tier = plain ? 'likely' : 'info'
    question = `Does ${names.slice(0, 2).join(' or ')} need the rounds in this order?`
  } else if (writes.length > 0) {
    tier = writes.every((place) => place.startsWith('@fs.') && !place.endsWith('.*')) ? 'info' : 'likely'
    question = `Does each round write something of its own in ${[...new Set(writes.map((place) => sight.evaluator.places.describe(place)))].slice(0, 2).join(' and ')}?`
  } else if (carried === 'keyed') {
    tier = 'likely'
    question = 'Are the keys different in each round, or does the order not matter?'
  } else if (names.length > 0) {
    tier = 'likely'
    question = `Does ${names.slice(0, 2).join(' or ')} need the rounds in this order?`
  } else if ([...body.writes.keys()].some((place) => place.startsWith('@console'))) {
    tier = 'likely'
    question = 'Does the order of the log lines matter?'
  } else if (carried === 'counted') {
    tier = 'likely'
    question = 'Does only the final count matter?'
  } else if (carried === 'appended') {
    tier = 'likely'
    question = 'Does the order matter in which calls add to the list that they share?'
  }
  if (
    sight.ordered ||
    saysInOrder(sight, rounds.node) ||
    isOrderedList(sight, rounds) ||
    (body.outsideWrites.length > 0 && boundsByHand(rounds))
  )
    tier = 'info'
  return {
    tier,
    question,
    proof: [
      `each round ${describeEffect(sight, withoutLocals(sight, rounds, body))}`,
      'no round reads what another one writes, and none leaves the loop early',
    ],
  }
}

/** A plan is carried out in its order, and batches are made so that less runs at once. */
function isOrderedList(_: Sight, { list }: Rounds): boolean {
  return planned.test(list) || throttled.test(list)
}

/** A round runs a part of its own at once: somebody chose how much. */
function boundsByHand({ body }: Rounds): boolean {
  let found = false
  walk(body, (node) => {
    if (node.type === 'CallExpression' && node.callee.type === 'MemberExpression') {
      const { object } = node.callee
      if (object.type === 'Identifier' && object.name === 'Promise' && (propertyName(node.callee) ?? '').startsWith('all'))
        found = true
    }
    return !found
  })
  return found
}

/** A function that somebody else chose: `callback(item)`, `resolver(options)`. What it does to what it shares is anybody's guess. */
function isHandedIn(sight: Sight, call: Node): boolean {
  const callee = call.type === 'CallExpression' ? bare(call.callee) : undefined
  if (callee?.type !== 'Identifier') return false
  const [definition] = sight.file.variableOf(callee)?.defs ?? []
  if ((definition?.type as string | undefined) === 'Parameter') return true
  const declared = definition?.node as unknown as Node | undefined
  return declared?.type === 'VariableDeclarator' && (declared.parent?.parent?.type ?? '').startsWith('For')
}

/** `user.save()`, `send(user)`: an unknown call that changes what the round is about. */
function writesItsItem(sight: Sight, { node: around, body }: Rounds, name: string, call: Node): boolean {
  if (!itemVerb.test(name.split('.').at(-1) ?? '')) return false
  const ofRound = (node: Node): boolean => {
    let found = false
    walk(node, (inner) => {
      if (inner.type !== 'Identifier') return !found
      const declared = sight.file.variableOf(inner)?.defs[0]?.name as unknown as Node | undefined
      if (declared && isInside(declared, around)) found = true
      return !found
    })
    return found
  }
  // Within a function that the round calls: the round's own call is what counts.
  const own = isInside(call, body) ? call : undefined
  if (own?.type !== 'CallExpression' || changesOneOfAllRounds(sight, around, own)) return false
  // What a function that the round calls does to an object of all rounds: `draw(page, item)`.
  if (sourceName(sight.file, own.callee) !== name && own.arguments.some((node) => isOfAllRounds(sight, around, bare(node))))
    return false
  return ofRound(own.callee) || own.arguments.some(ofRound)
}

/** `calculator.update(value)`: an object that this function made for all rounds counts them in their order. */
function changesOneOfAllRounds(sight: Sight, around: Node, call: Extract<Node, { type: 'CallExpression' }>): boolean {
  const callee = bare(call.callee)
  return callee.type === 'MemberExpression' && isOfAllRounds(sight, around, callee.object)
}

/** An object that the function around made before the loop. */
function isOfAllRounds(sight: Sight, around: Node, node: Node): boolean {
  if (node.type !== 'Identifier') return false
  const [definition] = sight.file.variableOf(node)?.defs ?? []
  if ((definition?.type as string | undefined) !== 'Variable') return false
  const name = definition?.name as unknown as Node
  const made = definition?.node as unknown as Node
  const init = made.type === 'VariableDeclarator' && made.init ? bare(made.init) : undefined
  return functionAround(name) !== undefined && !isInside(name, around) && !/^(?:Literal|TemplateLiteral)$/.test(init?.type ?? '')
}

/**
 * Does a round touch what another one changes? `collected`: rounds only add to a list; `appended`: so do functions that they call, and in
 * which order shows; `keyed`: each writes a property that a key chooses; `counted`: each adds to a number.
 */
function carriedBetweenRounds(
  sight: Sight,
  rounds: Rounds,
  body: Effect,
): 'no' | 'collected' | 'appended' | 'counted' | 'keyed' | 'dependent' {
  let result: 'no' | 'collected' | 'appended' | 'counted' | 'keyed' = 'no'
  const { head } = rounds
  for (const [place, node] of body.writes) {
    if (isOutside(place) || isOfRound(sight, rounds, place)) continue
    if ([...head.reads.keys()].some((read) => overlap(read, place) && !read.endsWith('()'))) return 'dependent'
    const uses = usesOf(sight, rounds.body, place)
    if (uses.length > 0 && uses.every((use) => isAdding(use))) {
      if (result === 'no') result = 'collected'
      if (result === 'collected' && isAddedToByCalls(sight, rounds, place) && !isSorted(sight, place)) result = 'appended'
    } else if (uses.length > 0 && uses.every((use) => isCounting(use))) {
      if (result !== 'keyed') result = 'counted'
    } else if (
      place.endsWith('.*') &&
      (isKeyedWrite(node) || uses.length === 0) &&
      readsOnlyByKey(body, place) &&
      !(uses.length > 0 && isReadBefore(body, place, node))
    )
      result = 'keyed'
    else return 'dependent'
  }
  return result
}

/** `all.push(…)`, `names.add(…)`: the use of the list, and nothing else is done with it. */
function isAdding(use: Node): boolean {
  const member = use.parent
  if (member?.type !== 'MemberExpression' || member.object !== use) return false
  return (
    ['push', 'add'].includes(propertyName(member) ?? '') && member.parent?.type === 'CallExpression' && isDropped(member.parent)
  )
}

/** A function that a round calls adds to the list too, like the `walk` of a tree: its parts arrive between those of other rounds. */
function isAddedToByCalls(sight: Sight, { body }: Rounds, place: Place): boolean {
  let found = false
  walk(body, (node) => {
    if (found || isCallable(node)) return false
    if (node.type !== 'CallExpression') return true
    const callee = bare(node.callee)
    const own = callee.type === 'MemberExpression' && usesOf(sight, callee.object, place).length > 0
    if (!own) found = [...sight.evaluator.effectOf(sight.file, node).writes.keys()].some((written) => overlap(written, place))
    return !found
  })
  return found
}

/** The list is put in order, wherever that is: in which order it was filled does not show. */
function isSorted(sight: Sight, place: Place): boolean {
  const references = sight.evaluator.places.variableAt(rootOf(place))?.references ?? []
  return references.some(({ identifier }) => {
    const member = (identifier as unknown as Node).parent
    return (
      member?.type === 'MemberExpression' &&
      member.object === (identifier as unknown as Node) &&
      /^(?:sort|toSorted)$/.test(propertyName(member) ?? '')
    )
  })
}

/** `count++`, `total += one` without an `await` in between: additions in any order give the same. */
function isCounting(use: Node): boolean {
  const { parent } = use
  if (parent?.type === 'UpdateExpression') return isDropped(parent)
  if (parent?.type !== 'AssignmentExpression' || parent.left !== use || parent.operator !== '+=' || !isDropped(parent))
    return false
  return !/\bawait\b/.test(parent.right.type) && parent.right.type !== 'AwaitExpression' && isNumeric(parent.right)
}

/** A text that is added to depends on the order. */
function isNumeric(node: Node): boolean {
  const inner = bare(node)
  if (inner.type === 'Literal') return typeof inner.value === 'number'
  return (
    (inner.type === 'MemberExpression' && /^(?:length|size|count|total|bytes)$/.test(propertyName(inner) ?? '')) ||
    (inner.type === 'Identifier' && /count|size|total|bytes|length|num/i.test(inner.name))
  )
}

function isDropped(node: Node): boolean {
  return node.parent?.type === 'ExpressionStatement'
}

function isKeyedWrite(node: Node): boolean {
  return node.type === 'MemberExpression' || node.type === 'CallExpression'
}

/** A round that looks at what it later writes may look while another one waits. */
function isReadBefore(body: Effect, place: Place, write: Node): boolean {
  return [...body.reads].some(
    ([read, node]) => overlap(read, place) && node !== write && !isInside(node, write) && node.start < write.start,
  )
}

/** Nothing looks at the whole of what is written by key. */
function readsOnlyByKey(body: Effect, place: Place): boolean {
  const whole = place.slice(0, -2)
  return ![...body.reads.keys()].some((read) => read === whole)
}

/** Declared within a round, or part of what is. */
function isOfRound(sight: Sight, { node }: Rounds, place: Place): boolean {
  const name = sight.evaluator.places.variableAt(place)?.defs[0]?.name as unknown as Node | undefined
  return name !== undefined && isInside(name, node)
}

/** Where code names the root of a place. */
function usesOf(sight: Sight, body: Node, place: Place): Node[] {
  const variable = sight.evaluator.places.variableAt(rootOf(place))
  const uses: Node[] = []
  walk(body, (node) => {
    if (node.type === 'Identifier' && variable && sight.file.variableOf(node) === variable) uses.push(node)
  })
  return uses
}

function withoutLocals(sight: Sight, rounds: Rounds, body: Effect): Effect {
  const kept = new Effect().add(body)
  for (const places of [kept.reads, kept.writes]) {
    for (const place of places.keys()) if (isOfRound(sight, rounds, place)) places.delete(place)
  }
  return kept
}
