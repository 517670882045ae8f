/** What traces of another system say: how long each operation takes and why, what ran one after the other without need, and what it would save. */
import { createHash } from 'node:crypto'
import { counted } from '../../base/counted.ts'
import type { Finding, Tier } from '../../findings/finding.ts'
import { spanPath } from './analysis/critical-path.ts'
import { Evidence } from './analysis/evidence.ts'
import { type Forest, forestOf } from './analysis/forest.ts'
import { codeOf, doings, nameOf, operationKey, operationLabel, serviceOf } from './analysis/operations.ts'
import { type EvidenceKind, joined, type Sequence, type SequenceRule, sequencesOf } from './analysis/sequences.ts'
import { WhatIf } from './analysis/what-if.ts'
import type { Spans } from './spans/spans.ts'

/** Quantiles of an operation's time, in milliseconds. */
export interface Quantiles {
  readonly p50: number
  readonly p95: number
}

/** A call's share of the critical paths of an operation. */
export interface PathShare {
  readonly service: string
  readonly call: string
  /** Milliseconds per trace, on average: the call's own time on the path. */
  readonly ms: number
  readonly share: number
}

/** Traces with the same root. */
export interface OperationReport {
  readonly service: string
  readonly name: string
  readonly traces: number
  readonly took: Quantiles
  /** With every finding that is `proven` or `likely` mended: only calls that these name change their order. */
  readonly predicted: Quantiles
  /** With every sequence mended, also those of which nothing is known but times: no more than this can be gained. */
  readonly atBest: Quantiles
  readonly path: readonly PathShare[]
  /** The path as it would be afterwards. */
  readonly pathAfter: readonly PathShare[]
}

/** Calls that ran one after the other, in all traces in which they did. */
export interface SequenceFinding extends Finding {
  /** The same in every set of traces of the same program. */
  readonly id: string
  readonly rule: SequenceRule | 'gap'
  readonly evidence: EvidenceKind | 'none'
  readonly operation: string
  /** The span inside which it happens. */
  readonly service: string
  readonly parent: string
  /** File, line and function, where a span names them. */
  readonly code: string
  readonly calls: readonly string[]
  /** Traces of the operation in which it happens. */
  readonly traces: number
  /** Of a trace in which it happens: rounds or calls, on average. */
  readonly rounds: number
  /** Milliseconds per trace in which it happens, on average. */
  readonly savingMs: number
  /** Milliseconds over all traces. */
  readonly totalSavingMs: number
  /** Share of the operation's p50 and p95 that it costs. */
  readonly shareOfP50: number
  readonly shareOfP95: number
}

/** What a set of traces says. */
export interface SpanReport {
  readonly format: string
  readonly spans: number
  readonly traces: number
  readonly services: number
  readonly warnings: readonly string[]
  /** The slowest in sum first. */
  readonly operations: readonly OperationReport[]
  /** What saves most in sum first; `info` last. */
  readonly findings: readonly SequenceFinding[]
}

/** Findings below this share of the operation are not worth a change. */
const leastShare = 0.02
const leastMs = 0.5
/** Own time without a span below it, of which a trace that long is said to have a gap. */
const gapShare = 0.25
const gapMs = 20
/** Savings of single findings are computed one by one for so many per trace, the largest; the rest counts together. */
const singlesPerTrace = 200
const pathShown = 12

/**
 * Explains traces of other systems: critical paths, what ran one after the other without need, and what it would save. Never throws.
 *
 * @param spans as `readSpans` gives them
 * @example
 * const { operations, findings } = explainSpans(await readSpans(['otlp.json']))
 */
export function explainSpans(spans: Spans): SpanReport {
  const forest = forestOf(spans)
  const analysis = new Analysis(forest)
  for (const root of forest.roots) analysis.add(root)
  const services = new Set(spans.rows.service.subarray(0, spans.rows.count))
  return {
    format: spans.format,
    spans: spans.rows.count,
    traces: spans.traces,
    services: services.size,
    warnings: [...spans.warnings, ...doubts(forest)],
    ...analysis.report(),
  }
}

