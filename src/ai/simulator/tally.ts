/** The figures of a simulated account, for reports: the other side's view of a load test. */
import type { Refusal, Usage } from './wire.ts'

/** The figures of a simulator so far. */
export interface SimulatorStats {
  /** Requests that reached a model. */
  readonly requests: number
  /** Answered in full. */
  readonly answered: number
  /** Broken off: by a fault, or because the caller went away. */
  readonly broken: number
  /** Refused, by cause. */
  readonly refused: Readonly<Record<Refusal['kind'], number>>
  readonly inputTokens: number
  readonly cachedTokens: number
  readonly outputTokens: number
  /** Most requests under way at once. */
  readonly peak: number
  /** Requests under way now. */
  readonly running: number
  /** The least simulated time in which the buckets could have let all that through; latency comes on top. */
  readonly idealMs: number
}

export class Tally {
  running = 0
  #peak = 0
  #answered = 0
  #broken = 0
  #input = 0
  #cached = 0
  #output = 0
  readonly #refused: Record<Refusal['kind'], number> = {
    requests: 0,
    tokens: 0,
    'too-large': 0,
    quota: 0,
    overloaded: 0,
    'server-error': 0,
    bad: 0,
    foreign: 0,
    'unknown-model': 0,
    key: 0,
    route: 0,
  }

  start(): void {
    this.#peak = Math.max(this.#peak, ++this.running)
  }

  end(usage: Usage, whole: boolean): void {
    this.running--
    if (whole) this.#answered++
    else this.#broken++
    this.#input += usage.input
    this.#cached += usage.cached
    this.#output += usage.output
  }

  refuse(kind: Refusal['kind']): void {
    this.#refused[kind]++
  }

  stats(idealMs: number): SimulatorStats {
    const refused = Object.values(this.#refused).reduce((sum, count) => sum + count, 0)
    return {
      requests: this.#answered + this.#broken + this.running + refused,
      answered: this.#answered,
      broken: this.#broken,
      refused: { ...this.#refused },
      inputTokens: this.#input,
      cachedTokens: this.#cached,
      outputTokens: this.#output,
      peak: this.#peak,
      running: this.running,
      idealMs,
    }
  }
}

/** The sum over all models of a simulator; `idealMs` and `peak` are the largest. */
export function addStats(a: SimulatorStats, b: SimulatorStats): SimulatorStats {
  const refused = Object.fromEntries(
    Object.entries(a.refused).map(([kind, count]) => [kind, count + b.refused[kind as Refusal['kind']]]),
  ) as SimulatorStats['refused']
  return {
    requests: a.requests + b.requests,
    answered: a.answered + b.answered,
    broken: a.broken + b.broken,
    refused,
    inputTokens: a.inputTokens + b.inputTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    peak: Math.max(a.peak, b.peak),
    running: a.running + b.running,
    idealMs: Math.max(a.idealMs, b.idealMs),
  }
}
