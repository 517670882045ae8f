/** Calls at once that write the same file or the same record: the world outside loses updates as variables do. */
import { isOutside } from '../effects/effect.ts'
import { bare, type Callable, isCallable, isInside, type Node, nameOf, propertyName, walk } from '../source/ast.ts'
import { sourceName } from '../effects/syntax.ts'
import type { Found, Sight } from './rule.ts'

type CallNode = Extract<Node, { type: 'CallExpression' }>

interface Access {
  readonly call: CallNode
  readonly kind: 'read' | 'replace' | 'append'
  /** What is read or written, as the source writes it. */
  readonly target: Node
  /** Of a record: `prisma.user`. */
  readonly owner: string
}

const fileReads = /^(?:readFile|readJson|readJSON)$/
const fileWrites = /^(?:writeFile|outputFile|outputJson|writeJson|writeJSON)$/
const rowReads = /^find(?:Unique|First|One|ById|ByPk)(?:OrThrow)?$/
const rowWrites = /^(?:update|updateOne|findByIdAndUpdate|upsert)$/

/** Several calls of `fn` at once, each with the same target. */
export function* inEachCall(sight: Sight, fn: Callable): Iterable<Found> {
  const accesses = accessesIn(sight, fn.body ?? fn).filter(({ target }) => !dependsOn(sight, target, fn))
  for (const access of accesses) {
    if (access.kind === 'read') continue
    const { call, target } = access
    const name = sight.file.text.slice(target.start, Math.min(target.end, target.start + 40)).replace(/\s+/g, ' ')
    const read = accesses.find(
      (other) =>
        other.kind === 'read' &&
        other.owner === access.owner &&
        sameText(sight, other.target, target) &&
        other.call.start < call.start,
    )
    if (access.owner !== '' && !(read && usesResultOf(sight, call, read.call))) continue
    if (access.kind === 'append') continue
    const where = access.owner === '' ? `the file ${name}` : `the record ${access.owner} ${name}`
    yield {
      node: call,
      tier: sight.ordered ? 'info' : access.owner === '' ? 'proven' : 'likely',
      question: access.owner === '' ? undefined : 'Can two calls be about the same record?',
      message: read
        ? `Updates of ${where} are lost: it is read and written by several calls at once`
        : `Several calls at once write ${where}: only what the last of them writes stays`,
      proof: read
        ? [`call 1 reads ${where}, and waits`, `call 2 reads the same, and waits`, `call 1 writes; call 2 writes over it`]
        : [`call 1 writes ${where}`, `call 2 writes over it`],
      saving: 'Nothing that was written is lost.',
      remedy:
        access.owner === ''
          ? 'Let each call return its part, and write once afterwards; or take a Mutex around read and write.'
          : 'One statement that computes the new value in the database ({ increment: 1 }), or a transaction.',
    }
  }
}

/** Two branches of one `Promise.all` that replace the same file or record. */
export function betweenTwo(sight: Sight, first: Node, second: Node): Found | undefined {
  const [left, right] = [first, second].map((branch) => accessesIn(sight, branch).filter(({ kind }) => kind === 'replace'))
  for (const a of left ?? []) {
    const b = right?.find((other) => other.owner === a.owner && sameText(sight, a.target, other.target))
    if (!b) continue
    const where = `${a.owner === '' ? 'the file' : `the record ${a.owner}`} ${sight.file.text.slice(a.target.start, Math.min(a.target.end, a.target.start + 40)).replace(/\s+/g, ' ')}`
    return {
      node: b.call,
      tier: sight.ordered ? 'info' : 'likely',
      message: `Two branches that run at once write ${where}`,
      proof: [a, b].map(
        ({ call }) => `${sourceName(sight.file, call.callee)} on line ${sight.file.position(call.start).line} writes ${where}`,
      ),
      question: 'Does it matter which of them writes last?',
      saving: 'The result no longer depends on which branch ends first.',
      remedy: 'Write once, with what both branches give.',
    }
  }
  return undefined
}

function accessesIn(sight: Sight, node: Node): Access[] {
  const found: Access[] = []
  walk(node, (inner) => {
    // A callback that somebody else calls at another time is another matter.
    if (isCallable(inner) && inner !== node && inner.parent?.type === 'CallExpression' && inner.parent.callee !== inner)
      return false
    if (inner.type !== 'CallExpression') return true
    const access = accessOf(sight, inner)
    if (access) found.push(access)
    return true
  })
  return found
}

function accessOf(sight: Sight, call: CallNode): Access | undefined {
  const callee = bare(call.callee)
  const name = callee.type === 'MemberExpression' ? (propertyName(callee) ?? '') : (nameOf(callee) ?? '')
  const [argument] = call.arguments
  if (!argument) return undefined
  const plain = name.replace(/Sync$/, '')
  if (fileReads.test(plain) || fileWrites.test(plain) || plain === 'appendFile') {
    const effect = sight.evaluator.effectOf(sight.file, call)
    if (![...effect.reads.keys(), ...effect.writes.keys()].some((place) => isOutside(place) && place.startsWith('@fs')))
      return undefined
    return {
      call,
      kind: fileReads.test(plain) ? 'read' : plain === 'appendFile' ? 'append' : 'replace',
      target: argument,
      owner: '',
    }
  }
  if (callee.type !== 'MemberExpression' || !(rowReads.test(name) || rowWrites.test(name))) return undefined
  const where =
    argument.type === 'ObjectExpression'
      ? argument.properties.find((property) => property.type === 'Property' && nameOf(property.key) === 'where')
      : undefined
  if (where?.type !== 'Property') return undefined
  return {
    call,
    kind: rowReads.test(name) ? 'read' : 'replace',
    target: where.value,
    owner: sourceName(sight.file, callee.object),
  }
}

/** Something that differs from call to call: a parameter, a variable of the function, a call. */
function dependsOn(sight: Sight, target: Node, fn: Callable): boolean {
  let depends = false
  walk(target, (node) => {
    if (node.type === 'CallExpression' || node.type === 'ThisExpression') depends = true
    if (node.type !== 'Identifier') return !depends
    const declared = sight.file.variableOf(node)?.defs[0]?.name as unknown as Node | undefined
    if (declared && isInside(declared, fn)) depends = true
    return !depends
  })
  return depends
}

function sameText(sight: Sight, a: Node, b: Node): boolean {
  const text = (node: Node): string => sight.file.text.slice(node.start, node.end).replace(/\s+/g, ' ')
  return text(a) === text(b)
}

/** The write takes what the read gave: `data: { count: user.count + 1 }`. */
function usesResultOf(sight: Sight, write: CallNode, read: CallNode): boolean {
  let around: Node | null | undefined = read.parent
  while (around && around.type !== 'VariableDeclarator' && !around.type.endsWith('Statement')) around = around.parent
  if (around?.type !== 'VariableDeclarator') return false
  const names = new Set<unknown>()
  walk(around.id, (node) => {
    const variable = node.type === 'Identifier' ? sight.file.variableOf(node) : undefined
    if (variable) names.add(variable)
  })
  let used = false
  walk(write, (node) => {
    if (node.type === 'Identifier' && names.has(sight.file.variableOf(node))) used = true
    return !used
  })
  return used
}
