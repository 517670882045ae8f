/** What is found in traces of another system, each in all traces in which it happens. */
import { createHash } from 'node:crypto'
import type { Finding, Tier } from '../../findings/finding.ts'
import type { Forest } from './analysis/forest.ts'
import { codeOf, nameOf, operationKey, operationLabel, serviceOf } from './analysis/operations.ts'
import type { Places } from './analysis/places.ts'
import type { EvidenceKind, Sequence, SequenceRule } from './analysis/sequences.ts'
import type { Spans } from './spans/spans.ts'
import { formattedMs, gapWording, placesWording, sequenceWording, type Wording } from './wording.ts'

/** Calls that ran one after the other, in all traces in which they did. */
export interface SequenceFinding extends Finding {
  /** The same in every set of traces of the same program. */
  readonly id: string
  /** `places`: tasks waited for a free place, though what they need was done. `gap`: time in which no span was under way. */
  readonly rule: SequenceRule | 'places' | 'gap'
  /** `needs`: the runner says what each task needs. */
  readonly evidence: EvidenceKind | 'needs' | 'none'
  readonly operation: string
  /** The span inside which it happens. */
  readonly service: string
  readonly parent: string
  /** File, line and function, where a span names them. */
  readonly code: string
  readonly calls: readonly string[]
  /** Traces of the operation in which it happens. */
  readonly traces: number
  /** The id of the one in which it costs most. */
  readonly traceId: string
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

/** The operation in which something is found. */
interface Within {
  readonly service: string
  readonly name: string
  /** Milliseconds of each of its traces. */
  readonly took: readonly number[]
}

interface FindingState {
  readonly operation: Within
  readonly rule: SequenceFinding['rule']
  readonly evidence: SequenceFinding['evidence']
  readonly service: string
  readonly parent: string
  readonly code: string
  readonly calls: readonly string[]
  /** Of averages over the traces in which it happens. */
  readonly words: (state: FindingState, rounds: number, savingMs: number) => Wording
  traces: number
  traceId: string
  /** What it costs in that trace. */
  costMs: number
  rounds: number
  savingMs: number
  /** Own time, of a gap. */
  gapMs: number
}

export class Findings {
  readonly #forest: Forest
  readonly #states = new Map<string, FindingState>()

  constructor(forest: Forest) {
    this.#forest = forest
  }

  /** @param savingMs in the trace of `root` */
  sequence(operation: Within, root: number, sequence: Sequence, savingMs: number): void {
    const { spans } = this.#forest
    const { parent, lanes } = sequence.group
    const loop = sequence.rule === 'loop'
    const members = loop ? (lanes[0] ?? []) : lanes.map((lane) => lane[0] as number)
    const calls = members.map((row, i) => callLabel(spans, row, loop ? 1 : roundsOf(spans, lanes[i] ?? [])))
    const words: FindingState['words'] = (one, rounds) => sequenceWording(sequence, one.calls, rounds)
    const key = sequence.keys.join(' ')
    const state = this.#state(operation, parent, sequence.rule, sequence.evidence, key, calls, words, members)
    this.#happens(state, root, savingMs)
    state.rounds += lanes.length
    state.savingMs += savingMs
  }

  /** @param chain names of the tasks of the longest chain */
  places(operation: Within, root: number, places: Places, savingMs: number, chain: readonly string[]): void {
    const state = this.#state(operation, root, 'places', 'needs', '', [], () => placesWording(places, savingMs, chain))
    this.#happens(state, root, savingMs)
    state.savingMs += savingMs
  }

  gap(operation: Within, row: number, ms: number): void {
    const state = this.#state(operation, row, 'gap', 'none', '', [], ({ parent, gapMs, traces }) =>
      gapWording(parent, gapMs / traces),
    )
    this.#happens(state, row, ms)
    state.gapMs += ms
  }

  /** What saves most in sum first; `info` last. */
  report(): SequenceFinding[] {
    const findings = [...this.#states.values()].map(findingReport)
    const rank = (finding: SequenceFinding): number => (finding.tier === 'info' ? 1 : 0)
    return findings.sort((a, b) => rank(a) - rank(b) || b.totalSavingMs - a.totalSavingMs)
  }

  #happens(state: FindingState, row: number, costMs: number): void {
    state.traces++
    if (costMs <= state.costMs) return
    state.costMs = costMs
    const { spans } = this.#forest
    state.traceId = spans.traceIds[spans.rows.trace[row] as number] ?? ''
  }

  /** @param key what tells it from others of the same rule inside the same span */
  #state(
    operation: Within,
    parent: number,
    rule: FindingState['rule'],
    evidence: FindingState['evidence'],
    key: string,
    calls: readonly string[],
    words: FindingState['words'],
    members: readonly number[] = [],
  ): FindingState {
    const { spans } = this.#forest
    const full = `${operation.service} ${operation.name} ${rule} ${operationKey(spans, parent)} ${key}`
    let state = this.#states.get(full)
    if (!state) {
      state = {
        operation,
        rule,
        evidence,
        service: serviceOf(spans, parent),
        parent: nameOf(spans, parent),
        code: [parent, ...members].map((row) => codeOf(spans, row)).find((code) => code !== '') ?? '',
        calls,
        words,
        traces: 0,
        traceId: '',
        costMs: 0,
        rounds: 0,
        savingMs: 0,
        gapMs: 0,
      }
      this.#states.set(full, state)
    }
    return state
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

/** Nearest-rank. */
export function quantiles(values: readonly number[]): { p50: number; p95: number } {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0
  return { p50: at(0.5), p95: at(0.95) }
}

const tierOf: Readonly<Record<SequenceFinding['evidence'], Tier>> = {
  overlap: 'proven',
  needs: 'likely',
  'equal-reads': 'likely',
  reads: 'likely',
  unknown: 'info',
  none: 'info',
}

function findingReport(state: FindingState): SequenceFinding {
  const { operation, rule, evidence, service, parent, code, calls, traces, traceId } = state
  const { p50, p95 } = quantiles(operation.took)
  const savingMs = state.savingMs / Math.max(1, traces)
  const rounds = state.rounds / Math.max(1, traces)
  const at = service === '' ? parent : `${service}: ${parent}`
  const id = createHash('sha256')
    .update([rule, service, operation.name, parent, ...calls].join('\0'))
    .digest('hex')
    .slice(0, 12)
  return {
    id,
    rule,
    tier: tierOf[evidence],
    evidence,
    where: code === '' ? at : `${at}, ${code}`,
    saving: savingMs > 0 ? `${formattedMs(savingMs)} of ${formattedMs(p50)} at the median` : 'unknown',
    operation: operation.name,
    service,
    parent,
    code,
    calls,
    traces,
    traceId,
    rounds,
    savingMs,
    totalSavingMs: state.savingMs,
    shareOfP50: p50 > 0 ? savingMs / p50 : 0,
    shareOfP95: p95 > 0 ? savingMs / p95 : 0,
    ...state.words(state, rounds, savingMs),
  }
}
