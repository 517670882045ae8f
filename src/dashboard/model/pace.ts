/**
 * How often a growing recording is looked at, so that looking takes next to nothing from a program that needs every core: a refresh costs the
 * machine the same however many cores it has, so the fewer there are, the longer the rests.
 */
import type { TraceDecoder } from '../../trace/format/decode.ts'
import type { Counts } from '../protocol.ts'
import type { TickCounts } from './tick-counts.ts'

/** No page shows more states a second. */
export const lifeMinMs = 100
/** A browser needs a core of its own for a page that refreshes all the time: with less than this free, it takes from the program. */
const freeCores = 0.9
/**
 * How many milliseconds a core is given between two refreshes when none is free. One costs 300 to 500 ms of processor time, as measured by the bench
 * `dashboard`: the answers a third of it, compiling what computes them (V8 does that on threads of its own) more than half, the page the rest.
 * That is about 2 % of all cores.
 */
const busyRestMs = 20_000
/**
 * Explanations are more than half of that, and of a run that goes on they change slowly: they come with every second refresh. Of a run that will
 * have ended within a rest they are better asked when it has, which costs it nothing; what comes after it may go on, so that is put off once only.
 */
const [restsPerExplanation, restsPerPutOffExplanation] = [2, 3]
/**
 * A run that will go on for longer than a rest is looked at after this, too: what was to be seen before it says little. One that goes on for many
 * is explained then.
 */
const earlyLookMs = 2_000
const restsForEarlyExplanation = 4
/** A refresh is put off by this part of a rest where all will have ended by then. */
const putOff = 1 / 4
/**
 * Counts come every second. One costs about 18 ms, nearly all of it the browser's painting two words and a bar without a graphics card: less than
 * 1 % of two cores.
 */
const countsMs = 1_000

export class Pace {
  readonly #decoder: TraceDecoder
  readonly #counts: TickCounts
  readonly #now: () => number
  /** Since when the program has needed every core, on the clock here and on that of the trace, and how many tasks had settled then. */
  #busy: { readonly since: number; readonly nowMs: number; readonly settled: number } | undefined

  constructor(decoder: TraceDecoder, counts: TickCounts, now: () => number) {
    this.#decoder = decoder
    this.#counts = counts
    this.#now = now
  }

  /** More of the recording has come. */
  update(): void {
    const { cores, now, tables } = this.#decoder
    const { samples } = tables
    const used = samples.columns.cores[samples.count - 1] ?? 0
    if (cores - used >= freeCores) this.#busy = undefined
    else this.#busy ??= { since: this.#now(), nowMs: now, settled: settledOf(this.#counts.update()) }
  }

  /** How long a page should rest between two refreshes; long where the program needs every core. */
  get restMs(): number {
    if (!this.#busy) return lifeMinMs
    const rest = this.#busyRestMs
    const left = this.#leftMs
    if (left === undefined) return rest
    // Never met again after the early look, until it is as long as the others.
    if (left > rest) return Math.min(Math.max(earlyLookMs, this.#now() - this.#busy.since), rest)
    return left < putOff * rest ? (1 + putOff) * rest : rest
  }

  /** How long an explanation from that moment should live. */
  explanationMs(since: number): number {
    if (!this.#busy) return lifeMinMs
    const rest = this.#busyRestMs
    const left = this.#leftMs
    if (left !== undefined && left < rest) return restsPerPutOffExplanation * rest
    if (left === undefined || since >= this.#busy.since + earlyLookMs) return restsPerExplanation * rest
    return left > restsForEarlyExplanation * rest ? this.restMs : rest
  }

  /** How often counts are sent while everything else rests. */
  get countsEveryMs(): number {
    return countsMs
  }

  get #busyRestMs(): number {
    return Math.max(lifeMinMs, busyRestMs / this.#decoder.cores)
  }

  /** How long the work that is known to come will take at the pace since the program has been busy; undefined where none is known. */
  get #leftMs(): number | undefined {
    if (!this.#busy) return undefined
    const counts = this.#counts.update()
    const settled = settledOf(counts) - this.#busy.settled
    const known = counts.waiting + counts.ready
    return settled > 0 && known > 0 ? (known * (this.#decoder.now - this.#busy.nowMs)) / settled : undefined
  }
}

function settledOf({ done, failed, cancelled }: Counts): number {
  return done + failed + cancelled
}
