/**
 * A trace that is finished or still grows, fed with the bytes of `trace/format.ts`, and the answers about it.
 *
 * While it grows, a newer state is looked at only when the last one has lived {@link lifePerCost} times as long as looking at it
 * has cost. So the page never takes more than a few hundredths of one core from the program that it watches, however large
 * the trace has become, and refreshes as often as that allows. Explanations cost most, so they have a state of their own,
 * which is replaced less often.
 */
import { TraceDecoder } from '../../trace/decode.ts'
import { encodeTrace, TraceEncoder } from '../../trace/encode.ts'
import { joined } from '../../trace/joined.ts'
import type { Trace } from '../../trace/model.ts'
import type { CodeFrame, Counts, Question, ReportFormat, Tick } from '../protocol.ts'
import { GroupNumbers } from './group-numbers.ts'
import type { Queries } from './query.ts'
import { TickCounts } from './tick-counts.ts'
import { TraceModel } from './trace-model.ts'

/** 1 / 40: each of the two states may take 2.5 % of a core. Chosen below the 3 % that a watched run may cost. */
const lifePerCost = 40
/** No page shows more states a second. */
const lifeMinMs = 100
/** A browser needs a core of its own for a page that refreshes all the time: with less than this free, it takes from the program. */
const freeCores = 0.9
/**
 * How many milliseconds a core is given between two refreshes when none is free. One costs 300 to 500 ms of processor time, as measured by the bench
 * `dashboard`: the answers a third of it, compiling what computes them (V8 does that on threads of its own) more than half, the page the rest.
 * That shall be about 2 % of all cores.
 */
const busyRestMs = 20_000
/**
 * Counts come more often, at least every second where there are cores enough. One costs about 18 ms, nearly all of it the browser's painting two
 * words and a bar without a graphics card; as many milliseconds a core as stand here between two of them make that less than 1 %.
 */
const [countsMs, busyCountsMs] = [1_000, 4_000]
/** A run that will go on for long is looked at after this, too: what it began with says little, and the price is small against what is to come. */
const earlyLookMs = 2_000
/** How many rests a run must still have before it for that. */
const longRunRests = 2
/** Explanations are more than half of that, and of a run that goes on they change slowly: they come with every second refresh. */
const restsPerExplanation = 2

export type Answers = { readonly [Q in Exclude<Question, 'export'>]: ReturnType<TraceModel[Q]> }

export interface RecordingOptions {
  /** Milliseconds on a clock that only goes forward. @default performance.now */
  readonly now?: () => number
  readonly frameOf?: ((stack: string) => CodeFrame | undefined) | undefined
  /** Writes what `heddle` and `html` are not. @throws for formats that cannot be given here */
  readonly write: (trace: Trace, format: Exclude<ReportFormat, 'heddle' | 'html'>) => Iterable<string>
  /** The report that opens offline, around the bytes of the trace. */
  readonly report?: ((trace: Uint8Array) => Promise<Uint8Array>) | undefined
}

/** A state of the trace, and what looking at it has cost. */
interface State {
  readonly model: TraceModel
  readonly since: number
  costMs: number
}

export class Recording {
  readonly #options: RecordingOptions
  readonly #now: () => number
  readonly #decoder = new TraceDecoder()
  readonly #groups = new GroupNumbers()
  readonly #counts = new TickCounts(this.#decoder)
  #version = 0
  #live = true
  /** Since when the program has needed every core, on the clock here and on that of the trace, and how many tasks had settled then. */
  #busy: { readonly since: number; readonly nowMs: number; readonly settled: number } | undefined
  #shown: State | undefined
  #explained: State | undefined