function doubts({ spans, skewed, timeless, clipped }: Forest): string[] {
  const lines: string[] = []
  const many = (count: number, one: string, several: string): void => {
    if (count > 0) lines.push(`${counted(count, 'span')} ${count === 1 ? one : several}`)
  }
  const orphans = ' a parent that is not in the file'
  many(spans.orphans, `names${orphans}; it counts as a root`, `name${orphans}; each counts as a root`)
  many(
    skewed,
    'came from a clock that differs from its caller’s, and was moved into it',
    'came from clocks that differ from their callers’, and were moved into them',
  )
  many(
    clipped,
    'went on after its parent, or began before it; what lies outside does not count',
    'went on after their parents, or began before them; what lies outside does not count',
  )
  many(timeless, 'had no times, or ended before it began', 'had no times, or ended before they began')
  return lines
}

interface OperationState {
  readonly service: string
  readonly name: string
  readonly took: number[]
  readonly predicted: number[]
  readonly atBest: number[]
  readonly path: Map<string, { service: string; call: string; ms: number }>
  readonly pathAfter: Map<string, { service: string; call: string; ms: number }>
}

interface FindingState {
  readonly operation: OperationState
  readonly sequence: Sequence | undefined
  readonly service: string
  readonly parent: string
  readonly code: string
  readonly calls: readonly string[]
  traces: number
  rounds: number
  savingMs: number
  /** Own time, of a gap. */
  gapMs: number
}

class Analysis {
  readonly #forest: Forest
  readonly #doing: Uint8Array
  readonly #evidence: Evidence
  readonly #whatIf: WhatIf
  readonly #operations = new Map<string, OperationState>()
  readonly #findings = new Map<string, FindingState>()

  constructor(forest: Forest) {
    this.#forest = forest
    this.#doing = doings(forest)
    this.#evidence = new Evidence(forest)
    this.#whatIf = new WhatIf(forest)
  }

