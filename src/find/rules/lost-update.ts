/** Races that concurrency makes: a value is read, then something is awaited, then the value is written, while another call does the same. */
import { conflict, type Effect, isOutside, overlap } from '../effects/effect.ts'
import { bare, type Callable, holds, isCallable, isInside, type Node, walk } from '../source/ast.ts'
import { concurrentCallbacks, gatherOf } from './concurrency.ts'
import type { Found, Rule, Sight } from './rule.ts'
import { betweenTwo, inEachCall } from './same-target.ts'

export const lostUpdate: Rule = {
  name: 'lost-update',
  *find(sight) {
    for (const fn of concurrentCallbacks(sight).keys()) {
      yield* inCallback(sight, fn)
      yield* inEachCall(sight, fn)
    }
    for (const call of sight.file.nodes('CallExpression')) {
      const gather = gatherOf(call)
      const list = call.arguments[0] && bare(call.arguments[0])
      if (gather && gather !== 'race' && list?.type === 'ArrayExpression') yield* betweenBranches(sight, list)
    }
  },
}

function* inCallback(sight: Sight, fn: Callable): Iterable<Found> {
  const assignments: Extract<Node, { type: 'AssignmentExpression' }>[] = []
  const tests: Extract<Node, { type: 'IfStatement' }>[] = []
  if (!fn.body) return
  walk(fn.body, (node) => {
    if (isCallable(node)) return false
    if (node.type === 'AssignmentExpression') assignments.push(node)
    if (node.type === 'IfStatement') tests.push(node)
    return true
  })
  for (const assignment of assignments) {
    const place = sight.evaluator.places.pathOf(sight.file, assignment.left)
    if (!place || isLocal(sight, fn, place) || !containsAwait(assignment.right)) continue
    const reads =
      assignment.operator === '='
        ? readsBeforeAwait(sight, assignment.right, place)
        : !/^(?:\?\?|\|\||&&)=$/.test(assignment.operator)
    if (!reads) continue
    const name = sight.evaluator.places.describe(place)
    // Each call may have a key of its own.
    const question = place.includes('.*')
      ? 'Can two calls have the same key?'
      : isHandedOn(sight, assignment.right, place)
        ? `Does the call give back another ${name} than the one that it gets?`
        : undefined
    yield {
      node: assignment,
      tier: sight.ordered ? 'info' : question ? 'likely' : 'proven',
      question,
      message: `Updates of ${name} are lost: it is read before an await and written after it, by several calls at once`,
      proof: [
        `call 1 reads ${name}, and waits`,
        `call 2 reads the same ${name}, and waits`,
        `call 1 writes ${name}; call 2 writes over it`,
      ],
      saving: 'The result no longer depends on which call ends first.',
      remedy: `const part = await …; ${name} += part — or collect the parts and add them up afterwards`,
    }
  }
  for (const test of tests) {
    const found = checkThenAct(sight, fn, test)
    if (found) yield found
  }
}

/** `if (!cache[key]) { cache[key] = await load(key) }`: both calls find it missing. */
function checkThenAct(sight: Sight, fn: Callable, test: Extract<Node, { type: 'IfStatement' }>): Found | undefined {
  const condition = sight.evaluator.effectOf(sight.file, test.test)
  const shared = [...condition.reads.keys()].filter((place) => !isOutside(place) && !isLocal(sight, fn, place))
  if (shared.length === 0) return undefined
  let awaited: number | undefined
  let writer: Node | undefined
  let written: string | undefined
  let byCall = false
  const consider = (node: Node, place: string | undefined): void => {
    if (!place || writer || awaited === undefined) return
    const same = shared.find((read) => overlap(read, place))
    // A whole list that is only looked at in passing is not a check of this place.
    if (same) [writer, written] = [node, same]
  }
  const visit = (node: Node): void => {
    walk(node, (inner) => {
      if (isCallable(inner)) return false
      if (inner.type === 'AwaitExpression') awaited ??= inner.start
      if (inner.type === 'AssignmentExpression') {
        if (containsAwait(inner.right)) awaited ??= inner.start
        consider(inner, sight.evaluator.places.pathOf(sight.file, inner.left))
      } else if (inner.type === 'UpdateExpression') {
        consider(inner, sight.evaluator.places.pathOf(sight.file, inner.argument))
      } else if (inner.type === 'CallExpression') {
        const effect = sight.evaluator.effectOf(sight.file, inner)
        const before = writer
        if (!containsAwait(inner)) for (const place of effect.writes.keys()) if (!isOutside(place)) consider(inner, place)
        if (inner.arguments.some(containsAwait)) {
          awaited ??= inner.start
          for (const place of effect.writes.keys()) if (!isOutside(place)) consider(inner, place)
        }
        // A function that is called may write under a condition of its own.
        if (writer !== before && sight.evaluator.origins.of(sight.file, inner.callee)?.kind === 'function') byCall = true
      }
      return true
    })
  }
  visit(test.consequent)
  if (!writer || !written) return undefined
  const name = sight.evaluator.places.describe(written)
  const byKey = written.includes('.*') || byCall
  return {
    node: test,
    tier: sight.ordered ? 'info' : byKey ? 'likely' : 'proven',
    question: byCall ? 'Does what is called write it in this case?' : byKey ? 'Can two calls have the same key?' : undefined,
    message: `The check of ${name} does not hold any more after the await: several calls pass it before one writes`,
    proof: [`call 1 checks ${name}, and waits`, `call 2 checks ${name} too, and finds the same`, `both write ${name}`],
    saving: 'The work is done once, and no result is written over.',
    remedy: 'Keep the promise in place of the value, or take a Mutex around check and write.',
  }
}

