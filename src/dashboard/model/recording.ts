/**
 * A trace that is finished or still grows, fed with the bytes of `trace/format/format.ts`, and the answers about it.
 *
 * While it grows, a newer state is looked at only when the last one has lived {@link lifePerCost} times as long as looking at it
 * has cost. So the page never takes more than a few hundredths of one core from the program that it watches, however large
 * the trace has become, and refreshes as often as that allows. Explanations cost most, so they have a state of their own,
 * which is replaced less often. `pace.ts` says what a program that needs every core is spared beyond that.
 */
import { TraceDecoder } from '../../trace/format/decode.ts'
import { encodeTrace, TraceEncoder } from '../../trace/format/encode.ts'
import { joined } from '../../trace/format/joined.ts'
import type { Trace } from '../../trace/model/trace.ts'
import type { CodeFrame, Question, ReportFormat, Tick } from '../protocol.ts'
import { GroupNumbers } from './group-numbers.ts'
import { lifeMinMs, Pace } from './pace.ts'
import type { Queries } from './query.ts'
import { TickCounts } from './tick-counts.ts'
import { TraceModel } from './trace-model.ts'

/** 1 / 40: each of the two states may take 2.5 % of a core. Chosen below the 3 % that a watched run may cost. */
const lifePerCost = 40
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
  readonly #pace: Pace
  #version = 0
  #live = true
  #shown: State | undefined
  #explained: State | undefined

  constructor(options: RecordingOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#pace = new Pace(this.#decoder, this.#counts, this.#now)
  }

  /** @throws {InvalidTrace} when the bytes are not a trace, or damaged */
  push(bytes: Uint8Array): void {
    this.#decoder.push(bytes)
    this.#version++
    this.#pace.update()
  }

  /** No more will come. @throws {InvalidTrace} when what came is not a trace */
  end(): void {
    if (!this.#live) return
    this.#decoder.trace()
    this.#live = false
    this.#version++
  }

  get live(): boolean {
    return this.#live
  }

  /** How long a page should rest between two refreshes. */
  get restMs(): number {
    return this.#live ? this.#pace.restMs : lifeMinMs
  }

  /** How often counts are sent while everything else rests. */
  get countsEveryMs(): number {
    return this.#pace.countsEveryMs
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
    if (explains)
      return (this.#explained = this.#refreshed(this.#explained, this.#pace.explanationMs(this.#explained?.since ?? 0)))
    return (this.#shown = this.#refreshed(this.#shown))
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

/** The trace as a file; one that has not ended stays readable as such. */
function traceBytes(trace: Trace): Uint8Array {
  if (trace.meta.complete) return encodeTrace(trace)
  const encoder = new TraceEncoder()
  return joined([...encoder.begin(trace.meta), ...encoder.next(trace)])
}
