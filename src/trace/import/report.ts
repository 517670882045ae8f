/** What traces of another system say: how long each operation takes and why, what ran one after the other without need, and what it would save. */
import { counted } from '../../base/counted.ts'
import { spanPath } from './analysis/critical-path.ts'
import { Evidence } from './analysis/evidence.ts'
import { type Forest, forestOf } from './analysis/forest.ts'
import { doings, nameOf, operationKey, operationLabel, serviceOf } from './analysis/operations.ts'
import { type Places, placesOf } from './analysis/places.ts'
import { joined, type Sequence, sequencesOf } from './analysis/sequences.ts'
import { WhatIf } from './analysis/what-if.ts'
import { Findings, quantiles, type SequenceFinding } from './findings.ts'
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
/** Savings are computed one by one for this many findings of a trace, the largest; the rest counts together. */
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

class Analysis {
  readonly #forest: Forest
  readonly #doing: Uint8Array
  readonly #evidence: Evidence
  readonly #whatIf: WhatIf
  readonly #operations = new Map<string, OperationState>()
  readonly #findings: Findings

  constructor(forest: Forest) {
    this.#forest = forest
    this.#doing = doings(forest)
    this.#evidence = new Evidence(forest)
    this.#whatIf = new WhatIf(forest)
    this.#findings = new Findings(forest)
  }

  add(root: number): void {
    const { start, end, spans } = this.#forest
    const took = (end[root] as number) - (start[root] as number)
    const operation = this.#operation(root)
    operation.took.push(took)
    const path = spanPath(this.#forest, root)
    addPath(operation.path, spans, path.own)
    const places = placesOf(this.#forest, root)
    if (places) return this.#placesIn(operation, root, took, places)
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
      this.#findings.sequence(operation, root, sequence, saving)
    }
  }

  /** A build: what its tasks need is known, so that nothing else is asked of their order. */
  #placesIn(operation: OperationState, root: number, took: number, places: Places): void {
    const saving = took - Math.min(places.enough > places.used ? places.enoughMs : places.longestFirstMs, took)
    const worth = saving >= Math.max(leastMs, leastShare * took)
    const predicted = worth ? took - saving : took
    operation.predicted.push(predicted)
    operation.atBest.push(Math.min(predicted, places.chainMs))
    const { spans, start, end } = this.#forest
    const chain = new Map(places.chain.map((row) => [row, (end[row] as number) - (start[row] as number)]))
    addPath(operation.pathAfter, spans, worth ? chain : spanPath(this.#forest, root).own)
    if (!worth) return
    const names = places.chain.map((row) => nameOf(spans, row))
    this.#findings.places(operation, root, places, saving, names)
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

  /** Long own time of a span that waits for others otherwise: code that no span shows. */
  #gapsOf(operation: OperationState, took: number, own: ReadonlyMap<number, number>): void {
    const { first } = this.#forest
    for (const [row, ms] of own) {
      if (ms < gapMs || ms < gapShare * took || first[row + 1] === first[row]) continue
      this.#findings.gap(operation, row, ms)
    }
  }

  report(): Pick<SpanReport, 'operations' | 'findings'> {
    const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
    const operations = [...this.#operations.values()].sort((a, b) => sum(b.took) - sum(a.took)).map(operationReport)
    return { operations, findings: this.#findings.report() }
  }
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
