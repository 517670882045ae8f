/**
 * What ran one after the other on the critical path, though nothing says that it must: loops of equal calls, calls next to each other that only read, and calls that began
 * late. Only calls of the path count, since shortening any other would save nothing.
 */
import type { Evidence } from './evidence.ts'
import type { Forest } from './forest.ts'
import type { SpanPath } from './critical-path.ts'
import { does, hasFlag, operationKey } from './operations.ts'
import type { Group } from './what-if.ts'

export type SequenceRule = 'loop' | 'consecutive'

/**
 * How sure it is that the order is not needed. `overlap`: elsewhere the same calls overlapped, or came in another order. `equal-reads`: the same read, again and again.
 * `reads`: different calls that only read, as their methods say. `unknown`: nothing speaks for it or against it but the times.
 */
export type EvidenceKind = 'overlap' | 'equal-reads' | 'reads' | 'unknown'

export interface Sequence {
  readonly rule: SequenceRule
  readonly evidence: EvidenceKind
  /** Keys of the calls: those of one round of a loop, or those next to each other. */
  readonly keys: readonly string[]
  /** Parents of the same operation in which they ran one after the other, and in which not. */
  readonly ordered: number
  readonly against: number
  /** They lie between the begin and the end of a transaction, and so have one connection. */
  readonly transaction: boolean
  readonly group: Group
}

/** Longest round of a loop that is looked for. */
const longestRound = 4
/** Fewer rounds are not a loop, but calls next to each other. */
const fewestRounds = 3
/** Between two calls of a sequence lies at most so much of the parent's own work, as a share of the longer one: more would be work of its own. */
const workBetween = 0.5
const workBetweenMs = 2

/** A part of the chain that is looked at as one: a loop, or a call. */
interface Unit {
  readonly rounds: readonly (readonly number[])[]
  readonly keys: readonly string[]
  readonly does: number
}

export function sequencesOf(forest: Forest, path: SpanPath, doing: Uint8Array, evidence: Evidence): Sequence[] {
  const found: Sequence[] = []
  for (const [parent, chain] of path.chains) {
    if (chain.length < 2) continue
    const parentKey = operationKey(forest.spans, parent)
    for (const { rows, transaction } of stretches(forest, chain)) {
      const units = unitsOf(forest, rows, doing)
      for (const unit of units) {
        if (unit.rounds.length >= fewestRounds) found.push(loop(parent, parentKey, unit, evidence, transaction))
      }
      found.push(...consecutive(parent, parentKey, units, evidence, transaction))
    }
  }
  return found
}

/** Calls that follow each other closely, and are not a pause, a page, a second try, or the edge of a transaction. */
function stretches({ spans, start, end }: Forest, chain: readonly number[]): { rows: number[]; transaction: boolean }[] {
  const list: { rows: number[]; transaction: boolean }[] = []
  let rows: number[] = []
  let transaction = false
  const cut = (): void => {
    if (rows.length >= 2) list.push({ rows, transaction })
    rows = []
  }
  let before = -1
  for (const row of chain) {
    if (hasFlag(spans, row, 'transaction')) {
      cut()
      transaction = !/^\s*(commit|rollback)/i.test(spans.strings[spans.rows.detail[row] as number] ?? '')
      before = -1
      continue
    }
    if (hasFlag(spans, row, 'pause')) {
      cut()
      before = -1
      continue
    }
    if (before >= 0) {
      const between = (start[row] as number) - (end[before] as number)
      const longer = Math.max(lengthOf(row), lengthOf(before))
      const same = operationKey(spans, row) === operationKey(spans, before)
      const again = same && hasFlag(spans, before, 'failed')
      const page = same && (hasFlag(spans, row, 'page') || hasFlag(spans, before, 'page'))
      if (between > Math.max(workBetweenMs, workBetween * longer) || again || page) cut()
    }
    rows.push(row)
    before = row
  }
  cut()
  return list

  function lengthOf(row: number): number {
    return (end[row] as number) - (start[row] as number)
  }
}

/** Splits a stretch into loops and single calls. */
function unitsOf({ spans }: Forest, rows: readonly number[], doing: Uint8Array): Unit[] {
  const keys = rows.map((row) => operationKey(spans, row))
  const units: Unit[] = []
  for (let at = 0; at < rows.length;) {
    const { round, count } = repeated(keys, at)
    const members = rows.slice(at, at + round * count)
    units.push({
      rounds: Array.from({ length: count }, (_, i) => members.slice(i * round, (i + 1) * round)),
      keys: keys.slice(at, at + round),
      does: members.reduce((all, row) => all | (doing[row] as number), 0),
    })
    at += round * count
  }
  return units
}

