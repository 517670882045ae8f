/**
 * How often a growing recording is looked at, so that looking takes next to nothing from a program that needs every core: a refresh costs the
 * machine the same however many cores it has, so the fewer there are, the longer the rests.
 */
import type { TraceDecoder } from '../../trace/decode.ts'
import type { Counts } from '../protocol.ts'
import type { TickCounts } from './tick-counts.ts'

/** No page shows more states a second. */
export const lifeMinMs = 100
/** A browser needs a core of its own for a page that refreshes all the time: with less than this free, it takes from the program. */
const freeCores = 0.9
/**
 * How many milliseconds a core is given between two refreshes when none is free. One costs 300 to 500 ms of processor time, as measured by the bench
 * `dashboard`: the answers a third of it, compiling what computes them (V8 does that on threads of its own) more than half, the page the rest.
 * That shall be about 2 % of all cores.
 */
const busyRestMs = 20_000
/** Explanations are more than half of that, and of a run that goes on they change slowly: they come with every second refresh. */
const restsPerExplanation = 2
/** A run that will go on for long is looked at after this, too: what it began with says little, and the price is small against what is to come. */
const earlyLookMs = 2_000
/** How many rests a run must still have before it for that. */
const longRunRests = 2
/**
 * Counts come more often, at least every second where there are cores enough. One costs about 18 ms, nearly all of it the browser's painting two
 * words and a bar without a graphics card; as many milliseconds a core as stand here between two of them make that less than 1 %.
 */
const [countsMs, busyCountsMs] = [1_000, 4_000]

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
    // Never met again after the early look, until it is as long as the others.
    const early = this.#isLong ? Math.max(earlyLookMs, this.#now() - this.#busy.since) : Number.POSITIVE_INFINITY
    return Math.min(early, this.#busyRestMs)
  }

  /** How long an explanation from that moment should live. */
  explanationMs(since: number): number {
    if (!this.#busy) return lifeMinMs
    const early = this.#isLong && since < this.#busy.since + earlyLookMs
    return early ? this.restMs : restsPerExplanation * this.#busyRestMs
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
}

function settledOf({ done, failed, cancelled }: Counts): number {
  return done + failed + cancelled
}