  constructor(options: RecordingOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** @throws {InvalidTrace} when the bytes are no trace, or damaged */
  push(bytes: Uint8Array): void {
    this.#decoder.push(bytes)
    this.#version++
    if (!this.#isBusy) this.#busy = undefined
    else this.#busy ??= { since: this.#now(), nowMs: this.#decoder.now, settled: settledOf(this.#counts.update()) }
  }

  /** No more will come. @throws {InvalidTrace} when what came is no trace */
  end(): void {
    if (!this.#live) return
    this.#decoder.trace()
    this.#live = false
    this.#version++
  }

  get live(): boolean {
    return this.#live
  }

  /** How long a page should rest between two refreshes; long where the program needs every core. */
  get restMs(): number {
    if (!this.#busy || !this.#live) return lifeMinMs
    // Never met again after the early look, until it is as long as the others.
    const early = this.#isLong ? Math.max(earlyLookMs, this.#now() - this.#busy.since) : Number.POSITIVE_INFINITY
    return Math.min(early, this.#busyRestMs)
  }

  /** How often counts are told while everything else rests. */
  get countsEveryMs(): number {
    return Math.max(countsMs, busyCountsMs / this.#decoder.cores)
  }

  get #busyRestMs(): number {
    return Math.max(lifeMinMs, busyRestMs / this.#decoder.cores)
  }

  /** Whether much is still to come, as far as that is known and at the pace since the program has been busy. */
  get #isLong(): boolean {
    if (!this.#busy) return false
    const counts = this.#counts.update()
    const perTask = (this.#decoder.now - this.#busy.nowMs) / (settledOf(counts) - this.#busy.settled)
    return (counts.waiting + counts.ready) * perTask > longRunRests * this.#busyRestMs
  }

  /** Less than a core is free. */
  get #isBusy(): boolean {
    const { cores, tables } = this.#decoder
    const { samples } = tables
    const used = samples.columns.cores[samples.count - 1] ?? 0
    return cores - used < freeCores
  }

  /** Whether enough has come for answers. */
  get begun(): boolean {
    return this.#decoder.begun
  }

  get version(): number {
    return this.#version
  }

  /** Whether the finished recording has been explained, which is its last change. */
  get explained(): boolean {
    return !this.#live && this.#explained?.model.explained === true
  }

  tick(): Tick {
    return { version: this.#version, nowMs: this.#decoder.now, live: this.#live, counts: this.#counts.update() }
  }

  answer<Q extends Exclude<Question, 'export'>>(question: Q, query: Queries[Q]): Answers[Q] {
    const state = this.#state(question === 'explanation' || question === 'path')
    const before = this.#now()
    // Question and query go together; the compiler cannot follow that through a lookup.
    const answer = (state.model[question] as (this: TraceModel, query: Queries[Q]) => Answers[Q]).call(state.model, query)
    state.costMs += this.#now() - before
    return answer
  }

  /** Explains the finished trace, so that windows and graphs mark its critical path; false when that had been done. */
  explain(): boolean {
    if (this.#live || this.explained) return false
    const { model } = this.#state(true)
    model.explanation({})
    model.version = ++this.#version
    return true
  }

  async export(format: ReportFormat): Promise<Uint8Array> {
    const trace = this.#decoder.trace()
    if (format === 'heddle') return traceBytes(trace)
    if (format === 'html') {
      if (!this.#options.report) throw new Error('A report is written by heddle, not by a report')
      return this.#options.report(traceBytes(trace))
    }
    const encoder = new TextEncoder()
    return joined(Array.from(this.#options.write(trace, format), (piece) => encoder.encode(piece)))
  }

  /** The state to answer from. Once the trace is finished there is one for everything. */
  #state(explains: boolean): State {
    if (!this.#live) return (this.#shown = this.#explained = this.#refreshed(this.#shown))
    if (explains) return (this.#explained = this.#refreshed(this.#explained, this.#explanationLifeMs))
    return (this.#shown = this.#refreshed(this.#shown))
  }

  get #explanationLifeMs(): number {
    if (!this.#busy) return lifeMinMs
    const early = this.#isLong && (this.#explained?.since ?? 0) < this.#busy.since + earlyLookMs
    return early ? this.restMs : restsPerExplanation * this.#busyRestMs
  }

  #refreshed(state: State | undefined, leastMs = lifeMinMs): State {
    const now = this.#now()
    if (state?.model.version === this.#version) return state
    if (state && this.#live && now - state.since < Math.max(leastMs, lifePerCost * state.costMs)) return state
    const model = new TraceModel(this.#decoder.trace(), {
      version: this.#version,
      live: this.#live,
      groups: this.#groups,
      frameOf: this.#options.frameOf,
    })
    return { model, since: now, costMs: this.#now() - now }
  }
}

function settledOf({ done, failed, cancelled }: Counts): number {
  return done + failed + cancelled
}

/** The trace as a file; one that has not ended stays readable as such. */
function traceBytes(trace: Trace): Uint8Array {
  if (trace.meta.complete) return encodeTrace(trace)
  const encoder = new TraceEncoder()
  return joined([...encoder.begin(trace.meta), ...encoder.next(trace)])
}