/** Two branches of one `Promise.all` write the same variable, or one reads what the other writes. */
function* betweenBranches(sight: Sight, list: Extract<Node, { type: 'ArrayExpression' }>): Iterable<Found> {
  const branches = list.elements
    .filter((element) => element !== null && bare(element).type === 'CallExpression')
    .map((element) => ({ node: element as Node, effect: sight.evaluator.effectOf(sight.file, element as Node) }))
  for (let i = 0; i < branches.length; i++) {
    for (let j = i + 1; j < branches.length; j++) {
      const [a, b] = [branches[i], branches[j]]
      if (!a || !b || !isUpdated(a.effect, b.effect)) continue
      const outside = betweenTwo(sight, a.node, b.node)
      if (outside) {
        yield outside
        return
      }
      const found = conflict(inMemory(a.effect), inMemory(b.effect))
      // A property that objects share is most often a cache that both fill with the same.
      if (!found || found.kind !== 'both write' || !sight.evaluator.places.variableAt(found.place) || found.place.includes('.'))
        continue
      const name = sight.evaluator.places.describe(found.place)
      // What a module of its own keeps, like the token that it fetched last, it keeps for everybody who calls it.
      const own = sight.file.nodes('Identifier').includes(sight.evaluator.places.variableAt(found.place)?.identifiers[0] as never)
      yield {
        node: list,
        tier: sight.ordered || !own ? 'info' : 'likely',
        message: `Two branches that run at once write ${name}`,
        proof: [`${describe(sight, a.node)} writes ${name}`, `${describe(sight, b.node)} writes ${name}`],
        question: 'Does it matter which of them writes last?',
        saving: 'The result no longer depends on which branch ends first.',
        remedy: 'Let each branch return its part, and write once afterwards.',
      }
      return
    }
  }
}

/** Only what waits in between can be interleaved. */
function isUpdated(a: Effect, b: Effect): boolean {
  return a.waits.size + a.unknown.size > 0 && b.waits.size + b.unknown.size > 0
}

function inMemory(effect: Effect): Effect {
  const copy = Object.create(effect) as Effect
  const keep = (places: ReadonlyMap<string, Node>): Map<string, Node> =>
    new Map([...places].filter(([place]) => !isOutside(place)))
  return Object.assign(copy, { reads: keep(effect.reads), writes: keep(effect.writes) })
}

function describe(sight: Sight, node: Node): string {
  const text = sight.file.text.slice(node.start, node.end).replace(/\s+/g, ' ')
  return text.length > 50 ? `${text.slice(0, 47)}…` : text
}

function isLocal(sight: Sight, fn: Callable, place: string): boolean {
  const variable = sight.evaluator.places.variableAt(place)
  if (!variable) return false
  const name = variable.defs[0]?.name as unknown as Node | undefined
  return name !== undefined && isInside(name, fn)
}

function containsAwait(node: Node): boolean {
  return holds(node, ({ type }) => type === 'AwaitExpression')
}

/** `files = await walk(folder, files)`: what is called may add to the very object that it gives back. */
function isHandedOn(sight: Sight, right: Node, place: string): boolean {
  return holds(
    right,
    (node) =>
      node.type === 'CallExpression' &&
      node.arguments.some((argument) => sight.evaluator.places.pathOf(sight.file, argument) === place),
  )
}

/** `total = total + await f()` reads first; `total = (await f()) + total` does not. */
function readsBeforeAwait(sight: Sight, right: Node, place: string): boolean {
  let firstAwait = Number.POSITIVE_INFINITY
  let firstRead = Number.POSITIVE_INFINITY
  walk(right, (node) => {
    if (isCallable(node)) return false
    if (node.type === 'AwaitExpression') firstAwait = Math.min(firstAwait, node.end)
    if (node.type === 'Identifier' || node.type === 'MemberExpression') {
      const read = sight.evaluator.places.pathOf(sight.file, node)
      if (read && overlap(read, place)) firstRead = Math.min(firstRead, node.start)
    }
    return true
  })
  return firstRead < firstAwait
}