/** The round, of those that begin here, whose repetition reaches furthest. */
function repeated(keys: readonly string[], from: number): { round: number; count: number } {
  let best = { round: 1, count: 1 }
  for (let round = 1; round <= longestRound; round++) {
    let count = 1
    for (let at = from + round; at + round <= keys.length && sameAt(keys, from, at, round); at += round) count++
    if (count >= fewestRounds && count * round > best.count * best.round) best = { round, count }
  }
  return best
}

function sameAt(keys: readonly string[], a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (keys[a + i] !== keys[b + i]) return false
  return true
}

function loop(parent: number, parentKey: string, unit: Unit, evidence: Evidence, transaction: boolean): Sequence {
  const [first] = unit.keys as [string]
  const { ordered, against } = evidence.of(parentKey, first, first)
  const kind: EvidenceKind = against > 0 ? 'overlap' : unit.does === does.read ? 'equal-reads' : 'unknown'
  return { rule: 'loop', evidence: kind, keys: unit.keys, ordered, against, transaction, group: { parent, lanes: unit.rounds } }
}

/** Runs of neighbouring units of which each could have begun with the one before. */
function consecutive(
  parent: number,
  parentKey: string,
  units: readonly Unit[],
  evidence: Evidence,
  transaction: boolean,
): Sequence[] {
  const found: Sequence[] = []
  for (const wanted of ['overlap', 'reads', 'unknown'] as const) {
    let run: Unit[] = []
    let counts = { ordered: 0, against: 0 }
    const end = (): void => {
      if (run.length >= 2 && (wanted !== 'unknown' || run.some((unit) => unit.does !== does.read)))
        found.push({
          rule: 'consecutive',
          evidence: wanted,
          keys: run.flatMap(({ keys }) => keys),
          ...counts,
          transaction,
          group: { parent, lanes: run.map(({ rounds }) => rounds.flat()) },
        })
      run = []
      counts = { ordered: 0, against: 0 }
    }
    for (const unit of units) {
      const before = run.at(-1)
      if (before) {
        const pair = evidence.of(parentKey, before.keys.at(-1) as string, unit.keys[0] as string)
        const together = pair.against > 0 ? 'overlap' : independentReads(before, unit) ? 'reads' : 'unknown'
        if (together !== wanted) end()
        else counts = { ordered: Math.max(counts.ordered, pair.ordered), against: Math.max(counts.against, pair.against) }
      }
      run.push(unit)
    }
    end()
  }
  return found
}

/** The items of a loop come from somewhere, mostly from the call just before it: that one call is not independent of the loop. */
function independentReads(before: Unit, unit: Unit): boolean {
  return before.does === does.read && unit.does === does.read && (unit.rounds.length === 1 || before.rounds.length > 1)
}

/** Groups as they run together: runs of neighbours that share a call become one, and a loop inside brings its rounds as lanes. */
export function joined({ start }: Forest, sequences: readonly Sequence[]): Group[] {
  const loops = new Map<number, Group>()
  for (const { rule, group } of sequences) if (rule === 'loop') loops.set(group.lanes[0]?.[0] as number, group)
  const groups: { parent: number; lanes: Map<number, readonly number[]> }[] = []
  /** First row of a lane → the group that it is in. */
  const within = new Map<number, (typeof groups)[number]>()
  for (const { rule, group } of sequences) {
    if (rule !== 'consecutive') continue
    const shared = group.lanes.map((lane) => within.get(lane[0] as number)).find((one) => one !== undefined)
    const into = shared ?? { parent: group.parent, lanes: new Map<number, readonly number[]>() }
    if (!shared) groups.push(into)
    for (const lane of group.lanes) {
      into.lanes.set(lane[0] as number, lane)
      within.set(lane[0] as number, into)
    }
  }
  const runs = groups.map(({ parent, lanes }): Group => {
    const split = [...lanes.values()].flatMap((lane, loop) => {
      const rounds = loops.get(lane[0] as number)
      loops.delete(lane[0] as number)
      // Calls outside a loop share a bound too: a list of fifty of them was mostly made by one.
      return (rounds?.lanes ?? [lane]).map((rows) => ({ rows, loop: rounds ? loop + 1 : 0 }))
    })
    // Runs that were joined came from different kinds of evidence.
    split.sort((a, b) => (start[a.rows[0] as number] as number) - (start[b.rows[0] as number] as number))
    return { parent, lanes: split.map(({ rows }) => rows), loops: split.map(({ loop }) => loop) }
  })
  return [...runs, ...loops.values()]
}
