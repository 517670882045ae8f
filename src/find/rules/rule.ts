/** What rules have in common: the file, the evaluator, and how a finding is written down. */
import { createHash } from 'node:crypto'
import type { Edit, CodeFinding, Tier } from '../../findings/finding.ts'
import type { Evaluator } from '../effects/evaluate.ts'
import { type Effect, isOutside } from '../effects/effect.ts'
import { soundsLikeWriting } from '../effects/guess.ts'
import type { Node } from '../source/ast.ts'
import type { SourceFile } from '../source/source-file.ts'

export interface Sight {
  readonly file: SourceFile
  readonly evaluator: Evaluator
  /** Tests, migrations and scripts for a build share fixtures and run in an order on purpose. */
  readonly ordered: boolean
  /** Does the package of the file name heddle among its dependencies? */
  dependsOnHeddle(): boolean
  /** What the file exports of its own, by name. */
  exports(): Iterable<readonly [name: string, of: { readonly node: Node }]>
}

export interface Rule {
  readonly name: string
  find(sight: Sight): Iterable<Found>
}

export interface Found {
  readonly node: Node
  /** Where the finding ends, if not with `node`. */
  readonly last?: Node
  readonly tier: Tier
  readonly message: string
  readonly proof: readonly string[]
  readonly question?: string | undefined
  readonly saving: string
  readonly remedy: string
  readonly fix?: readonly Edit[] | undefined
  /** What it comes from, where many places lead to one cause: it is shown once. */
  readonly cause?: string | undefined
}

export function toFinding(sight: Sight, rule: string, found: Found): CodeFinding {
  const { file } = sight
  const { node, last = node, question, fix, ...rest } = found
  const { line, column } = file.position(node.start)
  const text = file.text.slice(node.start, last.end).replace(/\s+/g, ' ')
  const id = createHash('sha256')
    .update(`${rule}\0${file.path.split('/').at(-1)}\0${text}`)
    .digest('hex')
    .slice(0, 10)
  return {
    id,
    rule,
    where: `${file.path}:${line}`,
    file: file.path,
    line,
    column,
    endLine: file.position(last.end).line,
    question,
    fix,
    ...rest,
  }
}

/** What an effect says to a person: `reads a, b; writes c`. */
export function describeEffect(sight: Sight, effect: Effect): string {
  const names = (places: Iterable<string>): string => {
    const all = [...new Set([...places].map((place) => sight.evaluator.places.describe(place)))]
    return all.length > 4 ? `${all.slice(0, 4).join(', ')} and ${all.length - 4} more` : all.join(', ')
  }
  // Everything reads its arguments and the constants around it: what it reads of the outside is worth a word.
  const reads = [...effect.reads.keys()].filter(isOutside)
  const parts = [
    reads.length > 0 ? `reads ${names(reads)}` : undefined,
    effect.writes.size > 0 ? `writes ${names(effect.writes.keys())}` : undefined,
    effect.unknown.size > 0 ? `calls ${[...effect.unknown.keys()].slice(0, 3).join(', ')}, which is not known` : undefined,
    effect.assumed.size > 0
      ? `calls ${[...effect.assumed.keys()].slice(0, 3).join(', ')}, which should change nothing`
      : undefined,
  ].filter((part) => part !== undefined)
  return parts.length > 0 ? parts.join('; ') : 'reads only what it is given'
}

/** Could waiting for it overlap with something else? */
export function isSlow(effect: Effect): boolean {
  return effect.waits.size > 0
}

/** Not one of the unknown calls of an effect sounds as if it changed something. */
export function soundsHarmless(effect: Effect): boolean {
  return ![...effect.unknown.keys()].some(soundsLikeWriting)
}

/** The calls that a proof lacks, the least known first. */
export function openCalls(effects: Iterable<Effect>): string[] {
  const all = [...effects]
  return [
    ...new Set([...all.flatMap(({ unknown }) => [...unknown.keys()]), ...all.flatMap(({ assumed }) => [...assumed.keys()])]),
  ]
}

const inOrder =
  /\b(?:sequential(?:ly)?|serial(?:ly|ize)?|one (?:at a time|by one|after)|in (?:order|sequence|series)|order matters|rate.?limit\w*|throttl\w*|deadlock\w*|no-await-in-loop|before the next)\b/i
const atOnce = /\b(?:parallel|concurren|Promise\.all)/i
/** "not in parallel", "Promise.all would": without such a word a comment says what should be, not what must not. */
const reluctant =
  /\b(?:not|never|no|avoid\w*|instead|without|cannot|too|prevent\w*|limit\w*|because|would|unlike|rather|fail\w*|break\w*|race|conflict\w*|don.?t|can.?t|won.?t|shouldn.?t)\b/i
const keepsOrder = (comment: string): boolean => inOrder.test(comment) || (atOnce.test(comment) && reluctant.test(comment))

/** A comment right before the code, or at its beginning, that speaks of its order: somebody has thought of it. */
export function saysInOrder({ file: { text } }: Sight, node: Node): boolean {
  const before = text.slice(Math.max(0, node.start - 600), node.start).trimEnd()
  const lines = before.split('\n')
  let comment = ''
  for (let line = lines.pop(); line !== undefined && /^\s*(?:\/\/|\*|\/\*)/.test(line); line = lines.pop()) comment += line
  const inside = text.slice(node.start, Math.min(node.end, node.start + 400)).match(/\/\/[^\n]*|\/\*[^]*?\*\//g) ?? []
  return keepsOrder(comment) || inside.some(keepsOrder)
}

/** Names that say that what follows depends on them without an exception being visible. */
export function soundsLikeGuard(name: string): boolean {
  return (
    /^(?:verify|connect|init|initialize|setup|prepare|start|login|flush|sync)(?:$|[A-Z0-9_])/.test(lastName(name)) ||
    holdsUp(name)
  )
}

/** Names of calls that hold up other rounds of a loop too: a check, a lock, a pause, a state that all of them share. */
export function holdsUp(name: string): boolean {
  return /^(?:validate|check|assert|ensure|authori[sz]e|authenticate|require|guard|must|lock|acquire|begin|open|reset|clear|clean|wait|when|until|idle|settle|settled|ready|tick|nextTick|sleep|delay|seed|migrate)(?:$|[A-Z0-9_])/.test(
    lastName(name),
  )
}

function lastName(name: string): string {
  return name.split('.').at(-1) ?? ''
}