  add(root: number): void {
    const { start, end, spans } = this.#forest
    const took = (end[root] as number) - (start[root] as number)
    const operation = this.#operation(root)
    operation.took.push(took)
    const path = spanPath(this.#forest, root)
    addPath(operation.path, spans, path.own)
    const sequences = sequencesOf(this.#forest, path, this.#doing, this.#evidence)
    const sure = sequences.filter(({ evidence }) => evidence !== 'unknown')
    const groups = joined(this.#forest, sure)
    const saved = groups.length > 0 ? this.#whatIf.saving(root, groups) : 0
    operation.predicted.push(took - saved)
    operation.atBest.push(
      sure.length === sequences.length ? took - saved : took - this.#whatIf.saving(root, joined(this.#forest, sequences)),
    )
    const after = groups.length > 0 ? spanPath(this.#whatIf.forest(root, groups), root) : path
    addPath(operation.pathAfter, spans, after.own)
    this.#findingsOf(operation, root, took, sequences)
    this.#gapsOf(operation, took, path.own)
  }

  #operation(root: number): OperationState {
    const key = operationKey(this.#forest.spans, root)
    let state = this.#operations.get(key)
    if (!state) {
      const { spans } = this.#forest
      state = {
        service: serviceOf(spans, root),
        name: nameOf(spans, root),
        took: [],
        predicted: [],
        atBest: [],
        path: new Map(),
        pathAfter: new Map(),
      }
      this.#operations.set(key, state)
    }
    return state
  }

  #findingsOf(operation: OperationState, root: number, took: number, sequences: readonly Sequence[]): void {
    const worth = Math.max(leastMs, leastShare * took)
    const byBound = sequences
      .map((sequence) => ({ sequence, bound: this.#bound(sequence) }))
      .filter(({ bound }) => bound >= worth)
      .sort((a, b) => b.bound - a.bound)
    for (const [i, { sequence, bound }] of byBound.entries()) {
      const saving = i < singlesPerTrace ? this.#whatIf.saving(root, [sequence.group]) : bound / 2
      if (saving < worth) continue
      const state = this.#finding(operation, sequence)
      state.traces++
      state.rounds += sequence.group.lanes.length
      state.savingMs += saving
    }
  }

  /** No more than this can be saved: all lanes but the longest. */
  #bound({ group }: Sequence): number {
    const { start, end } = this.#forest
    let [sum, longest] = [0, 0]
    for (const lane of group.lanes) {
      const ms = (end[lane.at(-1) as number] as number) - (start[lane[0] as number] as number)
      sum += ms
      longest = Math.max(longest, ms)
    }
    return sum - longest
  }

  #finding(operation: OperationState, sequence: Sequence): FindingState {
    const { spans } = this.#forest
    const { parent, lanes } = sequence.group
    const key = `${operation.service} ${operation.name} ${sequence.rule} ${operationKey(spans, parent)} ${sequence.keys.join(' ')}`
    let state = this.#findings.get(key)
    if (!state) {
      const members = sequence.rule === 'loop' ? (lanes[0] ?? []) : lanes.map((lane) => lane[0] as number)
      const firstCode = [parent, ...members].map((row) => codeOf(spans, row)).find((code) => code !== '')
      state = {
        operation,
        sequence,
        service: serviceOf(spans, parent),
        parent: nameOf(spans, parent),
        code: firstCode ?? '',
        calls: members.map((row, i) => callLabel(spans, row, sequence.rule === 'loop' ? 1 : roundsOf(spans, lanes[i] ?? []))),
        traces: 0,
        rounds: 0,
        savingMs: 0,
        gapMs: 0,
      }
      this.#findings.set(key, state)
    }
    return state
  }

  /** Long own time of a span that waits for others otherwise: code that no span shows. */
  #gapsOf(operation: OperationState, took: number, own: ReadonlyMap<number, number>): void {
    const { spans, first } = this.#forest
    for (const [row, ms] of own) {
      if (ms < gapMs || ms < gapShare * took || first[row + 1] === first[row]) continue
      const key = `${operation.service} ${operation.name} gap ${operationKey(spans, row)}`
      const state = this.#findings.get(key) ?? {
        operation,
        sequence: undefined,
        service: serviceOf(spans, row),
        parent: nameOf(spans, row),
        code: codeOf(spans, row),
        calls: [],
        traces: 0,
        rounds: 0,
        savingMs: 0,
        gapMs: 0,
      }
      this.#findings.set(key, state)
      state.traces++
      state.gapMs += ms
    }
  }

  report(): Pick<SpanReport, 'operations' | 'findings'> {
    const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
    const operations = [...this.#operations.values()].sort((a, b) => sum(b.took) - sum(a.took)).map(operationReport)
    const findings = [...this.#findings.values()].map(findingReport)
    const rank = (finding: SequenceFinding): number => (finding.tier === 'info' ? 1 : 0)
    findings.sort((a, b) => rank(a) - rank(b) || b.totalSavingMs - a.totalSavingMs)
    return { operations, findings }
  }
}

/** How often a lane calls what its first call is. */
const roundsOf = (spans: Spans, lane: readonly number[]): number =>
  lane.filter((row) => operationKey(spans, row) === operationKey(spans, lane[0] as number)).length

function callLabel(spans: Spans, row: number, times: number): string {
  const service = serviceOf(spans, row)
  const parentService = serviceOf(spans, spans.rows.parent[row] as number)
  const label = operationLabel(spans, row)
  const call = service !== '' && service !== parentService ? `${service}: ${label}` : label
  return times > 1 ? `${times} × ${call}` : call
}

function addPath(into: OperationState['path'], spans: Spans, own: ReadonlyMap<number, number>): void {
  for (const [row, ms] of own) {
    const key = operationKey(spans, row)
    const known = into.get(key)
    if (known) known.ms += ms
    else into.set(key, { service: serviceOf(spans, row), call: operationLabel(spans, row), ms })
  }
}

function operationReport(state: OperationState): OperationReport {
  const shares = (path: OperationState['path'], whole: number): PathShare[] =>
    [...path.values()]
      .sort((a, b) => b.ms - a.ms)
      .slice(0, pathShown)
      .map(({ service, call, ms }) => ({ service, call, ms: ms / state.took.length, share: whole > 0 ? ms / whole : 0 }))
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
  return {
    service: state.service,
    name: state.name,
    traces: state.took.length,
    took: quantiles(state.took),
    predicted: quantiles(state.predicted),
    atBest: quantiles(state.atBest),
    path: shares(state.path, sum(state.took)),
    pathAfter: shares(state.pathAfter, sum(state.predicted)),
  }
}

function quantiles(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0
  return { p50: at(0.5), p95: at(0.95) }
}

const tierOf: Readonly<Record<EvidenceKind, Tier>> = {
  overlap: 'proven',
  'equal-reads': 'likely',
  reads: 'likely',
  unknown: 'info',
}

function findingReport(state: FindingState): SequenceFinding {
  const { operation, sequence } = state
  const { p50, p95 } = quantiles(operation.took)
  const savingMs = state.savingMs / Math.max(1, state.traces)
  const rounds = state.rounds / Math.max(1, state.traces)
  const at = state.service === '' ? state.parent : `${state.service}: ${state.parent}`
  const common = {
    where: state.code === '' ? at : `${at}, ${state.code}`,
    saving: savingMs > 0 ? `${formatted(savingMs)} of ${formatted(p50)} at the median` : 'unknown',
    operation: operation.name,
    service: state.service,
    parent: state.parent,
    code: state.code,
    calls: state.calls,
    traces: state.traces,
    rounds,
    savingMs,
    totalSavingMs: state.savingMs,
    shareOfP50: p50 > 0 ? savingMs / p50 : 0,
    shareOfP95: p95 > 0 ? savingMs / p95 : 0,
  }
  const rule = sequence?.rule ?? 'gap'
  const id = createHash('sha256')
    .update([rule, state.service, operation.name, state.parent, ...state.calls].join('\0'))
    .digest('hex')
    .slice(0, 12)
  if (!sequence) {
    const ms = state.gapMs / state.traces
    return {
      ...common,
      id,
      rule,
      tier: 'info',
      evidence: 'none',
      message: `nothing was under way for ${formatted(ms)} inside ${state.parent}: its own computing, or waiting that has no span`,
      proof: [],
      question: 'What does this code do in that time?',
      remedy: 'a span around it says more; computing can go to a worker function',
    }
  }
  return {
    ...common,
    id,
    rule,
    tier: tierOf[sequence.evidence],
    evidence: sequence.evidence,
    ...wording(state, sequence, rounds),
  }
}

const formatted = (ms: number): string => (ms >= 100 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`)

function wording(
  state: FindingState,
  sequence: Sequence,
  rounds: number,
): Pick<SequenceFinding, 'message' | 'proof' | 'question' | 'remedy'> {
  const count = Number.isInteger(rounds) ? String(rounds) : `about ${rounds.toFixed(0)}`
  const [first = ''] = state.calls
  const body = state.calls.length > 1 ? `rounds of ${state.calls.join(', ')}` : `× ${first}`
  const message =
    sequence.rule === 'loop'
      ? `${count} ${body} one after the other`
      : `${state.calls.length} calls one after the other: ${state.calls.join(', ')}`
  return { message, proof: proofOf(sequence), question: questionOf(sequence), remedy: remedyOf(sequence) }
}

function proofOf({ evidence, ordered, against }: Sequence): string[] {
  const places = (count: number): string => (count === 1 ? '1 place' : `${count.toLocaleString('en')} places`)
  if (evidence === 'overlap')
    return [
      `in ${places(against)} of these traces the same calls overlapped, or came in another order; one after the other in ${places(ordered)}`,
    ]
  if (evidence === 'equal-reads') return ['each is the same read; none of them writes']
  if (evidence === 'reads') return ['each only reads, as its method says']
  return ['they write, or what they do is not known; that they ran one after the other proves nothing']
}

function questionOf({ rule, evidence, transaction }: Sequence): string | undefined {
  if (transaction) return 'They lie in one transaction, which has one connection: can one statement do it?'
  if (evidence === 'overlap') return undefined
  if (evidence === 'equal-reads') return 'Does a round need what the one before it gave?'
  if (evidence === 'reads') return 'Does a call need what the one before it gave?'
  return rule === 'loop'
    ? 'Does the other side mind the order of the rounds?'
    : 'Does the other side mind their order, and does one need what another gave?'
}

function remedyOf({ rule, transaction, keys }: Sequence): string {
  const database = keys.length === 1 && /^\d+:1:/.test(keys[0] ?? '')
  if (transaction) return 'one statement for all of them'
  if (rule === 'consecutive') return 'start them together: Promise.all, or all of heddle'
  return database
    ? 'one query for all rows (a join, or IN), else a bounded map'
    : 'a bounded map: await map(items, call, { concurrency: 10 })'
}
